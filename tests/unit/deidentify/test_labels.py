"""What stands in a clean text where a name stood."""

from __future__ import annotations

import re

import pytest

from app.deidentify.engine import KnownNames, analyse
from app.deidentify.labels import Labeller
from app.deidentify.spans import Kind, Level, Span


def span(text: str, surface: str, kind: Kind, start: int = 0) -> Span:
    """The first place where ``surface`` stands."""
    at = text.index(surface, start)
    return Span(at, at + len(surface), kind, Level.DIRECT, 1.0, "test")


def test_one_person_has_one_label_across_the_fields_of_a_record() -> None:
    """A labeller remembers what it named in an earlier text."""
    labeller = Labeller()
    first, second = "Farid came.", "I saw Rula and Farid."

    labeller.replace(first, [span(first, "Farid", Kind.PERSON)])
    clean = labeller.replace(second, [span(second, "Rula", Kind.PERSON), span(second, "Farid", Kind.PERSON)])

    assert clean == "I saw [PERSON-02] and [PERSON-01]."


@pytest.mark.parametrize(
    ("one", "other"), [("Mahmoud", "Mahmud"), ("Khaled", "khaled"), ("أبو حامد", "ابو حامد"), ("Kobani", "Kobanê")]
)
def test_spellings_of_a_name_share_a_label(one: str, other: str) -> None:
    """Variants that keep a name's consonants are one person or place."""
    labeller = Labeller()
    kind = Kind.PERSON if one != "Kobani" else Kind.LOC

    assert labeller.label(span(one, one, kind), one) == labeller.label(span(other, other, kind), other)


def test_names_that_only_resemble_each_other_stay_apart() -> None:
    """Equal consonants are not enough: a redactor joins what is unclear."""
    labeller = Labeller()

    one, two = (labeller.label(span(n, n, Kind.PERSON), n) for n in ("Sufian", "Safwan"))

    assert one != two


def test_a_father_and_his_kunya_stay_apart() -> None:
    """Abu Hamid is not Hamid."""
    labeller = Labeller()

    one, two = (labeller.label(span(n, n, Kind.PERSON), n) for n in ("Hamid", "Abu Hamid"))

    assert one != two


def test_a_date_keeps_its_year_and_nothing_finer() -> None:
    """The year may stay; the day may not."""
    text = "on 3 February 1991, then on 14 June"

    clean = Labeller().replace(
        text, [span(text, "3 February 1991", Kind.DATETIME), span(text, "14 June", Kind.DATETIME)]
    )

    assert clean == "on [DATE-01: 1991], then on [DATE-02]"


def test_arabic_digits_give_the_same_year() -> None:
    """The year is written in one set of digits, whatever the text used."""
    assert Labeller().label(span("٢٣ شباط ٢٠١٧", "٢٣ شباط ٢٠١٧", Kind.DATETIME), "٢٣ شباط ٢٠١٧") == "[DATE-01: 2017]"


@pytest.mark.parametrize(
    ("kind", "label"),
    [
        (Kind.PERSON, "[PERSON-01]"),
        (Kind.LOC, "[PLACE-01]"),
        (Kind.CODE, "[CODE-01]"),
        (Kind.ORG, "[ORG-01]"),
        (Kind.QUANTITY, "[NUMBER-01]"),
        (Kind.DEM, "[DETAIL-01]"),
        (Kind.MISC, "[CUT]"),
    ],
)
def test_each_kind_has_its_label(kind: Kind, label: str) -> None:
    """A label tells the kind and a number, nothing of the word."""
    assert Labeller().label(span("Zubayr", "Zubayr", kind), "Zubayr") == label


def test_labels_of_an_earlier_pass_are_kept_and_not_given_again() -> None:
    """A text that was cleaned before keeps its labels, and new ones are new."""
    text = "[PERSON-01] told my brother Sufian."

    clean = Labeller().replace(text, analyse(text))

    assert clean == "[PERSON-01] told my brother [PERSON-02]."


def test_a_name_dressed_as_a_label_is_no_label() -> None:
    """Only a label's own form is skipped: text inside brackets is read."""
    text = "then [PERSON-01: Tariq Abbadi] came"

    assert "Tariq" not in Labeller().replace(text, analyse(text, names=KnownNames(persons=("Tariq Abbadi",))))


@pytest.mark.parametrize("ends", [(-1, 2), (3, 3), (2, 99)])
def test_spans_outside_the_text_are_refused(ends: tuple[int, int]) -> None:
    """The message does not quote the text."""
    with pytest.raises(ValueError, match="sorted, disjoint") as caught:
        Labeller().replace("Sufian", [Span(*ends, Kind.PERSON, Level.DIRECT, 1.0, "test")])

    assert "Sufian" not in str(caught.value)


def test_a_labeller_shows_no_names() -> None:
    """Its repr is a count."""
    labeller = Labeller()
    labeller.label(span("Zubayr", "Zubayr", Kind.PERSON), "Zubayr")

    assert not re.search("zubayr", repr(labeller), re.IGNORECASE)
