"""``python -m tests.bench.deidentify``: words a second, memory and start of the engine, beside Presidio if it is there.

Presidio is no dependency: ``TESTIMONY_BENCH_PRESIDIO`` names a Python that imports ``presidio_analyzer``, and
``TESTIMONY_BENCH_SPACY`` the folder of spaCy's ``en_core_web_md`` where that Python has it under no name. Each
measurement is a process of its own, one after another, on the checkout's marked texts; the engine reads as many
records at a time as in a worker. Seconds of the processor are
told beside those of the clock, which other work on the machine makes longer.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from app.deidentify.marked import read_marked
from app.deidentify.modes import Mode, Using

PRESIDIO = "TESTIMONY_BENCH_PRESIDIO"
TEXTS = Path(__file__).parents[2] / "app" / "deidentify" / "training" / "texts"
WORDS = 6000
ANSWERS = 5  # texts that the engine is given at a time: the answers of one interview
INTERVIEW = 10_000
TURNS = 5
MEBIBYTE = 1024  # getrusage counts in KiB on Linux

# Read by another Python, which knows nothing of this project: texts in, figures out.
PRESIDIO_PROGRAM = """
import json, os, resource, sys, time
name = os.environ.get("TESTIMONY_BENCH_SPACY", "en_core_web_md")
texts = json.load(sys.stdin)
began = time.perf_counter()
from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import NlpEngineProvider
model = {"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": name}]}
engine = AnalyzerEngine(nlp_engine=NlpEngineProvider(nlp_configuration=model).create_engine())
engine.analyze(text="My brother Sufian came.", language="en")
started = time.perf_counter() - began
began, used = time.perf_counter(), time.process_time()
for text in texts:
    engine.analyze(text=text, language="en")
took, used = time.perf_counter() - began, time.process_time() - used
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"start": started, "took": took, "used": used, "peak": peak}))
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds until the first answer, words a second of the clock and of the processor, peak of memory in MiB."""

    what: str
    start: float
    speed: float
    effort: float
    memory: float


def texts_of(language: str, words: int) -> list[str]:
    """Texts of a language, or of all but English, until there are so many words."""
    found: list[str] = []
    for path in sorted(TEXTS.glob("*.txt")):
        marked = read_marked(path.read_text(encoding="utf-8"))
        if (marked.language == "en") == (language == "en") and sum(len(text.split()) for text in found) < words:
            found.append(marked.text)
    return found


def counted(texts: list[str]) -> int:
    """Words, as spaces tell them."""
    return sum(len(text.split()) for text in texts)


def in_this_process(using: str, mode: str, texts: list[str]) -> dict[str, float]:
    """Load an engine, read the texts; for the process that measures nothing else."""
    began = time.perf_counter()
    from app.deidentify.engine import RECORDS_AT_ONCE, Engine, share_turns

    share_turns()
    engine = Engine.load(Using(using))
    engine.analyse("My brother Sufian came.")
    started = time.perf_counter() - began
    began, used = time.perf_counter(), time.process_time()
    records = [texts[at : at + ANSWERS] for at in range(0, len(texts), ANSWERS)]
    with ThreadPoolExecutor(RECORDS_AT_ONCE) as pool:
        list(pool.map(partial(engine.read, mode=Mode(mode)), records))
    took, used = time.perf_counter() - began, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"start": started, "took": took, "used": used, "peak": peak}


def measure(what: str, command: list[str], texts: list[str]) -> Measured:
    """Run a measuring process and read its figures."""
    done = subprocess.run(command, input=json.dumps(texts), capture_output=True, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    words = counted(texts)
    return Measured(what, told["start"], words / told["took"], words / told["used"], told["peak"] / MEBIBYTE)


def ours(using: Using, mode: Mode, language: str, words: int) -> Measured:
    """One of our engines on one group of languages."""
    command = [sys.executable, "-m", "tests.bench.deidentify", "--measure", f"{using.value}:{mode.value}"]
    name = f"{using.value}, {mode.value}, {'English' if language == 'en' else 'six others'}"
    return measure(name, command, texts_of(language, words))


def interview() -> Measured:
    """One interview of ten thousand words, English."""
    texts = texts_of("en", INTERVIEW)
    command = [sys.executable, "-m", "tests.bench.deidentify", "--measure", "models:strict"]
    return measure(f"one interview of {counted(texts):,} words", command, ["\n\n".join(texts)])


def presidio(python: str, words: int) -> Measured:
    """Presidio on the same English texts."""
    return measure("Presidio, spaCy md, English", [python, "-c", PRESIDIO_PROGRAM], texts_of("en", words))


def middle(rows: Sequence[Measured]) -> Measured:
    """The one of middle speed."""
    return sorted(rows, key=lambda row: row.speed)[len(rows) // 2]


def everything(words: int) -> list[Measured]:
    """All measurements; ours and Presidio's take turns, since a machine is not as fast in every minute."""
    python = os.environ.get(PRESIDIO)
    turns = [
        (ours(Using.MODELS, Mode.STRICT, "en", words), *([presidio(python, words)] if python else []))
        for _ in range(TURNS)
    ]
    rows = [middle(each) for each in zip(*turns, strict=True)]
    rows += [ours(Using.MODELS, Mode.STRICT, "others", words), interview()]
    return [*rows, ours(Using.RULES, Mode.STRICT, "en", words), ours(Using.RULES, Mode.STRICT, "others", words)]


def main(
    measured: Annotated[str, typer.Option("--measure", hidden=True)] = "",
    words: Annotated[int, typer.Option(help="How many words each measurement reads.")] = WORDS,
) -> None:
    """Measure, print a table."""
    if measured:
        using, mode = measured.split(":")
        sys.stdout.write(json.dumps(in_this_process(using, mode, json.load(sys.stdin))) + "\n")
        return
    table = Table("", "words a second", "a processor's second", "start, s", "memory, MiB")
    for row in everything(words):
        speed, effort = f"{row.speed:,.0f}", f"{row.effort:,.0f}"
        table.add_row(row.what, speed, effort, f"{row.start:.1f}", f"{row.memory:,.0f}")
    console = Console()
    console.print(table)
    if PRESIDIO not in os.environ:
        console.print(f"without Presidio: {PRESIDIO} names no Python that has it")


if __name__ == "__main__":
    typer.run(main)
