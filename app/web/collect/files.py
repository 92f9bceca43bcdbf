"""What the phone keeps: every file of ``static`` by its address, with its digest, read once."""

from __future__ import annotations

import json
from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path

from app.web.portal.assets import Asset

__all__ = ["PAGE", "WORKERS", "files", "icons", "worker"]

FOLDER = Path(__file__).parent / "static"
ICONS = "icons"
TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}
# The page itself, which has the shortest address, and the script that the service workers are made from.
INDEX, WORKER = "index.html", "worker.js"
PAGE = "/collect"
# Service workers by address, and what they begin with. A module can send in the background; where service workers
# cannot be modules, the other one only keeps the files.
SENDING = f'import {{ sendDue }} from "{PAGE}/sender.js";\nself.sendDue = sendDue;\n'
WORKERS = {f"{PAGE}/m.js": SENDING, f"{PAGE}/w.js": ""}


@cache
def files() -> dict[str, Asset]:
    """Every file by its address."""
    paths = sorted(path for path in FOLDER.rglob("*") if path.suffix in TYPES and path.name != WORKER)
    found = (Asset(path.read_bytes(), TYPES[path.suffix], _address(path)) for path in paths)
    return {file.address: file for file in found}


def icons() -> frozenset[str]:
    """The names that an icon of the application may have."""
    return frozenset(path.stem.rpartition("-")[0] for path in (FOLDER / ICONS).glob("*.png"))


@cache
def worker(address: str) -> bytes:
    """The service worker of an address of ``WORKERS``: it changes whenever one of the files does."""
    kept = json.dumps({name: _integrity(file.content) for name, file in files().items()})
    version = sha256(kept.encode()).hexdigest()[:16]
    head = f'{WORKERS[address]}self.FILES = {kept};\nself.VERSION = "{version}";\n'
    return head.encode() + (FOLDER / WORKER).read_bytes()


# As ``fetch`` takes it (Subresource Integrity).
def _integrity(content: bytes) -> str:
    return "sha256-" + b64encode(sha256(content).digest()).decode()


def _address(path: Path) -> str:
    name = path.relative_to(FOLDER).as_posix()
    return PAGE if name == INDEX else f"{PAGE}/{name}"
