"""Reading releases, reporting passages, drawn samples."""

from __future__ import annotations

from uuid import UUID

from app.client.http import Http, Json, address

__all__ = ["Research"]


class Research:
    """What researchers, leads and approvers read; for auditors drawn samples."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def releases(self, study: UUID) -> list[Json]:
        """The releases one may read."""
        return list(self._http.get(address("studies", study, "releases"))["releases"])

    def release(self, study: UUID, record: UUID | str) -> Json:
        """One release."""
        return self._http.get(address("studies", study, "releases", record))

    def file(
        self, study: UUID, record: UUID | str, file: UUID | str, *, start: int = 0, end: int | None = None
    ) -> bytes:
        """The content of a clean copy that belongs to a release, or a part of it."""
        path = address("studies", study, "releases", record, "files", file)
        return self._http.content(path, start=start, end=end)

    def report(self, study: UUID, record: UUID | str, *, field: str, start: int, end: int, reason: str) -> None:
        """Report a passage that may identify somebody: nobody but approvers reads the release until it is settled."""
        body = {"field": field, "start": start, "end": end, "reason": reason}
        self._http.post(address("studies", study, "releases", record, "reports"), body)

    def reports(self, study: UUID, record: UUID | str) -> list[Json]:
        """The reports of a release."""
        return list(self._http.get(address("studies", study, "releases", record, "reports"))["reports"])

    def draw_sample(self, study: UUID, record: UUID | str) -> None:
        """Give the auditors one release to check, for 14 days."""
        self._http.post(address("studies", study, "samples", record))

    def sample(self, study: UUID, record: UUID | str) -> Json:
        """A drawn sample, for auditors."""
        return self._http.get(address("studies", study, "samples", record))

    def sampled_file(self, study: UUID, record: UUID | str, file: UUID | str) -> bytes:
        """The content of a clean copy that belongs to a drawn sample."""
        return self._http.content(address("studies", study, "samples", record, "files", file))
