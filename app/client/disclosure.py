"""Two people for one look: asking, approving, refusing, reading, reopening."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from app.client.http import Http, Json, address

__all__ = ["Disclosures"]


class Disclosures:
    """Asks of guardians and their answers by auditors."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def ask(
        self,
        study: UUID,
        record: UUID | str,
        *,
        scope: str,
        fields: Sequence[str],
        reason: str,
        purpose: str = "read",
    ) -> UUID:
        """Ask to see named fields of ``identity`` or ``source``, to reopen the source, or for marked texts."""
        body = {"record": str(record), "scope": scope, "fields": list(fields), "reason": reason, "purpose": purpose}
        return UUID(self._http.post(address("studies", study, "asks"), body)["ask"])

    def asks(self, study: UUID) -> list[Json]:
        """The study's asks for auditors, one's own for guardians."""
        return list(self._http.get(address("studies", study, "asks"))["asks"])

    def read_ask(self, study: UUID, ask: UUID | str) -> Json:
        """One ask, with the digest that an approval must name."""
        return self._http.get(address("studies", study, "asks", ask))

    def approve(self, study: UUID, ask: UUID | str, *, digest: str) -> Json:
        """Hand the auditors' half over for 60 minutes. Asks for a fresh second factor."""
        return self._http.post(address("studies", study, "asks", ask, "approval"), {"digest": digest})

    def refuse(self, study: UUID, ask: UUID | str, reason: str) -> None:
        """Refuse, with a reason for whoever asked."""
        self._http.post(address("studies", study, "asks", ask, "refusal"), {"reason": reason})

    def read(self, study: UUID, ask: UUID | str) -> Json:
        """The named fields, for whoever asked, until the hour is over."""
        return dict(self._http.get(address("studies", study, "asks", ask, "disclosure"))["values"])

    def marked(self, study: UUID, ask: UUID | str) -> Json:
        """Texts with the spans that people decided, for whoever asked to train, until the hour is over."""
        return dict(self._http.get(address("studies", study, "asks", ask, "marked"))["texts"])

    def reopen(self, study: UUID, ask: UUID | str) -> None:
        """Give the source back to the redaction team."""
        self._http.post(address("studies", study, "asks", ask, "reopening"))
