"""``python -m tests.bench``: measure, print, write JSON. A missed target is told and is no failure; a lost request is.

The load generator, PostgreSQL and the service share this machine's cores.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from app import logs
from app.settings import Settings
from tests.bench import load, report
from tests.bench.plan import Plan, run
from tests.databases import FSYNC_VARIABLE, KINDS, Kind, begin_run

QUICK_SECONDS, FULL_SECONDS = 4.0, 15.0
WIDTH = 100
PROCESSES: int = Settings.model_fields["web_processes"].default
THREADS: int = Settings.model_fields["web_threads"].default


def main(
    *,
    quick: Annotated[bool, typer.Option(help="A few seconds a point.")] = False,
    database: Annotated[list[str] | None, typer.Option(help="sqlite or postgresql; both if not said.")] = None,
    clients: Annotated[list[int] | None, typer.Option(help="How many at once; 1, 8 and 32 if not said.")] = None,
    processes: Annotated[int, typer.Option(help="Web processes.")] = PROCESSES,
    threads: Annotated[int, typer.Option(help="Threads of a web process.")] = THREADS,
    out: Annotated[Path, typer.Option(help="Where the JSON goes.")] = Path("build/bench.json"),
) -> None:
    """Intake and opening, beside the floor of the same machine."""
    if not load.available():
        sys.exit("This needs wrk, the load generator: apt-get install wrk")
    kinds: list[Kind] = [kind for kind in reversed(KINDS) if database is None or kind in database]
    plan = Plan(kinds, clients or [1, 8, 32], QUICK_SECONDS if quick else FULL_SECONDS, processes, threads)
    console, points, where = Console(width=WIDTH), [], report.machine()
    logs.configure("warning", strict=False)
    os.environ[FSYNC_VARIABLE] = "on"
    end_run = begin_run()
    try:
        with tempfile.TemporaryDirectory(prefix="testimony-bench-") as folder, console.status("Making ready") as status:
            for point in run(plan, Path(folder)):
                points.append(point)
                figures = point.figures
                status.update(f"{point.kind}, {point.what}, {point.clients} clients: {figures.rate:.0f} a second")
    finally:
        if end_run is not None:
            end_run()
    console.print(report.table(points))
    for line in report.verdicts(points):
        console.print(f"missed: {line}")
    out.parent.mkdir(parents=True, exist_ok=True)
    report.write(out, plan, where, points)
    console.print(f"written: {out}")


if __name__ == "__main__":
    application = typer.Typer(pretty_exceptions_enable=False)
    application.command()(main)
    application()
