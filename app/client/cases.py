"""Protecting people: the protection compartment, withdrawal, erasure, holds."""

from __future__ import annotations

from uuid import UUID

from app.client.http import Http, Json, address

__all__ = ["Cases"]


class Cases:
    """What guardians and leads do with cases."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def protection_list(self, study: UUID) -> list[Json]:
        """Every record of the study, those that wait for triage first."""
        return list(self._http.get(address("studies", study, "protection"))["records"])

    def protection(self, study: UUID, record: UUID | str) -> Json:
        """The protection compartment of a record."""
        return self._http.get(address("studies", study, "protection", record))

    def triage(
        self, study: UUID, record: UUID | str, *, version: int, outcome: str, hidden: bool, note: str = ""
    ) -> None:
        """Decide about a threat, and whether research may see the case."""
        body = {"version": version, "outcome": outcome, "hidden": hidden, "note": note}
        self._http.put(address("studies", study, "protection", record, "triage"), body)

    def withdraw(self, study: UUID, code: str) -> None:
        """Freeze every record of a case at once."""
        self._http.post(address("studies", study, "cases", code, "withdrawal"))

    def erase(self, study: UUID, code: str, *, preference: str | None = None) -> Json:
        """Ask for, or agree to, an erasure; ``done`` says whether both agreed. Asks for a fresh second factor."""
        body = {} if preference is None else {"preference": preference}
        return self._http.post(address("studies", study, "cases", code, "erasure"), body)

    def thaw(self, study: UUID, code: str) -> Json:
        """Ask for, or agree to, thawing a case. Asks for a fresh second factor."""
        return self._http.post(address("studies", study, "cases", code, "thaw"))

    def hold(self, study: UUID, code: str) -> None:
        """Stop the erasure of a case. Asks for a fresh second factor."""
        self._http.put(address("studies", study, "cases", code, "hold"))

    def lift(self, study: UUID, code: str) -> None:
        """Let the erasure go on. Asks for a fresh second factor."""
        self._http.delete(address("studies", study, "cases", code, "hold"))
