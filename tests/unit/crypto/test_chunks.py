from __future__ import annotations

import hashlib
import os
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.crypto import contexts
from app.crypto.chunks import CHUNK_BYTES, HEADER_BYTES, Opener, Segment, SegmentSealer
from app.crypto.secrets import Secret
from app.crypto.uploads import open_upload, seal_upload
from app.errors import NotFound, TamperedField
from tests.unit.crypto.factories import uid
from tests.vectors import make

KEY, CONTEXT = Secret(bytes(range(32))), b"a file of a record"
VECTOR, UPLOAD = make.read()["chunk"], make.read()["upload"]
ONE, TWO = uid(1), uid(2)


def sealed(plaintext: bytes, *, segment: UUID = ONE, first: int = 0, last: bool = True, step: int = 50_000) -> bytes:
    """A segment, written in pieces."""
    sealer = SegmentSealer(KEY, CONTEXT, segment=segment, first=first)
    for at in range(0, len(plaintext), step):
        sealer.write(plaintext[at : at + step])
    assert sealer.size == len(plaintext)
    return sealer.finish(last=last)


def opened(stored: bytes, segment: Segment, *, key: Secret = KEY, context: bytes = CONTEXT) -> bytes:
    """Every chunk of a segment, as a reader fetches them."""
    opener = Opener(key, context, segment, stored[:HEADER_BYTES])
    return b"".join(
        opener.open(number, stored[slice(*segment.span(number, number + 1))]) for number in range(segment.chunks)
    )


@given(size=st.integers(1, 3 * CHUNK_BYTES), step=st.integers(1_000, 200_000), first=st.integers(0, 2**40))
def test_what_is_sealed_opens(size: int, step: int, first: int) -> None:
    """In whatever pieces it came, and it takes the bytes that its place says."""
    plaintext = hashlib.shake_256(bytes([size % 256])).digest(size)
    stored = sealed(plaintext, step=step, first=first)
    segment = Segment(ONE, size, first, last=True)

    assert len(stored) == segment.stored
    assert opened(stored, segment) == plaintext


@pytest.mark.parametrize("size", [CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES])
def test_sizes_around_a_chunk(size: int) -> None:
    """A chunk that is just full is the last one."""
    segment = Segment(ONE, size, 0, last=True)

    assert segment.chunks == (1 if size <= CHUNK_BYTES else 2)
    assert opened(sealed(bytes(size)), segment) == bytes(size)


def test_the_same_twice_under_different_keys() -> None:
    """Each try has a salt of its own, so no nonce meets two plaintexts under one key."""
    first, second = sealed(b"the first try"), sealed(b"something else")

    assert first[:HEADER_BYTES] != second[:HEADER_BYTES]
    with pytest.raises(TamperedField):
        opened(first[:HEADER_BYTES] + second[HEADER_BYTES:], Segment(ONE, 14, 0, last=True))


CHANGED = {
    "another segment": Segment(TWO, CHUNK_BYTES + 9, 0, last=True),
    "another place in the file": Segment(ONE, CHUNK_BYTES + 9, 1, last=True),
    "not the last any more": Segment(ONE, CHUNK_BYTES + 9, 0, last=False),
    "shorter": Segment(ONE, CHUNK_BYTES + 8, 0, last=True),
    "longer": Segment(ONE, CHUNK_BYTES + 10, 0, last=True),
    "without its last chunk": Segment(ONE, CHUNK_BYTES, 0, last=True),
}


@pytest.mark.parametrize("name", CHANGED)
def test_a_segment_opens_in_its_place_alone(name: str) -> None:
    """Swapped, moved, cut, extended, or with its end elsewhere: nothing of it is taken for the file."""
    stored = sealed(bytes(CHUNK_BYTES + 9))

    with pytest.raises(TamperedField):
        opened(stored, CHANGED[name])


def test_chunks_of_a_segment_do_not_change_places() -> None:
    """Two full chunks, exchanged."""
    stored, segment = sealed(bytes(2 * CHUNK_BYTES + 1)), Segment(ONE, 2 * CHUNK_BYTES + 1, 0, last=True)
    opener = Opener(KEY, CONTEXT, segment, stored[:HEADER_BYTES])

    with pytest.raises(TamperedField):
        opener.open(0, stored[slice(*segment.span(1, 2))])


@given(at=st.integers(0, 199 + HEADER_BYTES + 15), flip=st.integers(1, 255))
def test_any_changed_byte_is_found(at: int, flip: int) -> None:
    """In the header, in the content or in the tag."""
    stored, segment = bytearray(sealed(bytes(200))), Segment(ONE, 200, 0, last=True)
    stored[at] ^= flip

    with pytest.raises(TamperedField):
        opened(bytes(stored), segment)


@pytest.mark.parametrize("which", ["key", "context"])
def test_another_file_does_not_open_it(which: str) -> None:
    """Neither another key nor the place of another file."""
    stored, segment = sealed(b"whose"), Segment(ONE, 5, 0, last=True)
    key, context = (Secret(bytes(32)), CONTEXT) if which == "key" else (KEY, b"another file")

    with pytest.raises(TamperedField):
        opened(stored, segment, key=key, context=context)


def test_a_cut_header_is_refused() -> None:
    """Before any key is made from it."""
    with pytest.raises(TamperedField):
        Opener(KEY, CONTEXT, Segment(ONE, 1, 0, last=True), sealed(b"x")[: HEADER_BYTES - 1])


def test_frozen_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two segments, sealed under frozen salts, are the frozen bytes, and open again."""
    parts = {name: UUID(value) for name, value in VECTOR["parts"].items()}
    context = contexts.chunk(UUID(VECTOR["deployment"]), **parts)
    key = Secret(bytes.fromhex(VECTOR["key"]))
    first, second = VECTOR["segments"]
    content = [make.seed("chunk 0", 1 << 16) + make.seed("chunk 1", 5), make.seed("chunk 2", 300)]
    made = []
    for number, (segment, plaintext) in enumerate(zip((first, second), content, strict=True)):
        monkeypatch.setattr(os, "urandom", lambda _, salt=segment["salt"]: bytes.fromhex(salt))
        sealer = SegmentSealer(key, context, segment=UUID(segment["id"]), first=2 * number)
        sealer.write(plaintext)
        made.append(sealer.finish(last=number == 1))

    assert context.hex() == VECTOR["context"]
    assert hashlib.sha256(made[0]).hexdigest() == first["sealed_sha256"]
    assert made[1].hex() == second["sealed"]
    place = Segment(UUID(second["id"]), second["size"], 2, last=True)
    assert opened(bytes.fromhex(second["sealed"]), place, key=key, context=context) == content[1]


def test_frozen_upload() -> None:
    """The frozen bytes open with the client's secret and the record's together, and with neither alone."""
    context = contexts.upload(
        UUID(UPLOAD["deployment"]), **{name: UUID(value) for name, value in UPLOAD["parts"].items()}
    )
    secret, idem, box = (bytes.fromhex(UPLOAD[name]) for name in ("secret", "idem", "sealed"))

    assert context.hex() == UPLOAD["context"]
    assert open_upload(Secret(secret), Secret(idem), context, box) == Secret(bytes.fromhex(UPLOAD["kept"]))
    for pair in ((secret, bytes(32)), (bytes(32), idem), (idem, secret)):
        with pytest.raises(NotFound):
            open_upload(Secret(pair[0]), Secret(pair[1]), context, box)


def test_upload_of_another_file_does_not_open() -> None:
    """What rests for one upload is bound to its file."""
    secret, idem = Secret.random(), Secret.random()
    box = seal_upload(secret, idem, b"one file", Secret(b"kept"))

    assert open_upload(secret, idem, b"one file", box) == Secret(b"kept")
    with pytest.raises(NotFound):
        open_upload(secret, idem, b"another file", box)
    with pytest.raises(NotFound):
        open_upload(secret, idem, b"one file", b"cut")
