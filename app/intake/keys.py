"""Intake keys in use: made in turn, handed to phones, opened with, and destroyed when their time is over.

    made      custody key intake-N, then the row: public half signed, private half wrapped under intake-N
    sealed to until ``seal_until``; opened until ``open_until``, at the second
    destroyed custody key intake-N, then the row: what was sealed to it opens nowhere any more

A crash between two steps leaves a custody key without a row, which wrapped nothing and is made anew, or a row without
its custody key, which opens nothing and is taken away by the next turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.access import Actor, ActorKind, Permission, Team, require
from app.audit import parts
from app.audit.service import write
from app.cases.questionnaire import RECEIPT_KEY
from app.collaborators import Collaborators
from app.crypto import contexts, intake
from app.crypto.intake import SealedBody
from app.crypto.secrets import Secret
from app.custody.base import KeyKind
from app.errors import CustodyUnavailable, Forbidden, IntakeKeyGone, Malformed, NotFound, Tampered, Unavailable
from app.intake.models import IntakeKey
from app.studies import service as studies
from app.studies.models import Epoch
from app.studies.roster import SYSTEM_STUDY

__all__ = [
    "DESTROYED",
    "MADE",
    "Lifetimes",
    "Opening",
    "count",
    "current",
    "custody_name",
    "digest_of",
    "forget",
    "make",
    "newest",
    "opening",
    "over",
]


MADE, DESTROYED = "intake_key.made", "intake_key.destroyed"
COLUMNS = tuple(IntakeKey.table().columns.keys())


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How old the newest key may become, how long one is sealed to, and how long one opens, all from its making."""

    rotate: timedelta
    seal: timedelta
    open: timedelta


@dataclass(frozen=True, slots=True)
class Opening:
    """An intake key as a sealed body needs it; opened with no transaction open."""

    key: IntakeKey = field(repr=False)

    def open(
        self, collaborators: Collaborators, body: SealedBody, client_uuid: UUID, file: UUID | None = None
    ) -> bytes:
        """The submission inside a sealed body; with ``file`` what is in the head of that file.

        Raises:
            BadEncoding: it was sealed for another study, id, file or deployment, or was changed.
            CustodyUnavailable: custody does not hold the key here.
            Tampered: the stored key is not what was made.
        """
        private = _private(collaborators, self.key)
        where = {"deployment": collaborators.deployment, "client_uuid": client_uuid}
        return intake.unseal(private, body, **where, file=file)


def digest_of(row: Any) -> str:
    """The digest of a key's whole row, as its events carry it."""
    return parts.digest_of("intake_key", row, COLUMNS)


def custody_name(number: int) -> str:
    """The custody key under which the private half of key ``number`` rests."""
    return f"intake-{number}"


def context_of(deployment: UUID, key: IntakeKey) -> bytes:
    """What is signed of a key, and what its private half is bound to."""
    times = {"seal_until": _seconds(key.seal_until), "open_until": _seconds(key.open_until)}
    return contexts.intake_key(deployment, key_id=key.id, public=key.public, **times)


def current(session: Session, collaborators: Collaborators, actor: Actor) -> IntakeKey:
    """The key that a device seals to now.

    Raises:
        NotFound, Forbidden: no device, or one whose interviewer no longer submits in its study.
        Unavailable: there is none; no key was made in time, or this process could not open what is sealed to it.
    """
    if actor.kind is not ActorKind.DEVICE or actor.study is None:
        raise NotFound
    acting, _ = studies.act_in(session, collaborators, actor, actor.study)
    require(acting, Permission.RECORD_SUBMIT)
    key = newest(session)
    if key is None or key.seal_until <= collaborators.now() or not collaborators.custody.has(custody_name(key.number)):
        raise Unavailable
    return key


def newest(session: Session) -> IntakeKey | None:
    """The key that was made last."""
    return session.scalar(select(IntakeKey).order_by(IntakeKey.number.desc()).limit(1))


def count(session: Session) -> int:
    """How many keys there are."""
    return session.scalar(select(func.count()).select_from(IntakeKey)) or 0


def opening(session: Session, collaborators: Collaborators, actor: Actor, body: SealedBody) -> Opening:
    """The key that a sealed body names, for whoever may submit in the study that it names.

    Raises:
        NotFound, Forbidden: the actor does not submit in that study.
        IntakeKeyGone: no such key, or its time is over.
    """
    acting, _ = studies.act_in(session, collaborators, actor, body.study)
    require(acting, Permission.RECORD_SUBMIT)
    key = session.get(IntakeKey, body.key_id)
    if key is None or key.open_until <= collaborators.now():
        raise IntakeKeyGone
    return Opening(key)


def make(session: Session, collaborators: Collaborators, actor: Actor, lifetimes: Lifetimes) -> IntakeKey | None:
    """Make the next key if the newest one is too old, or does not open; None if it is neither.

    Whoever makes keys at the same moment waits for this one, and then finds it.
    """
    _require_operator(actor)
    _hold(session)
    before, now = newest(session), collaborators.now().replace(microsecond=0)
    if before is not None and before.made_at > now - lifetimes.rotate and _opens(collaborators, before):
        return None
    number = 1 if before is None else before.number + 1
    # One without a row is what a crash left, and wrapped nothing that is there.
    collaborators.custody.destroy(custody_name(number))
    collaborators.custody.create(custody_name(number), KeyKind.WRAP)
    private = intake.new_private()
    key = IntakeKey(
        id=uuid4(),
        number=number,
        public=intake.public_of(private),
        made_at=now,
        seal_until=now + lifetimes.seal,
        open_until=now + lifetimes.open,
        signed_by=RECEIPT_KEY,
    )
    context = context_of(collaborators.deployment, key)
    key.wrapped_private = collaborators.custody.wrap(custody_name(number), private, context)
    key.signature = collaborators.custody.sign(RECEIPT_KEY, context)
    session.add(key)
    session.flush()
    _tell(session, collaborators, actor, MADE, key)
    return key


def over(session: Session, now: datetime) -> Sequence[IntakeKey]:
    """The keys that nothing may be opened with any more, oldest first."""
    wanted = select(IntakeKey).where(IntakeKey.open_until <= now)
    return session.scalars(wanted.order_by(IntakeKey.number)).all()


def forget(session: Session, collaborators: Collaborators, actor: Actor, key: IntakeKey) -> bool:
    """Take away the row of a key whose custody key is destroyed; False if somebody else did."""
    _require_operator(actor)
    gone = session.scalar(delete(IntakeKey).where(IntakeKey.id == key.id).returning(IntakeKey.id))
    if gone is not None:
        _tell(session, collaborators, actor, DESTROYED, key)
    return gone is not None


def _hold(session: Session) -> None:
    """Let turns follow one another. The worker's key stands before any intake key does; no intake waits for it."""
    worker = (Epoch.study_id == SYSTEM_STUDY, Epoch.team == Team.WORKER.value)
    session.execute(select(Epoch.id).where(*worker).with_for_update(key_share=True))


def _tell(session: Session, collaborators: Collaborators, actor: Actor, action: str, key: IntakeKey) -> None:
    until, digest = _seconds(key.open_until), digest_of(key)
    write(session, collaborators, actor, action, key=str(key.id), version=key.number, expires=until, digest=digest)


def _private(collaborators: Collaborators, key: IntakeKey) -> Secret:
    context = context_of(collaborators.deployment, key)
    return collaborators.custody.unwrap(custody_name(key.number), key.wrapped_private, context)


def _opens(collaborators: Collaborators, key: IntakeKey) -> bool:
    try:
        return intake.public_of(_private(collaborators, key)) == key.public
    except (CustodyUnavailable, Malformed, Tampered):
        return False


def _require_operator(actor: Actor) -> None:
    if actor.kind is not ActorKind.OPERATOR:
        raise Forbidden


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
