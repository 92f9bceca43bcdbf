"""Step-up: a fresh one-time code inside a session, before verbs that ask for one."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import update
from sqlalchemy.orm import Session as Db

from app.access import Actor, Permission, require
from app.accounts import factors, sessions
from app.accounts.models import Session
from app.accounts.throttle import Charge, Throttling
from app.audit.service import write
from app.collaborators import Collaborators
from app.crypto.tokens import token_hash
from app.errors import StepUpRequired

__all__ = ["StepUp"]


class StepUp:
    """One step-up, in three phases (``phases.run``); ``store`` gives the actor with its fresh factor.

    Raises:
        StepUpRequired: the code is wrong or spent.
        Throttled: too many wrong codes in this session.
        Unauthenticated: the session ended meanwhile.
    """

    def __init__(
        self, collaborators: Collaborators, throttling: Throttling, actor: Actor, *, token: str, code: str
    ) -> None:
        self._collaborators = collaborators
        self._throttling = throttling
        self._actor = actor
        self._token = token
        self._code = code
        self._charge: Charge

    def plan(self, session: Db) -> None:
        """Charge the guess to this session."""
        require(self._actor, Permission.SESSION_OWN)
        self._charge = self._throttling.charge_token(session, purpose="step-up", token=self._token)

    def work(self) -> None:
        """Nothing here is slow."""

    def store(self, session: Db) -> Actor:
        """Check the code against the bundle in the session, spend it, and note when."""
        now = self._collaborators.now()
        user, bundle = sessions.open_bundle(session, self._collaborators, self._token)
        step = factors.matching_step(bundle.totp, self._code, now)
        if step is None or not factors.spend_step(session, user.id, step, key_id=user.key_id):
            raise StepUpRequired
        session.execute(update(Session).where(Session.token_hash == token_hash(self._token)).values(factor_at=now))
        self._throttling.clear(session, self._charge)
        write(session, self._collaborators, self._actor, "stepped_up")
        return replace(self._actor, factor_at=now)

    def refused(self, session: Db) -> None:
        """Write that a code was refused."""
        write(session, self._collaborators, self._actor, "step_up.refused")

    def undone(self, session: Db) -> None:
        """Give the charge back."""
        self._throttling.refund(session, self._charge)
