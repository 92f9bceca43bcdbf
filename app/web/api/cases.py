"""Withdrawal, erasure by two people, thawing, holds."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from app.access import Permission
from app.cases import withdrawal
from app.web.bodies import Body, Out
from app.web.deps import Acting, Runtime_
from app.web.routing import Router
from app.web.withdrawing import erase

__all__ = ["router"]

router = Router("/v1/studies/{study}/cases/{code}", tag="cases")


class ErasureBody(Body):
    """The participant's choice, where it was left to be decided later."""

    preference: Literal["erase_all", "erase_identity_keep_anonymised"] | None = None


class DecisionOut(Out):
    """A decision of two people; ``done`` once the second agreed and it is carried out."""

    decision: UUID
    done: bool


@router.post("/withdrawal", permission=Permission.WITHDRAWAL_RECORD)
def withdraw_case(study: UUID, code: str, actor: Acting, runtime: Runtime_) -> None:  # noqa: ARG001
    """Freeze every record of a case at once."""
    with runtime.transaction() as session:
        withdrawal.withdraw(session, runtime.collaborators, actor, code)


@router.post("/erasure", permission=Permission.CASE_DECIDE)
def erase_case(study: UUID, code: str, body: ErasureBody, actor: Acting, runtime: Runtime_) -> DecisionOut:  # noqa: ARG001
    """Ask for the erasure of a case, or agree to it as the other side: a guardian and a lead."""
    decision = erase(runtime, actor, code, body.preference)
    return DecisionOut(decision=decision.id, done=decision.second_by is not None)


@router.post("/thaw", permission=Permission.CASE_DECIDE)
def thaw_case(study: UUID, code: str, actor: Acting, runtime: Runtime_) -> DecisionOut:  # noqa: ARG001
    """Ask to undo a freeze, or agree to it as the other side: a guardian and a lead."""
    with runtime.transaction() as session:
        decision = withdrawal.decide(session, runtime.collaborators, actor, code, kind=withdrawal.THAW)
    return DecisionOut(decision=decision.id, done=decision.done)


@router.put("/hold", permission=Permission.CASE_HOLD)
def hold_case(study: UUID, code: str, actor: Acting, runtime: Runtime_) -> None:  # noqa: ARG001
    """Stop the erasure of a case; never the freeze."""
    with runtime.transaction() as session:
        withdrawal.hold(session, runtime.collaborators, actor, code, held=True)


@router.delete("/hold", permission=Permission.CASE_HOLD)
def lift_hold(study: UUID, code: str, actor: Acting, runtime: Runtime_) -> None:  # noqa: ARG001
    """Let the erasure of a case go on."""
    with runtime.transaction() as session:
        withdrawal.hold(session, runtime.collaborators, actor, code, held=False)
