from __future__ import annotations

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.demo.page import masked
from app.demo.people import SignIns
from tests.functional.commands import command, process
from tests.serving import free_port

RULES = {"TESTIMONY_DEIDENTIFY": "rules"}  # the models take their time where many tests share a machine
# What only guardians and auditors together may see, and what the redaction must have masked.
HIDDEN = ("Sameer Idris Rahmanov", "+44 7700 900417", "the bicycle is repaired", "Luqman", "9 October 2013")


def left(text: str) -> str:
    """The left column: what the researcher reads."""
    return " ".join(line.split("│")[1] for line in text.splitlines() if line.count("│") > 2)


@pytest.mark.slow
def test_the_demo_shows_a_release_and_starts_again_from_its_data(tmp_path: Path) -> None:
    """A newcomer runs it twice: the first run takes a testimony all the way, the second one reads it again."""
    port = str(free_port())
    first = process("demo", "--once", "--port", port, cwd=tmp_path, **RULES)
    assert first.returncode == 0, first.stderr
    again = process("demo", "--once", "--port", port, cwd=tmp_path, **RULES)
    assert again.returncode == 0, again.stderr

    for shown in (first.stdout, again.stdout):
        assert "[PERSON-01" in left(shown)
        assert "otpauth://" in shown
        assert all(hidden in " ".join(shown.split()) for hidden in HIDDEN[:1])
        assert not any(hidden in left(shown) for hidden in HIDDEN)
    with sqlite3.connect(tmp_path / "demo-data" / "testimony.db") as database:
        assert database.execute("SELECT status, count(*) FROM record GROUP BY status").fetchall() == [("released", 1)]

    sign_ins = tmp_path / "demo-data" / "DEMO-SIGN-INS.json"
    assert stat.S_IMODE(sign_ins.stat().st_mode) == 0o600
    assert "demonstration only" in json.loads(sign_ins.read_text())["warning"]
    assert "Rahmanov" not in (tmp_path / "demo-data" / "demo.log").read_text()
    roles = [person.role for person in (SignIns.load(sign_ins.parent) or SignIns()).people]
    assert sorted(roles) == sorted(
        ["admin", "interviewer", "redactor", "approver", "researcher", "lead", "guardian", "auditor"]
    )


@pytest.mark.slow
def test_ending_the_demo_ends_its_processes(tmp_path: Path) -> None:
    """Whoever presses Ctrl-C while it starts or serves leaves nothing running."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2]), **RULES}
    demo = subprocess.Popen(
        [sys.executable, "-m", "app", "demo", "--port", str(free_port())],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        text=True,
    )
    assert demo.stdout is not None
    for line in demo.stdout:
        if "HTTPS server" in line:
            break

    os.killpg(demo.pid, signal.SIGINT)

    output = demo.stdout.read()
    demo.stdout.close()
    assert demo.wait(60) != 0
    assert "Traceback" not in output
    until = time.monotonic() + 20
    while _group_lives(demo.pid):
        assert time.monotonic() < until
        time.sleep(0.1)


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_real_deployment_is_never_taken_for_a_demo(tmp_path: Path) -> None:
    """The demo refuses a folder that holds a deployment of its own."""
    assert command("init", "--data", "data", cwd=tmp_path).returncode == 0

    refused = command("demo", "--once", "--data", "data", cwd=tmp_path)

    assert refused.returncode == 1
    assert "real deployment" in refused.stderr
    assert not (tmp_path / "data" / "DEMO-SIGN-INS.json").exists()


def test_masked_passages_are_found_by_their_labels() -> None:
    """Between what was kept lies what was masked, in order."""
    told = "I am Amal from Tell Sahra, since 9 October 2013."
    released = "I am [PERSON-01] from [PLACE-02], since [DATE-01: 2013]."

    assert masked(told, released) == [
        ("[PERSON-01]", "Amal"),
        ("[PLACE-02]", "Tell Sahra"),
        ("[DATE-01: 2013]", "9 October 2013"),
    ]
