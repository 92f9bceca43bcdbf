"""What an approver looks at before a release: the finished draft, why one may not approve it, the case's releases."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.orm import Session

from app.access import Permission
from app.cases import queries
from app.cases.models import Record
from app.errors import Conflict, OwnWork
from app.review import policies
from app.review.drafts import OpenSource, Source


@dataclass(slots=True)
class OpenApproval:
    """Reading: a draft on its way to a release. ``hindrance`` is why the actor may not approve it; empty: they may.

    ``earlier`` are the releases of the same case that the actor may read, with their numbers.
    """

    source: OpenSource
    hindrance: str = field(init=False)
    earlier: list[tuple[UUID, int]] = field(init=False)

    def look(self, session: Session) -> None:
        """Authorise, fetch, and write the event of the read."""
        self.source.look(session)
        self.hindrance = self._hindrance(session)
        self.earlier = self._earlier(session)

    def _hindrance(self, session: Session) -> str:
        actor, row = self.source.actor, self.source.row
        try:
            policies.check_approvable(session, actor, row)
            policies.check_consented(row.consent_scopes)
        except (OwnWork, Conflict) as refused:
            return refused.detail
        return ""

    def _earlier(self, session: Session) -> list[tuple[UUID, int]]:
        actor, row = self.source.actor, self.source.row
        if Permission.RELEASE_READ not in actor.permissions():
            return []
        same = queries.releases(actor).where(Record.case_id == row.case_id, Record.id != row.id)
        return [
            (record.id, record.release_version)
            for record, _ in session.execute(same)
            if queries.consented(actor, record.consent_scopes)
        ]

    def open(self) -> Source:
        """Unwrap and decrypt."""
        return self.source.open()
