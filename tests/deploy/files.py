"""Where the deployment's files lie, and the outside programs that judge them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
# Set where everything must be tested, as in CI: a missing program is then a failure and not a skip.
REQUIRE_ALL = "TESTIMONY_TEST_REQUIRE_ALL"


def program(name: str) -> str:
    """The path of an outside program; without it the test that asks is skipped, or fails under ``REQUIRE_ALL``."""
    found = shutil.which(name)
    if found is None and os.environ.get(REQUIRE_ALL):
        pytest.fail(f"{name} is not installed")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program to its end and give back what it said."""
    return subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=False, timeout=60, cwd=ROOT
    )
