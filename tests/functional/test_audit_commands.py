"""``testimony audit`` as an operator runs it."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.functional.commands import _environment, command


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder beside a fresh deployment's data."""
    assert command("init", "--data", "data", cwd=tmp_path).returncode == 0
    return tmp_path


def audit(folder: Path, *arguments: str, **env: str) -> tuple[int, str]:
    """Run a command; its exit code and what it printed."""
    done = command("audit", *arguments, "--data", "data", cwd=folder, **env)
    return done.returncode, done.stdout + done.stderr


def spoil(folder: Path, statement: str) -> None:
    """Change the main database behind the service."""
    with sqlite3.connect(folder / "data" / "testimony.db") as database:
        database.execute(statement)


def test_a_sound_trail_exits_0(folder: Path) -> None:
    """It says how much was verified."""
    code, text = audit(folder, "verify", "--deep")

    assert code == 0, text
    assert "Nothing is wrong." in text
    assert "entries, 0 checkpoints" in text


def test_a_finding_exits_1_and_is_named(folder: Path) -> None:
    """Position, event and kind stand in the line; no other line of the trail is blamed."""
    assert audit(folder, "verify")[0] == 0
    spoil(folder, "UPDATE event SET details = '{}' WHERE action = 'team.founded'")

    code, text = audit(folder, "verify")

    assert code == 1
    assert "An event is not what was sealed: position " in text
    assert "action team.founded" in text
    assert "Findings: 2" in text


def test_a_checkpoint_goes_to_the_witness(folder: Path) -> None:
    """Signed, written to the file, and held against the chain; a trail that was cut is found by it."""
    witness = {"TESTIMONY_WITNESS": f"file:{folder}/witness.jsonl"}
    code, text = audit(folder, "checkpoint", **witness)
    assert code == 0, text
    assert "Signed position" in text
    assert "1 checkpoints given to the witness" in text
    assert audit(folder, "witness", "status", **witness)[0] == 0
    assert audit(folder, "witness", "deliver", **witness) == (0, "0 checkpoints given to the witness\n")
    assert audit(folder, "verify", "--witness", str(folder / "witness.jsonl"))[0] == 0

    spoil(folder, "DELETE FROM chain WHERE position = (SELECT max(position) FROM chain)")
    spoil(folder, "DELETE FROM event WHERE id NOT IN (SELECT event_id FROM chain)")
    code, text = audit(folder, "verify", "--witness", str(folder / "witness.jsonl"))

    assert code == 1
    assert "part witness" in text


def test_without_a_witness_its_commands_say_so(folder: Path) -> None:
    """Nothing is delivered in silence."""
    code, text = audit(folder, "witness", "deliver")

    assert code != 0
    assert "TESTIMONY_WITNESS" in text


def test_a_baseline_of_a_new_deployment_takes_nothing_over(folder: Path) -> None:
    """Everything is accounted for from the first event on."""
    code, text = audit(folder, "baseline")

    assert code == 0, text
    assert "Taken over: 0 studies, 0 cases, 0 records" in text
    assert "taken over: 0" in text


def test_a_verification_can_be_interrupted(folder: Path) -> None:
    """Ctrl-C ends it with the shell's exit code, and the next one is whole."""
    arguments = [sys.executable, "-m", "app", "audit", "verify", "--deep", "--data", "data"]
    with subprocess.Popen(arguments, cwd=folder, env=_environment({}), stdout=subprocess.PIPE) as running:
        time.sleep(0.5)
        running.send_signal(signal.SIGINT)
        running.wait(60)

    assert running.returncode in {130, -signal.SIGINT}
    assert audit(folder, "verify", "--deep")[0] == 0
