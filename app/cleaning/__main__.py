"""The process in which one hostile file is read: bytes come in, one line about them and a clean copy go out.

Before the first byte is read as anything, the process gives up what it does not need: it can open no file or
connection, start no process, write no file, and has little time and memory. For office files it must start mat2, so it
runs in a sandbox instead, or not at all.
"""

from __future__ import annotations

import json
import os
import resource
import sys

from app.cleaning import kinds, office
from app.cleaning.base import BROKEN, TOO_LARGE, Refused
from app.cleaning.limits import CPU_SECONDS, MEMORY, OFFICE, OFFICE_MEMORY

__all__ = ["main"]


def main() -> None:
    """Clean what stands in standard input; the line says ``{"reason": …}`` where that cannot be done."""
    in_sandbox = sys.argv[1:] == [OFFICE]
    _lock(in_sandbox=in_sandbox)
    try:
        content = sys.stdin.buffer.read()
        cleaned = office.clean(content) if in_sandbox else kinds.clean(content)
        told = {"type": cleaned.media_type, "ending": cleaned.ending, "noun": cleaned.noun}
        parts = list(cleaned.parts)
    except Refused as refused:
        told, parts = {"reason": refused.reason}, []
    except MemoryError:
        told, parts = {"reason": TOO_LARGE}, []
    except Exception:  # noqa: BLE001  whatever a parser raises: nothing of it is told
        told, parts = {"reason": BROKEN}, []
    sys.stdout.buffer.write(json.dumps(told).encode() + b"\n")
    sys.stdout.buffer.writelines(parts)
    sys.stdout.buffer.flush()
    os._exit(0)


def _lock(*, in_sandbox: bool) -> None:
    memory = OFFICE_MEMORY if in_sandbox else MEMORY
    limits = {resource.RLIMIT_CORE: 0, resource.RLIMIT_CPU: CPU_SECONDS, resource.RLIMIT_AS: memory}
    if not in_sandbox:
        limits |= {resource.RLIMIT_NOFILE: 0, resource.RLIMIT_FSIZE: 0, resource.RLIMIT_NPROC: 0}
    for kind, most in limits.items():
        resource.setrlimit(kind, (most, most))


if __name__ == "__main__":
    main()
