"""Where a request comes from, behind proxies that are trusted and others."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from starlette.requests import Request

from app.web.headers import source_of

TRUSTED = (ip_network("10.0.0.0/24"), ip_network("fd00::/64"))


def request(client: str | None, *forwarded: str) -> Request:
    """A request over this connection with these X-Forwarded-For headers."""
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    return Request({"type": "http", "client": client and (client, 1), "headers": headers})


@pytest.mark.parametrize(
    ("client", "forwarded", "source"),
    [
        pytest.param("192.0.2.1", [], "192.0.2.1", id="direct"),
        pytest.param("192.0.2.1", ["198.51.100.7"], "192.0.2.1", id="a stranger's header is not believed"),
        pytest.param("10.0.0.1", ["198.51.100.7"], "198.51.100.7", id="our proxy is"),
        pytest.param("10.0.0.1", ["1.1.1.1, 198.51.100.7"], "198.51.100.7", id="only what our proxy wrote"),
        pytest.param("10.0.0.1", ["1.1.1.1", "198.51.100.7"], "198.51.100.7", id="also over several headers"),
        pytest.param("10.0.0.1", ["198.51.100.7, 10.0.0.2"], "198.51.100.7", id="through two of our proxies"),
        pytest.param("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3", id="from inside"),
        pytest.param("10.0.0.1", [], "10.0.0.1", id="a proxy that says nothing"),
        pytest.param("10.0.0.1", ["1.1.1.1, nonsense"], "10.0.0.1", id="nonsense ends the chain"),
        pytest.param("fd00::1", ["2001:db8::5"], "2001:db8::5", id="IPv6"),
        pytest.param("::ffff:10.0.0.1", ["198.51.100.7"], "198.51.100.7", id="IPv4 in IPv6"),
        pytest.param(None, ["198.51.100.7"], "", id="no address at all"),
    ],
)
def test_the_source_is_the_nearest_untrusted_address(client: str | None, forwarded: list[str], source: str) -> None:
    """X-Forwarded-For counts only as far as trusted proxies wrote it."""
    assert source_of(request(client, *forwarded), TRUSTED) == source


def test_without_trusted_proxies_nothing_is_believed() -> None:
    """The default."""
    assert source_of(request("10.0.0.1", "198.51.100.7"), ()) == "10.0.0.1"
