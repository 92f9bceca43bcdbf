"""The command ``testimony deidentify``: it needs no deployment and sends nothing anywhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app.deidentify.modes import Mode, Using
from app.settings import PREFIX

if TYPE_CHECKING:
    from app.operations.cleaning import Cleaned, Cleaning

__all__ = ["deidentify"]

STDIN = "-"
COLUMNS = (TextColumn("de-identifying"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())


def deidentify(
    source: Annotated[str, typer.Argument(metavar="FILE|FOLDER|-", help="A text, a folder of .txt, or - for stdin.")],
    spans: Annotated[Path | None, typer.Option("--spans", metavar="OUT.json", help="Write the spans here.")] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FOLDER", help="Write the clean texts here.")] = None,
    language: Annotated[
        str | None, typer.Option(help="The texts' main language; else the header's, else read.")
    ] = None,
    mode: Annotated[Mode, typer.Option(help="Recall first, or masking less that could stay.")] = Mode.STRICT,
    using: Annotated[
        Using, typer.Option(envvar=PREFIX + "DEIDENTIFY", help="The models and the rules, or the rules alone.")
    ] = Using.MODELS,
    evaluate: Annotated[  # noqa: FBT002  typer's flags are booleans with defaults
        bool, typer.Option("--evaluate", help="Print how well the marks of marked texts are covered.")
    ] = False,
) -> None:
    """Print texts with labels in place of what identifies people."""
    from app.deidentify.engine import Engine  # noqa: PLC0415  the other commands start without its parts
    from app.operations.cleaning import Cleaning  # noqa: PLC0415  as above

    cleaning = Cleaning(Engine.load(using), mode, language)
    if evaluate:
        _evaluate(cleaning, source)
    else:
        _clean(cleaning, source, spans, out)


def _evaluate(cleaning: Cleaning, source: str) -> None:
    from app.deidentify.evaluation import Evaluation  # noqa: PLC0415  as above

    evaluation = Evaluation()
    for _, content in _contents(source):
        cleaning.evaluate(content, evaluation)
    sys.stdout.write(evaluation.table() + "\n")


def _clean(cleaning: Cleaning, source: str, spans: Path | None, out: Path | None) -> None:
    from app.operations.cleaning import write_spans  # noqa: PLC0415  as above

    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
    found: dict[str, Cleaned] = {}
    for name, content in _contents(source):
        found[name] = cleaned = cleaning.clean(content)
        if out is not None:
            (out / f"{name}.txt").write_text(cleaned.text, encoding="utf-8")
        elif Path(source).is_dir():
            sys.stdout.write(f"=== {name}\n{cleaned.text.rstrip()}\n\n")
        else:
            sys.stdout.write(cleaned.text)
    if spans is not None:
        write_spans(spans, found)


def _contents(source: str) -> Iterator[tuple[str, str]]:
    """Each text with its file's name; a folder shows how far it is, and Ctrl-C ends it between two texts or in one."""
    from app.operations.cleaning import decode, find, key_of, read  # noqa: PLC0415  as above

    if source == STDIN:
        yield "stdin", decode(sys.stdin.buffer.read())
        return
    files = find(Path(source))
    console = Console(stderr=True)
    hidden = len(files) == 1 or not console.is_terminal
    with Progress(*COLUMNS, console=console, transient=True, disable=hidden) as progress:
        for path in progress.track(files):
            yield key_of(path), read(path)
