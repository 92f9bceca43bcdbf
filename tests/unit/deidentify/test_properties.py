"""What must hold for every text, however strange."""

# ruff: noqa: RUF001 - names in other scripts look alike on purpose

from __future__ import annotations

import time
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.deidentify.engine import KnownNames, analyse
from app.deidentify.labels import Labeller
from app.deidentify.second_look import doubts
from app.deidentify.spans import Kind, Level, Span, resolve

FRAGMENTS = (
    "my name is Tariq al-Abbadi. ",
    "they called me abu sabr ",
    "Мой брат Магомед жил в Махачкале. ",
    "اسمي يوسف وكنيتي أبو البراء الإدلبي ",
    "١١ تشرين الثاني ١٩٨٨ ",
    "Call +962 70 555 0148, please. ",
    "[PERSON-01] and [DATE-02: 2015] ",
    "Ebu Deniz'in köyünde, Zeytinli Sokak 22 ",
    "oh six double one oh four four nine two ",
    "A\u200bb\u00adu S\u0430yf ",
    "e\u0301cole de Molenbeek, 3 janvier 2014. ",
    "we were nineteen men; I paid 1,640 dinars\n\n",
)
TEXTS = st.one_of(
    st.lists(st.sampled_from(FRAGMENTS), max_size=8).map("".join),
    st.text(max_size=80),
    st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=12)), max_size=8).map("".join),
)
MODERATE = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SPANS = st.builds(
    lambda start, size, kind, level, score: Span(start, start + size, kind, level, score, "test"),
    st.integers(0, 60),
    st.integers(0, 20),
    st.sampled_from(Kind),
    st.sampled_from(Level),
    st.sampled_from((0.2, 0.5, 0.9)),
)


def covered(spans: list[Span]) -> set[int]:
    """All offsets inside the spans."""
    return {i for span in spans for i in range(span.start, span.end)}


def clean(text: str) -> str:
    """The text with labels in place of what was found."""
    return Labeller().replace(text, analyse(text))


@given(st.lists(SPANS, max_size=12))
def test_resolving_keeps_coverage_and_disjointness(spans: list[Span]) -> None:
    """What any span covered stays covered, by spans that are sorted and do not overlap."""
    resolved = resolve(spans)

    assert covered(resolved) == covered(spans)
    assert all(one.end <= two.start for one, two in pairwise(resolved))


@given(st.lists(SPANS, max_size=12))
def test_resolving_ignores_the_order_of_what_was_found(spans: list[Span]) -> None:
    """Recognisers may run in any order."""
    assert resolve(spans) == resolve(reversed(spans))


@MODERATE
@given(TEXTS)
def test_spans_are_sorted_disjoint_and_inside(text: str) -> None:
    """Offsets count code points of the text that was handed in."""
    spans = analyse(text)

    assert all(0 <= s.start < s.end <= len(text) for s in spans)
    assert all(one.end <= two.start for one, two in pairwise(spans))


@MODERATE
@given(TEXTS)
def test_the_same_text_gives_the_same_spans(text: str) -> None:
    """Nothing depends on chance or on what was read before."""
    assert analyse(text) == analyse(text)


@MODERATE
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=8).map("".join))
def test_a_clean_text_holds_nothing_direct(text: str) -> None:
    """Analysing what replacement left finds no direct identifier."""
    left = [s for s in analyse(clean(text)) if s.level is Level.DIRECT]

    assert left == []


@MODERATE
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=8).map("".join))
def test_cleaning_a_clean_text_changes_nothing_more(text: str) -> None:
    """Labels of an earlier pass are left alone."""
    once = clean(text)

    assert clean(once) == once


@MODERATE
@given(st.text(alphabet=st.characters(categories=("Lu", "Ll")), min_size=4, max_size=10), st.sampled_from(FRAGMENTS))
def test_a_known_name_never_survives(name: str, around: str) -> None:
    """Whatever script a name of the record is in, it is found in its own spelling."""
    text = f"{around}\nand {name} came\n"

    assert name not in Labeller().replace(text, analyse(text, names=KnownNames(persons=(name,))))


def test_labels_and_doubts_take_time_as_the_text_is_long() -> None:
    """The same for what comes after the analysis, on texts with a name in every other word."""
    for unit in ("my brother Sufian, ", "on 9 Ramadan 1435 ", "A. B. 12-3 ", "abu nour [PERSON-01] "):
        spent = []
        for times in (200, 1600):
            text = unit * times
            spans = analyse(text)
            began = time.process_time()
            doubts(Labeller().replace(text, spans))
            spent.append(time.process_time() - began)

        assert spent[1] < 24 * spent[0] + 0.5, unit


def seconds(text: str) -> float:
    """Processor time of one analysis."""
    start = time.process_time()
    analyse(text)
    return time.process_time() - start


def test_time_grows_with_the_length_and_no_faster() -> None:
    """Eight times the text takes nowhere near sixty-four times as long, for texts made to trip patterns."""
    analyse("warm up")
    units = (
        "abu ",
        "1-",
        "a.b@",
        "one two ",
        "A. ",
        "al-",
        "٣ ",
        "x_",
        "in Foo ",
        "8:",
        "é\u0301",
        "[PERSON-0",
        "[PLACE-01: town in ",
        "a*",
        "A.b.",
        "d\u0308",
        "my his her ",
        "Aa1/",
    )
    for unit in units:
        short, long = (min(seconds(unit * n) for _ in range(2)) for n in (500, 4000))

        assert long < 24 * short + 0.5, unit
