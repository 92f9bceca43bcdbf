"""The second look at a clean text: what it doubts, and what it lets stay."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.deidentify import second_look
from app.deidentify.second_look import doubts

LEFT = [
    ("en", "He said that Zubayr had never come back to us.", "Zubayr", "capital"),
    ("en", "and then zubayr came to the house and told us to leave", "zubayr", "name"),
    ("en", "they sent him to khafsah and he stayed there with the others", "khafsah", "rare"),
    ("en", "He was born on 3 February, as he told me.", "February", "date"),
    ("en", "She wrote it down: tariq@posta.example and left.", "tariq@posta.example", "address"),
    ("en", "The number on the tent was 4477 at that time.", "4477", "number"),
    ("en", "it went seven four oh nine and then nothing", "seven four oh nine", "number"),
    ("en", "We waited for [PERSON-01]-Abbadi at the gate.", "Abbadi", "beside a label"),
    ("en", "The letter is signed by T. and nobody else.", "T.", "initial"),
    ("de", "Dann kam Dschamila mit den anderen in das Haus zurück.", "Dschamila", "rare"),
    ("ar", "ثم جاء أبو البراء إلى البيت وقال لنا", "البراء", "kunya"),
    ("ru", "Потом пришёл Магомедрасул и сказал нам уйти.", "Магомедрасул", "capital"),
]


@pytest.mark.parametrize(("language", "text", "left", "reason"), LEFT, ids=[f"{row[0]}-{row[3]}" for row in LEFT])
def test_what_was_left_is_doubted(language: str, text: str, left: str, reason: str) -> None:
    """In code points of the clean text, with a reason."""
    found = [(text[doubt.start : doubt.end], doubt.reason) for doubt in doubts(text, language)]

    assert (left, reason) in found


STAYS = [
    "They told us that ISIS and al-Nusra fought in Syria and Iraq in 2015, and Osama bin Laden was their hero.",
    "[PERSON-01: brother] came from [PLACE-02: town in northern Syria] in [DATE-01: 2013-2014], he was [AGE: 18-24].",
    "That winter we had nothing to eat, and the women cried at night. I asked him why he stayed.",
    "Ils ont dit que la Syrie était notre maison, et ma mère a pleuré toute la nuit.",
    "Sie haben gesagt, dass wir in Syrien ein Haus bekommen, und meine Mutter hat geweint.",
    "قالوا لنا إن الدولة في سوريا وكان عندنا بيت هناك",
]


@pytest.mark.parametrize("text", STAYS)
def test_what_may_stay_raises_no_doubt(text: str) -> None:
    """Labels, countries, world-known groups and common speech."""
    assert doubts(text) == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=80))
def test_doubts_are_sorted_disjoint_and_inside(text: str) -> None:
    """Whatever the text is."""
    found = doubts(text)

    assert all(0 <= doubt.start < doubt.end <= len(text) for doubt in found)
    assert all(one.end <= two.start for one, two in pairwise(found))


def test_it_shares_no_recogniser_with_the_first_pass() -> None:
    """What makes the first pass miss a name must not make the second miss it too."""
    assert not [name for name in vars(second_look) if "recogni" in name or name in ("engine", "model", "people")]
