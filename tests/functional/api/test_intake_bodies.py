"""What intake refuses by form alone: sizes, JSON that two readers could read differently, unknown names, media."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.functional.caller import Caller, code_of
from tests.functional.steps import Json
from tests.system import System

CANARY = "Kestrel-Zanzibar-7731"
LIMIT = 2 << 20
NUMBER = "00000000-0000-4000-8000-00000000dead"


@pytest.fixture(scope="module")
def body(shared: System) -> Json:
    """A body with which nothing is wrong."""
    return shared.body()


def put(call: Caller, content: Any, **headers: str) -> httpx.Response:
    """Send raw bytes as a record."""
    kind = {"content-type": "application/json"} | headers
    return call("interviewer", "PUT", f"/v1/records/{uuid4()}", content=content, headers=kind)


def raw(body: Json, **members: Any) -> bytes:
    """A body's JSON with some members replaced."""
    return json.dumps(body | members).encode()


def padded(body: Json, size: int) -> bytes:
    """A body's JSON with blanks after it, of exactly this many bytes."""
    return raw(body).ljust(size, b" ")


def in_parts(content: bytes) -> list[bytes]:
    """Bytes in pieces of 64 KiB."""
    return [content[start : start + (1 << 16)] for start in range(0, len(content), 1 << 16)]


def test_body_of_the_limit_is_taken(call: Caller, body: Json) -> None:
    """Two MiB to the byte are accepted."""
    assert put(call, padded(body, LIMIT)).status_code == 201


def test_body_beyond_the_limit(call: Caller, body: Json) -> None:
    """One byte more is refused."""
    answer = put(call, padded(body, LIMIT + 1))

    assert (answer.status_code, code_of(answer)) == (413, "body-too-large")


@pytest.mark.parametrize(("more", "status"), [(0, 201), (1, 413)])
def test_body_without_announced_length(call: Caller, body: Json, more: int, status: int) -> None:
    """A body that announces no length is counted as it comes."""
    parts = in_parts(padded(body, LIMIT + more))

    assert call.stream("interviewer", "PUT", f"/v1/records/{uuid4()}", parts) == status


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/xml", "multipart/form-data", "application/json; charset=latin-1", ""]
)
def test_other_media_types(call: Caller, body: Json, kind: str) -> None:
    """Only application/json in UTF-8 is read."""
    answer = put(call, raw(body), **{"content-type": kind})

    assert (answer.status_code, code_of(answer)) == (415, "unsupported-media-type")


def test_compressed_body(call: Caller, body: Json) -> None:
    """Nothing is unpacked: a small body could become a huge one."""
    answer = put(call, raw(body), **{"content-encoding": "gzip"})

    assert (answer.status_code, code_of(answer)) == (415, "unsupported-media-type")


def nested(depth: int) -> bytes:
    """JSON of so many lists in each other."""
    return b"[" * depth + b"]" * depth


BROKEN = {
    "nothing": b"",
    "not json": b"{",
    "bytes after it": b"{} {}",
    "not UTF-8": b'{"study": "\xff"}',
    "byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "duplicate key": b'{"study": "a", "study": "b"}',
    "duplicate key below": b'{"answers": {"age": {"value": 1, "value": 2}}}',
    "duplicate by escape": b'{"study": 1, "stud\\u0079": 2}',
    "NaN": b'{"answers": {"x": {"value": NaN}}}',
    "Infinity": b'{"answers": {"x": {"value": Infinity}}}',
    "minus Infinity": b'{"answers": {"x": {"value": -Infinity}}}',
    "number beyond doubles": b'{"answers": {"x": {"value": 1e999}}}',
    "integer of 20 digits": b'{"answers": {"x": {"value": 99999999999999999999}}}',
    "integer of a million digits": b'{"answers": {"x": {"value": ' + b"9" * 1_000_000 + b"}}}",
    "lone high surrogate": b'{"answers": {"x": {"value": "\\ud83d"}}}',
    "lone low surrogate": b'{"answers": {"x": {"value": "\\ude00"}}}',
    "lone surrogate in a name": b'{"answers": {"\\ud83d": {"value": 1}}}',
    "NUL": b'{"answers": {"x": {"value": "a\\u0000b"}}}',
    "NUL in a name": b'{"answers": {"a\\u0000b": {"value": 1}}}',
    "raw control character": b'{"answers": {"x": {"value": "a\nb"}}}',
    "too deep": b'{"answers": ' + nested(40) + b"}",
    "far too deep": nested(200_000),
    "single quotes": b"{'a': 1}",
    "trailing comma": b'{"a": 1,}',
    "comment": b'{"a": 1} // b',
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_json_that_is_not_strict(call: Caller, content: bytes) -> None:
    """A clear 400, never 500, never acceptance of one of two readings."""
    answer = put(call, content)

    assert (answer.status_code, code_of(answer)) == (400, "malformed-json")


def test_unicode_itself_is_welcome(call: Caller, body: Json) -> None:
    """Surrogate pairs written as escapes, other scripts and emoji are text."""
    body = body | {"answers": body["answers"] | {"turning_point": {"value": "\U0001f600 قال لي \u0301 ё"}}}

    assert put(call, raw(body)).status_code == 201


@pytest.mark.parametrize("content", [b"null", b"[]", b'"text"', b"1", b"true"])
def test_json_that_is_no_object(call: Caller, content: bytes) -> None:
    """Well-formed, but no body of ours."""
    answer = put(call, content)

    assert (answer.status_code, code_of(answer)) == (422, "invalid")


@pytest.mark.parametrize(
    "member",
    [
        {"is_admin": True},
        {"_id": CANARY},
        {"submitter": NUMBER},
        {"instrument": {"id": "defector-testimony", "version": "1.0.0", "role": CANARY}},
    ],
)
def test_unknown_members(call: Caller, body: Json, member: Json) -> None:
    """A member that is not known is refused, and neither its name nor its value is said again."""
    answer = put(call, raw(body, **member))

    assert (answer.status_code, code_of(answer)) == (422, "invalid")
    assert not any(name in answer.text for name in ("is_admin", "_id", "submitter", "role", CANARY))


@pytest.mark.parametrize("number", ["x", "1", "0" * 32, "{" + NUMBER + "}", "..", "%00"])
def test_client_uuid_in_another_spelling(call: Caller, body: Json, number: str) -> None:
    """One spelling of an id: everything else is no address."""
    answer = call("interviewer", "PUT", f"/v1/records/{number}", json=body)

    assert answer.status_code == 404


def test_parameters_that_no_address_has(call: Caller, body: Json) -> None:
    """A query that is not asked for is refused, not ignored."""
    answer = call("interviewer", "PUT", f"/v1/records/{uuid4()}", json=body, params={"force": "1"})

    assert (answer.status_code, code_of(answer)) == (422, "invalid")


def test_every_flaw_of_the_form_at_once(call: Caller, body: Json) -> None:
    """Each member that is wrong is pointed at in one answer."""
    wrong = {"study": CANARY, "case": 7, "instrument": {"id": CANARY}, "answers": [], "withdrawal_sha256": CANARY}

    answer = put(call, raw(body, **wrong))

    pointers = {error["pointer"] for error in answer.json()["errors"]}
    assert pointers == {"/study", "/case", "/instrument/version", "/answers", "/withdrawal_sha256"}
    assert CANARY not in answer.text


def test_every_flaw_of_the_answers_at_once(call: Caller, body: Json) -> None:
    """Each answer that is wrong is pointed at in one answer, and no value is repeated."""
    answers = body["answers"] | {
        "gender": {"value": CANARY},
        "birth_year": {"value": CANARY},
        "joined_period": {"value": CANARY},
        "nationality": {"value": [CANARY]},
        "risk_level": {"status": CANARY},
        "relatives": {"value": [{"relation": CANARY, "name": 5}]},
        CANARY: {"value": CANARY},
    }
    del answers["time_inside"]

    answer = put(call, raw(body, answers=answers))

    assert (answer.status_code, code_of(answer)) == (422, "invalid")
    pointers = {error["pointer"] for error in answer.json()["errors"]}
    assert {
        "/answers",
        "/answers/gender/value",
        "/answers/birth_year/value",
        "/answers/joined_period/value",
        "/answers/nationality/value/0",
        "/answers/risk_level/status",
        "/answers/time_inside",
    } <= pointers
    assert any(pointer.startswith("/answers/relatives/value/0") for pointer in pointers)
    assert CANARY not in answer.text
    assert CANARY not in str(answer.headers)


def test_warnings_point_and_tell_no_value(call: Caller, body: Json) -> None:
    """A choice that asks for care is accepted with a warning."""
    answers = body["answers"] | {"consent_mode": {"value": "written_signed"}}

    answer = put(call, raw(body, answers=answers))

    assert answer.status_code == 201
    assert [warning["pointer"] for warning in answer.json()["warnings"]] == ["/answers/consent_mode/value"]
    assert "written_signed" not in answer.json()["warnings"][0]["detail"]
