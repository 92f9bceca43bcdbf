"""The pages' own style sheets, scripts and pictures: read once, addressed by their content, cached for good."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

__all__ = ["Asset", "asset", "assets"]

FOLDER = Path(__file__).parent / "static"
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file."""

    content: bytes
    media_type: str
    address: str


@cache
def assets() -> dict[str, Asset]:
    """Every file by its name. One version for all: scripts import each other by addresses beside their own."""
    contents = {path.name: path.read_bytes() for path in sorted(FOLDER.iterdir()) if path.suffix in TYPES}
    version = sha256(b"".join(sha256(content).digest() for content in contents.values())).hexdigest()[:16]
    return {
        name: Asset(content, TYPES[Path(name).suffix], f"/static/{version}/{name}")
        for name, content in contents.items()
    }


def asset(name: str) -> str:
    """The address of a file; KeyError for one that is not there, so no page can name it."""
    return assets()[name].address
