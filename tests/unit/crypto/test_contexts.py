from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.crypto import contexts
from app.crypto.encoding import enc, sha256
from app.crypto.passwords import Argon2Params
from app.errors import BadEncoding
from tests.unit.crypto.factories import field_parts, grant_parts, uid

ZERO, ONE = bytes(32), b"\x01" * 32
PARAMS = Argon2Params(65_536, 3, 1)

PARTS: dict[str, dict[str, Any]] = {
    "field": field_parts(),
    "grant": grant_parts(),
    "member": {
        "deployment": uid(1),
        "study": uid(2),
        "team": "guardians",
        "epoch": uid(6),
        "team_fingerprint": ZERO,
        "user": uid(7),
        "fingerprint": ONE,
    },
    "user": {
        "deployment": uid(1),
        "user": uid(7),
        "key_id": uid(8),
        "pepper_id": "pepper-1",
        "params": PARAMS,
        "salt": bytes(16),
    },
    "pepper": {"deployment": uid(1), "user": uid(7), "key_id": uid(8), "argon": ZERO},
    "session": {"deployment": uid(1), "token_hash": ZERO, "user": uid(7), "key_id": uid(8), "expires": 1},
    "disclosure": {
        "deployment": uid(1),
        "study": uid(2),
        "record": uid(4),
        "disclosure": uid(9),
        "scope": "identity.a",
        "asker": uid(7),
        "fingerprint": ZERO,
        "fields": ["name", "alias"],
        "expires": 1,
    },
    "waiting": {"deployment": uid(1), "form": uid(11), "submission": uid(12)},
    "waiting_part": {"deployment": uid(1), "submission": uid(12), "part": uid(13), "index": 1},
    "form_key": {"deployment": uid(1), "form": uid(11), "public": ZERO},
    "intake": {"deployment": uid(1), "study": uid(2), "key_id": uid(3), "client_uuid": uid(10)},
    "intake_file": {
        "deployment": uid(1),
        "study": uid(2),
        "key_id": uid(3),
        "client_uuid": uid(10),
        "file": uid(14),
    },
    "intake_chunk": {"deployment": uid(1), "study": uid(2), "file": uid(14)},
    "file_receipt": {
        "deployment": uid(1),
        "key_id": "receipt-1",
        "client_uuid": uid(10),
        "file": uid(14),
        "head": ZERO,
    },
    "intake_key": {"deployment": uid(1), "key_id": uid(3), "public": ZERO, "seal_until": 1, "open_until": 3},
    "chunk": {"deployment": uid(1), "study": uid(2), "case": uid(3), "record": uid(4), "file": uid(14)},
    "file": {"deployment": uid(1), "study": uid(2), "case": uid(3), "record": uid(4), "file": uid(14)},
    "upload": {"deployment": uid(1), "record": uid(4), "file": uid(14)},
    "share": {"deployment": uid(1), "share": uid(5), "record": uid(4), "version": 1},
    "receipt": {
        "deployment": uid(1),
        "key_id": "receipt-1",
        "study": uid(2),
        "record": uid(4),
        "case_code": "K7QF-2M9D",
        "submitter": uid(7),
        "client_uuid": uid(10),
        "instrument": ZERO,
        "content": ONE,
        "sealed_body": b"",
        "day": "2026-01-31",
    },
    "roster": {"deployment": uid(1), "key_id": "roster-1", "study": uid(2), "version": 1, "body": b"{}"},
}
# Parts of these lengths are digests or salts: another length is refused.
FIXED = {
    "grant": ["fingerprint"],
    "member": ["team_fingerprint", "fingerprint"],
    "user": ["salt"],
    "pepper": ["argon"],
    "session": ["token_hash"],
    "disclosure": ["fingerprint"],
    "form_key": ["public"],
    "intake_key": ["public"],
    "file_receipt": ["head"],
    "receipt": ["instrument", "content", "sealed_body"],
}


def of(label: str, **changed: Any) -> bytes:
    """Call the function of a label with its usual parts, some changed."""
    function: Callable[..., bytes] = getattr(contexts, label)
    return function(**PARTS[label] | changed)


def other(value: Any) -> list[Any]:
    """Give values that differ from this one."""
    if isinstance(value, Argon2Params):
        return [Argon2Params(65_537, 3, 1), Argon2Params(65_536, 4, 1), Argon2Params(65_536, 3, 2)]
    if isinstance(value, bytes):
        return [b"\xff" * (len(value) or 32)]
    if isinstance(value, str):
        return ["2026-02-01"] if value.startswith("20") else ["x" + value[1:]]
    if isinstance(value, list):
        return [["name"], ["name", "alias", "x"], []]
    return [uid(99)] if hasattr(value, "hex") else [value + 1]


@pytest.mark.parametrize(
    ("label", "part", "value"),
    [(label, part, new) for label, parts in PARTS.items() for part, value in parts.items() for new in other(value)],
)
def test_every_part_changes_the_context(label: str, part: str, value: Any) -> None:
    """No part of any label is left out: another value, another context."""
    assert of(label, **{part: value}) != of(label)


def test_labels_tell_contexts_apart() -> None:
    """No two labels give the same context for like parts."""
    assert len({of(label) for label in PARTS}) == len(PARTS)


@pytest.mark.parametrize(("label", "part"), [(label, part) for label, parts in FIXED.items() for part in parts])
@pytest.mark.parametrize("size", [15, 31, 33])
def test_refuses_digests_of_another_length(label: str, part: str, size: int) -> None:
    """A cut digest or salt never enters a context."""
    with pytest.raises(BadEncoding):
        of(label, **{part: bytes(size)})


@pytest.mark.parametrize("day", ["2026-1-31", "31.01.2026", "", "2026-01-31\n", "\u0662026-01-31"])
def test_receipt_refuses_other_forms_of_a_day(day: str) -> None:
    """A day has one spelling."""
    with pytest.raises(BadEncoding):
        of("receipt", day=day)


def test_receipt_lowers_the_case_code() -> None:
    """Codes typed in either case are the same code."""
    assert of("receipt", case_code="k7qf-2m9d") == of("receipt")


def test_disclosure_takes_fields_as_a_set() -> None:
    """Order and repetition of the named fields do not matter."""
    assert of("disclosure", fields=iter(["alias", "name", "alias"])) == of("disclosure")


def test_disclosure_refuses_a_field_that_is_no_name() -> None:
    """Fields are named as the instrument names them."""
    with pytest.raises(BadEncoding):
        of("disclosure", fields=["Full name"])


def test_roster_binds_the_digest_of_its_body() -> None:
    """The signature covers the body by its SHA-256."""
    parts = (uid(1), "roster-1", uid(2), 1, sha256(b"{}"))

    assert of("roster") == enc("testimony/1/roster", *parts)
