"""Forks the real server and the real worker, over and over, from a process that has imported everything.

Importing is most of a start, and a test that kills fifty servers cannot wait for it. Everything after the imports is
what a fresh process does: it reads its settings, opens custody and both databases, binds its port.

Orders come as lines of JSON on the standard input: ``{"role": "web" | "worker", "environment": {...}, "log": path}``.
Each is answered with the process id, which is also that of the process group: killing the group ends all of it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from typing import Any, NoReturn

import app.web.asgi  # noqa: F401 - imported for the processes to come
from app import logs
from app.bootstrap import build
from app.settings import Settings
from app.web.server import serve
from app.worker import run_until_stopped


def main() -> None:
    """Take orders until the input ends."""
    # Nobody here waits for them; the kernel is to forget them at once.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)  # noqa: T201 - the answer to whoever started this
    for line in sys.stdin:
        order = json.loads(line)
        process = os.fork()
        if process == 0:
            _become(order)
        print(process, flush=True)  # noqa: T201 - as above


def _become(order: dict[str, Any]) -> NoReturn:
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for file, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(file, target)
    os.environ.update(order["environment"])
    try:
        settings = Settings.load()
        if order["role"] == "web":
            serve(settings)
        else:
            logs.configure(settings.log_level, strict=not settings.production)
            run_until_stopped(build(settings, "worker"))
    except BaseException:  # noqa: BLE001 - whatever it is must not run the launcher's loop a second time
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(0)


if __name__ == "__main__":
    main()
