"""One's own passkeys: a second factor that takes the place of the one-time code."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from app.access import Permission
from app.accounts import passkeys
from app.accounts.passkeys import LABEL_CHARACTERS
from app.web.api.answers import MadeBody
from app.web.bodies import Body, Out
from app.web.deps import Runtime_, Signed, Token
from app.web.routing import Router

__all__ = ["router"]

router = Router("/v1/passkeys", tag="accounts")


class PasskeyBody(Body):
    """A passkey just made, and what its owner calls it."""

    label: Annotated[str, Field(min_length=1, max_length=LABEL_CHARACTERS)]
    passkey: MadeBody = Field(repr=False)


class PasskeyOut(Out):
    """One of one's own passkeys. ``warned_day``: its counter went back that day, so somebody may have a copy of it."""

    id: UUID
    label: str
    transports: list[str]
    created_day: str
    last_used_day: str | None
    warned_day: str | None


class PasskeysOut(Out):
    """One's own passkeys, oldest first."""

    passkeys: list[PasskeyOut]


@router.get("", permission=Permission.SESSION_OWN)
def list_passkeys(actor: Signed, runtime: Runtime_) -> PasskeysOut:
    """One's own passkeys."""
    with runtime.glance() as session:
        views = passkeys.list_passkeys(session, runtime.collaborators, actor)
    return PasskeysOut(passkeys=[PasskeyOut.of(view) for view in views])


@router.post("/challenge", permission=Permission.FACTOR_CHANGE)
def challenge_for_passkey(actor: Signed, token: Token, runtime: Runtime_) -> dict[str, Any]:
    """What a browser needs to make a passkey in this session (PublicKeyCredentialCreationOptionsJSON)."""
    with runtime.glance() as session:
        return passkeys.registration_options(session, runtime.collaborators, actor, runtime.ceremonies, token)


@router.post("", permission=Permission.FACTOR_CHANGE, status=201)
def add_passkey(body: PasskeyBody, actor: Signed, token: Token, runtime: Runtime_) -> PasskeyOut:
    """Keep a passkey that was made in this session within five minutes of its challenge."""
    with runtime.transaction() as session:
        view = passkeys.register(
            session,
            runtime.collaborators,
            actor,
            runtime.ceremonies,
            token,
            label=body.label,
            passkey=body.passkey.text(),
        )
    return PasskeyOut.of(view)


@router.delete("/{passkey}", permission=Permission.FACTOR_CHANGE)
def remove_passkey(passkey: UUID, actor: Signed, runtime: Runtime_) -> None:
    """Remove one of one's own passkeys; the one-time code remains."""
    with runtime.transaction() as session:
        passkeys.remove(session, runtime.collaborators, actor, passkey)
