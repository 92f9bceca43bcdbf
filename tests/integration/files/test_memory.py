"""How much memory an upload takes: what one piece needs, however large the file is.

``TESTIMONY_TEST_UPLOAD_MIB`` sets how large; 1024 is what is promised, and takes a minute.
"""

from __future__ import annotations

import hashlib
import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from app.cases.contents import FileWriter, Opened
from app.crypto.secrets import Secret
from app.files.folder import FolderStore

MIB = 1 << 20
SIZE = int(os.environ.get("TESTIMONY_TEST_UPLOAD_MIB", "48")) * MIB
GROWTH = 24 * MIB


@pytest.fixture
def _traced() -> Iterator[None]:
    """Count what Python allocates."""
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.usefixtures("_traced")
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """Written and read in pieces of 100 KiB, a file takes a few pieces' memory, and comes out as it went in."""
    store, file, key, piece = FolderStore(tmp_path), uuid4(), Secret.random(), os.urandom(100 << 10)
    writer = FileWriter(store, file, key, b"context")
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()

    for _ in range(SIZE // len(piece)):
        writer.write(piece)
    description = writer.finish()
    counted = hashlib.sha256()
    for each in Opened(store, file, key, b"context", description).read(0, SIZE):
        counted.update(each)

    assert counted.digest() == description.sha256
    assert tracemalloc.get_traced_memory()[1] - before < GROWTH
