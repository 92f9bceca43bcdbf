"""Strict JSON and strict models: what one reader would take and another would read differently is refused."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import Field

from app.errors import Invalid, MalformedJson, WrongMediaType
from app.web.bodies import DEEPEST, Body, parse, strict_json

JSON = {"content-type": "application/json"}
CANARY = "kingfisher"


class Answers(Body):
    """A body for these tests."""

    study: UUID
    count: int = Field(0, ge=0, le=9)
    name: str = Field("x", max_length=5)
    answers: dict[str, Any] = Field(default_factory=dict)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b'{"a": 1, "a": 2}', id="duplicate key"),
        pytest.param(b'{"b": [{"a": 1, "a": 1}]}', id="duplicate key further in"),
        pytest.param(rb'{"a": 1, "\u0061": 2}', id="duplicate key, once escaped"),
        pytest.param(b'{"a": NaN}', id="NaN"),
        pytest.param(b'{"a": -Infinity}', id="Infinity"),
        pytest.param(b'{"a": 1e999}', id="a number that is infinite"),
        pytest.param(b'{"a": 9223372036854775808}', id="more than 64 bits"),
        pytest.param(b'{"a": -9223372036854775809}', id="more than 64 bits below zero"),
        pytest.param(b'{"a": ' + b"9" * 5000 + b"}", id="thousands of digits"),
        pytest.param(rb'{"a": "\ud800"}', id="lone surrogate"),
        pytest.param(rb'{"a": "\uDC00\uD800"}', id="surrogates the wrong way round"),
        pytest.param(rb'{"\ud83d": 1}', id="lone surrogate in a key"),
        pytest.param(rb'{"a": ["\u0000"]}', id="escaped NUL"),
        pytest.param(b'{"a": "\x00"}', id="raw NUL"),
        pytest.param(b'{"a": "\n"}', id="raw control character"),
        pytest.param(b'\xef\xbb\xbf{"a": 1}', id="byte order mark"),
        pytest.param('{"a": "é"}'.encode("latin-1"), id="not UTF-8"),
        pytest.param('{"a": 1}'.encode("utf-16"), id="UTF-16"),
        pytest.param(b'{"a": "\xed\xa0\x80"}', id="surrogate in raw bytes"),
        pytest.param(b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1), id="one level too deep"),
        pytest.param(b"[" * 500_000, id="a million brackets"),
        pytest.param(b'{"a":' * 500_000, id="a million objects"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"{} {}", id="two values"),
        pytest.param(b'{"a": 1,}', id="trailing comma"),
        pytest.param(b"{'a': 1}", id="single quotes"),
        pytest.param(b'{"a": 01}', id="leading zero"),
    ],
)
def test_text_that_two_readers_could_read_differently_is_refused(text: bytes) -> None:
    """Each of these is MalformedJson, and nothing worse."""
    with pytest.raises(MalformedJson):
        strict_json(text)


@pytest.mark.parametrize(
    "value",
    [
        {"a": "كلمة 🕊 Ünïcode", "b": [1, -2.5, True, None]},
        {"a": 9_223_372_036_854_775_807, "b": -9_223_372_036_854_775_808},
        {"literal": "\\u0000 and \\ud800 spelled out"},
        {"paired": "\U0001f54a"},
    ],
)
def test_ordinary_json_is_read_as_any_parser_reads_it(value: dict[str, Any]) -> None:
    """Escaped or not, the same value comes out."""
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False)):
        assert strict_json(text.encode()) == value


def test_the_deepest_allowed_nesting_is_read() -> None:
    """The limit itself is allowed."""
    assert strict_json(b"[" * DEEPEST + b"]" * DEEPEST)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/problem+json"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": "application/json", "content-encoding": "gzip"},
    ],
)
def test_a_body_that_does_not_say_it_is_json_is_refused(headers: dict[str, str]) -> None:
    """A form posted from another site cannot pass for an API call."""
    with pytest.raises(WrongMediaType):
        parse(Answers, headers, b"{}")


@pytest.mark.parametrize(
    "kind", ["application/json", "Application/JSON; charset=UTF-8", 'application/json;charset="utf-8"']
)
def test_json_in_utf_8_is_accepted(kind: str) -> None:
    """The parameter may stand there or not."""
    study = uuid4()

    body = parse(Answers, {"content-type": kind}, json.dumps({"study": str(study)}).encode())

    assert body.study == study


def flaws(**changes: object) -> dict[str, str]:
    """The flaws of a body with these changes, by pointer."""
    with pytest.raises(Invalid) as refused:
        parse(Answers, JSON, json.dumps({"study": str(uuid4())} | changes).encode())
    return {flaw.pointer: flaw.detail for flaw in refused.value.flaws}


def test_every_flaw_is_reported_at_once_with_its_pointer() -> None:
    """Three wrong fields are three flaws."""
    assert flaws(study="no", count=10, name=CANARY) == {
        "/study": "A UUID is expected.",
        "/count": "It must be at most 9.",
        "/name": "At most 5 characters are expected.",
    }


def test_an_unknown_field_is_refused_and_its_name_is_not_repeated() -> None:
    """What a stranger calls a field may itself be testimony."""
    assert flaws(**{CANARY: 1}) == {"": "There is something here that is not known."}


@pytest.mark.parametrize("value", ["3", 3.0, True, None])
def test_types_are_not_bent(value: object) -> None:
    """A text, a decimal, a truth value or nothing is no whole number."""
    assert "/count" in flaws(count=value)


def test_no_problem_repeats_what_was_sent() -> None:
    """A value in any wrong place stays out of the flaws and out of the error's own text."""
    with pytest.raises(Invalid) as refused:
        parse(Answers, JSON, json.dumps({"study": CANARY, "count": CANARY, "name": [CANARY], CANARY: CANARY}).encode())

    assert CANARY not in repr(refused.value.flaws) + str(refused.value) + repr(refused.value.__cause__)
