from __future__ import annotations

import pytest

from app.crypto.sealed import Sealed


@pytest.mark.parametrize("show", [repr, str, "{}".format, "%s".__mod__], ids=["repr", "str", "format", "percent"])
def test_shows_only_its_length(show: object) -> None:
    """However it is written out, a sealed value shows its length and none of its bytes."""
    assert callable(show)

    assert show(Sealed(b"canary")) == "Sealed(6 bytes)"


def test_is_bytes_of_the_same_value() -> None:
    """Databases and hashes take it as the bytes it is."""
    assert bytes(Sealed(b"canary")) == b"canary"
