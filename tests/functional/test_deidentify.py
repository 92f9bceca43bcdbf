"""``testimony deidentify`` as a user runs it."""

# ruff: noqa: RUF001 - Turkish letters

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.deidentify.marked import read_marked
from tests.functional.commands import ROOT, command, process

MATERIAL = ROOT.parent / "shared" / "deid"
RULES = {"TESTIMONY_DEIDENTIFY": "rules"}
TEXT = "My name is Tariq al-Abbadi.\n\nMy brother Sufian came on 3 March 2015.\n"


def cleaned(text: str, tmp_path: Path, *options: str) -> str:
    """What the command prints for a file of this text."""
    (tmp_path / "one.txt").write_text(text, encoding="utf-8")
    done = command("deidentify", "one.txt", *options, cwd=tmp_path, **RULES)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_file_is_printed_with_labels(tmp_path: Path) -> None:
    """Nothing else is printed, and the line ends stay."""
    assert cleaned(TEXT, tmp_path) == (
        "My name is [PERSON-01].\n\nMy brother [PERSON-02: brother] came on [DATE-01: 2015].\n"
    )


def test_a_text_comes_from_standard_input(tmp_path: Path) -> None:
    """And goes to standard output."""
    arguments = [sys.executable, "-m", "app", "deidentify", "-"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **RULES}
    done = subprocess.run(
        arguments, input=TEXT.encode(), capture_output=True, cwd=tmp_path, env=environment, check=True, timeout=120
    )

    assert done.stdout.decode().startswith("My name is [PERSON-01].\n")
    assert done.stderr == b""


def test_a_header_is_not_part_of_the_text(tmp_path: Path) -> None:
    """Its language is that of the text, and offsets count from below it."""
    (tmp_path / "h.txt").write_text("id: x-1\nlanguage: tr\nstyle: asr\n\nadım Mehmet", encoding="utf-8")

    done = command("deidentify", "h.txt", "--spans", "spans.json", cwd=tmp_path, **RULES)

    assert done.stdout == "adım [PERSON-01]"
    assert json.loads((tmp_path / "spans.json").read_text())["h"][0][:3] == [5, 11, "PERSON"]


@pytest.mark.parametrize(
    "head",
    [
        "Interviewer: Lena Halvorsen",
        "id: x-1",
        "id: x-1\nlanguage: en\nname: Tariq",
        "id: x-1\n\nlanguage: en",
        "id x-1\nlanguage: en",
    ],
)
def test_what_only_resembles_a_header_is_text(head: str, tmp_path: Path) -> None:
    """A header has no other keys than id, language and style, and needs the first two."""
    clean = cleaned(f"{head}\n\nMy name is Tariq.", tmp_path)

    assert clean.count("\n\n") == head.count("\n\n") + 1
    assert "Halvorsen" not in clean
    assert "Tariq" not in clean


def test_spans_of_a_folder_count_code_points(tmp_path: Path) -> None:
    """By file name without the ending; an emoji is one, a CR LF is one, an invisible character is one."""
    folder = tmp_path / "texts"
    folder.mkdir()
    text = "😀\r\nmy brother Su\u200bfian came"
    (folder / "b.c.txt").write_bytes(text.encode())
    (folder / "a.txt").write_text("Nothing here.")
    (folder / "notes.md").write_text("my brother Sufian")

    done = command("deidentify", "texts", "--spans", "out.json", cwd=tmp_path, **RULES)
    found = json.loads((tmp_path / "out.json").read_text())

    assert done.returncode == 0
    assert sorted(found) == ["a", "b.c"]
    start, end, kind, score = found["b.c"][0]
    assert text.replace("\r\n", "\n")[start:end] == "Su\u200bfian"
    assert (kind, 0 < score <= 1) == ("PERSON", True)
    assert "Sufian" not in done.stdout


def test_clean_texts_go_into_a_folder(tmp_path: Path) -> None:
    """Closed to others, nothing of them on the terminal."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text(TEXT)

    done = command("deidentify", "in", "--out", "clean", cwd=tmp_path, **RULES)

    assert done.stdout == ""
    assert (tmp_path / "clean" / "a.txt").read_text().startswith("My name is [PERSON-01].")
    assert stat.S_IMODE((tmp_path / "clean" / "a.txt").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("content", "said"), [(b"my brother Sufian \xff\xfe came", "not UTF-8"), (None, "No such file")]
)
def test_what_cannot_be_read_is_said_without_its_content(content: bytes | None, said: str, tmp_path: Path) -> None:
    """A line and an exit code, no traceback."""
    if content is not None:
        (tmp_path / "one.txt").write_bytes(content)

    done = command("deidentify", "one.txt", cwd=tmp_path, **RULES)

    assert done.returncode == 1
    assert said in done.stderr
    assert "Sufian" not in done.stderr + done.stdout


def test_an_empty_folder_is_said(tmp_path: Path) -> None:
    """Instead of an empty file of spans."""
    (tmp_path / "none").mkdir()

    done = command("deidentify", "none", "--spans", "out.json", cwd=tmp_path, **RULES)

    assert done.returncode == 1
    assert not (tmp_path / "out.json").exists()


def test_ctrl_c_ends_it_at_once(tmp_path: Path) -> None:
    """Without a file of spans that would look whole."""
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(60):
        (folder / f"{number:02}.txt").write_text(TEXT * 100)
    arguments = [sys.executable, "-m", "app", "deidentify", "many", "--spans", "out.json", "--out", "clean"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **RULES}
    running = subprocess.Popen(arguments, cwd=tmp_path, env=environment, stderr=subprocess.PIPE)
    until = time.monotonic() + 60
    while not (tmp_path / "clean" / "00.txt").exists():
        assert time.monotonic() < until
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)

    assert running.returncode == 130
    assert b"Traceback" not in said
    assert not (tmp_path / "out.json").exists()


MARKED = (
    "id: t-1\nlanguage: en\nstyle: spoken\n\n"
    "My name is {{PERSON:D|Tariq al-Abbadi}}. I was {{DEM:Q|nineteen}} and the {{MISC:Q|only one with a kite}}.\n"
)


def test_evaluation_says_what_was_found_and_missed(tmp_path: Path) -> None:
    """Direct and quasi recall, precision and safe documents, by style, language and type."""
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "t-1.txt").write_text(MARKED)

    done = command("deidentify", "--evaluate", "m", cwd=tmp_path, **RULES)

    assert done.stdout.splitlines()[1] == "all                    1.000   0.500    1.000      1.000   1/2"


@pytest.mark.skipif(not MATERIAL.exists(), reason="the marked material lies beside the checkout")
@pytest.mark.parametrize("mode", ["strict", "balanced"])
def test_evaluation_agrees_with_the_scorer(mode: str, tmp_path: Path) -> None:
    """The same table as the material's own program prints for the spans that this command writes."""
    texts, spans, dev = tmp_path / "texts", tmp_path / "spans.json", MATERIAL / "dev"
    texts.mkdir()
    for path in dev.glob("*.txt"):
        marked = read_marked(path.read_text(encoding="utf-8"))
        (texts / path.name).write_text(
            f"id: {path.stem}\nlanguage: {marked.language}\n\n{marked.text}", encoding="utf-8"
        )

    ours = command("deidentify", "--evaluate", dev, "--mode", mode, cwd=tmp_path, **RULES)
    written = command("deidentify", texts, "--spans", spans, "--mode", mode, cwd=tmp_path, **RULES)
    scorer = [sys.executable, str(MATERIAL / "score.py"), str(dev), str(spans)]
    theirs = subprocess.run(scorer, capture_output=True, text=True, check=True, timeout=120).stdout

    assert written.returncode == 0
    assert ours.stdout == theirs


def test_the_command_starts_without_a_deployment(tmp_path: Path) -> None:
    """It needs no data folder, no database and no settings."""
    (tmp_path / "one.txt").write_text("My brother Sufian came.")

    done = process("deidentify", "one.txt", cwd=tmp_path, TESTIMONY_DEIDENTIFY="rules")

    assert done.stdout == "My brother [PERSON-01: brother] came."
    assert [path.name for path in tmp_path.iterdir()] == ["one.txt"]
