"""How edits are said: by differences, by a form's answers, by words to mask."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.cases.drafts import DecidedSpan, Draft, DraftText
from app.deidentify.labels import Labeller
from app.deidentify.spans import Kind, Level, Span
from app.errors import Invalid
from app.review.edits import Answer, Answers, Difference, Differences, Masking, labels_in, occurrences, to_source

TEXT = "Farid told Abu Yunus that Farida, and Farid's son, waited."


def span(words: str, *, accepted: bool = True, kind: Kind = Kind.PERSON) -> DecidedSpan:
    """A span over the first occurrence of some words."""
    start = TEXT.index(words)
    return DecidedSpan(Span(start, start + len(words), kind, Level.DIRECT, 0.5, "test"), accepted)


def draft(*spans: DecidedSpan) -> Draft:
    """A draft of one text."""
    return Draft({"story": DraftText(spans, "")}, {})


@pytest.mark.parametrize(
    ("text", "words", "found"),
    [
        (TEXT, "Farid", ["Farid", "Farid"]),
        (TEXT, "farid", ["Farid", "Farid"]),
        ("Abu\n Yunus, abu yunus", "Abu Yunus", ["Abu\n Yunus", "abu yunus"]),
        ("قال فراس لأم سليم وفراس ذهب", "فراس", ["فراس", "فراس"]),
        ("افتراس وحش", "فتراس", []),
        ("خالدٌ وخالد", "خالد", ["خالدٌ", "خالد"]),
        ("Kobani'ye gittik", "Kobani", ["Kobani"]),
        ("😀Ana 😀 Anas", "Ana", ["Ana"]),
        ("a.b a+b", "a+b", ["a+b"]),
        ("anything", "  ", []),
    ],
)
def test_words_are_found_as_whole_words(text: str, words: str, found: list[str]) -> None:
    """Case, kinds of blanks, vowel marks and Arabic particles aside; never inside another word."""
    assert [text[start:end] for start, end in occurrences(text, words)] == found


def test_differences_take_away_and_add() -> None:
    """What is not named stays as it is."""
    before = draft(span("Abu Yunus"), span("Farida"))
    gone = before.texts["story"].spans[1]
    come = span("son", kind=Kind.DEM)
    edit = Differences({"story": Difference(frozenset({(gone.span.start, gone.span.end)}), (come,))})

    assert edit(before, {"story": TEXT}) == {"story": [span("Abu Yunus"), come]}


def test_a_difference_from_another_draft_is_refused() -> None:
    """A range that no span of this draft has was made from another one."""
    with pytest.raises(Invalid):
        Differences({"story": Difference(frozenset({(0, 3)}))})(draft(span("Farid")), {"story": TEXT})


def test_a_text_that_is_not_there_is_refused() -> None:
    """By every way of saying an edit that names one."""
    for edit in (Differences({"other": Difference(frozenset())}), Answers("other", {})):
        with pytest.raises(Invalid):
            edit(draft(), {"story": TEXT})


def test_answers_change_only_what_the_form_showed() -> None:
    """A span on another page of the form stays; a masked one has no reason."""
    first, second = span("Farid"), span("Abu Yunus")
    answers = {(first.span.start, first.span.end): Answer(accepted=False, kind=Kind.MISC, why="known")}
    changed, same = Answers("story", answers)(draft(first, second), {"story": TEXT})["story"]

    assert (changed.accepted, changed.span.kind, changed.why) == (False, Kind.MISC, "known")
    assert same == second


def test_words_are_masked_everywhere_or_once() -> None:
    """Once: the first place that is not masked yet, in the text that is named."""
    texts, before = {"story": TEXT}, draft(span("Farid"))
    once = Masking("farid", Kind.PERSON, Level.DIRECT, everywhere=False, name="story")(before, texts)["story"]

    assert [TEXT[each.span.start : each.span.end] for each in once] == ["Farid", "Farid"]
    with pytest.raises(Invalid):
        Masking("nobody", Kind.PERSON, Level.DIRECT, everywhere=True)(before, texts)


def test_masked_words_swallow_what_they_meet() -> None:
    """A masked neighbor becomes part of it; one that stays keeps what lies beside."""
    before = draft(span("Abu", accepted=True), span("Yunus that", accepted=False))
    spans = Masking("Abu Yunus", Kind.PERSON, Level.DIRECT, everywhere=True)(before, {"story": TEXT})["story"]

    assert sorted((TEXT[each.span.start : each.span.end], each.accepted) for each in spans) == [
        (" that", False),
        ("Abu Yunus", True),
    ]


@settings(deadline=None)  # the first example reads the word lists
@given(st.text(st.characters(codec="utf-8"), max_size=60), st.data())
def test_labels_stand_where_the_masked_spans_stood(text: str, data: st.DataObject) -> None:
    """Putting the labels in the place of the spans gives the clean text again."""
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=8)))
    kinds, accepted = st.sampled_from(list(Kind)), st.booleans()
    spans = [
        DecidedSpan(Span(start, end, data.draw(kinds), Level.QUASI, 1.0, "test"), data.draw(accepted))
        for start, end in list(pairwise(cuts))[::2]
    ]
    masked = [each.span for each in spans if each.accepted]
    made = DraftText(tuple(spans), Labeller().replace(text, masked))
    rest, clean = text, ""
    for label, each in reversed(list(zip(labels_in(made), masked, strict=True))):
        rest, clean = rest[: each.start], label + rest[each.end :] + clean
    assert rest + clean == made.clean


def test_a_range_of_the_clean_text_is_found_in_the_source() -> None:
    """Between labels as it is; an end inside a label is that of what it masks."""
    spans = (span("Farid"), span("Abu Yunus"))
    made = DraftText(spans, Labeller().replace(TEXT, [each.span for each in spans]))
    assert made.clean.startswith("[PERSON-01] told [PERSON-02] that Farida")

    def source(words: str) -> str:
        at = made.clean.index(words)
        start, end = to_source(made, at, at + len(words))
        return TEXT[start:end]

    assert source("told") == "told"
    assert source("Farida, and") == "Farida, and"
    assert source("told [PERSON-02] that") == "told Abu Yunus that"
    assert source("02] that") == "Abu Yunus that"
    assert source("told [PER") == "told Abu Yunus"
