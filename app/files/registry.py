"""The store of files is chosen by a URL, whose scheme names the provider.

``file:/absolute/folder``, or ``s3://bucket/prefix?region=eu-central-1&endpoint=https://s3.example``.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from app.errors import StoreUnavailable
from app.files.base import FileStore
from app.files.folder import FolderStore
from app.files.s3 import BucketStore, Keys

__all__ = ["open_store"]

DEFAULT_REGION = "us-east-1"
OPTIONS = frozenset({"region", "endpoint"})


def open_store(url: str, keys: Keys | None = None) -> FileStore:
    """Open the store that a URL names.

    Raises:
        StoreUnavailable: an unknown scheme, a relative path, an option that is not known, or keys are missing.
    """
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    path = unquote(parts.path)
    if parts.scheme == "file" and not parts.netloc and not options and Path(path).is_absolute():
        return FolderStore(Path(path))
    if parts.scheme == "s3" and parts.hostname and options.keys() <= OPTIONS and keys is not None:
        region, endpoint = options.get("region", DEFAULT_REGION), options.get("endpoint", "")
        return BucketStore(parts.hostname, path.strip("/"), region=region, endpoint=endpoint, keys=keys)
    raise StoreUnavailable("The store of files needs file:/absolute/folder, or s3://bucket and its keys.")
