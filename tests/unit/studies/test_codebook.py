"""The shipped codebook, and those that are refused."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest

from app.errors import InstrumentRefused
from app.studies.codebook import Codebook, bundled_codebook
from app.studies.fields import LANGUAGES


def book() -> dict[str, Any]:
    """A copy of the shipped codebook's JSON."""
    text = files("app.studies").joinpath("data", "defector-narratives.v1.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def test_the_shipped_codebook_has_its_codes() -> None:
    """41 under 7 parents, with labels in five languages."""
    codes = bundled_codebook()

    assert (codes.id, len(codes.codes), len(codes.parents)) == ("defector-narratives", 41, 7)
    assert codes.codes["LEAVE/CORRUPT"].parent == "LEAVE"
    assert all(len(set(code.label.values())) >= 4 for code in codes.codes.values())
    assert all(set(code.label) == set(LANGUAGES) for code in codes.codes.values())


def test_the_same_name_under_two_parents_is_two_codes() -> None:
    """Barriers to leaving are not barriers to speaking."""
    assert {"EXIT/BARRIER", "SPEAK/BARRIER"} <= bundled_codebook().codes.keys()


def test_every_flaw_of_a_codebook_is_found() -> None:
    """Names, labels, descriptions, duplicates, unknown keys."""
    raw = book() | {"format": "x", "extra": 1}
    raw["parents"][0]["name"] = "join"
    raw["parents"][1]["codes"].append(raw["parents"][1]["codes"][0])
    del raw["parents"][2]["codes"][0]["label"]["tr"]
    raw["parents"][3]["codes"][0]["description"] = ""

    with pytest.raises(InstrumentRefused) as refused:
        Codebook.load(raw)

    assert {flaw.pointer for flaw in refused.value.flaws} == {
        "",
        "/format",
        "/parents",
        "/parents/0/name",
        "/parents/2/codes/0/label/tr",
        "/parents/3/codes/0/description",
    }
