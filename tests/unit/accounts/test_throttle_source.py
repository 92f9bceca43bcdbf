from __future__ import annotations

import pytest

from app.accounts.throttle import source_of


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:DB8:1:2::1", "2001:db8:1:2::"),
        ("2001:db8:1:3::1", "2001:db8:1:3::"),
        ("unix", "unix"),
        ("", ""),
    ],
)
def test_source_of_an_address(address: str, source: str) -> None:
    """One subscriber is one source, however the address is written."""
    assert source_of(address) == source
