"""Upkeep: rows whose time is over are deleted, so that no one can tell later who signed in when."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, or_
from sqlalchemy.orm import Session as Db

from app.accounts import challenges, throttle
from app.accounts.models import DeviceOffer, Invitation, Session
from app.collaborators import Collaborators

__all__ = ["sweep"]

# Somebody who comes with an old invitation or offer is told that it is over, for this long.
INVITATIONS_KEPT = timedelta(days=30)


def sweep(session: Db, collaborators: Collaborators) -> None:
    """Delete expired and idle sessions, old invitations and offers, and challenges and buckets that have run out."""
    now, idle = collaborators.now(), collaborators.idle_limit
    session.execute(delete(Session).where(or_(Session.expires_at <= now, Session.seen_at <= now - idle)))
    session.execute(delete(Invitation).where(Invitation.expires_at <= now - INVITATIONS_KEPT))
    session.execute(delete(DeviceOffer).where(DeviceOffer.expires_at <= now - INVITATIONS_KEPT))
    challenges.sweep(session, collaborators)
    throttle.sweep(session, collaborators)
