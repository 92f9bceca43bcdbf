"""How much the server grows while it takes in one large attachment: ``python -m tests.bench.uploads [MIB]``."""

from __future__ import annotations

import base64
import os
import ssl
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx

from tests.databases import begin_run
from tests.serving import Served, children

PIECE = os.urandom(1 << 20)
PAGE = os.sysconf("SC_PAGE_SIZE")
LOOK_EVERY = 0.05


def resident(pids: list[int]) -> int:
    """Bytes of memory that these processes hold."""
    return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE for pid in pids)


def measure(served: Served, mib: int) -> tuple[float, int]:
    """Seconds that the upload took, and by how many bytes the server grew at most."""
    client = uuid4()
    served.submit(client_uuid=client)
    token = served.sign_in(served.first()["interviewer"])
    pids = children(served._running[0].pid)
    before = highest = resident(pids)
    done = threading.Event()

    def look() -> None:
        nonlocal highest
        while not done.wait(LOOK_EVERY):
            highest = max(highest, resident(pids))

    def body() -> Iterator[bytes]:
        for _ in range(mib):
            yield PIECE

    secret = base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")
    headers = {"authorization": f"Bearer {token}", "testimony-upload-secret": secret, "upload-complete": "?1"}
    watching = threading.Thread(target=look)
    watching.start()
    began = time.monotonic()
    verify = ssl.create_default_context(cafile=str(served.certificate))
    with httpx.Client(base_url=served.url, verify=verify, trust_env=False, timeout=600) as http:
        answer = http.post(f"/v1/records/{client}/files/{uuid4()}", headers=headers, content=body())
    took = time.monotonic() - began
    done.set()
    watching.join()
    answer.raise_for_status()
    return took, highest - before


def main() -> None:
    """Measure once, after a small one that loads what is loaded late."""
    mib = int(sys.argv[1]) if len(sys.argv) > 1 else 1024
    end_run = begin_run()
    with tempfile.TemporaryDirectory() as folder:
        served = Served(Path(folder) / "data", "sqlite")
        try:
            measure(served, 8)
            took, grown = measure(served, mib)
        finally:
            served.close()
    if end_run is not None:
        end_run()
    print(f"{mib} MiB in {took:.1f} s ({mib / took:.0f} MiB/s), the server grew by {grown / 2**20:.1f} MiB")


if __name__ == "__main__":
    main()
