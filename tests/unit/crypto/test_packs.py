from __future__ import annotations

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.crypto.packs import MARK_BYTES, digest, marks, pack, unpack
from app.crypto.sealed import Sealed
from app.errors import BadEncoding

FIELDS = st.dictionaries(st.from_regex(r"[a-z0-9_.-]{1,9}", fullmatch=True), st.binary(max_size=20).map(Sealed))


def raw(*chunks: bytes) -> bytes:
    """Join chunks the way a pack does, without its checks."""
    return b"".join(len(chunk).to_bytes(4, "big") + chunk for chunk in chunks)


@given(FIELDS)
def test_unpacks_what_it_packed(fields: dict[str, Sealed]) -> None:
    """Names and blobs come back, sorted by name."""
    found = unpack(pack(fields))

    assert found == fields
    assert list(found) == sorted(fields)
    assert all(isinstance(blob, Sealed) for blob in found.values())


@given(FIELDS)
def test_order_of_the_fields_does_not_matter(fields: dict[str, Sealed]) -> None:
    """A pack has one spelling."""
    assert pack(dict(reversed(fields.items()))) == pack(fields)


@given(st.data())
def test_unpack_is_strict(data: st.DataObject) -> None:
    """Whatever bytes unpack takes, packing gives exactly them again."""
    blob = pack({"a": Sealed(b"1"), "b": Sealed(b"22"), "c": Sealed(b"")})
    at = data.draw(st.integers(0, len(blob)))
    changed = blob[:at] + data.draw(st.binary(max_size=6)) + blob[data.draw(st.integers(at, len(blob))) :]

    try:
        fields = unpack(changed)
    except BadEncoding:
        return
    assert pack(fields) == changed


@given(st.integers(1, 19))
def test_refuses_a_cut_pack(size: int) -> None:
    """No field may be lost unseen: cutting anywhere inside the only field is an error."""
    whole = pack({"name": Sealed(bytes(8))})
    assert len(whole) == 20

    with pytest.raises(BadEncoding):
        unpack(whole[:size])


@pytest.mark.parametrize(
    "packed",
    [
        raw(b"b", b"1", b"a", b"2"),
        raw(b"a", b"1", b"a", b"2"),
        raw(b"a"),
        raw(b"a", b"1") + b"\0",
        raw(b"a", b"1") + bytes(4),
        raw(b"A", b"1"),
        raw(b"", b"1"),
        raw("é".encode(), b"1"),
        b"\xff\xff\xff\xff",
    ],
    ids=["unsorted", "duplicate", "no blob", "trailing", "empty trailing", "capital", "empty", "not ascii", "huge"],
)
def test_refuses_other_spellings(packed: bytes) -> None:
    """Unsorted, repeated or malformed names and stray bytes are refused."""
    with pytest.raises(BadEncoding):
        unpack(packed)


@pytest.mark.parametrize("blob", [b"plain", "text", None])
def test_packs_only_sealed(blob: Any) -> None:
    """Plain bytes cannot slip into a pack."""
    with pytest.raises(TypeError):
        pack({"name": blob})


def test_refuses_to_pack_a_bad_name() -> None:
    """Names are checked on the way in too."""
    with pytest.raises(BadEncoding):
        pack({"Full name": Sealed(b"")})


def test_digest_is_that_of_the_stored_bytes() -> None:
    """Whoever approves a digest approves the stored bytes."""
    packed = pack({"name": Sealed(b"1")})

    assert digest(packed) == hashlib.sha256(packed).digest()


def test_marks_tell_which_field_is_another_one() -> None:
    """One mark for each field, in the order of the names; only that of a changed field differs."""
    before = {"a": Sealed(b"one"), "b": Sealed(b""), "c": Sealed(b"three")}
    before_marks = marks(pack(before))
    changed = marks(pack({**before, "b": Sealed(b"two")}))

    size = 2 * MARK_BYTES
    assert len(before_marks) == len(changed) == 3 * size
    assert [
        at for at in range(3) if before_marks[at * size : (at + 1) * size] != changed[at * size : (at + 1) * size]
    ] == [1]


@given(st.binary(max_size=200))
def test_marks_of_what_is_no_pack_end(junk: bytes) -> None:
    """Whatever bytes stand in a row, marking them ends."""
    assert len(marks(junk)) % (2 * MARK_BYTES) == 0
