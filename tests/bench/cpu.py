"""How much processor time the work takes: what remains comparable when other programs use the machine too."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from tests.databases import RUN_VARIABLE

TICKS = os.sysconf("SC_CLK_TCK")
# Fields of /proc/PID/stat after the name: parent; user and system time, and both of children that have ended.
PARENT, TIMES = 1, slice(11, 15)


def seconds() -> float:
    """What this program, its children and the run's PostgreSQL have used so far."""
    known = dict(_processes())
    ours = {os.getpid(), *_postmaster()}
    grown = True
    while grown:
        children = {pid for pid, (parent, _) in known.items() if parent in ours} - ours
        ours |= children
        grown = bool(children)
    return sum(known[pid][1] for pid in ours if pid in known) / TICKS


def _processes() -> Iterator[tuple[int, tuple[int, int]]]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        yield int(stat.parent.name), (int(fields[PARENT]), sum(map(int, fields[TIMES])))


def _postmaster() -> list[int]:
    note = Path(os.environ[RUN_VARIABLE]) / "pg" / "postmaster.pid"
    return [int(note.read_text().split()[0])] if note.exists() else []
