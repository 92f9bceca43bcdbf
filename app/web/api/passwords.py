"""Changing one's own password."""

from __future__ import annotations

from pydantic import Field

from app.access import Permission
from app.accounts.passwords import PasswordChange
from app.web.api.sessions import NewPasswordText, PasswordText
from app.web.bodies import Body
from app.web.deps import Runtime_, Signed, Token
from app.web.routing import Router

__all__ = ["router"]

router = Router("/v1/password", tag="accounts")


class PasswordBody(Body):
    """The password until now and the next one."""

    old: PasswordText = Field(repr=False)
    new: NewPasswordText = Field(repr=False)


@router.put("", permission=Permission.SESSION_OWN)
def change_password(body: PasswordBody, actor: Signed, token: Token, runtime: Runtime_) -> None:
    """Seal one's keys under a new password. All sessions end, this one too."""
    runtime.run(
        PasswordChange(
            runtime.collaborators, runtime.gate, runtime.throttling, actor, token=token, old=body.old, new=body.new
        )
    )
