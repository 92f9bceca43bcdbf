"""Sign-in: opening the bundle is the check of the password, and one answer stands for everything that is wrong.

Unknown accounts, deactivated people, wrong passwords, wrong codes and wrong passkeys take the same way: one Argon2id,
one custody call, the same refusal, the same event without a name.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from app.access import Actor, ActorKind
from app.accounts import queries, sessions
from app.accounts.ceremonies import SIGN_IN, Ceremonies
from app.accounts.gate import Gate, Locked
from app.accounts.names import fold_name
from app.accounts.password_rules import can_be_password
from app.accounts.proofs import CodeProof, PasskeyProof, Proof
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
    """What somebody typed, and the address it came from.

    ``passkey`` is what a passkey answered to ``Ceremonies.sign_in_options``, as JSON; it takes the code's place.
    """

    name: str = field(repr=False)
    password: str = field(repr=False)
    code: str = field(repr=False)
    source: str = field(repr=False)
    passkey: str = field(default="", repr=False)


class SignIn:
    """One sign-in, in three phases (``phases.run``); ``store`` gives the session.

    Without ``ceremonies`` only codes are taken.

    Raises:
        SignInRefused: name, password, code or passkey is wrong, or the person is deactivated.
        Throttled: this source has to wait, or too many sign in at this moment.
    """

    def __init__(
        self,
        collaborators: Collaborators,
        gate: Gate,
        throttling: Throttling,
        credentials: Credentials,
        ceremonies: Ceremonies | None = None,
    ) -> None:
        self._collaborators = collaborators
        self._gate = gate
        self._throttling = throttling
        self._credentials = credentials
        self._proof: Proof = CodeProof(collaborators, credentials.code)
        if credentials.passkey and ceremonies is not None:
            self._proof = PasskeyProof(collaborators, ceremonies, credentials.passkey, purpose=SIGN_IN)
        self._charge: Charge
        self._locked: Locked
        self._bundle: Bundle

    def plan(self, session: Session) -> None:
        """Charge the attempt and read the account's bundle and passkey, or take the dummy."""
        credentials = self._credentials
        name = fold_name(credentials.name)
        account = credentials.name if name is None else name
        self._charge = self._throttling.charge(session, account=account, source=credentials.source)
        dummy = self._gate.dummy(self._collaborators)
        user = queries.user_by_name(session, name or "")
        self._locked = dummy if user is None else Locked.of(user)
        self._proof.look(session, self._locked.user)

    def work(self) -> None:
        """Open the bundle and judge the second factor. What cannot be a password costs as much as a wrong one."""
        password = self._credentials.password if can_be_password(self._credentials.password) else ""
        self._bundle = self._gate.unlock(self._collaborators, self._locked, password)
        if not self._proof.holds(self._locked.user, self._bundle):
            raise SignInRefused

    def store(self, session: Session) -> SignedIn:
        """Use the second factor up and write the session, unless the account changed since it was read."""
        locked = self._locked
        if not self._proof.spend(session, locked.user, key_id=locked.key_id, salt=locked.salt):
            raise SignInRefused
        signed_in = sessions.begin(session, self._collaborators, locked.user, locked.key_id, self._bundle)
        self._throttling.clear(session, self._charge)
        actor = Actor(ActorKind.USER, locked.user)
        write(session, self._collaborators, actor, "signed_in", session=str(signed_in.session))
        return signed_in

    def refused(self, session: Session) -> None:
        """Write that a sign-in was refused; not whose, for then the events would tell who exists.

        But where the password was right and the passkey's counter went back, its owner is to know.
        """
        write(session, self._collaborators, NOBODY, "sign_in.refused")
        if self._proof.warn(session):
            owner = Actor(ActorKind.USER, self._locked.user)
            write(session, self._collaborators, owner, "passkey.went_back", user=str(owner.id))

    def undone(self, session: Session) -> None:
        """Give the charge back."""
        self._throttling.refund(session, self._charge)
