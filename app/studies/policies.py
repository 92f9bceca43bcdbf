"""When a study may take in testimony, and when somebody counts as admitted."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app.access import Actor, Role, Team, teams_of
from app.collaborators import Collaborators
from app.errors import Forbidden, StudyNotOpen
from app.studies import teams
from app.studies.roster import SignedRoster, latest

# Two people per half, so that the loss of one person loses no testimony.
CONFIRMED_PER_HALF = 2


def check_confirmed(session: Session, collaborators: Collaborators, actor: Actor, role: Role) -> None:
    """Raise Forbidden unless the teams of this role handed the actor their keys: a lead's word alone admits nobody.

    For verbs of two people that need no key, where an admitted stranger would otherwise count as the second.
    """
    if actor.study is None:
        raise Forbidden
    confirmed = teams.confirmed_by_team(session, latest(session, collaborators, actor.study))
    if not all(actor.user() in confirmed.get(team, frozenset()) for team in teams_of(frozenset({role}))):
        raise Forbidden("Nobody of your team has confirmed you yet.")


def check_open(session: Session, roster: SignedRoster, now: datetime) -> None:
    """Raise StudyNotOpen unless the people that intake relies on are confirmed.

    Two guardians, two auditors, a redactor, an approver who is another person, and a researchers' key. A demo study
    is exempt from the counts, never from the keys.
    """
    if not {Team.REDACTION, Team.GUARDIANS, Team.AUDITORS, Team.RESEARCHERS} <= roster.epochs.keys():
        raise StudyNotOpen
    if roster.exempt:
        return
    live = {
        team: {user for user in users if roster.members[user].live(now)}
        for team, users in teams.confirmed_by_team(session, roster).items()
    }
    for team in (Team.GUARDIANS, Team.AUDITORS):
        if len(live.get(team, ())) < CONFIRMED_PER_HALF:
            raise StudyNotOpen
    redaction = live.get(Team.REDACTION, set())
    redactors = {user for user in redaction if Role.REDACTOR in roster.members[user].roles}
    approvers = {user for user in redaction if Role.APPROVER in roster.members[user].roles}
    if not redactors or not approvers or len(redactors | approvers) < CONFIRMED_PER_HALF:
        raise StudyNotOpen
