"""The marked texts for training keep the annotation format, so that nobody trains on a broken mark."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TEXTS = sorted((Path(__file__).parents[3] / "app/deidentify/training/texts").glob("*.txt"))
MARK = re.compile(r"\{\{([A-Z]+):([DQ])\|(.*?)\}\}", re.DOTALL)
LEGAL = {
    "PERSON": "D",
    "CODE": "D",
    "LOC": "DQ",
    "ORG": "Q",
    "DATETIME": "DQ",
    "DEM": "Q",
    "QUANTITY": "Q",
    "MISC": "Q",
}
STYLES = {"written", "spoken", "asr"}


def parts(file: Path) -> tuple[dict[str, str], str]:
    """The header and the marked text of a file."""
    head, _, body = file.read_text(encoding="utf-8").partition("\n\n")
    return dict(line.split(": ", 1) for line in head.splitlines()), body


def test_there_are_texts() -> None:
    """An empty folder would pass every other test."""
    assert len(TEXTS) > 200


def test_every_text_has_an_id_of_its_own() -> None:
    """Cross-validation splits by id."""
    ids = [parts(file)[0]["id"] for file in TEXTS]

    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("file", TEXTS, ids=lambda file: file.stem)
def test_text_keeps_the_format(file: Path) -> None:
    """Header, legal types and levels, marks that are closed, not nested, not empty, inside one paragraph."""
    header, body = parts(file)
    marks = MARK.findall(body)
    left = MARK.sub("", body)

    assert header.keys() == {"id", "language", "style"}
    assert header["style"] in STYLES
    assert marks
    assert all(level in LEGAL[kind] for kind, level, _ in marks)
    assert all(surface == surface.strip() and surface for _, _, surface in marks)
    assert not any("{{" in surface or "\n\n" in surface for _, _, surface in marks)
    assert "{{" not in left
    assert "}}" not in left


@pytest.mark.parametrize("file", [file for file in TEXTS if "-asr" in file.stem], ids=lambda file: file.stem)
def test_recogniser_style_has_no_capitals(file: Path) -> None:
    """A recogniser writes lower case; a capital would teach the model what it will not see."""
    assert not any(letter.isupper() for letter in MARK.sub(r"\3", parts(file)[1]))
