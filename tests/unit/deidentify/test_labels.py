"""What stands in a clean text where a name stood."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.deidentify.engine import KnownNames, analyse
from app.deidentify.label_forms import LABEL, PREFIXES, label_words
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


def labels(*surfaces: str, kind: Kind = Kind.PERSON) -> list[str]:
    """The labels of surfaces in one text."""
    text = "; ".join(surfaces)
    spans, at = [], 0
    for surface in surfaces:
        spans.append(span(text, surface, kind, at))
        at = spans[-1].end
    return Labeller().replace(text, spans).split("; ")


@pytest.mark.parametrize(
    ("one", "other"), [("Mahmoud", "Mahmud"), ("Khaled", "khaled"), ("أبو حامد", "ابو حامد"), ("Kobani", "Kobanê")]
)
def test_spellings_of_a_name_share_a_label(one: str, other: str) -> None:
    """Variants that keep a name's consonants are one person or place."""
    kind = Kind.PERSON if one != "Kobani" else Kind.LOC

    assert len(set(labels(one, other, kind=kind))) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [("Sufian", "Safwan"), ("Hamid", "Abu Hamid"), ("Tariq Mahmoud", "Mahmoud"), ("Tariq Mahmoud", "Abu Tariq")],
)
def test_names_that_only_resemble_each_other_stay_apart(one: str, other: str) -> None:
    """Equal consonants, a father's name and a kunya are not enough: a redactor joins what is unclear."""
    first, second = labels(one, other)

    assert first != second


def test_a_given_name_is_the_one_full_name_that_starts_with_it() -> None:
    """Whether the full name came before or after."""
    assert labels("Tariq", "Tariq Mahmoud al-Abbadi", "Tariq") == ["[PERSON-01]"] * 3


def test_a_given_name_of_two_people_stays_apart() -> None:
    """Nobody can tell which of them is meant."""
    assert labels("Tariq Abbadi", "Tariq Hassan", "Tariq") == ["[PERSON-01]", "[PERSON-02]", "[PERSON-03]"]


RELATIONS = [
    ("en", "My older brother Sufian came. Then Sufian left.", "Sufian", "brother"),
    ("fr", "Il y avait aussi mon grand frère, Karim, qui ne parlait pas.", "Karim", "brother"),
    ("de", "Das war nicht er, sondern meine Tante Leyla, die dann kam.", "Leyla", "aunt"),
    ("nl", "Dat was niet hij, het was mijn broer Yusuf die toen kwam.", "Yusuf", "brother"),
    ("ru", "Потом мой двоюродный брат Магомед уехал, и я не знал, где он.", "Магомед", "cousin"),
    ("tr", "Bir gün abim Mehmet geldi ve bana bir şey söyledi ama ben gitmedim.", "Mehmet", "brother"),
    ("ar", "ثم قال لي وأخي سفيان معي إنه سيذهب", "سفيان", "brother"),
    ("en", "Interviewer: Lena. She asked.", "Lena", "interviewer"),
]


@pytest.mark.parametrize(("language", "text", "name", "relation"), RELATIONS, ids=[f"{r[0]}-{r[3]}" for r in RELATIONS])
def test_a_person_keeps_the_relation_that_the_text_tells(language: str, text: str, name: str, relation: str) -> None:
    """In each language, on every mention of the person."""
    spans = [span(text, name, Kind.PERSON)]
    if text.count(name) > 1:
        spans.append(span(text, name, Kind.PERSON, spans[0].end))

    assert Labeller().replace(text, spans).count(f"[PERSON-01: {relation}]") == len(spans), language


@pytest.mark.parametrize(
    "text", ["then brother Sufian came", "my wife's brother Sufian came", "my uncle Sufian came, my friend Sufian"]
)
def test_a_relation_in_doubt_is_not_told(text: str) -> None:
    """Fighters call each other brother; a relative's relative is none; two relations contradict each other."""
    spans = [span(text, "Sufian", Kind.PERSON)]
    if text.count("Sufian") > 1:
        spans.append(span(text, "Sufian", Kind.PERSON, spans[0].end))

    assert "[PERSON-01]" in Labeller().replace(text, spans)


@pytest.mark.parametrize(
    ("surface", "label"),
    [
        ("Raqqa", "[PLACE-01: town in northern Syria]"),
        ("دمشق", "[PLACE-01: town in western Syria]"),
        ("Махачкале", "[PLACE-01: town in southern Russia]"),
        ("Tripoli", "[PLACE-01]"),
        ("Nassau", "[PLACE-01]"),
        ("behind the al-Safa mosque", "[PLACE-01]"),
    ],
)
def test_a_place_keeps_its_region_where_it_is_beyond_doubt(surface: str, label: str) -> None:
    """A town of two countries, a town that is nearly alone in its country and anything smaller keep nothing."""
    assert labels(surface, kind=Kind.LOC) == [label]


def test_a_date_keeps_its_year_and_nothing_finer() -> None:
    """The year may stay; the day may not."""
    assert labels("3 February 1991", "14 June", kind=Kind.DATETIME) == ["[DATE-01: 1991]", "[DATE-02]"]


@pytest.mark.parametrize(
    ("surface", "year"),
    [
        ("٢٣ شباط ٢٠١٧", "2017"),
        ("14/06/2014", "2014"),
        ("the twenty sixth of march nineteen ninety", "1990"),
        ("9 Ramadan 1435", "2013-2014"),
    ],
)
def test_a_year_is_read_in_any_writing(surface: str, year: str) -> None:
    """Arabic digits, figures, words, and the two years that a Hijri year can be."""
    assert labels(surface, kind=Kind.DATETIME) == [f"[DATE-01: {year}]"]


@pytest.mark.parametrize(
    ("text", "surface", "label"),
    [
        ("I was nineteen then", "nineteen", "[AGE: 18-24]"),
        ("she is 71 years old", "71", "[AGE: 65 or over]"),
        ("he has four daughters", "four", "[DETAIL-01: count]"),
        ("he was a baker there", "baker", "[DETAIL-01: occupation]"),
        ("he spoke Zaza at home", "Zaza", "[DETAIL-01: community]"),
        ("he said it like that", "like", "[DETAIL-01]"),
    ],
)
def test_a_personal_detail_becomes_a_band_or_a_category(text: str, surface: str, label: str) -> None:
    """Researchers keep what the detail was about."""
    assert label in Labeller().replace(text, [span(text, surface, Kind.DEM)])


@pytest.mark.parametrize(
    ("kind", "surface", "label"),
    [
        (Kind.PERSON, "Zubayr", "[PERSON-01]"),
        (Kind.LOC, "Zubayr", "[PLACE-01]"),
        (Kind.CODE, "K-77", "[CODE-01]"),
        (Kind.ORG, "Katibat Zubayr", "[ORG-01: unit]"),
        (Kind.QUANTITY, "1,640 dinars", "[NUMBER-01: thousands]"),
        (Kind.DEM, "Zubayr", "[DETAIL-01]"),
        (Kind.MISC, "the blue ambulance", "[CUT: distinctive event]"),
    ],
)
def test_each_kind_has_its_label(kind: Kind, surface: str, label: str) -> None:
    """A label tells the kind and a number, nothing of the word."""
    assert labels(surface, kind=kind) == [label]


@given(st.text(alphabet=st.characters(categories=("Lu", "Ll", "Lo")), min_size=1, max_size=30), st.sampled_from(Kind))
@settings(max_examples=80, deadline=None)
def test_a_label_tells_nothing_of_a_word_that_no_list_knows(surface: str, kind: Kind) -> None:
    """Neither its length nor its letters nor its script."""
    assume(kind is not Kind.MISC)

    (label,) = labels(surface, kind=kind)

    assert label in (f"[{PREFIXES[kind]}-01]", "[NUMBER-01: few]", "[DETAIL-01: count]")


def test_every_label_is_skipped_when_the_text_is_read_again() -> None:
    """What a label may say is in a closed list; what is not in it is text."""
    words = label_words().values()
    people = sorted({name for each in words for name in (*each.relations.values(), *each.roles.values())})
    bodies = sorted({name for each in words for name in each.bodies.values()})
    text = " ".join(
        [f"[PERSON-01: {each}]" for each in people]
        + [f"[ORG-01: {each}]" for each in bodies]
        + ["[PLACE-01: town in northern Syria] [DATE-01: 2013-2014] [AGE: 18-24] [CUT: distinctive event] [CUT]"]
        + ["[NUMBER-01: tens of thousands] [DETAIL-01: order of birth] [CODE-01]"]
    )

    assert analyse(text) == []
    assert LABEL.sub("", text).split() == []


def test_labels_of_an_earlier_pass_are_kept_and_not_given_again() -> None:
    """A text that was cleaned before keeps its labels, and new ones are new."""
    text = "[PERSON-01] told my brother Sufian."

    clean = Labeller().replace(text, analyse(text))

    assert clean == "[PERSON-01] told my brother [PERSON-02: brother]."


@pytest.mark.parametrize("dressed", ["[PERSON-01: Tariq Abbadi]", "[PLACE-01: town in Abbadi]", "[AGE: Tariq]"])
def test_a_name_dressed_as_a_label_is_no_label(dressed: str) -> None:
    """Only a label's own form is skipped: text inside brackets is read."""
    text = f"then {dressed} came"
    clean = Labeller().replace(text, analyse(text, names=KnownNames(persons=("Tariq Abbadi",))))

    assert not re.search("Tariq|Abbadi", clean)


@pytest.mark.parametrize("ends", [(-1, 2), (3, 3), (2, 99)])
def test_spans_outside_the_text_are_refused(ends: tuple[int, int]) -> None:
    """The message does not quote the text."""
    with pytest.raises(ValueError, match="sorted, disjoint") as caught:
        Labeller().replace("Sufian", [Span(*ends, Kind.PERSON, Level.DIRECT, 1.0, "test")])

    assert "Sufian" not in str(caught.value)


def test_a_labeller_shows_no_names() -> None:
    """Its repr is a count."""
    labeller = Labeller()
    labeller.replace("Zubayr", [span("Zubayr", "Zubayr", Kind.PERSON)])

    assert not re.search("zubayr", repr(labeller), re.IGNORECASE)
