"""Headers: what every answer carries, and where a request comes from."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from starlette.requests import Request

from app.settings import Network

__all__ = ["SECURITY_HEADERS", "source_of"]

# Nothing may load, frame or send anything: answers are data.
POLICY = b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
# What every answer carries; one that names such a header itself, as pages do with their policy, keeps its own.
SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"content-security-policy", POLICY),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"strict-transport-security", b"max-age=63072000; includeSubDomains"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), interest-cohort=()"),
)
# A chain of proxies longer than this is no chain of ours.
MOST_HOPS = 16


def source_of(request: Request, trusted: Sequence[Network]) -> str:
    """The address a request comes from: the nearest one that is not a trusted proxy, or an empty text if unknown.

    X-Forwarded-For is read from the right, and only while the hop that wrote it is trusted.
    """
    address = request.client.host if request.client else ""
    if not trusted or not _within(address, trusted):
        return address
    for hop in reversed(_hops(request)):
        if not _is_address(hop):
            return address
        address = hop
        if not _within(address, trusted):
            return address
    return address


def _hops(request: Request) -> list[str]:
    chain = ",".join(request.headers.getlist("x-forwarded-for"))
    return [hop.strip() for hop in chain.split(",") if hop.strip()][-MOST_HOPS:]


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _within(address: str, networks: Sequence[Network]) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return any(ip in network for network in networks)
