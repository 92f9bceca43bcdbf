"""Upkeep: rows whose time is over are deleted, so that no one can tell later who signed in when."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, or_
from sqlalchemy.orm import Session as Db

from app.accounts import throttle
from app.accounts.models import Invitation, Session
from app.accounts.sessions import IDLE_LIMIT
from app.collaborators import Collaborators

__all__ = ["sweep"]

# Somebody who clicks an old invitation is told that it is over, for this long.
INVITATIONS_KEPT = timedelta(days=30)


def sweep(session: Db, collaborators: Collaborators, *, idle: timedelta = IDLE_LIMIT) -> None:
    """Delete expired and idle sessions, old invitations and throttle buckets that have run out."""
    now = collaborators.now()
    session.execute(delete(Session).where(or_(Session.expires_at <= now, Session.seen_at <= now - idle)))
    session.execute(delete(Invitation).where(Invitation.expires_at <= now - INVITATIONS_KEPT))
    throttle.sweep(session, collaborators)
