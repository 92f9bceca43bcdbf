"""What waits for somebody in a study: kinds of work with counts and ages, and nothing of what they may not see."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, case, exists, func, select
from sqlalchemy.orm import Session

from app.access import Actor, Permission, require, teams_of
from app.cases import moving, queries
from app.cases.models import Case, Decision, Grant, Pack, Passage, Record
from app.cases.queries import Status
from app.cases.sealing import Compartment
from app.cases.withdrawal import side_of
from app.collaborators import Collaborators
from app.review.asks import APPROVED, PENDING
from app.review.models import Ask, Disclosure
from app.studies import teams
from app.studies.models import InstrumentVersion
from app.studies.roster import SignedRoster

__all__ = ["Work", "waiting"]

# An agreement that ends so soon is worth a word with the person.
EXPIRES_SOON = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Work:
    """So many things of one kind; ``since`` is the day of the oldest, where things of this kind have one."""

    kind: str
    count: int
    priority: int = 0
    since: str | None = None


@dataclass(frozen=True, slots=True)
class _Asked:
    session: Session
    collaborators: Collaborators
    actor: Actor
    signed: SignedRoster


def waiting(session: Session, collaborators: Collaborators, actor: Actor, signed: SignedRoster) -> list[Work]:
    """What waits for the actor in the study of this roster, the most urgent kind first; kinds without any are left out.

    Raises:
        Forbidden: the actor is not in the study.
    """
    require(actor, Permission.STUDY_READ)
    asked = _Asked(session, collaborators, actor, signed)
    may = actor.permissions()
    found = (work for permission, look in KINDS if permission in may for work in look(asked))
    return [work for work in found if work.count]


def _threats(asked: _Asked) -> Iterator[Work]:
    """Cases hidden on arrival that no guardian has decided about."""
    protection = Compartment.PROTECTION.value
    decided = exists().where(Pack.record_id == Record.id, Pack.compartment == protection, Pack.version > 0)
    yield _counted(asked, "threats", queries.guarded(asked.actor), Case.hidden, Case.frozen.is_(False), ~decided)


def _drafts(asked: _Asked) -> Iterator[Work]:
    """The queue: what one works on already, what nobody took, and what waits for another pair of eyes."""
    queue, user = queries.queue(asked.actor), asked.actor.user()
    finished = Record.status == Status.FINISHED
    mine = case((finished, Record.approver_id == user), else_=Record.redactor_id == user)
    yield _counted(asked, "mine", queue, func.coalesce(mine, False))
    others = func.coalesce(mine, False).is_(False)
    yield _counted(asked, "redact", queue, ~finished, others)
    yield _counted(asked, "approve", queue, finished, others)


def _reports(asked: _Asked) -> Iterator[Work]:
    """Releases with a passage that somebody reported as identifying."""
    open_reports = exists().where(Passage.record_id == Record.id, Passage.settled.is_(False))
    yield _counted(asked, "reports", queries.releases(asked.actor), open_reports)


def _samples(asked: _Asked) -> Iterator[Work]:
    """Releases drawn for the auditors to read."""
    now = asked.collaborators.now()
    drawn = exists().where(Grant.record_id == Record.id, Grant.scope.startswith("sample."), Grant.expires_at > now)
    yield _counted(asked, "samples", queries.guarded(asked.actor), drawn, Case.frozen.is_(False))


def _asks(asked: _Asked) -> Iterator[Work]:
    """Asks that an auditor can answer."""
    rows = select(func.count(), func.min(Ask.asked_at)).select_from(Ask).join(Record, Record.id == Ask.record_id)
    rows = rows.join(Case, Case.id == Record.case_id)
    rows = rows.where(Record.study_id == asked.actor.study, Ask.state == PENDING, Case.frozen.is_(False))
    found = asked.session.execute(rows).one()
    oldest: datetime | None = found[1]
    yield Work("asks", found[0], since=None if oldest is None else oldest.date().isoformat())


def _disclosures(asked: _Asked) -> Iterator[Work]:
    """One's own asks that are approved and still open."""
    rows = select(func.count()).select_from(Disclosure).join(Ask, Ask.id == Disclosure.ask_id)
    rows = rows.join(Record, Record.id == Ask.record_id).join(Case, Case.id == Record.case_id)
    mine = (Record.study_id == asked.actor.study, Ask.asker_id == asked.actor.user(), Case.frozen.is_(False))
    rows = rows.where(*mine, Ask.state == APPROVED, Disclosure.expires_at > asked.collaborators.now())
    yield Work("disclosures", asked.session.scalar(rows) or 0)


def _decisions(asked: _Asked) -> Iterator[Work]:
    """Erasures and thaws that wait for the other of the two, and withdrawn cases that nobody began to erase."""
    actor = asked.actor
    pending = (Decision.second_by.is_(None), Decision.done.is_(False))
    theirs = (Decision.study_id == actor.study, Decision.first_role != side_of(actor).value)
    rows = select(func.count()).select_from(Decision).where(*pending, *theirs)
    yield Work("decisions", asked.session.scalar(rows) or 0)
    begun = exists().where(Decision.case_id == Case.id, Decision.done.is_(False))
    cases = select(func.count()).select_from(Case)
    cases = cases.where(Case.study_id == actor.study, Case.frozen, Case.held.is_(False), ~begun)
    cases = cases.where(exists().where(Record.case_id == Case.id))
    yield Work("withdrawn", asked.session.scalar(cases) or 0)


def _people(asked: _Asked) -> Iterator[Work]:
    """Admitted people who wait for a key that the actor can hand over, and grants of the actor's teams to move."""
    signed, actor, now = asked.signed, asked.actor, asked.collaborators.now()
    holding = teams.confirmed_by_team(asked.session, signed)
    mine = {team for team in teams_of(actor.roles) if actor.id in holding.get(team, frozenset())}
    waits = [
        place
        for place in signed.members.values()
        if place.live(now)
        and any(place.user not in holding.get(team, frozenset()) for team in mine & teams_of(place.roles))
    ]
    yield Work("confirm", len(waits))
    yield Work("move", sum(moving.left_to_move(asked.session, signed, team) for team in mine))


def _agreements(asked: _Asked) -> Iterator[Work]:
    """Agreements that end soon, or have ended."""
    until = asked.collaborators.now() + EXPIRES_SOON
    ending = [place.expires for place in asked.signed.members.values() if place.expires and place.expires <= until]
    yield Work("agreements", len(ending))


def _questionnaires(asked: _Asked) -> Iterator[Work]:
    """Drafts of questionnaires that somebody else made."""
    version = InstrumentVersion
    rows = select(func.count()).select_from(version).where(version.study_id == asked.actor.study)
    rows = rows.where(version.published_at.is_(None), version.drafted_by != asked.actor.user())
    yield Work("publish", asked.session.scalar(rows) or 0)


def _counted(asked: _Asked, kind: str, query: Select[Record, Case], *where: ColumnElement[bool] | Any) -> Work:
    """How many rows of a query, how many of them with priority, and the oldest day."""
    urgent = func.coalesce(func.sum(case((Case.priority, 1), else_=0)), 0)
    rows = query.where(*where).order_by(None).with_only_columns(func.count(), urgent, func.min(Record.received_day))
    count, priority, since = asked.session.execute(rows).one()
    return Work(kind, count, int(priority), since)


KINDS: tuple[tuple[Permission, Callable[[_Asked], Iterator[Work]]], ...] = (
    (Permission.PROTECTION_READ, _threats),
    (Permission.DISCLOSURE_READ, _disclosures),
    (Permission.DISCLOSURE_APPROVE, _asks),
    (Permission.CASE_DECIDE, _decisions),
    (Permission.QUEUE_READ, _drafts),
    (Permission.RELEASE_CUT, _reports),
    (Permission.SAMPLE_READ, _samples),
    (Permission.MEMBER_CONFIRM, _people),
    (Permission.MEMBER_ADMIT, _agreements),
    (Permission.INSTRUMENT_PUBLISH, _questionnaires),
)
