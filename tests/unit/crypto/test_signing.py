from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.crypto.signing import verify
from app.errors import BadSignature
from tests.unit.crypto.factories import flip

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()
MESSAGE = b"message"
SIGNATURE = KEY.sign(MESSAGE)


def test_accepts_its_own_message() -> None:
    """A good signature passes without an answer to forget."""
    verify(PUBLIC, MESSAGE, SIGNATURE)


@pytest.mark.parametrize("bit", range(0, 512, 7))
def test_any_flipped_bit_of_the_signature_fails(bit: int) -> None:
    """No bit of a signature can change."""
    with pytest.raises(BadSignature):
        verify(PUBLIC, MESSAGE, flip(SIGNATURE, bit))


@pytest.mark.parametrize(
    ("public", "message", "signature"),
    [
        (PUBLIC, b"Message", SIGNATURE),
        (flip(PUBLIC, 0), MESSAGE, SIGNATURE),
        (PUBLIC[:-1], MESSAGE, SIGNATURE),
        (b"", MESSAGE, SIGNATURE),
        (PUBLIC, MESSAGE, SIGNATURE[:-1]),
        (PUBLIC, MESSAGE, SIGNATURE + b"\0"),
        (PUBLIC, MESSAGE, b""),
    ],
)
def test_refuses_everything_else(public: bytes, message: bytes, signature: bytes) -> None:
    """Another message or key, and bytes that are neither key nor signature, are one error."""
    with pytest.raises(BadSignature):
        verify(public, message, signature)
