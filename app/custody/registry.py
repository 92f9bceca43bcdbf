"""Custody is chosen by a URL: its scheme names the provider, its fragment the role of this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from app.custody.base import Custody
from app.custody.file import FileCustody
from app.errors import CustodyUnavailable

__all__ = ["open_custody"]

# Which groups of keys a process of this role may load.
GROUPS_OF_ROLE = {
    "web": ("web", "audit", "intake", "kk"),
    "worker": ("worker", "audit", "kk"),
    "operator": ("web", "worker", "audit", "intake", "kk"),
}


def open_custody(url: str) -> Custody:
    """Open the provider that a URL names, such as ``file:/var/lib/testimony/custody#web``.

    Raises ``CustodyUnavailable`` for an unknown scheme or role, or a relative path.
    """
    parts = urlsplit(url)
    provider = PROVIDERS.get(parts.scheme)
    if provider is None:
        detail = "Custody needs a known scheme, such as file:."
        raise CustodyUnavailable(detail)
    return provider(parts)


def _open_file(parts: SplitResult) -> Custody:
    folder = Path(unquote(parts.path))
    groups = GROUPS_OF_ROLE.get(parts.fragment)
    if groups is None or not folder.is_absolute() or parts.netloc or parts.query:
        detail = "File custody needs file:/absolute/path#role, the role being web, worker or operator."
        raise CustodyUnavailable(detail)
    return FileCustody(folder, groups)


PROVIDERS: dict[str, Callable[[SplitResult], Custody]] = {"file": _open_file}
