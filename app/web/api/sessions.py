"""Signing in and out, one's own sessions, and the fresh second factor that some verbs ask for."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from app.access import Permission
from app.accounts import passkeys, sessions
from app.accounts.password_rules import LONGEST, SHORTEST
from app.accounts.sign_in import Credentials, SignIn
from app.accounts.step_up import StepUp
from app.errors import Flaw, Invalid
from app.web.api.answers import AnswerBody
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


class FactorBody(Body):
    """A second factor: a one-time code, or what a passkey answered to a challenge; one of them."""

    code: CodeText | None = Field(None, repr=False)
    passkey: AnswerBody | None = Field(None, repr=False)

    def given(self) -> dict[str, str]:
        """The code and the passkey's answer as the services take them: one of them is empty.

        Raises:
            Invalid: both are there, or neither.
        """
        if (self.code is None) == (self.passkey is None):
            raise Invalid([Flaw("/code", "Give either a code or a passkey's answer.")])
        return {"code": self.code or "", "passkey": self.passkey.text() if self.passkey else ""}


class SignInBody(FactorBody):
    """Who wants in."""

    name: NameText
    password: PasswordText = Field(repr=False)


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


class FactorOut(Out):
    """When the second factor was last given."""

    factor_at: datetime


@router.post("", permission=Permission.NOTHING_NEEDED, status=201, also={401: "Name, password or factor is wrong."})
def sign_in(body: SignInBody, source: Source, runtime: Runtime_) -> SignedInOut:
    """Sign in with name, password, and a one-time code or passkey. Which of them is wrong is not said."""
    credentials = Credentials(body.name, body.password, source=source, **body.given())
    attempt = SignIn(runtime.collaborators, runtime.gate, runtime.throttling, credentials, runtime.ceremonies)
    return SignedInOut.of(runtime.run(attempt))


@router.post("/challenge", permission=Permission.NOTHING_NEEDED)
def challenge_for_sign_in(runtime: Runtime_) -> dict[str, Any]:
    """What a passkey answers at sign-in (PublicKeyCredentialRequestOptionsJSON); it names no account."""
    return runtime.ceremonies.sign_in_options()


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
def step_up(body: FactorBody, actor: Signed, token: Token, runtime: Runtime_) -> FactorOut:
    """Give a fresh second factor: verbs that need one accept this session for five minutes."""
    stepping = StepUp(
        runtime.collaborators,
        runtime.throttling,
        actor,
        token=token,
        ceremonies=runtime.ceremonies,
        **body.given(),
    )
    return FactorOut.of(runtime.run(stepping))


@router.post("/current/step-up/challenge", permission=Permission.SESSION_OWN)
def challenge_for_step_up(actor: Signed, token: Token, runtime: Runtime_) -> dict[str, Any]:
    """What one of one's own passkeys answers in this session (PublicKeyCredentialRequestOptionsJSON)."""
    with runtime.glance() as session:
        return passkeys.step_up_options(session, runtime.collaborators, actor, runtime.ceremonies, token)


@router.delete("/{session_id}", permission=Permission.SESSION_OWN)
def end_session(session_id: UUID, actor: Signed, runtime: Runtime_) -> None:
    """End one of one's own sessions."""
    with runtime.transaction() as session:
        sessions.end_session(session, runtime.collaborators, actor, session_id)
