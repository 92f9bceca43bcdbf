"""The OpenAPI description: every status of every operation, derived from its method, permission and parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fastapi.openapi.utils import get_openapi
from starlette.routing import BaseRoute

from app.access import STEP_UP, Permission
from app.web.bodies import LARGEST_INTEGER, OPAQUE, SMALLEST_INTEGER
from app.web.problems import MEDIA_TYPE, SCHEMA
from app.web.streams import STREAMED

if TYPE_CHECKING:
    from app.web.binding import Binding
    from app.web.routing import Declared

__all__ = ["declared_statuses", "describe"]

TITLE = "Testimony"
VERSION = "1"
DESCRIPTION = "Takes in testimonies, seals them, has them redacted and checked, and releases them to researchers."
PROBLEM = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
MEANINGS = {
    400: "The request is not well formed.",
    401: "No valid token.",
    403: "The caller may not do this, or has to give a fresh one-time code first.",
    404: "Absent, or not the caller's: the same answer.",
    409: "The present state does not allow this.",
    410: "It was erased or has expired.",
    413: "The body is too large.",
    415: "The body is not application/json.",
    422: "Some values are missing or not allowed; every flaw is listed.",
    429: "Too many attempts, or too many uploads at once; Retry-After says when to try again.",
    500: "An error of ours.",
    503: "A part that is needed does not answer; Retry-After says when to try again.",
}
FIRST_PROBLEM = 400
# A body that is no JSON, as OpenAPI 3.1 describes it: by its media type alone.
BINARY: dict[str, Any] = {"type": "string", "format": "binary"}
WITHOUT_NUL = r"^[^\u0000]*$"
CHANGES = frozenset({"PUT", "POST", "PATCH", "DELETE"})


def declared_statuses(declared: Declared, binding: Binding) -> dict[int | str, dict[str, Any]]:
    """What this operation may answer beside its success."""
    statuses = {400, 500, 503}
    if declared.permission is not Permission.NOTHING_NEEDED:
        statuses |= {401, 403}
    if binding.path or declared.roles_later:
        # A read of sealed content is refused while its record is frozen, or before the step it waits for.
        statuses |= {404, 409, 410}
    if binding.body is not None:
        statuses |= {404, 413, 415, 422}
    # Parameters are judged on every address, if only to say that there are none.
    statuses.add(422)
    if declared.method in CHANGES:
        statuses |= {404, 409, 410}
    open_to_all = declared.permission is Permission.NOTHING_NEEDED
    streamed = STREAMED in binding.injected.values()
    if open_to_all or streamed or declared.permission in STEP_UP or declared.tag == "accounts":
        statuses.add(429)
    problems: dict[int | str, dict[str, Any]] = {
        status: {"description": MEANINGS[status], "content": PROBLEM} for status in sorted(statuses)
    }
    return problems | {status: _other(meaning, status) for status, meaning in declared.also.items()}


def _other(meaning: str, status: int) -> dict[str, Any]:
    return {"description": meaning} | ({"content": PROBLEM} if status >= FIRST_PROBLEM else {})


def describe(routes: Sequence[BaseRoute]) -> dict[str, Any]:
    """The whole description, OpenAPI 3.1."""
    tree = get_openapi(title=TITLE, version=VERSION, description=DESCRIPTION, routes=list(routes))
    schemas = tree.setdefault("components", {}).setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for operations in tree["paths"].values():
        for operation in operations.values():
            _repair(operation)
            _separate(operation, schemas)
    for name in [name for name, schema in schemas.items() if OPAQUE in schema]:
        del schemas[name]
    _bound(tree)
    schemas["Problem"] = SCHEMA
    return tree


def _bound(node: Any) -> None:
    """State the bounds that ``bodies`` sets for every text and every whole number."""
    if isinstance(node, list):
        for child in node:
            _bound(child)
    if not isinstance(node, dict):
        return
    for child in node.values():
        _bound(child)
    if node.get("type") == "string" and node.keys().isdisjoint({"pattern", "format", "enum", "const"}):
        node["pattern"] = WITHOUT_NUL
    if node.get("type") == "integer" and "enum" not in node:
        if "exclusiveMinimum" not in node:
            node.setdefault("minimum", SMALLEST_INTEGER)
        if "exclusiveMaximum" not in node:
            node.setdefault("maximum", LARGEST_INTEGER)


def _separate(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Give each kind of body its own media type; FastAPI knows JSON alone and lists the others among its schemas."""
    content = operation.get("requestBody", {}).get("content", {})
    choices = content.get("application/json", {}).get("schema", {}).get("anyOf", [])
    named = {each.get("$ref", "").rpartition("/")[2]: each for each in choices}
    for name in [name for name in named if OPAQUE in schemas.get(name, {})]:
        choices.remove(named[name])
        content[schemas[name][OPAQUE]] = {"schema": BINARY}
        content["application/json"]["schema"] = choices[0]


def _repair(operation: dict[str, Any]) -> None:
    """State what FastAPI cannot know: further success statuses have the body of the first, and 204 has none."""
    answers = operation["responses"]
    first = next((answer for status, answer in sorted(answers.items()) if status < "300" and "content" in answer), None)
    for status, answer in answers.items():
        if status == "204":
            answer.pop("content", None)
        elif status < "300" and first is not None:
            answer.setdefault("content", first["content"])
