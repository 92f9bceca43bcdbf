"""Measured on hand-marked testimonies, where the checkout has them beside it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from app.deidentify.engine import Engine, KnownNames
from app.deidentify.modes import Mode, Using

MATERIAL = Path(__file__).parents[4] / "shared" / "deid"
MARK = re.compile(r"\{\{([A-Z]+):([DQ])\|(.*?)\}\}", re.DOTALL)


def measure(tmp_path: Path, using: Using, *, roster: bool) -> dict[str, float]:
    """Recall and precision over all texts, as the material's own scorer counts them.

    A roster is cut from the marks: every person and place that the text names.
    """
    engine, found = Engine.load(using), {}
    for path in sorted((MATERIAL / "dev").glob("*.txt")):
        head, _, body = path.read_text(encoding="utf-8").partition("\n\n")
        marks = MARK.findall(body)
        persons, places = (tuple({s for kind, _, s in marks if kind == k}) for k in ("PERSON", "LOC"))
        names = KnownNames(persons, places) if roster else KnownNames()
        language = re.search(r"^language: (\w\w)", head, re.MULTILINE)
        text = MARK.sub(lambda m: m[3], body)
        read = engine.read([text], names=names, language=language[1] if language else None, mode=Mode.STRICT)
        found[path.stem] = [[s.start, s.end] for s in read.spans[0]]
    predictions = tmp_path / "predictions.json"
    predictions.write_text(json.dumps(found), encoding="utf-8")
    scorer = [sys.executable, str(MATERIAL / "score.py"), str(MATERIAL / "dev"), str(predictions)]
    table = subprocess.run(scorer, capture_output=True, text=True, check=True).stdout
    figures = re.search(r"^all +([\d.]+) +([\d.]+) +([\d.]+)", table, re.MULTILINE)
    assert figures is not None
    return dict(zip(("direct", "quasi", "precision"), map(float, figures.groups()), strict=True))


@pytest.mark.skipif(not (MATERIAL / "dev").is_dir(), reason="no marked testimonies at ../shared/deid/dev")
@pytest.mark.slow
@pytest.mark.parametrize(
    ("using", "roster", "direct", "quasi", "precision"),
    [
        pytest.param(Using.RULES, False, 0.86, 0.66, 0.70, id="rules alone"),
        pytest.param(Using.RULES, True, 0.97, 0.66, 0.70, id="rules and roster"),
        pytest.param(Using.MODELS, True, 0.99, 0.85, 0.45, id="models and roster"),
    ],
)
def test_recall_on_marked_testimonies(
    tmp_path: Path, using: Using, roster: bool, direct: float, quasi: float, precision: float
) -> None:
    """Recall stays above the floor, and masking everything is not how it gets there."""
    figures = measure(tmp_path, using, roster=roster)

    assert figures["direct"] >= direct
    assert figures["quasi"] >= quasi
    assert figures["precision"] >= precision
