"""What comes in a body: bounded bytes, strict JSON, and models that refuse what they do not know.

JSON is read by a parser that is stricter than RFC 8259 asks (duplicate keys, NaN, lone surrogates, NUL, depth, huge
numbers), because what one reader lets pass the next one reads differently. Nothing of the input is repeated in a
problem.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import re
from collections.abc import Collection, Mapping
from typing import Any, NoReturn, Self, TypeVar

from pydantic import BaseModel, ConfigDict, RootModel, ValidationError
from starlette.requests import Request
from starlette.types import Receive

from app.errors import BodyStalled, BodyTooLarge, Flaw, Invalid, MalformedJson, WrongMediaType

__all__ = [
    "DEFAULT_LIMIT",
    "INTAKE_LIMIT",
    "LARGEST_INTEGER",
    "OPAQUE",
    "SMALLEST_INTEGER",
    "Body",
    "Opaque",
    "Out",
    "discard",
    "flaws_of",
    "length_of",
    "opaque",
    "parse",
    "read",
    "read_bytes",
    "strict_json",
]

# An interview with thousands of words is under 100 KiB; a whole instrument under 500.
DEFAULT_LIMIT = 1 << 20
INTAKE_LIMIT = 2 << 20
# So long a body may take that is read as a whole; larger ones are read as they come, and watched (``streams``).
READ_SECONDS = 60.0
# How much of a refused body is thrown away before the connection is cut, and for how long.
DISCARDED = 8 << 20
DISCARD_SECONDS = 5.0
DEEPEST = 32
# Integers beyond 64 bits have no use here, and long ones take quadratic time to read.
SMALLEST_INTEGER, LARGEST_INTEGER = -(2**63), 2**63 - 1
LONGEST_INTEGER = len(str(SMALLEST_INTEGER))
# Only text with these can hold a lone surrogate or NUL after parsing: an escape of one of them.
SUSPICIOUS = re.compile(rb"\\u(?:[dD][89a-fA-F]|0000)")

# Where the schema of a body that is no JSON says what it is.
OPAQUE = "x-media-type"

B = TypeVar("B", bound=BaseModel)


class Body(BaseModel):
    """Base of every JSON body: unknown fields are refused, types are not bent, and it does not change."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class Out(BaseModel):
    """Base of every JSON answer: exactly the fields that are named."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    @classmethod
    def of(cls, view: object) -> Self:
        """The named fields of a service's view."""
        return cls.model_validate(view, from_attributes=True)


class Opaque(RootModel[bytes]):
    """Base of a body that is no JSON: an endpoint takes it beside a JSON one, and gets its bytes as they came.

    A subclass names its media type as ``x-media-type`` of its JSON schema, where the description finds it too.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    @classmethod
    def media_type(cls) -> str:
        """The media type by which such a body is known."""
        extra = cls.model_config.get("json_schema_extra")
        return str(extra[OPAQUE]) if isinstance(extra, dict) else ""


async def read_bytes(request: Request, limit: int) -> bytes:
    """The body, of at most ``limit`` bytes, whether or not its length was announced.

    Raises:
        BodyTooLarge: it is longer; what was announced as longer is not read at all.
        BodyStalled: it takes too long.
    """
    announced = length_of(request)
    if announced is not None and announced > limit:
        raise BodyTooLarge
    try:
        async with asyncio.timeout(READ_SECONDS):
            return await _read_all(request, limit)
    except TimeoutError:
        raise BodyStalled from None


async def _read_all(request: Request, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise BodyTooLarge
        parts.append(part)
    return b"".join(parts)


def length_of(request: Request) -> int | None:
    """The length that a request announces, at least where it is beyond all measure; None without one."""
    announced = request.headers.get("content-length", "")
    return int(announced[:LONGEST_INTEGER]) if announced.isascii() and announced.isdigit() else None


async def discard(receive: Receive) -> None:
    """Read on for a moment after a refusal: a client that is still sending would only see a broken stream."""
    left = DISCARDED
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DISCARD_SECONDS):
            while left > 0:
                message = await receive()
                left -= max(1, len(message.get("body", b"")))
                if message["type"] != "http.request" or not message.get("more_body", False):
                    return


def parse(model: type[B], headers: Mapping[str, str], raw: bytes) -> B:
    """The body as a model.

    Raises:
        WrongMediaType: it is not plain application/json.
        MalformedJson: it is not strict JSON.
        Invalid: it breaks the model's rules; every flaw, with its pointer.
    """
    check_media_type(headers)
    return read(model, raw)


def read(model: type[B], raw: bytes) -> B:
    """JSON text as a model; raises as ``parse`` does."""
    strict_json(raw)
    try:
        return model.model_validate_json(raw)
    except ValidationError as refused:
        raise Invalid(flaws_of(refused)) from None


def opaque(headers: Mapping[str, str], kinds: Collection[type[Opaque]]) -> type[Opaque] | None:
    """Which of these kinds of body the headers announce, not compressed; None for none."""
    kind = headers.get("content-type", "").lower().partition(";")[0].strip()
    fitting = (each for each in kinds if each.media_type() == kind and "content-encoding" not in headers)
    return next(fitting, None)


def check_media_type(headers: Mapping[str, str]) -> None:
    """Raise WrongMediaType unless the body says it is JSON in UTF-8, not compressed."""
    kind, _, parameters = headers.get("content-type", "").lower().partition(";")
    charset = parameters.strip().replace('"', "")
    if kind.strip() != "application/json" or charset not in {"", "charset=utf-8"} or "content-encoding" in headers:
        raise WrongMediaType


def strict_json(raw: bytes) -> Any:
    """Parse JSON text; MalformedJson for anything that two readers could read differently."""
    try:
        text = raw.decode("utf-8")
        tree = DECODER.decode(text) if not text.startswith("\ufeff") else _refuse()
    except (ValueError, RecursionError):
        raise MalformedJson from None
    _check(tree, DEEPEST, strings=SUSPICIOUS.search(raw) is not None)
    return tree


def _check(node: Any, depth: int, *, strings: bool) -> None:
    """Refuse what is nested too deeply; look into strings only if an escape in the text gives a reason to."""
    kind = type(node)
    if kind is dict or kind is list:
        if depth == 0:
            raise MalformedJson
        for child in node.values() if kind is dict else node:
            _check(child, depth - 1, strings=strings)
        if strings and kind is dict:
            for name in node:
                _check(name, depth, strings=True)
    elif strings and kind is str and ("\0" in node or any("\ud800" <= letter <= "\udfff" for letter in node)):
        raise MalformedJson


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    tree = dict(pairs)
    if len(tree) != len(pairs):
        raise MalformedJson
    return tree


def _integer(digits: str) -> int:
    if len(digits) > LONGEST_INTEGER:
        raise MalformedJson
    number = int(digits)
    if not SMALLEST_INTEGER <= number <= LARGEST_INTEGER:
        raise MalformedJson
    return number


def _decimal(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise MalformedJson
    return number


def _refuse(_constant: str = "") -> NoReturn:
    raise MalformedJson


DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer, parse_float=_decimal, parse_constant=_refuse)

# What is wrong, by pydantic's type of error; ``{…}`` are limits from our own models.
TEXTS = {
    "missing": "This is required.",
    "extra_forbidden": "There is something here that is not known.",
    "string_type": "Text is expected.",
    "string_too_short": "At least {min_length} characters are expected.",
    "string_too_long": "At most {max_length} characters are expected.",
    "string_pattern_mismatch": "The form is not the expected one.",
    "too_short": "At least {min_length} are expected.",
    "too_long": "At most {max_length} are expected.",
    "int_type": "A whole number is expected.",
    "int_parsing": "A whole number is expected.",
    "int_from_float": "A whole number is expected.",
    "float_type": "A number is expected.",
    "bool_type": "true or false is expected.",
    "bool_parsing": "true or false is expected.",
    "greater_than": "It must be more than {gt}.",
    "greater_than_equal": "It must be at least {ge}.",
    "less_than": "It must be less than {lt}.",
    "less_than_equal": "It must be at most {le}.",
    "uuid_type": "A UUID is expected.",
    "uuid_parsing": "A UUID is expected.",
    "enum": "It is not one of the allowed values.",
    "literal_error": "It is not one of the allowed values.",
    "list_type": "A list is expected.",
    "tuple_type": "A list is expected.",
    "set_type": "A list is expected.",
    "frozen_set_type": "A list is expected.",
    "dict_type": "An object is expected.",
    "model_type": "An object is expected.",
    "model_attributes_type": "An object is expected.",
    "date_parsing": "A date YYYY-MM-DD is expected.",
    "date_from_datetime_parsing": "A date YYYY-MM-DD is expected.",
    "datetime_parsing": "A moment with its time zone is expected.",
    "datetime_from_date_parsing": "A moment with its time zone is expected.",
    "timezone_aware": "A moment with its time zone is expected.",
}
ANYTHING_ELSE = "This value is not allowed."
LIMITS = ("min_length", "max_length", "gt", "ge", "lt", "le")


def flaws_of(refused: ValidationError, prefix: str = "") -> list[Flaw]:
    """Every flaw with an RFC 6901 pointer. A name we do not know is not repeated: its parent is pointed at."""
    return [
        Flaw(prefix + _pointer(error["loc"], error["type"]), _text(error["type"], error.get("ctx", {})))
        for error in refused.errors(include_url=False, include_input=False)
    ]


def _pointer(loc: tuple[int | str, ...], kind: str) -> str:
    known = loc[:-1] if kind == "extra_forbidden" else loc
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in known)


def _text(kind: str, context: dict[str, Any]) -> str:
    return TEXTS.get(kind, ANYTHING_ELSE).format_map({name: context.get(name, "?") for name in LIMITS})
