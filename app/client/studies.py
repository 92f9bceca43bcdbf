"""Studies, their people and their questionnaires."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from app.client.http import Http, Json, address

__all__ = ["Studies"]


class Studies:
    """Creating, admitting, confirming, removing, moving grants, questionnaires."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def create(
        self,
        name: str,
        *,
        lead: UUID | str,
        fingerprint: str,
        policy: Mapping[str, Any] | None = None,
        demo: bool = False,
    ) -> UUID:
        """Create a study led by one person, named with the fingerprint (hex) of their key."""
        body = {"name": name, "lead": str(lead), "fingerprint": fingerprint, "policy": dict(policy or {}), "demo": demo}
        return UUID(self._http.post("/v1/studies", body)["study"])

    def listed(self) -> list[Json]:
        """The studies one belongs to."""
        return list(self._http.get("/v1/studies")["studies"])

    def read(self, study: UUID) -> Json:
        """One study with members and teams."""
        return self._http.get(address("studies", study))

    def candidate(self, study: UUID, name: str) -> Json:
        """The person of this name, for a lead who admits."""
        return self._http.get(address("studies", study, "candidates"), name=name)

    def admit(
        self, study: UUID, user: UUID | str, *, roles: Iterable[str], fingerprint: str, expires: str | None = None
    ) -> None:
        """Put a person on the roster, by the fingerprint that was read aloud; ``expires`` is RFC 3339."""
        body = {"roles": sorted(roles), "fingerprint": fingerprint, "expires": expires}
        self._http.put(address("studies", study, "members", user), body)

    def confirm(self, study: UUID, user: UUID | str, *, fingerprint: str) -> int:
        """Hand one's teams' keys over to an admitted person; how many boxes were made."""
        answer = self._http.post(
            address("studies", study, "members", user, "confirmation"), {"fingerprint": fingerprint}
        )
        return int(answer["boxes"])

    def remove(self, study: UUID, user: UUID | str) -> None:
        """Take a person off the roster."""
        self._http.delete(address("studies", study, "members", user))

    def found(self, study: UUID, team: str) -> None:
        """Make a team's first key."""
        self._http.post(address("studies", study, "teams", team))

    def removal(self, study: UUID, user: UUID | str) -> Json:
        """What removing a member would do."""
        return self._http.get(address("studies", study, "members", user, "removal"))

    def moves(self, study: UUID, team: str) -> Json:
        """How many of the team's grants rest under its present key (``done``), and how many do not (``left``)."""
        return self._http.get(address("studies", study, "teams", team, "moves"))

    def move(self, study: UUID, team: str, *, limit: int | None = None) -> Json:
        """Move grants from the team's old keys to the present one; ``left`` says whether to call again."""
        query = {} if limit is None else {"limit": limit}
        return self._http.call("POST", address("studies", study, "teams", team, "moves"), query=query)

    def dashboard(self, study: UUID) -> Json:
        """The study in numbers, for leads; None stands for fewer than five."""
        return self._http.get(address("studies", study, "dashboard"))

    def stale(self, study: UUID) -> Json:
        """A roster that is older than the keystore remembers: whom it names, and the proposal that waits."""
        return self._http.get(address("recoveries", study))

    def propose_recovery(self, study: UUID, keep: Iterable[UUID | str]) -> Json:
        """Propose, as a lead, who stays when such a roster is to stand again."""
        return self._http.post(address("recoveries", study), {"keep": sorted(str(user) for user in keep)})

    def confirm_recovery(self, study: UUID, *, digest: str) -> int:
        """Confirm somebody else's proposal by its digest; the version of the roster that stands now."""
        return int(self._http.post(address("recoveries", study, "confirmation"), {"digest": digest})["version"])

    def instruments(self, study: UUID) -> list[Json]:
        """Every questionnaire of the study."""
        return list(self._http.get(address("studies", study, "instruments"))["instruments"])

    def draft_instrument(self, study: UUID, definition: Mapping[str, Any]) -> Json:
        """Load a questionnaire as a draft."""
        return self._http.post(address("studies", study, "instruments"), definition)

    def instrument(self, study: UUID, instrument: UUID | str) -> Json:
        """One questionnaire."""
        return self._http.get(address("studies", study, "instruments", instrument))

    def schema(self, study: UUID, instrument: UUID | str) -> Json:
        """The JSON Schema of its answers."""
        return self._http.get(address("studies", study, "instruments", instrument, "schema"))

    def form(self, study: UUID, instrument: UUID | str, *, language: str = "en") -> Json:
        """One questionnaire as a form in one language."""
        return self._http.get(address("studies", study, "instruments", instrument, "form"), language=language)

    def instrument_changes(self, study: UUID, instrument: UUID | str) -> Json:
        """What a version changes against the published one before it."""
        return self._http.get(address("studies", study, "instruments", instrument, "changes"))

    def publish_instrument(self, study: UUID, instrument: UUID | str) -> None:
        """Publish somebody else's draft."""
        self._http.post(address("studies", study, "instruments", instrument, "publication"))

    def events(self, study: UUID, *, before: str | None = None, limit: int | None = None) -> list[Json]:
        """The trail of the study, newest first; ``before`` goes on from an event's id."""
        return list(self._http.get(address("studies", study, "events"), before=before, limit=limit)["events"])

    def system_events(self, *, before: str | None = None, limit: int | None = None) -> list[Json]:
        """The trail of the system, for admins."""
        return list(self._http.get("/v1/events", before=before, limit=limit)["events"])
