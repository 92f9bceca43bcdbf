"""Who may do what: roles, permissions, one table, and the one question every service asks first.

When something may be done (states, own work, consent) is another question: the policies of each feature answer it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from app.crypto.principals import KeyPair
from app.errors import Forbidden, StepUpRequired


class Role(StrEnum):
    """What a person is in one study; ``ADMIN`` is a person's only role and belongs to no study."""

    INTERVIEWER = "interviewer"
    REDACTOR = "redactor"
    APPROVER = "approver"
    RESEARCHER = "researcher"
    LEAD = "lead"
    GUARDIAN = "guardian"
    AUDITOR = "auditor"
    ADMIN = "admin"


class Team(StrEnum):
    """Who shares a key pair; ``WORKER`` is the system's own team."""

    REDACTION = "redaction"
    GUARDIANS = "guardians"
    AUDITORS = "auditors"
    RESEARCHERS = "researchers"
    WORKER = "worker"


TEAM_ROLES: dict[Team, frozenset[Role]] = {
    Team.REDACTION: frozenset({Role.REDACTOR, Role.APPROVER}),
    Team.GUARDIANS: frozenset({Role.GUARDIAN}),
    Team.AUDITORS: frozenset({Role.AUDITOR}),
    Team.RESEARCHERS: frozenset({Role.RESEARCHER, Role.LEAD, Role.APPROVER}),
    Team.WORKER: frozenset(),
}


def teams_of(roles: frozenset[Role]) -> frozenset[Team]:
    """The teams whose keys these roles share."""
    return frozenset(team for team, members in TEAM_ROLES.items() if members & roles)


class Permission(StrEnum):
    """``noun.verb``; the noun is what is touched, the verb what happens to it."""

    NOTHING_NEEDED = "anyone.may"
    SESSION_OWN = "session.own"
    RECORD_SUBMIT = "record.submit"
    RECEIPT_READ = "receipt.read"
    WITHDRAWAL_RECORD = "withdrawal.record"
    QUEUE_READ = "queue.read"
    RECORD_TAKE = "record.take"
    SOURCE_READ = "source.read"
    DRAFT_EDIT = "draft.edit"
    DRAFT_FINISH = "draft.finish"
    DRAFT_RETURN = "draft.return"
    RELEASE_MAKE = "release.make"
    RELEASE_CUT = "release.cut"
    RELEASE_READ = "release.read"
    PASSAGE_FREEZE = "passage.freeze"
    SAMPLE_DRAW = "sample.draw"
    SAMPLE_READ = "sample.read"
    PROTECTION_READ = "protection.read"
    PROTECTION_CHANGE = "protection.change"
    DISCLOSURE_ASK = "disclosure.ask"
    DISCLOSURE_LIST = "disclosure.list"
    DISCLOSURE_APPROVE = "disclosure.approve"
    DISCLOSURE_READ = "disclosure.read"
    CASE_DECIDE = "case.decide"
    CASE_HOLD = "case.hold"
    STUDY_CREATE = "study.create"
    STUDY_READ = "study.read"
    MEMBER_ADMIT = "member.admit"
    MEMBER_CONFIRM = "member.confirm"
    MEMBER_REMOVE = "member.remove"
    GRANT_MOVE = "grant.move"
    INSTRUMENT_READ = "instrument.read"
    INSTRUMENT_DRAFT = "instrument.draft"
    INSTRUMENT_PUBLISH = "instrument.publish"
    APP_CHANGE = "app.change"
    AUDIT_READ = "audit.read"
    AUDIT_SYSTEM = "audit.system"
    USER_MANAGE = "user.manage"
    DEVICE_MANAGE = "device.manage"
    FACTOR_CHANGE = "factor.change"
    TOKEN_MAKE = "token.make"  # noqa: S105  a name
    DASHBOARD_READ = "dashboard.read"
    HEALTH_READ = "health.read"


P = Permission
# Everybody who is signed in, of whatever role, may do this with their own account.
OWN = frozenset({P.SESSION_OWN, P.FACTOR_CHANGE, P.TOKEN_MAKE})
_MEMBER = OWN | {P.STUDY_READ, P.INSTRUMENT_READ}
_KEYHOLDER = _MEMBER | {P.MEMBER_CONFIRM, P.GRANT_MOVE}

ROLE_TABLE: dict[Role, frozenset[Permission]] = {
    Role.INTERVIEWER: _MEMBER | {P.RECORD_SUBMIT, P.RECEIPT_READ, P.WITHDRAWAL_RECORD},
    Role.REDACTOR: _KEYHOLDER | {P.QUEUE_READ, P.RECORD_TAKE, P.SOURCE_READ, P.DRAFT_EDIT, P.DRAFT_FINISH},
    Role.APPROVER: _KEYHOLDER
    | {
        P.QUEUE_READ,
        P.RECORD_TAKE,
        P.SOURCE_READ,
        P.DRAFT_RETURN,
        P.RELEASE_MAKE,
        P.RELEASE_CUT,
        P.RELEASE_READ,
        P.PASSAGE_FREEZE,
        P.SAMPLE_DRAW,
        P.INSTRUMENT_PUBLISH,
    },
    Role.RESEARCHER: _KEYHOLDER | {P.RELEASE_READ, P.PASSAGE_FREEZE},
    Role.LEAD: _KEYHOLDER
    | {
        P.RELEASE_READ,
        P.PASSAGE_FREEZE,
        P.MEMBER_ADMIT,
        P.MEMBER_REMOVE,
        P.CASE_DECIDE,
        P.CASE_HOLD,
        P.INSTRUMENT_DRAFT,
        P.APP_CHANGE,
        P.AUDIT_READ,
        P.DASHBOARD_READ,
    },
    Role.GUARDIAN: _KEYHOLDER
    | {
        P.RECORD_SUBMIT,
        P.RECEIPT_READ,
        P.WITHDRAWAL_RECORD,
        P.PROTECTION_READ,
        P.PROTECTION_CHANGE,
        P.DISCLOSURE_ASK,
        P.DISCLOSURE_LIST,
        P.DISCLOSURE_READ,
        P.CASE_DECIDE,
        P.CASE_HOLD,
        P.AUDIT_READ,
    },
    Role.AUDITOR: _KEYHOLDER | {P.SAMPLE_READ, P.PASSAGE_FREEZE, P.DISCLOSURE_LIST, P.DISCLOSURE_APPROVE, P.AUDIT_READ},
    Role.ADMIN: OWN | {P.USER_MANAGE, P.DEVICE_MANAGE, P.STUDY_CREATE, P.AUDIT_SYSTEM, P.HEALTH_READ},
}

# A phone may be searched at a checkpoint: its token writes, never reads testimony, and leaves the account alone.
DEVICE_PERMISSIONS = frozenset({P.RECORD_SUBMIT, P.RECEIPT_READ, P.INSTRUMENT_READ})

# Verbs that need a second factor given in the last five minutes.
STEP_UP = frozenset(
    {
        P.MEMBER_ADMIT,
        P.MEMBER_CONFIRM,
        P.MEMBER_REMOVE,
        P.RELEASE_MAKE,
        P.RELEASE_CUT,
        P.DISCLOSURE_APPROVE,
        P.CASE_DECIDE,
        P.CASE_HOLD,
        P.FACTOR_CHANGE,
        P.TOKEN_MAKE,
    }
)
STEP_UP_LASTS = timedelta(minutes=5)

# Roles that one person must not hold together in one study.
EXCLUSIVE: tuple[tuple[Role, Role], ...] = (
    (Role.GUARDIAN, Role.AUDITOR),
    (Role.GUARDIAN, Role.RESEARCHER),
    (Role.GUARDIAN, Role.LEAD),
)


def compatible(roles: frozenset[Role]) -> bool:
    """Whether one person may hold these roles together; admin and auditor stand alone."""
    if Role.ADMIN in roles or (Role.AUDITOR in roles and len(roles) > 1):
        return False
    return not any(a in roles and b in roles for a, b in EXCLUSIVE)


class ActorKind(StrEnum):
    """How somebody or something reached us."""

    USER = "user"
    DEVICE = "device"
    WORKER = "worker"
    OPERATOR = "operator"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a signed-in person, an enrolled device, the worker, the operator at a terminal, or nobody.

    ``roles`` are those of ``study``, read from its verified roster; ``keys`` opens the person's own boxes. ``scopes``
    bound what a device may; None for whatever any device may.
    """

    kind: ActorKind
    id: UUID | None = None
    keys: KeyPair | None = None
    key_id: UUID | None = None
    admin: bool = False
    factor_at: datetime | None = None
    device: UUID | None = None
    study: UUID | None = None
    roles: frozenset[Role] = frozenset()
    scopes: frozenset[Permission] | None = None

    def within(self, study: UUID, roles: frozenset[Role]) -> Actor:
        """The same actor with the roles of one study."""
        return replace(self, study=study, roles=roles)

    def permissions(self) -> frozenset[Permission]:
        """Everything this actor may do here, before states and step-up."""
        if self.kind in {ActorKind.WORKER, ActorKind.OPERATOR, ActorKind.NOBODY}:
            return frozenset()
        roles = self.roles | ({Role.ADMIN} if self.admin else frozenset())
        granted = OWN.union(*(ROLE_TABLE[role] for role in roles))
        if self.kind is not ActorKind.DEVICE:
            return granted
        return granted & DEVICE_PERMISSIONS if self.scopes is None else granted & DEVICE_PERMISSIONS & self.scopes

    def user(self) -> UUID:
        """The acting person's id; Forbidden if no person acts."""
        if self.id is None:
            raise Forbidden
        return self.id

    def unlocked(self) -> KeyPair:
        """The acting person's key pair; Forbidden if this way of acting carries none."""
        if self.keys is None:
            raise Forbidden
        return self.keys


def require(actor: Actor, permission: Permission, *, now: datetime | None = None) -> None:
    """Raise Forbidden unless the actor may, StepUpRequired if ``now`` is given and the second factor is too old."""
    if permission is P.NOTHING_NEEDED:
        return
    if permission not in actor.permissions():
        raise Forbidden
    if now is None or permission not in STEP_UP:
        return
    if actor.factor_at is None or now - actor.factor_at > STEP_UP_LASTS:
        raise StepUpRequired
