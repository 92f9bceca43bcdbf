"""A redactor's and an approver's work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from app.client.http import Http, Json, address

__all__ = ["Review"]


class Review:
    """The queue, drafts, releases in the making."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def queue(self, study: UUID) -> list[Json]:
        """What waits."""
        return list(self._http.get(address("studies", study, "queue"))["records"])

    def take(self, study: UUID) -> Json:
        """Take the next record; Problem 404 when nothing waits."""
        return self._http.post(address("studies", study, "queue", "next"))

    def source(self, study: UUID, record: UUID | str) -> Json:
        """The source as it came in, and the newest draft with its spans."""
        return self._http.get(address("studies", study, "records", record, "source"))

    def edit(self, study: UUID, record: UUID | str, *, version: int, texts: Mapping[str, Sequence[Json]]) -> Json:
        """Decide spans: offsets in code points."""
        body = {"version": version, "texts": {name: list(spans) for name, spans in texts.items()}}
        return self._http.put(address("studies", study, "records", record, "draft"), body)

    def finish(self, study: UUID, record: UUID | str, *, version: int) -> str:
        """Hand the draft to the approvers; its digest."""
        answer = self._http.post(address("studies", study, "records", record, "draft", "finish"), {"version": version})
        return str(answer["digest"])

    def send_back(self, study: UUID, record: UUID | str, comment: str) -> None:
        """Send a finished draft back with a comment."""
        self._http.post(address("studies", study, "records", record, "draft", "return"), {"comment": comment})

    def draft_again(self, study: UUID, record: UUID | str) -> None:
        """Ask the worker for a fresh draft."""
        self._http.post(address("studies", study, "records", record, "draft", "again"))

    def preview(self, study: UUID, record: UUID | str, *, renaming: Mapping[str, str] | None = None) -> Json:
        """What would be released, and the digest that a release must name."""
        body = {"renaming": dict(renaming or {})}
        return self._http.post(address("studies", study, "records", record, "draft", "preview"), body)

    def files(self, study: UUID, record: UUID | str) -> list[Json]:
        """The attachments of a record one works on."""
        return list(self._http.get(address("studies", study, "records", record, "files"))["files"])

    def read_file(self, study: UUID, record: UUID | str, file: UUID | str) -> bytes:
        """The content of an attachment, or of a clean copy that waits for a decision."""
        return self._http.content(address("studies", study, "records", record, "files", file))

    def make_copy(self, study: UUID, record: UUID | str, file: UUID | str) -> UUID:
        """Make the clean copy of an attachment, in the place of an earlier one; its id."""
        return UUID(self._http.post(address("studies", study, "records", record, "files", file, "copy"))["id"])

    def copies(self, study: UUID, record: UUID | str) -> list[Json]:
        """The clean copies that wait for a decision."""
        return list(self._http.get(address("studies", study, "records", record, "copies"))["copies"])

    def release(
        self,
        study: UUID,
        record: UUID | str,
        *,
        digest: str,
        renaming: Mapping[str, str] | None = None,
        doubts: int = 0,
        copies: Sequence[UUID | str] = (),
        recordings: int = 0,
    ) -> int:
        """Release exactly what the digest names; the release's number. Asks for a fresh second factor.

        ``doubts`` is how many doubtful passages of the preview the approver looked at and lets stay; ``copies`` are the
        clean copies that go along, and ``recordings`` how many of them may be heard.
        """
        chosen = {"copies": [str(copy) for copy in copies], "recordings": recordings}
        body = {"digest": digest, "renaming": dict(renaming or {}), "doubts": doubts, **chosen}
        return int(self._http.post(address("studies", study, "records", record, "release"), body)["version"])

    def cut(
        self,
        study: UUID,
        record: UUID | str,
        *,
        digest: str,
        cuts: Mapping[str, Sequence[Sequence[int]]] | None = None,
        drop: Sequence[str] = (),
        reports: Sequence[UUID | str] = (),
        files: Sequence[UUID | str] = (),
    ) -> int:
        """Cut a release by removal only, answering its open reports; the next number. Needs a fresh second factor."""
        body: dict[str, Any] = {
            "digest": digest,
            "cuts": {name: [list(pair) for pair in pairs] for name, pairs in (cuts or {}).items()},
            "drop": list(drop),
            "reports": [str(report) for report in reports],
            "files": [str(file) for file in files],
        }
        return int(self._http.post(address("studies", study, "records", record, "release", "cut"), body)["version"])
