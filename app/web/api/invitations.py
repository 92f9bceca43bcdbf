"""Inviting people, and accepting."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.access import Permission
from app.accounts import factors, invitations
from app.accounts.invitations import Acceptance, Confirmed
from app.accounts.names import ACCOUNT_NAME
from app.errors import Flaw, Invalid
from app.studies import service as studies
from app.web.api.sessions import CodeText, NewPasswordText
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


class InvitationTokenBody(Body):
    """The invitation's token."""

    token: Annotated[str, Field(min_length=1, max_length=200)] = Field(repr=False)


class AcceptanceBody(InvitationTokenBody):
    """The password that the person chooses.

    A client that has shown a second factor of its own making (160 bits in base32) sends it with a code of it; else the
    service makes one.
    """

    password: NewPasswordText = Field(repr=False)
    totp_secret: Annotated[str, Field(pattern=r"^[A-Z2-7]{32}$")] | None = Field(None, repr=False)
    code: CodeText | None = Field(None, repr=False)

    def confirmed(self) -> Confirmed | None:
        """The second factor that the client brings.

        Raises:
            Invalid: a secret without a code of it, or a code of none.
        """
        if (self.totp_secret is None) != (self.code is None):
            raise Invalid([Flaw("/code", "Give both the secret and a code of it, or neither.")])
        if self.totp_secret is None or self.code is None:
            return None
        return Confirmed(factors.from_base32(self.totp_secret), self.code)


class PreviewOut(Out):
    """What the holder of a token may accept; ``replaces``: new keys for an account that there is."""

    name: str
    admin: bool
    replaces: bool
    expires_at: datetime


class OpenInvitationOut(PreviewOut):
    """An invitation that nobody has accepted yet."""

    id: UUID


class OpenInvitationsOut(Out):
    """The open invitations, by name."""

    invitations: list[OpenInvitationOut]


class AccountMadeOut(Out):
    """The new account. The secret of the second factor is shown once."""

    user: UUID
    name: str
    admin: bool
    fingerprint: str
    fingerprint_text: str
    fingerprint_words: list[str]
    totp_secret: str = Field(repr=False)
    totp_uri: str = Field(repr=False)


@router.post("", permission=Permission.USER_MANAGE, status=201)
def invite_user(body: InvitationBody, actor: Signed, runtime: Runtime_) -> TokenOut:
    """Invite somebody to make an account. An earlier unused invitation of that name ends."""
    with runtime.transaction() as session:
        token = invitations.invite(session, runtime.collaborators, actor, body.name, admin=body.admin)
    return TokenOut(token=token)


@router.get("", permission=Permission.USER_MANAGE)
def list_invitations(actor: Signed, runtime: Runtime_) -> OpenInvitationsOut:
    """The invitations that can still be accepted."""
    with runtime.glance() as session:
        found = invitations.list_open(session, runtime.collaborators, actor)
    return OpenInvitationsOut(invitations=[OpenInvitationOut.of(each) for each in found])


@router.delete("/{invitation}", permission=Permission.USER_MANAGE)
def cancel_invitation(invitation: UUID, actor: Signed, runtime: Runtime_) -> None:
    """End an invitation that nobody has accepted yet."""
    with runtime.transaction() as session:
        invitations.cancel(session, runtime.collaborators, actor, invitation)


@router.post("/preview", permission=Permission.NOTHING_NEEDED, also={404: "No such invitation.", 410: "It is over."})
def preview_invitation(body: InvitationTokenBody, runtime: Runtime_) -> PreviewOut:
    """What the holder of a token may accept. Uses nothing up."""
    with runtime.glance() as session:
        return PreviewOut.of(invitations.preview(session, runtime.collaborators, body.token))


@router.post("/accept", permission=Permission.NOTHING_NEEDED, status=201)
def accept_invitation(body: AcceptanceBody, runtime: Runtime_) -> AccountMadeOut:
    """Make the account, or replace its keys, and get the second factor."""
    acceptance = Acceptance(runtime.collaborators, runtime.gate, body.token, body.password, body.confirmed())
    with runtime.transaction() as session:
        acceptance.plan(session)
    acceptance.work()
    with runtime.transaction() as session:
        accepted = studies.finish_acceptance(session, runtime.collaborators, acceptance)
    return AccountMadeOut(
        user=accepted.user,
        name=accepted.name,
        admin=accepted.admin,
        fingerprint=accepted.fingerprint.hex(),
        fingerprint_text=accepted.fingerprint_text,
        fingerprint_words=accepted.fingerprint_words,
        totp_secret=accepted.totp_secret,
        totp_uri=accepted.totp_uri,
    )
