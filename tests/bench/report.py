"""The results as a table for people and as JSON for later comparison."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from tests.bench.plan import Plan, Point

# What intake is to reach, by the issue that asked for it: part of the floor's rate, and on two cores with PostgreSQL
# and 32 clients so many a second with so many milliseconds at the 95th percentile.
PART_OF_FLOOR = 0.6
RATE, CLIENTS, P95_MS = 200.0, 32, 400.0


def table(points: Sequence[Point]) -> Table:
    """Every point; intake beside its floor."""
    result = Table(title="26 answers and 1,000 words, durable", title_justify="left", box=box.SIMPLE_HEAD)
    for heading in ("database", "what", "clients"):
        result.add_column(heading, no_wrap=True)
    for heading in ("a second", "of the floor", "p50 ms", "p95 ms", "p99 ms", "CPU ms"):
        result.add_column(heading, justify="right", no_wrap=True)
    for point in points:
        figures, part = point.figures, part_of_floor(points, point)
        result.add_row(
            point.kind,
            point.what,
            str(point.clients),
            f"{figures.rate:.0f}",
            "" if part is None else f"{part:.0%}",
            *(f"{value:.1f}" for value in (figures.p50, figures.p95, figures.p99, figures.cpu_ms)),
        )
    return result


def part_of_floor(points: Sequence[Point], point: Point) -> float | None:
    """Which part of the floor's rate intake reaches at this point."""
    if point.what != "intake":
        return None
    same = (p for p in points if (p.kind, p.what, p.clients) == (point.kind, "floor", point.clients))
    below = next(same, None)
    return None if below is None else point.figures.rate / below.figures.rate


def verdicts(points: Sequence[Point]) -> list[str]:
    """What is missed of what was to be reached."""
    missed = []
    for point in points:
        where = f"{point.kind}, {point.clients} clients"
        part = part_of_floor(points, point)
        if part is not None and part < PART_OF_FLOOR:
            missed.append(f"{where}: {part:.0%} of the floor, {PART_OF_FLOOR:.0%} was to be reached")
        if (point.kind, point.what, point.clients) == ("postgresql", "intake", CLIENTS):
            if point.figures.rate < RATE:
                missed.append(f"{where}: {point.figures.rate:.0f} a second, {RATE:.0f} was to be reached")
            if point.figures.p95 > P95_MS:
                missed.append(f"{where}: p95 is {point.figures.p95:.0f} ms, {P95_MS:.0f} was to be reached")
    return missed


def machine() -> dict[str, Any]:
    """Where this was measured; the load before it says how quiet it was."""
    return {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": len(os.sched_getaffinity(0)),
        "machine": platform.machine(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load_before": os.getloadavg()[0],
    }


def write(path: Path, plan: Plan, where: dict[str, Any], points: Sequence[Point]) -> None:
    """Everything as one JSON file."""
    rows = [
        {"database": point.kind, "what": point.what, "clients": point.clients, "rate": point.figures.rate}
        | asdict(point.figures)
        | {"part_of_floor": part_of_floor(points, point)}
        for point in points
    ]
    path.write_text(json.dumps({"machine": where, "plan": asdict(plan), "points": rows}, indent=1) + "\n")
