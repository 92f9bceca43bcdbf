"""The command ``testimony`` as a user runs it: in a process of its own, or quicker, in this one."""

from __future__ import annotations

import contextlib
import io
import logging.config
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from app.cli import main
from tests.plain_logs import log_plainly

SECONDS = 120
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Done:
    """A command that ended."""

    returncode: int
    stdout: str
    stderr: str


def _environment(env: Mapping[str, str]) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TESTIMONY_")}
    return {**clean, "PYTHONPATH": str(ROOT), "COLUMNS": "160", **env}


def process(*arguments: str | Path, cwd: Path, **env: str) -> Done:
    """Run a command in a folder, as a process; the keywords go into its environment."""
    done = subprocess.run(
        [sys.executable, "-m", "app", *map(str, arguments)],
        cwd=cwd,
        env=_environment(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def command(*arguments: str | Path, cwd: Path, **env: str) -> Done:
    """Run a command in a folder, in this process; the keywords go into its environment."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with _as_alone(arguments, cwd, env), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return Done(code, out.getvalue(), err.getvalue())


@contextlib.contextmanager
def _as_alone(arguments: tuple[str | Path, ...], cwd: Path, env: Mapping[str, str]) -> Iterator[None]:
    """Everything that a process has for itself: arguments, folder, environment, umask, logging."""
    umask = os.umask(0o022)
    try:
        with (
            contextlib.chdir(cwd),
            patch.object(sys, "argv", ["testimony", *map(str, arguments)]),
            patch.dict(os.environ, _environment(env), clear=True),
        ):
            yield
    finally:
        os.umask(umask)
        log_plainly()
        logging.config.dictConfig({"version": 1, "disable_existing_loggers": False})
