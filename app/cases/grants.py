"""Making grants, dropping them, and opening what they wrap."""

from __future__ import annotations

from collections.abc import Sequence
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
from app.errors import NotFound
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
    row = session.execute(
        select(Grant.id, Grant.box, Epoch.id, Epoch.team, Epoch.number, Epoch.fingerprint, Member.box)
        .join(Epoch, Epoch.id == Grant.epoch_id)
        .join(Member, Member.epoch_id == Epoch.id)
        .where(
            Grant.record_id == record,
            Grant.scope == scope,
            Epoch.study_id == actor.study,
            Member.user_id == actor.user(),
        )
        .order_by(Epoch.number.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        raise NotFound
    return FoundGrant(row[0], scope, row[1], HeldEpoch(row[2], Team(row[3]), row[4], row[5], row[6]))


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
