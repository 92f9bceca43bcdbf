"""Driving the service with wrk, a generator light enough not to be what is measured."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench import cpu
from tests.bench.figures import Figures

SCRIPT = Path(__file__).with_name("load.lua")
ANSWER_SECONDS = 30


class LoadFailed(Exception):
    """A request was not answered as it must be, so the figures mean nothing."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to send again and again. In paths ``{uuid}`` becomes a fresh one each time."""

    method: str
    paths: Sequence[str]
    token: str
    expected: int
    body: bytes = b""


def available() -> bool:
    """Whether wrk is here."""
    return shutil.which("wrk") is not None


def drive(url: str, request: Request, folder: Path, *, clients: int, seconds: float) -> Figures:
    """Keep this many clients busy, each with one connection and one request at a time.

    Raises:
        LoadFailed: an answer had another status, or a connection failed.
    """
    (folder / "paths").write_text("\n".join(request.paths))
    (folder / "body").write_bytes(request.body)
    ours = {
        "BENCH_METHOD": request.method,
        "BENCH_TOKEN": request.token,
        "BENCH_EXPECTED": str(request.expected),
        "BENCH_PATHS": str(folder / "paths"),
        "BENCH_BODY": str(folder / "body") if request.body else "",
    }
    amount = ["-t1", f"-c{clients}", f"-d{max(1, round(seconds))}s", f"--timeout={ANSWER_SECONDS}s"]
    before = cpu.seconds()
    ran = subprocess.run(
        ["wrk", *amount, "-s", str(SCRIPT), url], env=os.environ | ours, capture_output=True, text=True, check=False
    )
    used = cpu.seconds() - before
    if ran.returncode != 0:
        raise LoadFailed(ran.stderr or ran.stdout)
    told = json.loads(ran.stdout.splitlines()[-1])
    if told["refused"] or told["failed"] or not told["done"]:
        raise LoadFailed(f"{told['refused']} refused, {told['failed']} failed: {told['refusal']}")
    return Figures(told["done"], told["seconds"], told["p50"], told["p95"], told["p99"], used)
