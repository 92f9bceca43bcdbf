"""Who may: the role table against the design's, roles that exclude each other, and the one question."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import combinations
from uuid import uuid4

import pytest

from app.access import (
    DEVICE_PERMISSIONS,
    ROLE_TABLE,
    STEP_UP,
    STEP_UP_LASTS,
    TEAM_ROLES,
    Actor,
    ActorKind,
    Permission,
    Role,
    Team,
    compatible,
    require,
    teams_of,
)
from app.crypto.principals import KeyPair
from app.errors import Forbidden, StepUpRequired

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
INTERVIEWER, REDACTOR, APPROVER, RESEARCHER, LEAD, GUARDIAN, AUDITOR, ADMIN = Role

# The design's table of roles, a line each; what it calls "draw a sample" and reading reports belongs to approving.
DESIGN: dict[Permission, set[Role]] = {
    Permission.NOTHING_NEEDED: set(),
    Permission.SESSION_OWN: set(Role),
    Permission.RECORD_SUBMIT: {INTERVIEWER, GUARDIAN},
    Permission.RECEIPT_READ: {INTERVIEWER, GUARDIAN},
    Permission.WITHDRAWAL_RECORD: {INTERVIEWER, GUARDIAN},
    Permission.QUEUE_READ: {REDACTOR, APPROVER},
    Permission.RECORD_TAKE: {REDACTOR, APPROVER},
    Permission.SOURCE_READ: {REDACTOR, APPROVER},
    Permission.DRAFT_EDIT: {REDACTOR},
    Permission.DRAFT_FINISH: {REDACTOR},
    Permission.DRAFT_RETURN: {APPROVER},
    Permission.RELEASE_MAKE: {APPROVER},
    Permission.RELEASE_CUT: {APPROVER},
    Permission.RELEASE_READ: {APPROVER, RESEARCHER, LEAD},
    Permission.PASSAGE_FREEZE: {APPROVER, RESEARCHER, LEAD, AUDITOR},
    Permission.SAMPLE_DRAW: {APPROVER},
    Permission.SAMPLE_READ: {AUDITOR},
    Permission.PROTECTION_READ: {GUARDIAN},
    Permission.PROTECTION_CHANGE: {GUARDIAN},
    Permission.DISCLOSURE_ASK: {GUARDIAN},
    Permission.DISCLOSURE_LIST: {GUARDIAN, AUDITOR},
    Permission.DISCLOSURE_APPROVE: {AUDITOR},
    Permission.DISCLOSURE_READ: {GUARDIAN},
    Permission.CASE_DECIDE: {LEAD, GUARDIAN},
    Permission.CASE_HOLD: {LEAD, GUARDIAN},
    Permission.STUDY_CREATE: {ADMIN},
    Permission.STUDY_READ: set(Role) - {ADMIN},
    Permission.MEMBER_ADMIT: {LEAD},
    Permission.MEMBER_CONFIRM: {REDACTOR, APPROVER, RESEARCHER, LEAD, GUARDIAN, AUDITOR},
    Permission.MEMBER_REMOVE: {LEAD},
    Permission.GRANT_MOVE: {REDACTOR, APPROVER, RESEARCHER, LEAD, GUARDIAN, AUDITOR},
    Permission.INSTRUMENT_READ: set(Role) - {ADMIN},
    Permission.INSTRUMENT_DRAFT: {LEAD},
    Permission.INSTRUMENT_PUBLISH: {APPROVER},
    Permission.APP_CHANGE: {LEAD},
    Permission.AUDIT_READ: {LEAD, GUARDIAN, AUDITOR},
    Permission.AUDIT_SYSTEM: {ADMIN},
    Permission.USER_MANAGE: {ADMIN},
    Permission.DEVICE_MANAGE: {ADMIN},
    Permission.FACTOR_CHANGE: set(Role),
    Permission.TOKEN_MAKE: set(Role),
    Permission.DASHBOARD_READ: {LEAD},
    Permission.HEALTH_READ: {ADMIN},
}


def person(*roles: Role, admin: bool = False, factor_at: datetime | None = NOW) -> Actor:
    """A signed-in person with these roles."""
    actor = Actor(ActorKind.USER, uuid4(), KeyPair.generate(), uuid4(), admin, factor_at)
    return actor.within(uuid4(), frozenset(roles))


@pytest.mark.parametrize("permission", Permission)
def test_role_table_is_the_designs(permission: Permission) -> None:
    """Each permission belongs to exactly the roles that the design gives it to; a new one must be written down here."""
    holders = {role for role, held in ROLE_TABLE.items() if permission in held}

    assert holders == DESIGN[permission]


def test_permissions_are_named_by_one_grammar() -> None:
    """``noun.verb``, and no two alike."""
    parts = [permission.value.split(".") for permission in Permission]

    assert all(len(each) == 2 and all(part.isalpha() and part.islower() for part in each) for each in parts)


def test_admin_holds_no_key() -> None:
    """No permission of the admin's touches testimony, and no team shares keys with the admin."""
    own_account = {Permission.SESSION_OWN, Permission.FACTOR_CHANGE, Permission.TOKEN_MAKE}
    assert not ROLE_TABLE[ADMIN] & (ROLE_TABLE[RESEARCHER] | ROLE_TABLE[REDACTOR]) - own_account
    assert teams_of(frozenset({ADMIN})) == frozenset()


def test_whoever_asks_never_approves() -> None:
    """No role that may be held with asking may approve."""
    askers = {role for role in Role if Permission.DISCLOSURE_ASK in ROLE_TABLE[role]}
    approvers = {role for role in Role if Permission.DISCLOSURE_APPROVE in ROLE_TABLE[role]}

    assert not any(compatible(frozenset({asker, approver})) for asker in askers for approver in approvers)


def test_two_halves_never_meet_in_one_person() -> None:
    """Nobody may belong to the guardians' and the auditors' team at once."""
    allowed = [roles for size in range(1, 9) for roles in combinations(Role, size) if compatible(frozenset(roles))]
    both = {Team.GUARDIANS, Team.AUDITORS}

    assert not any(both <= teams_of(frozenset(roles)) for roles in allowed)


@pytest.mark.parametrize(
    ("team", "roles"),
    [
        (Team.REDACTION, {REDACTOR, APPROVER}),
        (Team.GUARDIANS, {GUARDIAN}),
        (Team.AUDITORS, {AUDITOR}),
        (Team.RESEARCHERS, {RESEARCHER, LEAD, APPROVER}),
        (Team.WORKER, set()),
    ],
)
def test_teams_have_the_designs_roles(team: Team, roles: set[Role]) -> None:
    """Who shares which key pair."""
    assert TEAM_ROLES[team] == roles


def test_teams_of_several_roles() -> None:
    """A person belongs to every team that one of their roles belongs to."""
    assert teams_of(frozenset({REDACTOR, RESEARCHER})) == {Team.REDACTION, Team.RESEARCHERS}
    assert teams_of(frozenset({INTERVIEWER})) == frozenset()


@pytest.mark.parametrize("role", [role for role in Role if role is not ADMIN])
def test_one_role_is_compatible(role: Role) -> None:
    """Each role of a study may be held alone."""
    assert compatible(frozenset({role}))


@pytest.mark.parametrize("other", Role)
@pytest.mark.parametrize("alone", [ADMIN, AUDITOR])
def test_admin_and_auditor_stand_alone(alone: Role, other: Role) -> None:
    """With anything beside it neither is allowed, and admin is no role of a study at all."""
    assert compatible(frozenset({alone, other})) is (alone is other is AUDITOR)


@pytest.mark.parametrize(
    ("other", "together"),
    [(INTERVIEWER, True), (REDACTOR, True), (APPROVER, True), (RESEARCHER, False), (LEAD, False), (AUDITOR, False)],
)
def test_guardian_beside_another_role(other: Role, *, together: bool) -> None:
    """A guardian is never auditor, researcher or lead of the same study."""
    assert compatible(frozenset({GUARDIAN, other})) is together


@pytest.mark.parametrize("roles", list(combinations([INTERVIEWER, REDACTOR, APPROVER, RESEARCHER, LEAD], 2)))
def test_other_roles_go_together(roles: tuple[Role, Role]) -> None:
    """Own drafts and own interviews are kept apart by policies, not by roles."""
    assert compatible(frozenset(roles))


@pytest.mark.parametrize("role", [role for role in Role if role is not ADMIN])
def test_person_may_what_the_role_may(role: Role) -> None:
    """The table's permissions, no more."""
    assert person(role).permissions() == ROLE_TABLE[role]


def test_person_without_roles_has_their_own_account() -> None:
    """Signed in, in no study: one's own sessions, factors and tokens, and nothing else."""
    assert person().permissions() == {Permission.SESSION_OWN, Permission.FACTOR_CHANGE, Permission.TOKEN_MAKE}


def test_roles_add_up() -> None:
    """Two roles may what either may."""
    assert person(REDACTOR, LEAD).permissions() == ROLE_TABLE[REDACTOR] | ROLE_TABLE[LEAD]


def test_admin_may_what_the_table_says() -> None:
    """The flag of the account is the role."""
    assert person(admin=True).permissions() == ROLE_TABLE[ADMIN]


@pytest.mark.parametrize("kind", [ActorKind.WORKER, ActorKind.OPERATOR, ActorKind.NOBODY])
def test_other_kinds_have_no_permission(kind: ActorKind) -> None:
    """Worker, operator and nobody act through verbs of their own, even with roles attached."""
    assert Actor(kind, uuid4(), admin=True, roles=frozenset(Role)).permissions() == frozenset()


def test_device_submits_and_never_reads() -> None:
    """Whatever its owner's roles, a device submits and fetches questionnaires; its owner's account is out of reach."""
    device = Actor(ActorKind.DEVICE, uuid4(), admin=True, roles=frozenset(Role))

    assert device.permissions() == DEVICE_PERMISSIONS
    assert {Permission.RECORD_SUBMIT, Permission.RECEIPT_READ, Permission.INSTRUMENT_READ} == DEVICE_PERMISSIONS


def test_scopes_take_away_and_never_add() -> None:
    """A token's scopes bound what its device may; one that no device has gives nothing."""
    named = frozenset({Permission.RECORD_SUBMIT, Permission.RELEASE_READ})
    device = Actor(ActorKind.DEVICE, uuid4(), roles=frozenset({INTERVIEWER, RESEARCHER}), scopes=named)

    assert device.permissions() == {Permission.RECORD_SUBMIT}
    assert device.within(uuid4(), frozenset({RESEARCHER})).permissions() == frozenset()


def test_device_of_a_reader_may_not_submit() -> None:
    """A device never gains what its owner lacks."""
    device = Actor(ActorKind.DEVICE, uuid4(), roles=frozenset({RESEARCHER}))

    assert device.permissions() == {Permission.INSTRUMENT_READ}


def test_within_replaces_study_and_roles() -> None:
    """Roles of one study never travel to the next."""
    before, study = person(LEAD), uuid4()

    after = before.within(study, frozenset({RESEARCHER}))

    assert (after.study, after.roles, after.id) == (study, frozenset({RESEARCHER}), before.id)
    assert before.roles == {LEAD}


def test_nobody_has_no_id_and_no_keys() -> None:
    """Asking nobody for a person or for keys is refused."""
    nobody = Actor(ActorKind.NOBODY)

    for ask in (nobody.user, nobody.unlocked):
        with pytest.raises(Forbidden):
            ask()


def test_person_has_an_id_and_keys() -> None:
    """What a signed-in person carries is handed out."""
    actor = person()

    assert actor.user() == actor.id
    assert actor.unlocked() is actor.keys


def test_repr_of_an_actor_shows_no_key() -> None:
    """An actor in a log line or a traceback gives no private bytes away."""
    actor = person(LEAD)

    assert actor.unlocked().private.reveal().hex() not in repr(actor)
    assert repr(actor.unlocked().private.reveal())[2:-1] not in repr(actor)


def test_nothing_needed_is_for_everybody() -> None:
    """Addresses that need no sign-in ask nothing."""
    require(Actor(ActorKind.NOBODY), Permission.NOTHING_NEEDED, now=NOW)


def test_require_refuses_what_the_role_lacks() -> None:
    """Forbidden, and never a hint about the factor."""
    with pytest.raises(Forbidden) as refused:
        require(person(RESEARCHER, factor_at=None), Permission.RELEASE_MAKE, now=NOW)

    assert not isinstance(refused.value, StepUpRequired)


@pytest.mark.parametrize("permission", sorted(STEP_UP))
def test_step_up_lasts_five_minutes(permission: Permission) -> None:
    """A factor of exactly five minutes ago is enough, one of a second more is not."""
    role = next(role for role in Role if permission in ROLE_TABLE[role])
    assert timedelta(minutes=5) == STEP_UP_LASTS

    require(person(role, factor_at=NOW - STEP_UP_LASTS), permission, now=NOW)

    with pytest.raises(StepUpRequired):
        require(person(role, factor_at=NOW - STEP_UP_LASTS - timedelta(seconds=1)), permission, now=NOW)


def test_step_up_without_any_factor() -> None:
    """Somebody who never gave a code is asked for one."""
    with pytest.raises(StepUpRequired):
        require(person(LEAD, factor_at=None), Permission.MEMBER_ADMIT, now=NOW)


def test_step_up_is_asked_only_with_a_moment() -> None:
    """The web layer asks without a moment before the body is read; the service asks again with one."""
    require(person(LEAD, factor_at=None), Permission.MEMBER_ADMIT)


def test_other_permissions_need_no_factor() -> None:
    """Reading does not ask for a fresh code."""
    require(person(LEAD, factor_at=None), Permission.RELEASE_READ, now=NOW)


def test_step_up_guards_what_cannot_be_undone() -> None:
    """The verbs that hand keys on, release or end something, change what a sign-in asks for, or make a token."""
    assert {
        Permission.MEMBER_ADMIT,
        Permission.MEMBER_CONFIRM,
        Permission.MEMBER_REMOVE,
        Permission.RELEASE_MAKE,
        Permission.RELEASE_CUT,
        Permission.DISCLOSURE_APPROVE,
        Permission.CASE_DECIDE,
        Permission.CASE_HOLD,
        Permission.FACTOR_CHANGE,
        Permission.TOKEN_MAKE,
    } == STEP_UP
