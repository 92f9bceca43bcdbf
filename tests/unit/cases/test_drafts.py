"""What a redactor may decide about spans: disjoint, inside the text, and a reason for each direct one that stays."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.cases.drafts import DecidedSpan, Draft, DraftText, Estimate, decide, narratives, suggest
from app.deidentify.labels import Labeller
from app.deidentify.reading import Flag, Reading
from app.deidentify.spans import Kind, Level, Span
from app.errors import Invalid
from app.studies.instrument import bundled
from app.studies.policy import StudyPolicy

FORM = bundled()
NAME = FORM.narratives[0].name
ABSENT = {"status": "absent"}
TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)


def values(text: str) -> dict[str, dict[str, Any]]:
    """The answers of a record with one narrative."""
    return dict.fromkeys(FORM.fields, ABSENT) | {NAME: {"value": text}}


def span(start: int, end: int, level: Level = Level.QUASI, kind: Kind = Kind.LOC) -> Span:
    """A span."""
    return Span(start, end, kind, level, 1.0, "test")


def draft(*suggested: Span) -> Draft:
    """A machine's draft with these spans."""
    return Draft({NAME: DraftText(tuple(map(DecidedSpan, suggested)), "")}, {})


def decided(text: str, before: Draft, *spans: DecidedSpan) -> DraftText:
    """What becomes of the narrative."""
    return decide(before, FORM, values(text), {NAME: spans}).texts[NAME]


@st.composite
def disjoint(draw: st.DrawFn) -> tuple[str, list[Span]]:
    """A text with spans that lie inside it and apart."""
    text = draw(TEXTS)
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
    levels = st.sampled_from(list(Level))
    kinds = st.sampled_from(list(Kind))
    return text, [span(*pair, draw(levels), draw(kinds)) for pair in zip(cuts[::2], cuts[1::2], strict=False)]


@settings(deadline=None)
@given(disjoint(), st.randoms())
def test_disjoint_spans_in_any_order_give_the_clean_text(made: tuple[str, list[Span]], chance: Any) -> None:
    """Exactly the accepted ones are masked, in the order of the text."""
    text, spans = made
    shuffled = [DecidedSpan(each) for each in spans]
    chance.shuffle(shuffled)

    found = decided(text, draft(*spans), *shuffled)

    assert [each.span for each in found.spans] == spans
    assert found.clean == Labeller().replace(text, spans)


@given(disjoint(), st.data())
def test_a_span_outside_its_text_is_refused(made: tuple[str, list[Span]], data: st.DataObject) -> None:
    """Behind the end, empty, or backwards."""
    text, _ = made
    start = data.draw(st.integers(0, len(text) + 5))
    end = data.draw(st.integers(0, start) | st.integers(max(start, len(text)) + 1, len(text) + 9))

    with pytest.raises(Invalid):
        decided(text, draft(), DecidedSpan(span(start, end)))


@given(st.integers(2, 30), st.data())
def test_spans_that_overlap_are_refused(length: int, data: st.DataObject) -> None:
    """Two labels for one letter would say what lies under them."""
    shared = data.draw(st.integers(0, length - 1))
    one, other = (span(data.draw(st.integers(0, shared)), data.draw(st.integers(shared + 1, length))) for _ in range(2))

    with pytest.raises(Invalid) as refused:
        decided("x" * length, draft(), DecidedSpan(one), DecidedSpan(other))

    assert {flaw.detail for flaw in refused.value.flaws} == {"Overlaps another span."}


@given(disjoint(), st.data())
def test_a_direct_identifier_stays_with_a_reason_only(made: tuple[str, list[Span]], data: st.DataObject) -> None:
    """Left out, cut shorter or rejected in silence is refused; rejected with a reason is the redactor's decision."""
    text, spans = made
    direct = [each for each in spans if each.level is Level.DIRECT]
    if not direct:
        return
    victim, others = data.draw(st.sampled_from(direct)), [DecidedSpan(each) for each in spans]
    others = [each for each in others if each.span != victim]
    silent = [[], [DecidedSpan(victim, accepted=False)], [DecidedSpan(victim, accepted=False, why="  ")]]
    if victim.end - victim.start > 1:
        silent.append([DecidedSpan(span(victim.start + 1, victim.end))])

    for spoken in silent:
        with pytest.raises(Invalid):
            decided(text, draft(*spans), *others, *spoken)
    found = decided(text, draft(*spans), *others, DecidedSpan(victim, accepted=False, why="a public place"))

    assert text[victim.start : victim.end] in found.clean


@given(disjoint())
def test_a_direct_identifier_cannot_be_called_another_level_first(made: tuple[str, list[Span]]) -> None:
    """Whoever relabels it in one edit still needs a reason to drop it in the next."""
    text, spans = made
    before = draft(*spans)
    relabeled = [DecidedSpan(span(each.start, each.end, Level.QUASI)) for each in spans]

    after = decided(text, before, *relabeled)

    assert [each.span.level for each in after.spans] == [each.level for each in spans]
    if any(each.level is Level.DIRECT for each in spans):
        with pytest.raises(Invalid):
            decided(text, Draft({NAME: after}, {}))


def test_a_text_that_the_record_lacks_is_refused() -> None:
    """And named by its place in the body."""
    with pytest.raises(Invalid) as refused:
        decide(draft(), FORM, values("text"), {"no_such_text": []})

    assert [flaw.pointer for flaw in refused.value.flaws] == ["/texts"]


def test_texts_that_are_not_named_stay_as_they_are() -> None:
    """An edit of one text decides nothing about another."""
    other = FORM.narratives[1].name
    record = values("Omar left.") | {other: {"value": "In Raqqa."}}
    found = [[span(0, 2, Level.DIRECT, Kind.PERSON)]] * 2
    before = suggest(FORM, record, StudyPolicy(), lambda _texts: Reading(found, 0.25, (Flag.RULES_ONLY,)))

    after = decide(before, FORM, record, {NAME: [DecidedSpan(span(0, 4, Level.DIRECT, Kind.PERSON))]})

    assert after.texts[other] == before.texts[other]
    assert after.texts[NAME].clean == "[PERSON-01] left."


def test_a_draft_is_read_back_as_it_was_written() -> None:
    """The sealed form holds all of it."""
    text = DraftText((DecidedSpan(span(0, 4), accepted=False, why="known"),), "clean")
    made = Draft({NAME: text}, {"a": 1}, "why", estimate=Estimate(0.25, ("rules-only",)))

    assert Draft.from_fields(made.to_fields()) == made
    assert "clean" not in repr(made)
    assert "known" not in repr(made)


def test_only_texts_with_a_value_are_narratives() -> None:
    """What was declined has nothing to redact."""
    assert narratives(FORM, values("text")) == {NAME: "text"}
