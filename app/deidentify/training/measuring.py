"""Measures the whole engine, rules and models together, on marked texts."""

from __future__ import annotations

from collections.abc import Sequence

from app.deidentify.engine import RULES, analyse
from app.deidentify.evaluation import Evaluation
from app.deidentify.marked import Mark
from app.deidentify.marked import Marked as Marks
from app.deidentify.model import Models
from app.deidentify.modes import Mode
from app.deidentify.training.texts import Marked


def marks(marked: Marked) -> Marks:
    """The text as the evaluation reads it."""
    found, at = [], 0
    for part in marked.parts:
        if part.kind is not None:
            found.append(Mark(at, at + len(part.text), part.kind.value, part.direct))
        at += len(part.text)
    header = {"id": marked.name, "language": marked.language, "style": marked.style}
    return Marks(header, marked.text, tuple(found))


def evaluate(models: Models, texts: Sequence[Marked], mode: Mode) -> str:
    """The table of recall, precision and safe texts."""
    evaluation = Evaluation()
    for marked in texts:
        spans = analyse(marked.text, language=marked.language, recognisers=(models.recogniser(mode), *RULES))
        evaluation.add(marks(marked), [(s.start, s.end) for s in spans])
    return evaluation.table()
