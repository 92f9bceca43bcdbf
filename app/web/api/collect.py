"""What the form on phones needs, and what it is called there."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from app.access import Permission
from app.studies import apps
from app.web.bodies import Body, Out
from app.web.deps import Acting, Runtime_, Signed
from app.web.routing import Router

__all__ = ["router"]

router = Router("/v1", tag="collect")


class AppBody(Body):
    """What the form is called on phones, and its icon: one of ``notes``, ``calendar``, ``calculator``, ``list``."""

    name: Annotated[str, Field(min_length=1, max_length=30)]
    icon: Annotated[str, Field(min_length=1, max_length=30)]


class AppOut(Out):
    """What the form is called on phones, and its icon."""

    name: str
    icon: str


class CollectPolicyOut(Out):
    """What the study's policy lets a questionnaire ask."""

    collects_identities: bool
    accepts_minors: bool
    extensions: list[str]


class QuestionnaireOut(Out):
    """The newest published version of a questionnaire, without what it says for the service alone.

    ``sha256`` is that of the whole, which receipts name.
    """

    sha256: str
    definition: dict[str, Any]


class CollectOut(Out):
    """All that a phone needs of its study, to be kept for days offline."""

    study: UUID
    study_title: str
    app_name: str
    app_icon: str
    policy: CollectPolicyOut
    instruments: list[QuestionnaireOut]


@router.get("/collect/instruments", permission=Permission.INSTRUMENT_READ, roles_later=True)
def read_collect_instruments(actor: Signed, runtime: Runtime_) -> CollectOut:
    """What a device needs of its study; for devices only."""
    with runtime.glance() as session:
        found = apps.collecting(session, runtime.collaborators, actor)
    return CollectOut(
        study=found.study,
        study_title=found.title,
        app_name=found.app.name,
        app_icon=found.app.icon,
        policy=CollectPolicyOut(
            collects_identities=found.policy.collects_identities,
            accepts_minors=found.policy.accepts_minors,
            extensions=sorted(found.policy.extensions),
        ),
        instruments=[
            QuestionnaireOut(sha256=sha256.hex(), definition=definition) for sha256, definition in found.instruments
        ],
    )


@router.get("/studies/{study}/app", permission=Permission.STUDY_READ)
def read_app(study: UUID, actor: Acting, runtime: Runtime_) -> AppOut:
    """What the form is called on phones of the study."""
    with runtime.glance() as session:
        return AppOut.of(apps.look(session, actor, study))


@router.put("/studies/{study}/app", permission=Permission.APP_CHANGE)
def change_app(study: UUID, body: AppBody, actor: Acting, runtime: Runtime_) -> None:
    """Call the form something else; enrolled phones hear of it when they next ask."""
    with runtime.transaction() as session:
        apps.change(session, runtime.collaborators, actor, study, apps.App(body.name, body.icon))
