"""What every provider of custody must do, as one class of tests; a provider's test module subclasses it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.crypto import signing
from app.crypto.secrets import Secret
from app.custody.base import Custody, KeyKind
from app.errors import BadSignature, Conflict, CustodyUnavailable, Malformed, Tampered

USES: dict[KeyKind, Callable[[Custody, str], bytes]] = {
    KeyKind.MAC: lambda custody, name: custody.mac(name, b"data"),
    KeyKind.SIGN: lambda custody, name: custody.sign(name, b"data"),
    KeyKind.WRAP: lambda custody, name: custody.wrap(name, Secret.random(), b"context"),
}


class CustodyContract:
    """Subclass it with a fixture ``custody`` that gives an empty provider with every group."""

    @pytest.fixture
    def custody(self) -> Custody:
        """Overridden by each provider."""
        raise NotImplementedError

    def test_mac_is_stable_and_depends_on_key_and_data(self, custody: Custody) -> None:
        """Equal data under one key gives equal 32 bytes; another key or other data gives others."""
        custody.create("pepper-1", KeyKind.MAC)
        custody.create("pepper-2", KeyKind.MAC)

        mac = custody.mac("pepper-1", b"data")

        assert len(mac) == 32
        assert mac == custody.mac("pepper-1", b"data")
        assert len({mac, custody.mac("pepper-2", b"data"), custody.mac("pepper-1", b"date")}) == 3

    def test_a_signature_verifies_under_the_public_half(self, custody: Custody) -> None:
        """What ``sign`` made, Ed25519 accepts for that message and no other."""
        custody.create("receipt-1", KeyKind.SIGN)

        signature = custody.sign("receipt-1", b"message")

        signing.verify(custody.public("receipt-1"), b"message", signature)
        with pytest.raises(BadSignature):
            signing.verify(custody.public("receipt-1"), b"massage", signature)

    def test_what_was_wrapped_is_unwrapped(self, custody: Custody) -> None:
        """A secret comes back under the same key and context."""
        custody.create("kk-1", KeyKind.WRAP)
        secret = Secret.random()

        blob = custody.wrap("kk-1", secret, b"context")

        assert custody.unwrap("kk-1", blob, b"context") == secret
        assert secret.reveal() not in bytes(blob)

    def test_another_context_key_or_byte_does_not_unwrap(self, custody: Custody) -> None:
        """A blob is bound to its key, its context and each of its bytes."""
        custody.create("kk-1", KeyKind.WRAP)
        custody.create("kk-2", KeyKind.WRAP)
        blob = custody.wrap("kk-1", Secret.random(), b"context")
        flipped = blob[:-1] + bytes([blob[-1] ^ 1])

        for name, sealed, context in (
            ("kk-1", blob, b"other"),
            ("kk-2", blob, b"context"),
            ("kk-1", flipped, b"context"),
        ):
            with pytest.raises(Tampered):
                custody.unwrap(name, sealed, context)

    def test_bytes_that_are_no_blob_are_malformed(self, custody: Custody) -> None:
        """Anything too short or with another header is refused as such."""
        custody.create("kk-1", KeyKind.WRAP)

        with pytest.raises((Malformed, Tampered)):
            custody.unwrap("kk-1", b"nothing", b"context")

    @pytest.mark.parametrize("use", list(KeyKind))
    def test_an_unknown_key_does_nothing(self, custody: Custody, use: KeyKind) -> None:
        """Every verb refuses a key that was never made."""
        with pytest.raises(CustodyUnavailable):
            USES[use](custody, "kk-9")
        with pytest.raises(CustodyUnavailable):
            custody.public("receipt-9")
        assert not custody.has("kk-9")

    @pytest.mark.parametrize("made", list(KeyKind))
    @pytest.mark.parametrize("use", list(KeyKind))
    def test_a_key_has_one_use(self, custody: Custody, made: KeyKind, use: KeyKind) -> None:
        """A key of one kind refuses the verbs of the others."""
        custody.create("audit-1", made)

        if made is use:
            assert USES[use](custody, "audit-1")
        else:
            with pytest.raises(CustodyUnavailable):
                USES[use](custody, "audit-1")

    @pytest.mark.parametrize("kind", list(KeyKind))
    def test_creating_never_replaces_a_key(self, custody: Custody, kind: KeyKind) -> None:
        """The second creation is refused and the first key stays."""
        custody.create("audit-1", kind)

        for again in KeyKind:
            with pytest.raises(Conflict):
                custody.create("audit-1", again)
        assert USES[kind](custody, "audit-1")

    @pytest.mark.parametrize("kind", list(KeyKind))
    def test_a_destroyed_key_does_nothing_more(self, custody: Custody, kind: KeyKind) -> None:
        """Destroying takes the key away at once, and a second time is no error."""
        custody.create("audit-1", kind)
        assert custody.has("audit-1")

        custody.destroy("audit-1")
        custody.destroy("audit-1")

        assert not custody.has("audit-1")
        with pytest.raises(CustodyUnavailable):
            USES[kind](custody, "audit-1")

    def test_the_public_half_outlives_the_key(self, custody: Custody) -> None:
        """Old signatures stay verifiable, and nobody can publish another key under the name."""
        custody.create("receipt-1", KeyKind.SIGN)
        signature, public = custody.sign("receipt-1", b"message"), custody.public("receipt-1")

        custody.destroy("receipt-1")

        assert custody.public("receipt-1") == public
        signing.verify(public, b"message", signature)
        with pytest.raises(Conflict):
            custody.create("receipt-1", KeyKind.SIGN)
