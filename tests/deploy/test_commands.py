"""Every command that the deployment's files name is one that the program has, with those options."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer
import yaml

from app.cli import app
from tests.deploy.files import DEPLOY

COMPOSE = re.compile(r"^docker compose run(?P<arguments> .*)$", re.DOTALL)
# Options of `docker compose run` that take a value.
VALUED = ("-v", "-e")


def pieces(markdown: str) -> Iterator[str]:
    """Every line of a block of code, continued lines joined, and every piece of code within a line."""
    blocks = re.split(r"(?m)^```.*\n", markdown)
    for number, block in enumerate(blocks):
        if number % 2:
            yield from block.replace("\\\n", " ").splitlines()
        else:
            yield from (" ".join(code.split()) for code in re.findall(r"`([^`]+)`", block))


def of_service(words: list[str]) -> list[str]:
    """What `docker compose run` with these words runs: what follows the service's name, else its own command."""
    while words[0].startswith("-"):
        words = words[2:] if words[0] in VALUED else words[1:]
    service = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"][words[0]]
    command: list[str] = words[1:] or service["command"]
    return command


def in_runbook() -> Iterator[list[str]]:
    """The commands that the runbook says to run."""
    for piece in pieces((DEPLOY / "RUNBOOK.md").read_text()):
        if found := COMPOSE.match(piece):
            yield of_service(shlex.split(found["arguments"]))
        elif (piece.startswith("testimony ") and "…" not in piece) or "/bin/testimony " in piece:
            yield shlex.split(piece.partition("testimony ")[2] if piece.startswith("testimony ") else last(piece))


def last(line: str) -> str:
    """What follows the program's path."""
    return line.rpartition("/bin/testimony ")[2]


def in_units() -> Iterator[list[str]]:
    """The commands that systemd runs."""
    for unit in (DEPLOY / "systemd").glob("*.service"):
        for line in unit.read_text().splitlines():
            if line.startswith("ExecStart="):
                yield shlex.split(last(line))


def in_compose() -> Iterator[list[str]]:
    """The commands that containers of our image run."""
    for service in yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"].values():
        if service["image"].startswith("testimony:"):
            yield service["command"]


def understood(words: list[str]) -> None:
    """Fail unless the program has this command and takes these options and arguments, all that it needs among them."""
    command: Any = typer.main.get_command(app)
    words = list(words)
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    command.make_context("testimony", words)


COMMANDS = {" ".join(words): words for words in (*in_runbook(), *in_units(), *in_compose())}


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_the_program_has_this_command(words: list[str]) -> None:
    """Whoever follows the files meets no unknown command, option or argument."""
    understood(words)


@pytest.mark.parametrize("words", [["rotate"], ["sweep", "--again"], ["restore-check", "neither"], ["checkpoint"]])
def test_a_command_that_the_program_lacks_is_noticed(words: list[str]) -> None:
    """The check refuses unknown commands and options, bad arguments and missing ones."""
    with pytest.raises(Exception, match=r"rotate|again|neither|FILE|file"):
        understood(words)


@pytest.mark.parametrize(
    "wanted",
    [
        "init", "init --invite", "accept --url https://testimony.example.org", "status", "keystore rotate", "sweep",
        "sweep --resume", "worker-key renew", "restore-check main", "restore-check both --checkpoint FILE", "migrate",
    ],
)  # fmt: skip
def test_the_runbook_names_what_operators_need(wanted: str) -> None:
    """First day, everyday, restore: each step has its command."""
    assert wanted in {" ".join(words) for words in in_runbook()}
