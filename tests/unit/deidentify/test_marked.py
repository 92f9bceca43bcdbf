"""Measured on hand-marked testimonies, where the checkout has them beside it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from app.deidentify.engine import KnownNames, analyse

MATERIAL = Path(__file__).parents[4] / "shared" / "deid"
MARK = re.compile(r"\{\{([A-Z]+):([DQ])\|(.*?)\}\}", re.DOTALL)


def measure(tmp_path: Path, *, roster: bool) -> dict[str, float]:
    """Recall and precision over all texts, as the material's own scorer counts them."""
    found = {}
    for path in sorted((MATERIAL / "dev").glob("*.txt")):
        head, _, body = path.read_text(encoding="utf-8").partition("\n\n")
        marks = MARK.findall(body)
        persons, places = (tuple({s for kind, _, s in marks if kind == k}) for k in ("PERSON", "LOC"))
        names = KnownNames(persons, places) if roster else KnownNames()
        language = re.search(r"^language: (\w\w)", head, re.MULTILINE)
        text = MARK.sub(lambda m: m[3], body)
        spans = analyse(text, names=names, language=language[1] if language else None)
        found[path.stem] = [[s.start, s.end] for s in spans]
    predictions = tmp_path / "predictions.json"
    predictions.write_text(json.dumps(found), encoding="utf-8")
    scorer = [sys.executable, str(MATERIAL / "score.py"), str(MATERIAL / "dev"), str(predictions)]
    table = subprocess.run(scorer, capture_output=True, text=True, check=True).stdout
    figures = re.search(r"^all +([\d.]+) +([\d.]+) +([\d.]+)", table, re.MULTILINE)
    assert figures is not None
    return dict(zip(("direct", "quasi", "precision"), map(float, figures.groups()), strict=True))


@pytest.mark.skipif(not (MATERIAL / "dev").is_dir(), reason="no marked testimonies at ../shared/deid/dev")
@pytest.mark.parametrize(("roster", "direct"), [(False, 0.86), (True, 0.97)])
def test_recall_on_marked_testimonies(tmp_path: Path, roster: bool, direct: float) -> None:
    """Direct recall stays above the measured floor, and masking everything is not how it gets there."""
    figures = measure(tmp_path, roster=roster)

    assert figures["direct"] >= direct
    assert figures["quasi"] >= 0.66
    assert figures["precision"] >= 0.70
