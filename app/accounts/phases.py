"""The three phases of everything that works on a password or a code.

``plan`` looks up and charges the throttle, in a transaction that commits; ``work`` is slow (Argon2id, custody) and
holds no transaction; ``store`` writes. A wrong guess stays charged and gets its own event, in its own transaction; an
attempt that never became a guess is given back.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from sqlalchemy.orm import Session

from app.errors import Invalid, SignInRefused, StepUpRequired, TestimonyError

__all__ = ["Phased", "Transactions", "run"]

R_co = TypeVar("R_co", covariant=True)
R = TypeVar("R")

# Opens a transaction that commits when its block ends, such as ``Runtime.transaction``.
Transactions = Callable[[], AbstractContextManager[Session]]

WRONG_GUESS = (SignInRefused, StepUpRequired, Invalid)


class Phased(Protocol[R_co]):
    """One attempt. ``plan``, ``store``, ``refused`` and ``undone`` each run in a transaction of their own."""

    def plan(self, session: Session) -> None:
        """Look up what is needed and charge the throttle."""

    def work(self) -> None:
        """Do what is slow."""

    def store(self, session: Session) -> R_co:
        """Write the outcome."""

    def refused(self, session: Session) -> None:
        """Write the event of a wrong guess; its charge stays."""

    def undone(self, session: Session) -> None:
        """Give the charge back: nothing was guessed."""


def run(transactions: Transactions, phased: Phased[R]) -> R:
    """Take one attempt through its phases; whatever they raise comes out after it is accounted for."""
    with transactions() as session:
        phased.plan(session)
    try:
        phased.work()
        with transactions() as session:
            return phased.store(session)
    except WRONG_GUESS:
        with transactions() as session:
            phased.refused(session)
        raise
    except TestimonyError:
        with transactions() as session:
            phased.undone(session)
        raise
