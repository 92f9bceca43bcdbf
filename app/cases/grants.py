"""Making grants, dropping them, and opening what they wrap."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from app.access import Actor, Team
from app.audit.parts import Parts
from app.cases import states
from app.cases.models import Grant, Outbox
from app.cases.sealing import Place
from app.collaborators import Collaborators
from app.crypto import contexts
from app.crypto.grants import open_box, seal_box
from app.crypto.principals import KeyPair
from app.crypto.sealed import Sealed
from app.crypto.secrets import Secret
from app.errors import Gone, NotFound, RecordFrozen
from app.keystore.service import Floor, Share
from app.studies import teams
from app.studies.models import Epoch, Member
from app.studies.roster import TeamKey
from app.studies.teams import HeldEpoch

INSERT = insert(Grant.table())


class Scope:
    """The names under which keys and halves are granted."""

    WORK = "work"
    REWORK = "rework"
    SOURCE = "source"
    IDENTITY_G = "identity.g"
    IDENTITY_A = "identity.a"
    SOURCE_G = "source.g"
    SOURCE_A = "source.a"
    PROTECTION = "protection"
    FIXED = (WORK, REWORK, SOURCE, IDENTITY_G, IDENTITY_A, SOURCE_G, SOURCE_A, PROTECTION)

    @staticmethod
    def research(version: int) -> str:
        """The scope of one release version."""
        return f"research.{version}"

    @staticmethod
    def sample(version: int) -> str:
        """The scope of the auditors' drawn sample of one release version."""
        return f"sample.{version}"

    @staticmethod
    def file(file: UUID) -> str:
        """The scope of one attachment, for the redaction team; its halves add ``.g`` and ``.a``."""
        return f"file.{file.hex}"

    @staticmethod
    def ask(ask: UUID) -> str:
        """The scope of one ask, for the auditors."""
        return f"ask.{ask.hex}"


@dataclass(slots=True)
class NewGrants:
    """Grants in the making: rows for the main database and shares for the keystore, of the same ids."""

    place: Place
    rows: list[dict[str, Any]] = field(default_factory=list)
    shares: list[Share] = field(default_factory=list)

    def add(self, scope: str, key: TeamKey, secret: Secret, *, expires_at: datetime | None = None) -> UUID:
        """Wrap a secret to a team's epoch under a fresh share."""
        grant, value = uuid4(), Secret.random()
        context = grant_context(self.place, grant, scope, key.epoch, key.fingerprint)
        box = seal_box(value, context, key.public, secret)
        self.rows.append(
            {
                "id": grant,
                "record_id": self.place.record,
                "scope": scope,
                "epoch_id": key.epoch,
                "box": box,
                "expires_at": expires_at,
            }
        )
        self.shares.append(Share(grant, scope, value, expires_at))
        return grant

    def store(self, session: Session) -> Parts:
        """Insert the rows; returns them as parts of the record, for the event of the act."""
        session.connection().execute(INSERT, self.rows)
        return states.of_grants(self.rows)


def grant_context(place: Place, grant: UUID, scope: str, epoch: UUID, fingerprint: bytes) -> bytes:
    """What the box of a grant is bound to."""
    return contexts.grant(
        place.deployment,
        study=place.study,
        record=place.record,
        grant=grant,
        scope=scope,
        epoch=epoch,
        fingerprint=fingerprint,
    )


@dataclass(frozen=True, slots=True)
class FoundGrant:
    """A grant together with the actor's own box of its epoch."""

    id: UUID
    scope: str
    box: Sealed
    epoch: HeldEpoch
    expires_at: datetime | None = None


def find(session: Session, actor: Actor, record: UUID, scope: str) -> FoundGrant:
    """The grant of this scope that the actor can open, in the newest epoch; NotFound if there is none."""
    found = find_each(session, actor, {record: scope})
    if not found:
        raise NotFound
    return found[record]


def find_each(session: Session, actor: Actor, scopes: Mapping[UUID, str]) -> dict[UUID, FoundGrant]:
    """By record, the grant of its scope that the actor can open, in the newest epoch, as far as there is one."""
    rows = session.execute(
        select(
            Grant.record_id, Grant.id, Grant.scope, Grant.box,
            Epoch.id, Epoch.team, Epoch.number, Epoch.fingerprint, Member.box,
        )
        .join(Epoch, Epoch.id == Grant.epoch_id)
        .join(Member, Member.epoch_id == Epoch.id)
        .where(
            Grant.record_id.in_(scopes),
            Grant.scope.in_({*scopes.values()}),
            Epoch.study_id == actor.study,
            Member.user_id == actor.user(),
        )
        .order_by(Epoch.number)
    )  # fmt: skip
    return {
        record: FoundGrant(grant, scope, box, HeldEpoch(epoch, Team(team), number, fingerprint, held))
        for record, grant, scope, box, epoch, team, number, fingerprint, held in rows
        if scope == scopes[record]
    }


def open_found(
    collaborators: Collaborators, actor: Actor, place: Place, found: Sequence[FoundGrant], floor: Floor
) -> dict[str, Secret]:
    """Fetch the shares and open the grants; secrets by scope. The event of the read is committed by now.

    Raises:
        ShareGone, RecordFrozen, RecordDead: the keystore refuses.
        TamperedBox: a box was moved, changed or is not the actor's.
    """
    shares = collaborators.keystore.get([grant.id for grant in found], floor=floor)
    return {
        grant.scope: open_with(
            teams.open_epoch(collaborators, actor, grant.epoch),
            place,
            grant.id,
            grant.scope,
            grant.epoch,
            grant.box,
            shares,
        )
        for grant in found
    }


def open_each(
    collaborators: Collaborators, actor: Actor, found: Mapping[Place, FoundGrant], floor: Floor
) -> Iterator[tuple[Place, Secret]]:
    """Fetch the shares of many records' grants and open them; what the keystore refuses is left out.

    Raises:
        TamperedBox: a box was moved, changed or is not the actor's.
    """
    shares = _shares(collaborators, [grant.id for grant in found.values()], floor)
    epochs = {grant.epoch.epoch: grant.epoch for grant in found.values()}
    pairs = {each: teams.open_epoch(collaborators, actor, epoch) for each, epoch in epochs.items()}
    for place, grant in found.items():
        if grant.id in shares:
            pair = pairs[grant.epoch.epoch]
            yield place, open_with(pair, place, grant.id, grant.scope, grant.epoch, grant.box, shares)


def _shares(collaborators: Collaborators, ids: Sequence[UUID], floor: Floor) -> dict[UUID, Secret]:
    """Those of the shares that the keystore gives; at once where it gives all."""
    with suppress(Gone, RecordFrozen):
        return collaborators.keystore.get(ids, floor=floor)
    given: dict[UUID, Secret] = {}
    for each in ids:
        with suppress(Gone, RecordFrozen):
            given |= collaborators.keystore.get([each], floor=floor)
    return given


def open_with(
    pair: KeyPair,
    place: Place,
    grant: UUID,
    scope: str,
    epoch: HeldEpoch | TeamKey,
    box: Sealed,
    shares: dict[UUID, Secret],
) -> Secret:
    """Open one grant with the pair of its epoch and its share."""
    context = grant_context(place, grant, scope, epoch.epoch, epoch.fingerprint)
    return open_box(shares[grant], context, pair, box)


def drop(session: Session, collaborators: Collaborators, record: UUID, scopes: Sequence[str]) -> list[str]:
    """Delete the grants of these scopes and leave their shares to the outbox: that is what revokes them.

    Returns the parts of the record that are gone.
    """
    gone = session.scalars(
        delete(Grant).where(Grant.record_id == record, Grant.scope.in_(scopes)).returning(Grant.id)
    ).all()
    discard_shares(session, collaborators, list(gone))
    return [states.grant_key(grant) for grant in gone]


def discard_shares(session: Session, collaborators: Collaborators, shares: Sequence[UUID]) -> None:
    """Note shares that the keystore must destroy once this transaction is committed."""
    if shares:
        values = {"share_ids": [str(share) for share in shares], "written_at": collaborators.now()}
        session.execute(insert(Outbox).values(values))
