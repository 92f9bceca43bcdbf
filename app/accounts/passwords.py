"""Changing one's password, and an admin's reset of somebody's.

A change re-seals the same keys under the new password and ends every session. A reset gives nobody the old keys: its
acceptance makes new ones, and the person is admitted anew.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.access import Actor, Permission, require
from app.accounts import queries
from app.accounts.gate import Gate, Locked
from app.accounts.invitations import invite_to_replace
from app.accounts.models import User
from app.accounts.password_rules import can_be_password, check_password
from app.accounts.throttle import Charge, Throttling
from app.audit.service import write
from app.collaborators import Collaborators
from app.errors import Conflict, Flaw, Invalid, NotFound, SignInRefused, Unauthenticated

__all__ = ["PasswordChange", "reset"]


class PasswordChange:
    """One change of one's own password, in three phases (``phases.run``).

    Raises:
        Invalid: the old password is wrong (``/old``), or the new one is refused (``/new``).
        Throttled: too many wrong ones in this session, or too many work on passwords at this moment.
        Conflict: the password or the keys changed meanwhile.
    """

    def __init__(
        self,
        collaborators: Collaborators,
        gate: Gate,
        throttling: Throttling,
        actor: Actor,
        *,
        token: str,
        old: str,
        new: str,
    ) -> None:
        self._collaborators = collaborators
        self._gate = gate
        self._throttling = throttling
        self._actor = actor
        self._token = token
        self._old = old
        self._new = new
        self._charge: Charge
        self._before: Locked
        self._after: Locked

    def plan(self, session: Session) -> None:
        """Judge the new password, charge the guess of the old one, read the bundle."""
        require(self._actor, Permission.SESSION_OWN)
        user = queries.user_by_id(session, self._actor.user())
        if user is None or self._actor.keys is None:
            raise Unauthenticated
        check_password(self._new, user.name, pointer="/new")
        self._charge = self._throttling.charge_token(session, purpose="password", token=self._token)
        self._before = Locked.of(user)

    def work(self) -> None:
        """Open by the old password, seal by the new one."""
        before = self._before
        if not can_be_password(self._old):
            raise Invalid(_WRONG)
        try:
            bundle = self._gate.unlock(self._collaborators, before, self._old)
        except SignInRefused:
            raise Invalid(_WRONG) from None
        self._after = self._gate.lock(self._collaborators, before.user, before.key_id, bundle, self._new)

    def store(self, session: Session) -> int:
        """Write the bundle unless the account changed since it was read, end all sessions; how many there were."""
        unchanged = (User.id == self._before.user, User.key_id == self._before.key_id, User.salt == self._before.salt)
        written = update(User).where(*unchanged).values(self._after.columns()).returning(User.id)
        if session.scalar(written) is None:
            raise Conflict
        count = queries.delete_sessions(session, self._before.user)
        self._throttling.clear(session, self._charge)
        write(session, self._collaborators, self._actor, "password.changed", count=count)
        return count

    def refused(self, session: Session) -> None:
        """Write that the old password was wrong."""
        write(session, self._collaborators, self._actor, "password.refused")

    def undone(self, session: Session) -> None:
        """Give the charge back."""
        self._throttling.refund(session, self._charge)


def reset(session: Session, collaborators: Collaborators, actor: Actor, user: UUID) -> str:
    """Let somebody who lost the password or the second factor start anew with other keys; the invitation's token.

    Nothing of the person changes until it is accepted. Whether somebody else still holds every box of the person's
    teams is asked above the accounts, in the same transaction.

    Raises:
        Forbidden: only admins reset.
        NotFound: no such person, or a deactivated one.
    """
    require(actor, Permission.USER_MANAGE)
    row = queries.user_by_id(session, user)
    if row is None or not row.active:
        raise NotFound
    return invite_to_replace(session, collaborators, actor, row)


_WRONG = [Flaw("/old", "This is not your password.")]
