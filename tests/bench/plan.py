"""Which points are measured, for how long, and in which order."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench import floor, sealing, submission
from tests.bench.figures import Figures
from tests.bench.load import Request, drive
from tests.bench.stage import Stage, prepared
from tests.databases import Kind

RELEASES = 8
WARM_UP_SECONDS = 2
CORES = len(os.sched_getaffinity(0))


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure; ``seconds`` is what one point takes, ``threads`` those of one web process."""

    kinds: Sequence[Kind]
    clients: Sequence[int]
    seconds: float
    processes: int
    threads: int


@dataclass(frozen=True, slots=True)
class Point:
    """One measurement: what was done (``intake``, ``floor``, ``sealing``, ``opening``) by how many clients."""

    kind: Kind
    what: str
    clients: int
    figures: Figures


def run(plan: Plan, folder: Path) -> Iterator[Point]:
    """Measure point after point. LoadFailed if a request is not answered as it must be."""
    for kind in plan.kinds:
        with prepared(kind, folder / kind, releases=RELEASES) as stage:
            yield from _measure(plan, stage, kind)


def _measure(plan: Plan, stage: Stage, kind: Kind) -> Iterator[Point]:
    submit = Request("PUT", ["/v1/records/{uuid}"], stage.device, 201, submission.body(stage.study.id))
    paths = [f"/v1/studies/{stage.study.id}/releases/{record}" for record in stage.releases]
    read = Request("GET", paths, stage.researcher, 200)
    folder, most = stage.system.folder, max(plan.clients)
    for clients in plan.clients:
        # Each in a quiet of its own: the floor must not pay for idle processes of ours, nor the other way round.
        with stage.served(plan.processes, plan.threads) as url:
            drive(url, submit, folder, clients=clients, seconds=WARM_UP_SECONDS)
            yield Point(kind, "intake", clients, drive(url, submit, folder, clients=clients, seconds=plan.seconds))
        yield Point(kind, "floor", clients, _floor(plan, stage, clients))
    with stage.served(plan.processes, plan.threads) as url:
        drive(url, read, folder, clients=most, seconds=WARM_UP_SECONDS)
        for clients in plan.clients:
            yield Point(kind, "opening", clients, drive(url, read, folder, clients=clients, seconds=plan.seconds))
    yield Point(kind, "sealing", CORES, sealing.measure(stage, processes=CORES, seconds=plan.seconds))


def _floor(plan: Plan, stage: Stage, clients: int) -> Figures:
    processes = min(CORES, clients)
    threads = min(plan.threads, clients // processes)
    return floor.measure(stage.urls, processes=processes, threads=threads, seconds=plan.seconds)
