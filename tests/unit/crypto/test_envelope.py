from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from app.crypto.envelope import HEADER, seal, unseal
from app.crypto.kdf import derive
from app.crypto.sealed import Sealed
from app.crypto.secrets import Secret
from app.errors import BadEncoding, Malformed, Tampered, TamperedField
from tests.unit.crypto.factories import field_context, flip, uid

KEY = Secret(bytes(range(32)))
ELSEWHERE: dict[str, Any] = {
    "deployment": uid(90),
    "study": uid(91),
    "case": uid(92),
    "record": uid(93),
    "compartment": "identity",
    "name": "family_name",
    "version": 0,
}


@given(st.binary(max_size=600), st.binary(max_size=40))
def test_opens_what_it_sealed(plaintext: bytes, context: bytes) -> None:
    """Key and context give the plaintext back."""
    assert unseal(KEY, context, seal(KEY, context, plaintext)) == plaintext


def test_gives_sealed_bytes() -> None:
    """The blob may stand in an encrypted column; what is opened may not."""
    blob = seal(KEY, b"", b"plaintext")

    assert isinstance(blob, Sealed)
    assert not isinstance(unseal(KEY, b"", blob), Sealed)


@given(st.integers(0))
def test_any_flipped_bit_fails(bit: int) -> None:
    """Header, salt, commitment, ciphertext and tag: no bit can change."""
    blob = seal(KEY, field_context(), b"plaintext")

    with pytest.raises((Tampered, Malformed)):
        unseal(KEY, field_context(), flip(blob, bit))


@pytest.mark.parametrize("at", [0, 3, 4, 35, 36, 67, 68, 323, 324, 339])
def test_a_flipped_bit_at_each_border_fails(at: int) -> None:
    """First and last byte of header, salt, commitment, ciphertext and tag are each checked."""
    blob = seal(KEY, field_context(), b"plaintext")

    assert len(blob) == 340
    with pytest.raises((Tampered, Malformed)):
        unseal(KEY, field_context(), flip(blob, 8 * at))


@pytest.mark.parametrize("part", ELSEWHERE)
def test_fails_in_any_other_place(part: str) -> None:
    """A blob moved to another field, record, case, study, compartment, version or deployment does not open."""
    blob = seal(KEY, field_context(), b"plaintext")

    with pytest.raises(TamperedField):
        unseal(KEY, field_context(**{part: ELSEWHERE[part]}), blob)


def test_two_fields_cannot_change_places() -> None:
    """Neither of two swapped fields of one record opens."""
    one, two = field_context(name="one"), field_context(name="two")
    sealed_one, sealed_two = seal(KEY, one, b"1"), seal(KEY, two, b"2")

    for context, blob in ((one, sealed_two), (two, sealed_one)):
        with pytest.raises(TamperedField):
            unseal(KEY, context, blob)


@given(st.integers(0))
def test_fails_under_another_key(bit: int) -> None:
    """A key that differs in one bit opens nothing."""
    blob = seal(KEY, b"context", b"plaintext")

    with pytest.raises(TamperedField):
        unseal(Secret(flip(KEY.reveal(), bit)), b"context", blob)


@given(st.integers(0, 339))
def test_a_cut_blob_fails(size: int) -> None:
    """Shorter than the shortest envelope is no envelope."""
    with pytest.raises(BadEncoding):
        unseal(KEY, b"", seal(KEY, b"", b"")[:size])


@given(st.integers(1, 300), st.binary(min_size=1, max_size=40))
def test_a_cut_or_extended_long_blob_fails(cut: int, more: bytes) -> None:
    """Bytes missing at the end or added to it break the tag."""
    blob = seal(KEY, b"", bytes(600))

    for changed in (blob[:-cut], blob + more, more + blob):
        with pytest.raises((Tampered, Malformed)):
            unseal(KEY, b"", changed)


def test_parts_of_two_envelopes_do_not_mix() -> None:
    """The head of one blob with the body of another fails although key and context are the same."""
    one, two = seal(KEY, b"", b"1"), seal(KEY, b"", b"1")

    with pytest.raises(TamperedField):
        unseal(KEY, b"", one[:68] + two[68:])


def test_the_same_plaintext_never_looks_the_same() -> None:
    """Equal answers cannot be told by equal blobs."""
    assert len({seal(KEY, b"", b"yes") for _ in range(20)}) == 20


def test_lengths_show_only_their_class() -> None:
    """A short and a longer answer have blobs of one size."""
    assert len(seal(KEY, b"", b"no")) == len(seal(KEY, b"", bytes(255))) == 4 + 32 + 32 + 256 + 16


@pytest.mark.parametrize("padded", [b"x" * 256, b"x\x80" + bytes(300), bytes(256)])
def test_refuses_padding_that_is_not_canonical(padded: bytes) -> None:
    """Even who knows the key cannot make a second blob form for one plaintext."""
    salt = bytes(32)
    okm = derive(KEY.reveal(), salt=salt, info=HEADER, length=64)
    blob = HEADER + salt + okm[:32] + AESGCM(okm[32:]).encrypt(bytes(12), padded, HEADER)

    with pytest.raises(BadEncoding):
        unseal(KEY, b"", blob)


@pytest.mark.parametrize("header", [b"TM\x02\x01", b"TM\x01\x02", b"XM\x01\x01"])
def test_refuses_another_version(header: bytes) -> None:
    """The version is named first, so formats to come are told from this one."""
    with pytest.raises(BadEncoding):
        unseal(KEY, b"", header + seal(KEY, b"", b"")[4:])
