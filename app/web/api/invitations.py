"""Inviting people, and accepting."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.access import Permission
from app.accounts import invitations
from app.accounts.invitations import Acceptance
from app.accounts.names import ACCOUNT_NAME
from app.studies import service as studies
from app.web.api.sessions import NewPasswordText
from app.web.api.users import TokenOut
from app.web.bodies import Body, Out
from app.web.deps import Runtime_, Signed
from app.web.routing import Router

__all__ = ["router"]

router = Router("/v1/invitations", tag="accounts")

ACCOUNT_NAME_PATTERN = f"^{ACCOUNT_NAME.pattern}$"


class InvitationBody(Body):
    """Whom to invite. Admins hold no other role."""

    name: Annotated[str, Field(pattern=ACCOUNT_NAME_PATTERN)]
    admin: bool = False


class AcceptanceBody(Body):
    """The invitation's token and the password that the person chooses."""

    token: Annotated[str, Field(min_length=1, max_length=200)] = Field(repr=False)
    password: NewPasswordText = Field(repr=False)


class AcceptedOut(Out):
    """The new account. The secret of the second factor is shown once."""

    user: UUID
    name: str
    admin: bool
    fingerprint: str
    fingerprint_text: str
    totp_secret: str = Field(repr=False)
    totp_uri: str = Field(repr=False)


@router.post("", permission=Permission.USER_MANAGE, status=201)
def invite_user(body: InvitationBody, actor: Signed, runtime: Runtime_) -> TokenOut:
    """Invite somebody to make an account. An earlier unused invitation of that name ends."""
    with runtime.transaction() as session:
        token = invitations.invite(session, runtime.collaborators, actor, body.name, admin=body.admin)
    return TokenOut(token=token)


@router.post("/accept", permission=Permission.NOTHING_NEEDED, status=201)
def accept_invitation(body: AcceptanceBody, runtime: Runtime_) -> AcceptedOut:
    """Make the account, or replace its keys, and get the second factor."""
    acceptance = Acceptance(runtime.collaborators, runtime.gate, body.token, body.password)
    with runtime.transaction() as session:
        acceptance.plan(session)
    acceptance.work()
    with runtime.transaction() as session:
        accepted = acceptance.store(session)
        if accepted.replaced:
            # Asked when the reset was given, and again now: others may have left in the meantime.
            studies.check_replaceable(session, runtime.collaborators, accepted.user)
            studies.drop_boxes(session, accepted.user)
    return AcceptedOut(
        user=accepted.user,
        name=accepted.name,
        admin=accepted.admin,
        fingerprint=accepted.fingerprint.hex(),
        fingerprint_text=accepted.fingerprint_text,
        totp_secret=accepted.totp_secret,
        totp_uri=accepted.totp_uri,
    )
