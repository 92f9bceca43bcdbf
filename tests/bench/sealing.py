"""The cryptography alone: everything intake seals, wraps, digests and signs, with no request and no database."""

from __future__ import annotations

import json
import time
from uuid import uuid4

from app.access import Actor, ActorKind
from app.bootstrap import build
from app.intake.service import AcceptRecord, Submission
from app.settings import Settings
from tests.bench import submission
from tests.bench.figures import Figures
from tests.bench.stage import Stage
from tests.bench.together import everywhere, ready


def measure(stage: Stage, *, processes: int, seconds: float) -> Figures:
    """Seal one submission again and again in so many processes."""
    actor = Actor(ActorKind.DEVICE, stage.study["interviewer"].id, device=uuid4(), study=stage.study.id)
    told, used = everywhere(processes, _process, stage.settings, actor, _submission(stage), seconds)
    return Figures.of([taken for all_taken in told for taken in all_taken], seconds, used)


def _submission(stage: Stage) -> Submission:
    body = json.loads(submission.body(stage.study.id))
    name, version = body["instrument"]["id"], body["instrument"]["version"]
    return Submission(uuid4(), stage.study.id, None, name, version, body["answers"], None)


def _process(settings: Settings, actor: Actor, asked: Submission, seconds: float) -> list[float]:
    runtime = build(settings, "web")
    keystore = runtime.collaborators.keystore
    making = AcceptRecord(runtime.collaborators, actor, asked)
    with runtime.transaction() as session:
        making.plan(session)
    with keystore.transaction() as connection:
        version = keystore.keys.current(connection)
    taken: list[float] = []
    ready()
    end = time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        attempt = making.seal()
        for share in attempt.shares:
            keystore.seal(version, share.id, attempt.record, share.value)
        taken.append(time.perf_counter() - began)
    runtime.close()
    return taken
