"""When a study may take in testimony, and when somebody may leave."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from app.access import Role, Team
from app.errors import StudyNotOpen
from app.studies import teams
from app.studies.roster import SignedRoster

# Two people per half, so that the loss of one person loses no testimony.
CONFIRMED_PER_HALF = 2


def check_open(session: Session, roster: SignedRoster, now: datetime) -> None:
    """Raise StudyNotOpen unless the people that intake relies on are confirmed.

    Two guardians, two auditors, a redactor, an approver who is another person, and a researchers' key. A demo study
    is exempt from the counts, never from the keys.
    """
    if not {Team.REDACTION, Team.GUARDIANS, Team.AUDITORS, Team.RESEARCHERS} <= roster.epochs.keys():
        raise StudyNotOpen
    if roster.exempt:
        return
    for team in (Team.GUARDIANS, Team.AUDITORS):
        if len(_live(session, roster, team, now)) < CONFIRMED_PER_HALF:
            raise StudyNotOpen
    redaction = _live(session, roster, Team.REDACTION, now)
    redactors = {user for user in redaction if Role.REDACTOR in roster.members[user].roles}
    approvers = {user for user in redaction if Role.APPROVER in roster.members[user].roles}
    if not redactors or not approvers or len(redactors | approvers) < CONFIRMED_PER_HALF:
        raise StudyNotOpen


def _live(session: Session, roster: SignedRoster, team: Team, now: datetime) -> frozenset[UUID]:
    members = teams.confirmed(session, roster, team)
    return frozenset(user for user in members if roster.members[user].live(now))
