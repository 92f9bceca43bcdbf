"""A program for tests: hands one testimony in, and stops itself (SIGSTOP) right after the keystore has its shares."""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import replace
from typing import Any
from uuid import UUID

from app.accounts import sessions
from app.bootstrap import Runtime, build
from app.errors import TestimonyError
from app.intake.service import AcceptRecord, Submission
from app.keystore.service import Keystore
from app.settings import Settings
from tests.clock import Clock


class StoppingKeystore(Keystore):
    """The real keystore, and a stop after the first put."""

    stopped = False

    def put(self, **what: Any) -> None:
        """Store, then stop until somebody sends SIGCONT."""
        super().put(**what)
        if not self.stopped:
            self.stopped = True
            os.kill(os.getpid(), signal.SIGSTOP)


def main() -> None:
    """Take the order from standard input; say how it ended on standard output."""
    order = json.load(sys.stdin)
    runtime = _stopping(order)
    with runtime.transaction() as session:
        actor = sessions.authenticate(session, runtime.collaborators, order["token"])
    name, version = order["instrument"]
    study, client_uuid = UUID(order["study"]), UUID(order["client_uuid"])
    sent = Submission(client_uuid, study, None, name, version, order["answers"], None)
    try:
        result: dict[str, Any] = {"new": runtime.make(AcceptRecord(runtime.collaborators, actor, sent)).new}
    except TestimonyError as error:
        result = {"error": error.code}
    runtime.close()
    json.dump(result, sys.stdout)


def _stopping(order: dict[str, Any]) -> Runtime:
    from datetime import datetime

    clock = Clock(datetime.fromisoformat(order["now"]))
    runtime = build(Settings(**order["settings"]), "web", clock=clock)
    real = runtime.collaborators.keystore
    keystore = StoppingKeystore(real.engine, real.custody, real.deployment, real.clock)
    return replace(runtime, collaborators=replace(runtime.collaborators, keystore=keystore))


if __name__ == "__main__":
    main()
