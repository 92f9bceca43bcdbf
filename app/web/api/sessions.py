"""Signing in and out, one's own sessions, and the fresh code that some verbs ask for."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.access import Permission
from app.accounts import sessions
from app.accounts.password_rules import LONGEST, SHORTEST
from app.accounts.sign_in import Credentials, SignIn
from app.accounts.step_up import StepUp
from app.web.bodies import Body, Out
from app.web.deps import Runtime_, Signed, Source, Token
from app.web.routing import Router

__all__ = ["router"]

router = Router("/v1/sessions", tag="accounts")

# Anything longer is no name, password or code of ours and costs only time.
NameText = Annotated[str, Field(min_length=1, max_length=200)]
PasswordText = Annotated[str, Field(min_length=1, max_length=1024)]
NewPasswordText = Annotated[str, Field(min_length=SHORTEST, max_length=LONGEST)]
CodeText = Annotated[str, Field(pattern=r"^[0-9]{6}$")]


class SignInBody(Body):
    """Who wants in."""

    name: NameText
    password: PasswordText = Field(repr=False)
    code: CodeText = Field(repr=False)


class SignedInOut(Out):
    """A new session. The token is shown once."""

    token: str = Field(repr=False)
    session: UUID
    user: UUID
    expires_at: datetime


class SessionOut(Out):
    """One of one's own sessions."""

    id: UUID
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    current: bool


class SessionsOut(Out):
    """One's own sessions, newest first."""

    sessions: list[SessionOut]


class CodeBody(Body):
    """A fresh one-time code."""

    code: CodeText = Field(repr=False)


class FactorOut(Out):
    """When the second factor was last given."""

    factor_at: datetime


@router.post("", permission=Permission.NOTHING_NEEDED, status=201, also={401: "Name, password or code is wrong."})
def sign_in(body: SignInBody, source: Source, runtime: Runtime_) -> SignedInOut:
    """Sign in with name, password and one-time code. Which of them is wrong is not said."""
    credentials = Credentials(body.name, body.password, body.code, source)
    return SignedInOut.of(runtime.run(SignIn(runtime.collaborators, runtime.gate, runtime.throttling, credentials)))


@router.get("", permission=Permission.SESSION_OWN)
def list_sessions(actor: Signed, token: Token, runtime: Runtime_) -> SessionsOut:
    """One's own sessions."""
    with runtime.transaction() as session:
        views = sessions.list_sessions(session, runtime.collaborators, actor, token=token)
    return SessionsOut(sessions=[SessionOut.of(view) for view in views])


@router.delete("", permission=Permission.SESSION_OWN)
def end_all_sessions(actor: Signed, runtime: Runtime_) -> None:
    """End all of one's own sessions, this one too."""
    with runtime.transaction() as session:
        sessions.end_all(session, runtime.collaborators, actor)


@router.delete("/current", permission=Permission.SESSION_OWN)
def sign_out(actor: Signed, token: Token, runtime: Runtime_) -> None:
    """End this session."""
    with runtime.transaction() as session:
        sessions.sign_out(session, runtime.collaborators, actor, token)


@router.post("/current/step-up", permission=Permission.SESSION_OWN)
def step_up(body: CodeBody, actor: Signed, token: Token, runtime: Runtime_) -> FactorOut:
    """Give a fresh one-time code: verbs that need one accept this session for five minutes."""
    stepped = runtime.run(StepUp(runtime.collaborators, runtime.throttling, actor, token=token, code=body.code))
    return FactorOut.of(stepped)


@router.delete("/{session_id}", permission=Permission.SESSION_OWN)
def end_session(session_id: UUID, actor: Signed, runtime: Runtime_) -> None:
    """End one of one's own sessions."""
    with runtime.transaction() as session:
        sessions.end_session(session, runtime.collaborators, actor, session_id)
