from __future__ import annotations

import re

import pytest

from app.crypto.principals import KeyPair, fingerprint, fingerprint_text
from app.crypto.secrets import Secret
from app.errors import BadEncoding, BadPublicKey
from tests.unit.crypto.factories import pair


def test_a_private_key_gives_the_same_pair_again() -> None:
    """The 96 private bytes are the whole pair."""
    again = KeyPair.from_private(pair().private)

    assert (again.public, again.fingerprint) == (pair().public, pair().fingerprint)


def test_sizes() -> None:
    """A public key has 1,216 bytes, a private one 96, a fingerprint 32."""
    assert (len(pair().public), len(pair().private), len(pair().fingerprint)) == (1216, 96, 32)


def test_pairs_are_fresh() -> None:
    """No two generated pairs share a key."""
    assert KeyPair.generate().public != KeyPair.generate().public


@pytest.mark.parametrize("size", [0, 32, 64, 95, 97])
def test_refuses_private_keys_of_another_length(size: int) -> None:
    """A cut private key is refused."""
    with pytest.raises(BadEncoding):
        KeyPair.from_private(Secret(bytes(size)))


def test_fingerprint_of_a_public_key_is_that_of_its_pair() -> None:
    """Everybody computes the same fingerprint from the public key alone."""
    assert fingerprint(pair().public) == pair().fingerprint


def test_refuses_the_fingerprint_of_something_else() -> None:
    """Only a whole public key has a fingerprint."""
    with pytest.raises(BadPublicKey):
        fingerprint(pair().public[:-1])


@pytest.mark.parametrize("digest", [bytes(32), b"\xff" * 32, bytes(31) + b"\x01"])
def test_reads_aloud_in_twelve_groups_of_five(digest: bytes) -> None:
    """The text has the same shape for every fingerprint, leading zeros kept."""
    assert re.fullmatch(r"\d{5}( \d{5}){11}", fingerprint_text(digest))


def test_refuses_to_read_a_cut_fingerprint() -> None:
    """Half a fingerprint must not pass for one."""
    with pytest.raises(BadEncoding):
        fingerprint_text(bytes(16))
