"""Step-up: a fresh one-time code, or a passkey's fresh answer, inside a session, before verbs that ask for one."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import update
from sqlalchemy.orm import Session as Db

from app.access import Actor, Permission, require
from app.accounts import sessions
from app.accounts.ceremonies import STEP_UP, Ceremonies, session_of
from app.accounts.models import Session
from app.accounts.proofs import CodeProof, PasskeyProof, Proof
from app.accounts.throttle import Charge, Throttling
from app.audit.service import write
from app.collaborators import Collaborators
from app.crypto.tokens import token_hash
from app.errors import StepUpRequired

__all__ = ["StepUp"]


class StepUp:
    """One step-up, in three phases (``phases.run``); ``store`` gives the actor with its fresh factor.

    ``passkey`` is what a passkey answered to ``passkeys.step_up_options``, as JSON; it takes the code's place. Without
    ``ceremonies`` only codes are taken.

    Raises:
        StepUpRequired: the code or the answer is wrong or spent.
        Throttled: too many wrong ones in this session.
        Unauthenticated: the session ended meanwhile.
    """

    def __init__(
        self,
        collaborators: Collaborators,
        throttling: Throttling,
        actor: Actor,
        *,
        token: str,
        code: str = "",
        passkey: str = "",
        ceremonies: Ceremonies | None = None,
    ) -> None:
        self._collaborators = collaborators
        self._throttling = throttling
        self._actor = actor
        self._token = token
        self._proof: Proof = CodeProof(collaborators, code)
        if passkey and ceremonies is not None:
            bound = session_of(token)
            self._proof = PasskeyProof(collaborators, ceremonies, passkey, purpose=STEP_UP, bound=bound)
        self._charge: Charge

    def plan(self, session: Db) -> None:
        """Charge the guess to this session."""
        require(self._actor, Permission.SESSION_OWN)
        self._charge = self._throttling.charge_token(session, purpose="step-up", token=self._token)

    def work(self) -> None:
        """Nothing here is slow."""

    def store(self, session: Db) -> Actor:
        """Judge it with the bundle in the session, use it up, and note when."""
        now = self._collaborators.now()
        user, bundle = sessions.open_bundle(session, self._collaborators, self._token)
        self._proof.look(session, user.id)
        if not self._proof.holds(user.id, bundle) or not self._proof.spend(session, user.id, key_id=user.key_id):
            raise StepUpRequired
        session.execute(update(Session).where(Session.token_hash == token_hash(self._token)).values(factor_at=now))
        self._throttling.clear(session, self._charge)
        write(session, self._collaborators, self._actor, "stepped_up")
        return replace(self._actor, factor_at=now)

    def refused(self, session: Db) -> None:
        """Write that it was refused, and whether a passkey's counter went back."""
        write(session, self._collaborators, self._actor, "step_up.refused")
        if self._proof.warn(session):
            write(session, self._collaborators, self._actor, "passkey.went_back", user=str(self._actor.user()))

    def undone(self, session: Db) -> None:
        """Give the charge back."""
        self._throttling.refund(session, self._charge)
