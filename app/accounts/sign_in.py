"""Sign-in: opening the bundle is the check of the password, and one answer stands for everything that is wrong.

Unknown accounts, deactivated people, wrong passwords and wrong codes take the same way: one Argon2id, one custody call,
the same refusal, the same event without a name.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from app.access import Actor, ActorKind
from app.accounts import factors, queries, sessions
from app.accounts.gate import Gate, Locked
from app.accounts.names import fold_name
from app.accounts.password_rules import can_be_password
from app.accounts.sessions import SignedIn
from app.accounts.throttle import Charge, Throttling
from app.audit.service import write
from app.collaborators import Collaborators
from app.crypto.passwords import Bundle
from app.errors import SignInRefused

__all__ = ["Credentials", "SignIn"]

NOBODY = Actor(ActorKind.NOBODY)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What somebody typed, and the address it came from."""

    name: str = field(repr=False)
    password: str = field(repr=False)
    code: str = field(repr=False)
    source: str = field(repr=False)


class SignIn:
    """One sign-in, in three phases (``phases.run``); ``store`` gives the session.

    Raises:
        SignInRefused: name, password or code is wrong, or the person is deactivated.
        Throttled: this source has to wait, or too many sign in at this moment.
    """

    def __init__(
        self, collaborators: Collaborators, gate: Gate, throttling: Throttling, credentials: Credentials
    ) -> None:
        self._collaborators = collaborators
        self._gate = gate
        self._throttling = throttling
        self._credentials = credentials
        self._charge: Charge
        self._locked: Locked
        self._bundle: Bundle
        self._step: int

    def plan(self, session: Session) -> None:
        """Charge the attempt and read the account's bundle, or take the dummy."""
        credentials = self._credentials
        name = fold_name(credentials.name)
        account = credentials.name if name is None else name
        self._charge = self._throttling.charge(session, account=account, source=credentials.source)
        dummy = self._gate.dummy(self._collaborators)
        user = queries.user_by_name(session, name or "")
        self._locked = dummy if user is None else Locked.of(user)

    def work(self) -> None:
        """Open the bundle and look for the code's time step. What cannot be a password costs as much as a wrong one."""
        password = self._credentials.password if can_be_password(self._credentials.password) else ""
        self._bundle = self._gate.unlock(self._collaborators, self._locked, password)
        step = factors.matching_step(self._bundle.totp, self._credentials.code, self._collaborators.now())
        if step is None:
            raise SignInRefused
        self._step = step

    def store(self, session: Session) -> SignedIn:
        """Spend the code and write the session, unless the account changed since it was read."""
        locked = self._locked
        if not factors.spend_step(session, locked.user, self._step, key_id=locked.key_id, salt=locked.salt):
            raise SignInRefused
        signed_in = sessions.begin(session, self._collaborators, locked.user, locked.key_id, self._bundle)
        self._throttling.clear(session, self._charge)
        actor = Actor(ActorKind.USER, locked.user)
        write(session, self._collaborators, actor, "signed_in", session=str(signed_in.session))
        return signed_in

    def refused(self, session: Session) -> None:
        """Write that a sign-in was refused; not whose, for then the events would tell who exists."""
        write(session, self._collaborators, NOBODY, "sign_in.refused")

    def undone(self, session: Session) -> None:
        """Give the charge back."""
        self._throttling.refund(session, self._charge)
