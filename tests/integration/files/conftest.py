"""Both kinds of store: a folder, and a bucket of an S3-compatible server on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from moto.server import ThreadedMotoServer

from app.crypto.secrets import Secret
from app.files.base import FileStore
from app.files.registry import open_store
from app.files.s3 import Keys

KEYS = Keys(Secret(b"an-access-key"), Secret(b"a-secret-key"))


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """The address of a server that speaks S3."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3: str) -> str:
    """The URL of a bucket of the test's own."""
    name = f"files-{uuid4().hex}"
    httpx.put(f"{s3}/{name}", trust_env=False).raise_for_status()
    return f"s3://{name}/under/here?endpoint={s3}"


@pytest.fixture(params=["folder", "bucket"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store; a test that uses it runs on each kind."""
    return f"file:{tmp_path}/files" if request.param == "folder" else str(request.getfixturevalue("bucket"))


@pytest.fixture
def store(url: str) -> FileStore:
    """An empty store."""
    opened = open_store(url, KEYS)
    opened.check()
    return opened
