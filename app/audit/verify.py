"""Verifying the chain: every entry against its event, its check and the entry before, and every checkpoint.

It reads in pages and keeps none of them, so a trail of any length takes the same memory; whoever calls may stop at any
time. Entries that were sealed before the trail was taken over (``trail.baselined``) may lack a check; any other entry
without one is a finding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import RowMapping, func, select
from sqlalchemy.orm import Session

from app.audit import checkpoints, entries, sealer
from app.audit.checkpoints import Signed
from app.audit.demands import lacking
from app.audit.findings import Finding
from app.audit.models import Event, Link
from app.collaborators import Collaborators
from app.errors import BadSignature, CustodyUnavailable

__all__ = ["BASELINED", "ChainCheck", "baseline", "check_floor", "check_witness", "length", "unsealed"]

BASELINED = "trail.baselined"
PAGE = 1_000
_link, _event = Link.table(), Event.table()


def length(session: Session) -> int:
    """The newest position."""
    return session.scalar(select(func.max(Link.position))) or 0


def baseline(session: Session, collaborators: Collaborators) -> int:
    """The position at which the trail was taken over with entries that lack a check; 0 if it never was."""
    query = (
        select(_link.c.position, *_event.c)
        .join_from(_event, _link, _link.c.event_id == _event.c.id)
        .where(_event.c.study_id.is_(None), _event.c.action == BASELINED)
        .order_by(_link.c.position)
    )
    for row in session.connection().execute(query).mappings():
        if _checked(collaborators, row):
            return int(row["position"])
    return 0


def _checked(collaborators: Collaborators, row: RowMapping) -> bool:
    content = entries.message(collaborators.deployment, row)
    return entries.carries_check(collaborators.custody, collaborators.deployment, row, content)


@dataclass(slots=True)
class ChainCheck:
    """A walk along the chain; ``page`` after ``page`` until it gives back that it is done.

    ``position`` and ``before`` say where it goes on, so that a walk can be done in stretches by several requests.
    """

    collaborators: Collaborators
    position: int = 0
    before: bytes = entries.START
    entries: int = 0
    signed: int = 0
    _judged: int = field(init=False)
    _baseline: int | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Begin with the checkpoints beyond the position, too."""
        self._judged = self.position

    @classmethod
    def beyond(cls, session: Session, collaborators: Collaborators, position: int) -> ChainCheck:
        """A walk that begins after a position, and believes the hash there."""
        digest = session.scalar(select(Link.hash).where(Link.position == position)) if position else None
        return cls(collaborators, position, digest or entries.START)

    def page(self, session: Session, size: int = PAGE) -> tuple[list[Finding], bool]:
        """What is wrong with the next entries and with the checkpoints on them, and whether the end is reached."""
        # Read first: what they sign was committed before them, so that it is there to be read after them.
        signed = checkpoints.after(session, self.collaborators.deployment, self._judged, size)
        rows = session.connection().execute(_page(self.position, size)).mappings().all()
        found = [finding for row in rows for finding in self._entry(session, row)]
        hashes = {row["position"]: row["hash"] for row in rows}
        whole = len(rows) < size
        for each in signed:
            if whole or each.position <= self.position:
                found += judge(self.collaborators, each, hashes.get(each.position), "checkpoint")
                self._judged, self.signed = each.position, self.signed + 1
        return found, whole and len(signed) < size

    def _entry(self, session: Session, row: RowMapping) -> Iterator[Finding]:
        position, stored = row["position"], row["hash"]
        if position != self.position + 1:
            gap = f"{self.position + 1}" if position == self.position + 2 else f"{self.position + 1} to {position - 1}"
            yield Finding(what="Entries of the chain are missing", part=f"positions {gap}")
            # What came before this entry is gone, so its hash is believed; the next checkpoint judges it.
            yield from self._event(session, row, None)
        else:
            yield from self._event(session, row, self.before)
        self.position, self.before = position, stored
        self.entries += 1

    def _event(self, session: Session, row: RowMapping, before: bytes | None) -> Iterator[Finding]:
        place: dict[str, Any] = {"position": row["position"], "event": row["event_id"]}
        if row["id"] is None:
            yield Finding(what="An event was deleted", **place)
            return
        place |= {"action": row["action"], "case": row["case_id"], "record": row["record_id"]}
        deployment = self.collaborators.deployment
        content = entries.message(deployment, row)
        checked = entries.carries_check(self.collaborators.custody, deployment, row, content)
        if not checked and (row["mac"] is not None or not self._taken_over(session, row["position"])):
            yield Finding(what="An event carries no check of ours: it was altered or inserted", **place)
        if checked and lacking(row["action"], row["details"]):
            yield Finding(what="An event lacks what its kind must carry", **place)
        if before is not None and entries.link_hash(deployment, row["position"], before, content) != row["hash"]:
            what = "An entry was put elsewhere in the chain" if checked else "An event is not what was sealed"
            yield Finding(what=what, **place)

    def _taken_over(self, session: Session, position: int) -> bool:
        if self._baseline is None:
            self._baseline = baseline(session, self.collaborators)
        return position < self._baseline


def judge(collaborators: Collaborators, signed: Signed, stored: bytes | None, name: str) -> Iterator[Finding]:
    """What is wrong with a checkpoint, beside the hash that the chain has at its position now."""
    try:
        signed.check(collaborators.custody, collaborators.deployment)
    except (BadSignature, CustodyUnavailable):
        yield Finding(what="A checkpoint is not signed by this deployment", position=signed.position, part=name)
        return
    if stored is None:
        what = "The chain lacks an entry that was signed: it was cut, or an older copy was put back"
        yield Finding(what=what, position=signed.position, part=name)
    elif stored != signed.hash:
        yield Finding(what="The chain is not the one that was signed", position=signed.position, part=name)


def check_witness(session: Session, collaborators: Collaborators, kept: Sequence[Signed]) -> list[Finding]:
    """Hold what a witness kept against the chain."""
    wanted = select(Link.position, Link.hash).where(Link.position.in_([each.position for each in kept]))
    hashes = {row.position: row.hash for row in session.execute(wanted)}
    return [finding for each in kept for finding in judge(collaborators, each, hashes.get(each.position), "witness")]


def check_floor(session: Session, collaborators: Collaborators, floor: int) -> list[Finding]:
    """Hold the position that the keystore remembers against the chain: there must be a checkpoint at it."""
    if floor == 0:
        return []
    kept = checkpoints.after(session, collaborators.deployment, floor - 1, 1)
    if not kept or kept[0].position != floor:
        what = "The keystore has seen a checkpoint that is gone: the trail was cut, or an older copy was put back"
        return [Finding(what=what, position=floor)]
    return check_witness(session, collaborators, kept)


def unsealed(session: Session, collaborators: Collaborators) -> tuple[int, list[Finding]]:
    """How many events wait for the sealer, and those among the oldest that carry no check of ours."""
    waiting = select(func.count()).select_from(_event.outerjoin(_link, _link.c.event_id == _event.c.id))
    count = session.scalar(waiting.where(_link.c.event_id.is_(None))) or 0
    ids = sealer.everywhere(session) if count else []
    found = []
    for at in range(0, len(ids), PAGE):
        page = select(*_event.c).where(_event.c.id.in_(ids[at : at + PAGE]))
        for row in session.connection().execute(page).mappings():
            if not _checked(collaborators, row):
                what = "An event carries no check of ours: it was altered or inserted"
                found.append(Finding(what=what, event=row["id"], action=row["action"], record=row["record_id"]))
    return count, found


def _page(after: int, size: int) -> Any:
    return (
        select(_link.c.position, _link.c.event_id, _link.c.hash, *_event.c)
        .select_from(_link.outerjoin(_event, _event.c.id == _link.c.event_id))
        .where(_link.c.position > after)
        .order_by(_link.c.position)
        .limit(size)
    )
