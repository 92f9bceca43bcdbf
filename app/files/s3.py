"""Segments in a store that speaks S3: one object each, ``PREFIX/abcd…/0123…``, which is there whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, groupby
from operator import itemgetter
from typing import TYPE_CHECKING
from uuid import UUID

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import S3Store

from app.crypto.sealed import Sealed
from app.crypto.secrets import Secret
from app.errors import StoreUnavailable, TamperedFile

if TYPE_CHECKING:
    from obstore.store import S3Config

__all__ = ["BucketStore", "Keys"]

# A request fails rather than keeping its caller waiting much longer.
TIMEOUT = timedelta(seconds=30)
RETRY_FOR = timedelta(seconds=20)
RETRIES = 3


@dataclass(frozen=True, slots=True)
class Keys:
    """The store's credentials."""

    access: Secret
    secret: Secret


class BucketStore:
    """See ``FileStore``. ``endpoint`` is empty for AWS itself; plain http is for loopback alone."""

    def __init__(self, bucket: str, prefix: str, *, region: str, endpoint: str, keys: Keys) -> None:
        config: S3Config = {
            "region": region,
            "access_key_id": keys.access.reveal().decode(),
            "secret_access_key": keys.secret.reveal().decode(),
            "virtual_hosted_style_request": not endpoint,
        }
        if endpoint:
            config["endpoint"] = endpoint
        self._store = S3Store(
            bucket,
            prefix=prefix or None,
            config=config,
            client_options={"timeout": TIMEOUT, "allow_http": endpoint.startswith("http:")},
            retry_config={"max_retries": RETRIES, "retry_timeout": RETRY_FOR},
        )

    def put(self, file: UUID, segment: UUID, sealed: Sealed) -> None:
        """Put one object."""
        with _translated():
            obstore.put(self._store, _path(file, segment), bytes(sealed), use_multipart=False)

    def get(self, file: UUID, segment: UUID, start: int, end: int) -> bytes:
        """Get a range."""
        with _translated():
            try:
                part = bytes(obstore.get_range(self._store, _path(file, segment), start=start, end=end))
            except (NotFoundError, FileNotFoundError):
                raise TamperedFile from None
        if len(part) != end - start:
            raise TamperedFile
        return part

    def segments(self, file: UUID) -> set[UUID]:
        """List what lies under the file's id."""
        return {segment for _, segment, _ in self._objects(f"{file.hex}/")}

    def discard(self, file: UUID, keep: frozenset[UUID] = frozenset()) -> None:
        """Delete the objects."""
        self._delete(file, self.segments(file) - keep)

    def remove(self, file: UUID, segment: UUID) -> None:
        """Delete one object."""
        self._delete(file, self.segments(file) & {segment})

    def files(self, *, before: datetime | None = None) -> Iterator[UUID]:
        """List everything, which comes in the order of the names, and tell each file once."""
        for file, objects in groupby(self._objects(None), key=itemgetter(0)):
            newest = max(moment for _, _, moment in objects)
            if before is None or newest < before:
                yield file

    def check(self) -> None:
        """Ask for the first page of a list."""
        with _translated():
            next(iter(obstore.list(self._store, chunk_size=1)), None)

    def _delete(self, file: UUID, segments: set[UUID]) -> None:
        if segments:
            with _translated():
                obstore.delete(self._store, [_path(file, segment) for segment in segments])

    def _objects(self, prefix: str | None) -> Iterator[tuple[UUID, UUID, datetime]]:
        """Ids and times of what is there; what bears other names is not ours."""
        with _translated():
            for found in chain.from_iterable(obstore.list(self._store, prefix)):
                file, _, segment = found["path"].partition("/")
                with suppress(ValueError):
                    yield UUID(hex=file), UUID(hex=segment), found["last_modified"]


def _path(file: UUID, segment: UUID) -> str:
    return f"{file.hex}/{segment.hex}"


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (BaseError, OSError):
        # Its text names the bucket and the address, and in some cases what was sent.
        raise StoreUnavailable from None
