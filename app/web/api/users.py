"""People: oneself, everybody for admins, and whom a lead may admit."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import Field

from app.access import Permission
from app.accounts import passwords, users
from app.studies import service as studies
from app.web.bodies import Body, Out
from app.web.deps import Acting, Runtime_, Signed
from app.web.routing import Router

__all__ = ["candidates", "router"]

router = Router("/v1/users", tag="accounts")
candidates = Router("/v1/studies/{study}/candidates", tag="accounts")


class UserOut(Out):
    """A person. Read the fingerprint aloud before admitting anybody."""

    id: UUID
    name: str
    admin: bool
    active: bool
    fingerprint: str
    fingerprint_text: str
    fingerprint_words: list[str]
    created_day: str


class UsersOut(Out):
    """Everybody, by name."""

    users: list[UserOut]


class UserBody(Body):
    """What of a person an admin changes."""

    active: bool


class TokenOut(Out):
    """An invitation's token, shown once; it is valid for seven days and accepted once."""

    token: str = Field(repr=False)


@router.get("", permission=Permission.USER_MANAGE)
def list_users(actor: Signed, runtime: Runtime_) -> UsersOut:
    """Everybody."""
    with runtime.transaction() as session:
        views = users.list_users(session, runtime.collaborators, actor)
    return UsersOut(users=[UserOut.of(view) for view in views])


@router.get("/me", permission=Permission.SESSION_OWN)
def read_own_profile(actor: Signed, runtime: Runtime_) -> UserOut:
    """Oneself."""
    with runtime.transaction() as session:
        return UserOut.of(users.own_profile(session, runtime.collaborators, actor))


@router.patch("/{user}", permission=Permission.USER_MANAGE)
def change_user(user: UUID, body: UserBody, actor: Signed, runtime: Runtime_) -> None:
    """Switch a person off, with all their sessions, or on again."""
    switch = users.reactivate if body.active else users.deactivate
    with runtime.transaction() as session:
        switch(session, runtime.collaborators, actor, user)


@router.post("/{user}/reset", permission=Permission.USER_MANAGE, status=201)
def reset_user(user: UUID, actor: Signed, runtime: Runtime_) -> TokenOut:
    """Invite a person to choose a new password and get new keys; they are admitted anew to their studies."""
    with runtime.transaction() as session:
        token = passwords.reset(session, runtime.collaborators, actor, user)
        studies.check_replaceable(session, runtime.collaborators, user)
    return TokenOut(token=token)


@candidates.get("", permission=Permission.MEMBER_ADMIT)
def find_candidate(
    study: UUID,  # noqa: ARG001  the actor's roles are those of the study in the path
    name: Annotated[str, Query(min_length=1, max_length=64)],
    actor: Acting,
    runtime: Runtime_,
) -> UserOut:
    """The active person of this name, with the fingerprint to admit."""
    with runtime.transaction() as session:
        return UserOut.of(users.find_user(session, runtime.collaborators, actor, name))
