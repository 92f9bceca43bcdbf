"""Files that a phone seals: what it sealed opens, and nothing that was changed, cut, moved or made longer does."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.crypto import contexts
from app.crypto.chunks import CHUNK_BYTES
from app.crypto.intake import FILE_HEADER, SealedBody, unseal
from app.crypto.intake_files import ContentOpener, upload_secret
from app.crypto.padding import padded_size
from app.crypto.secrets import Secret
from app.crypto.signing import verify
from app.errors import BadEncoding
from tests.unit.crypto.factories import flip, uid
from tests.vectors import make, reference

VECTOR = make.read()["intake_file"]
PARTS = {name: UUID(value) for name, value in VECTOR["parts"].items()}
D, KEY, SALT = UUID(VECTOR["deployment"]), bytes.fromhex(VECTOR["key"]), bytes.fromhex(VECTOR["salt"])
CONTENT = make.seed("phone file", 70_000)
WHOLE = CHUNK_BYTES + 16


def sealed(content: bytes, padded: bytes | None = None) -> list[bytes]:
    """The chunks of a file, as the reference seals them."""
    padded = reference.pad(content) if padded is None else padded
    context = contexts.intake_chunk(D, study=PARTS["study"], file=PARTS["file"])
    plain = [padded[at : at + CHUNK_BYTES] for at in range(0, len(padded), CHUNK_BYTES)]
    whole = reference.segment(KEY, PARTS["file"], SALT, context, plain, 0, last=True)[36:]
    return [whole[at : at + WHOLE] for at in range(0, len(whole), WHOLE)]


def opened(chunks: list[bytes], size: int, **changed: Any) -> bytes:
    """What the file holds; BadEncoding if that cannot be told of each chunk."""
    place = {"deployment": D, "study": PARTS["study"], "file": PARTS["file"]} | changed
    opener = ContentOpener(Secret(KEY), SALT, size, **place)
    if len(chunks) != opener.chunks:
        raise BadEncoding
    return b"".join(opener.open(number, chunk) for number, chunk in enumerate(chunks))


@pytest.mark.parametrize("size", [0, 1, 255, 256, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2_100_000])
def test_opens_what_was_sealed(size: int) -> None:
    """Of every size; where each chunk lies, and how long it is altogether, is known from the size alone."""
    content = make.seed("content", size)
    chunks = sealed(content)
    opener = ContentOpener(Secret(KEY), SALT, size, deployment=D, study=PARTS["study"], file=PARTS["file"])

    assert opened(chunks, size) == content
    assert opener.length == len(b"".join(chunks)) == padded_size(size) + 16 * opener.chunks
    assert [end - start for start, end in map(opener.span, range(opener.chunks))] == [len(chunk) for chunk in chunks]


@given(st.integers(0, (70_000 + 2 * 16) * 8 - 1))
@settings(max_examples=60, deadline=None)
def test_any_flipped_bit_fails(bit: int) -> None:
    """Wherever it is, in the content, in the padding or in a tag."""
    chunks = sealed(CONTENT)
    number, within = divmod(bit, WHOLE * 8)
    chunks[number] = flip(chunks[number], within)

    with pytest.raises(BadEncoding):
        opened(chunks, len(CONTENT))


@given(st.lists(st.integers(0, 3), max_size=5))
@settings(max_examples=60, deadline=None)
def test_any_other_row_of_chunks_fails(row: list[int]) -> None:
    """Swapped, repeated, left out, cut or made longer."""
    content = bytes(3 * CHUNK_BYTES)
    chunks = sealed(content)
    chosen = [chunks[number] for number in row]

    if row == list(range(len(chunks))):
        assert opened(chosen, len(content)) == content
        return
    with pytest.raises(BadEncoding):
        opened(chosen, len(content))


@given(st.integers(0, CHUNK_BYTES + 16))
@settings(max_examples=30, deadline=None)
def test_a_cut_chunk_fails(size: int) -> None:
    """However much of it is left."""
    chunks = sealed(CONTENT)
    cut = chunks[1][: min(size, len(chunks[1]) - 1)]

    with pytest.raises(BadEncoding):
        opened([chunks[0], cut], len(CONTENT))


@pytest.mark.parametrize("size", [0, 1, 69_999, 70_001, CHUNK_BYTES, 10 * CHUNK_BYTES])
def test_another_size_fails(size: int) -> None:
    """The size that the head says is that of what was sealed."""
    with pytest.raises(BadEncoding):
        opened(sealed(CONTENT), size)


def test_a_beginning_is_no_file() -> None:
    """A chunk that was sealed in the middle does not end one."""
    chunks = sealed(bytes(3 * CHUNK_BYTES))

    with pytest.raises(BadEncoding):
        opened(chunks[:1], CHUNK_BYTES - 1000)


@pytest.mark.parametrize("tail", [b"\x00", b"\x80\x01", b"\x81"], ids=["no mark", "not zero", "another mark"])
def test_padding_has_one_spelling(tail: bytes) -> None:
    """Whatever stands behind the content but the mark and zeros is refused."""
    with pytest.raises(BadEncoding):
        opened(sealed(b"", (b"text" + tail).ljust(256, b"\0")), 4)


@pytest.mark.parametrize("part", ["deployment", "study", "file"])
def test_a_file_sealed_for_elsewhere_fails(part: str) -> None:
    """Chunks are bound to where they were sealed for."""
    with pytest.raises(BadEncoding):
        opened(sealed(CONTENT), len(CONTENT), **{part: uid(9)})


@pytest.mark.parametrize("part", ["deployment", "client_uuid", "file"])
def test_a_head_sealed_for_elsewhere_fails(part: str) -> None:
    """A head opens for its own record and file, and is no body."""
    head, private = (
        SealedBody.parse(bytes.fromhex(VECTOR["head"]), FILE_HEADER),
        Secret(bytes.fromhex(VECTOR["private"])),
    )
    place = {"deployment": D, "client_uuid": PARTS["client_uuid"], "file": PARTS["file"]}

    with pytest.raises(BadEncoding):
        unseal(private, head, **place | {part: uid(9)})
    with pytest.raises(BadEncoding):
        unseal(private, head, deployment=D, client_uuid=PARTS["client_uuid"])
    with pytest.raises(BadEncoding):
        SealedBody.parse(bytes.fromhex(VECTOR["head"]))


def test_frozen_file() -> None:
    """Head, chunks, the upload's secret and the signed word are the frozen bytes."""
    raw = bytes.fromhex(VECTOR["head"])
    head, private = SealedBody.parse(raw, FILE_HEADER), Secret(bytes.fromhex(VECTOR["private"]))
    inside = unseal(private, head, deployment=D, client_uuid=PARTS["client_uuid"], file=PARTS["file"])
    chunks = sealed(CONTENT)

    assert json.loads(inside) == VECTOR["inside"]
    assert contexts.intake_file(D, **PARTS).hex() == VECTOR["context"]
    assert contexts.intake_chunk(D, study=PARTS["study"], file=PARTS["file"]).hex() == VECTOR["chunk_context"]
    assert hashlib.sha256(b"".join(chunks)).hexdigest() == VECTOR["sealed_sha256"]
    assert opened(chunks, VECTOR["inside"]["size"]) == CONTENT
    assert upload_secret(Secret(KEY), head.digest) == Secret(bytes.fromhex(VECTOR["upload_secret"]))
    ids = {"client_uuid": PARTS["client_uuid"], "file": PARTS["file"]}
    word = contexts.file_receipt(D, key_id="receipt-1", **ids, head=head.digest)
    verify(bytes.fromhex(VECTOR["public"]), word, bytes.fromhex(VECTOR["signature"]))
