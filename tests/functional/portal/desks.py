"""What the tests of the desk's pages share: records on the way, and the state that a desk holds."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from tests.functional.portal.visitor import Seen, Visitor
from tests.system import StudyPlace, System

# The first text of the questionnaire, in which the demonstration's testimonies name people.
TEXT = "joining_account"


def at(study: StudyPlace, record: UUID, *rest: str) -> str:
    """The address of something of a record."""
    return "/".join([f"/studies/{study.id}/records/{record}", *rest])


def on_the_desk(system: System, study: StudyPlace, **submission: Any) -> UUID:
    """A record that the redactor took."""
    record = system.drafted(study, **submission)
    with system.signed_in("redactor", study) as client:
        client.review.take(study.id)
    return record


def on_approval(system: System, study: StudyPlace, **submission: Any) -> UUID:
    """A finished record that the approver took."""
    record = system.finished(study, **submission)
    with system.signed_in("approver", study) as client:
        client.review.take(study.id)
    return record


def state_of(page: Seen) -> dict[str, Any]:
    """What the script of a desk would work on."""
    held = next(found["data-state"] for _, found in page.reader.attributes if "data-state" in found)
    state: dict[str, Any] = json.loads(held)
    return state


def change(visitor: Visitor, path: str, version: int, texts: dict[str, Any], **residual: str) -> Seen:
    """What the script of a desk would send."""
    body = {"version": version, "texts": texts, "rating": "", "note": ""} | residual
    return visitor.submit(f"{path}/changes", {"changes": json.dumps(body)})


def row(span: list[Any], **changed: Any) -> dict[str, Any]:
    """A span of a desk's state as the script sends it."""
    names = ("start", "end", "kind", "level", "score", "reason", "accepted", "why")
    return dict(zip(names, span, strict=True)) | changed
