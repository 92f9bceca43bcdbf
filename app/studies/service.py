"""Studies and their people: creating, acting in, founding a team, admitting, confirming, removing."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from app.access import ROLE_TABLE, Actor, ActorKind, Permission, Role, Team, compatible, require, teams_of
from app.accounts.invitations import Acceptance, Accepted
from app.accounts.models import Device, DeviceOffer, User
from app.audit import service as audit
from app.audit.parts import digest_of
from app.collaborators import Collaborators
from app.crypto.principals import KeyPair
from app.crypto.principals import fingerprint as fingerprint_of
from app.errors import Conflict, DigestDiffers, Flaw, Forbidden, Invalid, LastHolder, NotFound
from app.studies import instruments, roster, teams
from app.studies.instrument import bundled
from app.studies.models import Epoch, Member, Roster, Study
from app.studies.policy import StudyPolicy, check_policy
from app.studies.roster import SYSTEM_STUDY, Membership, SignedRoster

NAME_CHARACTERS = 120
STUDY = ("id", "name", "policy", "created_day")
WORKER_KEY = "worker-1"
WORKER_CONTEXT = b"testimony/1/worker"


def create_study(
    session: Session,
    collaborators: Collaborators,
    actor: Actor,
    name: str,
    *,
    lead: UUID,
    fingerprint: bytes,
    policy: dict[str, Any] | None = None,
    exempt: bool = False,
) -> UUID:
    """Create a study whose first roster names one lead by fingerprint, never the admin who asks.

    Raises:
        Invalid: name or policy is not allowed.
        DigestDiffers: the fingerprint is not that of the lead's present key.
        Conflict: a study of this name exists.
    """
    require(actor, Permission.STUDY_CREATE)
    check_policy(StudyPolicy.from_dict(policy or {}), bundled())
    if not 0 < len(name.strip()) <= NAME_CHARACTERS:
        raise Invalid([Flaw("/name", "Between 1 and 120 characters.")])
    user = _known(session, lead, fingerprint)
    if user.admin or lead == actor.id:
        raise Forbidden("An administrator cannot be lead.")
    study = uuid4()
    values = {"id": study, "name": name.strip(), "policy": policy or {}, "created_day": collaborators.today()}
    session.execute(insert(Study).values(values))
    place = Membership(lead, frozenset({Role.LEAD}), fingerprint, admitted_by=actor.id)
    roster.write(session, collaborators, SignedRoster(study, 1, exempt, {lead: place}))
    instruments.add_default(session, study, collaborators.now())
    digest = of_study(values)
    audit.write(session, collaborators, actor, "study.created", study=study, member=str(lead), digest=digest)
    return study


def of_study(row: Any) -> str:
    """The digest of a study's own row, as the event of its creation carries it."""
    return digest_of("study", row, STUDY)


def act_in(session: Session, collaborators: Collaborators, actor: Actor, study: UUID) -> tuple[Actor, SignedRoster]:
    """The actor with the roles that the study's verified roster gives, and that roster.

    NotFound, alike, if the study is absent, if the actor is no live member, or if the actor's key is not the one that
    was admitted.
    """
    if actor.kind is ActorKind.DEVICE and actor.study != study:
        raise NotFound
    signed = roster.current(session, collaborators, study)
    return member_of(signed, actor, collaborators.now()), signed


def member_of(signed: SignedRoster, actor: Actor, now: datetime) -> Actor:
    """The actor with the roles of a roster; NotFound for whoever is not in it with this key."""
    if actor.id is None or actor.admin:
        raise NotFound
    roles = signed.roles_of(actor.id, now)
    if not roles or (actor.keys is not None and actor.keys.fingerprint != signed.members[actor.id].fingerprint):
        raise NotFound
    return actor.within(signed.study, roles)


def found_team(session: Session, collaborators: Collaborators, actor: Actor, signed: SignedRoster, team: Team) -> None:
    """Make the first epoch of a team, by its first admitted member; refused if the team ever had one."""
    require(actor, Permission.MEMBER_CONFIRM, now=collaborators.now())
    if team not in teams_of(actor.roles):
        raise Forbidden
    if team in signed.epochs or teams.in_use(session, signed.study, team):
        raise Conflict("This team has its key already.")
    pair = KeyPair.generate()
    key = teams.add_epoch(session, signed.study, team, pair)
    place = signed.members[actor.user()]
    teams.add_boxes(session, collaborators, signed.study, key, pair, [(place, actor.unlocked().public)])
    roster.write(session, collaborators, signed.next().with_epoch(key))
    audit.write(session, collaborators, actor, "team.founded", team=team.value, epoch=str(key.epoch))


def admit(
    session: Session,
    collaborators: Collaborators,
    actor: Actor,
    signed: SignedRoster,
    user: UUID,
    *,
    roles: frozenset[Role],
    fingerprint: bytes,
    expires: datetime | None = None,
) -> None:
    """Put a person on the roster, by a lead who names the fingerprint that was read aloud. Gives no key.

    Raises:
        Invalid: roles that one person must not hold together, or an expiry in the past.
        DigestDiffers: the fingerprint is not that of the person's present key.
        Conflict: a present member would lose a team; remove first.
    """
    require(actor, Permission.MEMBER_ADMIT, now=collaborators.now())
    if user == actor.id:
        raise Forbidden("Nobody grants to themselves.")
    if not roles or not compatible(roles):
        raise Invalid([Flaw("/roles", "These roles cannot be held by one person.")])
    if expires is not None and expires <= collaborators.now():
        raise Invalid([Flaw("/expires", "Must lie in the future.")])
    if _known(session, user, fingerprint).admin:
        raise Forbidden("An administrator holds no other role.")
    present = signed.members.get(user)
    if present is not None and present.fingerprint == fingerprint and not teams_of(roles) >= teams_of(present.roles):
        raise Conflict("Remove this member first.")
    place = Membership(user, roles, fingerprint, expires, admitted_by=actor.user())
    roster.write(session, collaborators, signed.with_member(place))
    audit.write(session, collaborators, actor, "member.admitted", member=str(user), roles=sorted(roles))


def confirm(
    session: Session,
    collaborators: Collaborators,
    actor: Actor,
    signed: SignedRoster,
    user: UUID,
    *,
    fingerprint: bytes,
) -> int:
    """Hand the keys of the teams both belong to over to an admitted member; returns how many boxes were made.

    Raises:
        NotFound: the person is not on the roster, or shares no team with the actor.
        DigestDiffers: the fingerprint is not the admitted one, or no longer the person's.
        Forbidden: the actor admitted the person, and somebody else of the team could confirm.
        Conflict: the actor lacks a box of an epoch in use.
    """
    require(actor, Permission.MEMBER_CONFIRM, now=collaborators.now())
    # Whoever was removed since the request began gives and gets no key.
    roster.hold(session, signed.study)
    signed = roster.latest(session, collaborators, signed.study)
    actor = member_of(signed, actor, collaborators.now())
    place = signed.members.get(user)
    if place is None or not place.live(collaborators.now()):
        raise NotFound
    if user == actor.id:
        raise Forbidden("Nobody grants to themselves.")
    if place.fingerprint != fingerprint:
        raise DigestDiffers
    public = _known(session, user, fingerprint).public
    shared = teams_of(actor.roles) & teams_of(place.roles)
    if not shared:
        raise NotFound
    if place.admitted_by == actor.id and any(
        _live_others(session, signed, team, actor.user(), collaborators.now()) for team in shared
    ):
        raise Forbidden("Somebody else of the team confirms whom you admitted.")
    made = sum(_hand_over(session, collaborators, actor, signed, team, (place, public)) for team in sorted(shared))
    audit.write(session, collaborators, actor, "member.confirmed", member=str(user), boxes=made, teams=sorted(shared))
    return made


def _hand_over(
    session: Session,
    collaborators: Collaborators,
    actor: Actor,
    signed: SignedRoster,
    team: Team,
    receiver: tuple[Membership, bytes],
) -> int:
    epochs = frozenset(teams.in_use(session, signed.study, team))
    mine = teams.held(session, signed.study, actor.user(), team)
    if not epochs or {epoch.epoch for epoch in mine} < epochs:
        raise Conflict("You do not hold every key of this team yourself.")
    theirs = teams.holders(session, signed.study, team).get(receiver[0].user, frozenset())
    made = 0
    for epoch in mine:
        if epoch.epoch not in theirs:
            pair = teams.open_epoch(collaborators, actor, epoch)
            made += teams.add_boxes(session, collaborators, signed.study, epoch, pair, [receiver])
    return made


def remove(session: Session, collaborators: Collaborators, actor: Actor, signed: SignedRoster, user: UUID) -> None:
    """Take a person off the roster: boxes go, each team gets a fresh epoch for the rest; old grants then move.

    Raises:
        NotFound: not on the roster.
        LastHolder: nobody else holds a box of every epoch of a team the person belongs to.
        Conflict: the last lead.
    """
    require(actor, Permission.MEMBER_REMOVE, now=collaborators.now())
    if user not in signed.members:
        raise NotFound
    take_off(session, collaborators, actor, signed, user)


def removal_obstacles(session: Session, collaborators: Collaborators, signed: SignedRoster, user: UUID) -> list[str]:
    """Why ``remove`` would refuse to take this member off: ``last-lead``, ``last-holder:TEAM``; or nothing."""
    now, mine = collaborators.now(), sorted(teams_of(signed.members[user].roles))
    founded = [team for team in mine if teams.in_use(session, signed.study, team)]
    alone = [team for team in founded if not _live_others(session, signed, team, user, now)]
    last = ["last-lead"] if _live_leads(signed, now) == {user} else []
    return last + [f"last-holder:{team.value}" for team in alone]


def remove_expired(session: Session, collaborators: Collaborators, actor: Actor, study: UUID) -> int:
    """Remove members whose agreement has run out and whom others can do without; for the operator's timer."""
    if actor.kind is not ActorKind.OPERATOR:
        raise Forbidden
    removed = 0
    signed = roster.current(session, collaborators, study)
    for place in list(signed.members.values()):
        if place.live(collaborators.now()):
            continue
        try:
            signed = take_off(session, collaborators, actor, signed, place.user)
            removed += 1
        except Conflict:
            continue
    return removed


def check_replaceable(session: Session, collaborators: Collaborators, user: UUID) -> None:
    """Raise LastHolder if the person alone holds a key somewhere: then the account must not be reset."""
    studies = session.scalars(select(Epoch.study_id).join(Member).where(Member.user_id == user).distinct()).all()
    for study in sorted(studies):
        roster.hold(session, study)
        signed = roster.current(session, collaborators, study)
        place = signed.members.get(user)
        for team in teams_of(place.roles) if place is not None else ():
            if teams.in_use(session, study, team):
                _check_other_holder(session, signed, team, user, collaborators.now())


def finish_acceptance(session: Session, collaborators: Collaborators, acceptance: Acceptance) -> Accepted:
    """Store an acceptance; whoever replaced keys loses the boxes of the old ones, to be admitted and confirmed anew.

    Raises:
        LastHolder: others left since the reset was given, and the person now alone holds a key.
    """
    accepted = acceptance.store(session)
    if accepted.replaced:
        check_replaceable(session, collaborators, accepted.user)
        session.execute(delete(Member).where(Member.user_id == accepted.user))
    return accepted


def check_interviews(session: Session, collaborators: Collaborators, user: UUID, study: UUID) -> None:
    """Raise NotFound unless the person may submit in the study now: for the one who enrolls a device there."""
    roles = roster.latest(session, collaborators, study).roles_of(user, collaborators.now())
    if not any(Permission.RECORD_SUBMIT in ROLE_TABLE[role] for role in roles):
        raise NotFound


def take_off(
    session: Session, collaborators: Collaborators, actor: Actor, signed: SignedRoster, user: UUID
) -> SignedRoster:
    """Take a member off without asking who wants it: the callers have; the roster that was written last.

    Raises:
        LastHolder: nobody else holds a box of every epoch of a team the person belongs to.
        Conflict: the last lead.
    """
    roster.hold(session, signed.study)
    place = signed.members[user]
    now = collaborators.now()
    if _live_leads(signed, now) == {user}:
        raise Conflict("The last lead cannot leave.")
    left = signed.without_member(user)
    for team in sorted(teams_of(place.roles)):
        if teams.in_use(session, signed.study, team):
            _check_other_holder(session, signed, team, user, now)
            left = left.with_epoch(_next_epoch(session, collaborators, left, team))
    in_study = select(Epoch.id).where(Epoch.study_id == signed.study)
    session.execute(delete(Member).where(Member.user_id == user, Member.epoch_id.in_(in_study)))
    session.execute(
        update(Device)
        .where(Device.user_id == user, Device.study_id == signed.study, Device.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    session.execute(delete(DeviceOffer).where(DeviceOffer.user_id == user, DeviceOffer.study_id == signed.study))
    roster.write(session, collaborators, left)
    audit.write(
        session,
        collaborators,
        actor,
        "member.removed",
        study=signed.study,
        member=str(user),
        teams=sorted(teams_of(place.roles)),
    )
    return left


def _live_leads(signed: SignedRoster, now: datetime) -> set[UUID]:
    return {who for who, place in signed.members.items() if Role.LEAD in place.roles and place.live(now)}


def _check_other_holder(session: Session, signed: SignedRoster, team: Team, user: UUID, now: datetime) -> None:
    if not _live_others(session, signed, team, user, now):
        raise LastHolder


def _live_others(session: Session, signed: SignedRoster, team: Team, user: UUID, now: datetime) -> frozenset[UUID]:
    others = teams.confirmed(session, signed, team) - {user}
    return frozenset(other for other in others if signed.members[other].live(now))


def _next_epoch(session: Session, collaborators: Collaborators, signed: SignedRoster, team: Team) -> roster.TeamKey:
    rest = [signed.members[who] for who in sorted(teams.confirmed(session, signed, team))]
    rest = [place for place in rest if place.live(collaborators.now())]
    publics = dict(
        session.execute(select(User.id, User.public).where(User.id.in_([place.user for place in rest]))).all()
    )
    pair = KeyPair.generate()
    key = teams.add_epoch(session, signed.study, team, pair)
    receivers = [(place, publics[place.user]) for place in rest if _binds(publics[place.user], place)]
    teams.add_boxes(session, collaborators, signed.study, key, pair, receivers)
    return key


def _binds(public: bytes, place: Membership) -> bool:
    # A public key swapped in the user table does not match the admitted fingerprint and gets no box.
    return fingerprint_of(public) == place.fingerprint


def _known(session: Session, user: UUID, fingerprint: bytes) -> User:
    row = session.get(User, user)
    if row is None or not row.active:
        raise NotFound
    if row.fingerprint != fingerprint or fingerprint_of(row.public) != fingerprint:
        raise DigestDiffers
    return row


def renew_worker(session: Session, collaborators: Collaborators, actor: Actor) -> None:
    """Make the worker's next pair: private half wrapped for worker nodes, public half on the signed system roster.

    New records are sealed to it at once; the worker moves what waits under an older pair and then ends that pair.
    """
    if actor.kind is not ActorKind.OPERATOR:
        raise Forbidden
    pair = KeyPair.generate()
    wrapped = collaborators.custody.wrap(WORKER_KEY, pair.private, WORKER_CONTEXT + pair.fingerprint)
    key = teams.add_epoch(session, SYSTEM_STUDY, Team.WORKER, pair, wrapped)
    version = session.scalar(select(func.max(Roster.version)).where(Roster.study_id == SYSTEM_STUDY)) or 0
    roster.write(session, collaborators, SignedRoster(SYSTEM_STUDY, version + 1).with_epoch(key))
    audit.write(session, collaborators, actor, "team.founded", team=Team.WORKER.value, epoch=str(key.epoch))


def worker_pairs(session: Session, collaborators: Collaborators) -> dict[UUID, KeyPair]:
    """The worker's key pairs by epoch; CustodyUnavailable where custody lacks the worker's key, as on web nodes."""
    rows = session.execute(
        select(Epoch.id, Epoch.fingerprint, Epoch.wrapped_private).where(
            Epoch.study_id == SYSTEM_STUDY, Epoch.wrapped_private.is_not(None)
        )
    )
    return {
        row.id: KeyPair.from_private(
            collaborators.custody.unwrap(WORKER_KEY, row.wrapped_private, WORKER_CONTEXT + row.fingerprint)
        )
        for row in rows
    }
