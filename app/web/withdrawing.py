"""Withdrawing by the participant's token, and erasing by two people, as units of work: for the API and for pages."""

from __future__ import annotations

from app.access import Actor
from app.bootstrap import Runtime
from app.cases import withdrawal
from app.cases.models import Decision
from app.intake import erasing

__all__ = ["by_token", "erase"]

PURPOSE = "withdrawal"


def by_token(runtime: Runtime, source: str, token: str) -> None:
    """Freeze the case of a token; the same silence for one that nobody has.

    Raises:
        Throttled: too many tokens from this source.
    """
    with runtime.transaction() as session:
        runtime.throttling.count(session, purpose=PURPOSE, source=source)
    with runtime.transaction() as session:
        withdrawal.withdraw_by_token(session, runtime.collaborators, token)


def erase(runtime: Runtime, actor: Actor, code: str, preference: str | None) -> Decision:
    """Ask for an erasure, or agree to it and carry it out; the decision is committed before anything is erased."""
    with runtime.transaction() as session:
        decision = withdrawal.decide(
            session, runtime.collaborators, actor, code, kind=withdrawal.ERASE, preference=preference
        )
    if decision.second_by is not None:
        with runtime.transaction() as session:
            erasing.carry_out(session, runtime.collaborators, actor, decision.id)
    return decision
