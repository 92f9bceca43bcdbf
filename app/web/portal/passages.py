"""Texts with their spans, cut into paragraphs and pieces that a template can mark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.cases.drafts import DecidedSpan, Draft, DraftText, narratives
from app.deidentify.label_forms import LABEL
from app.deidentify.second_look import Doubt
from app.review.drafts import Source
from app.review.edits import labels_in
from app.studies.instrument import Instrument

__all__ = ["Marked", "Paragraph", "Part", "Piece", "labelled", "language_of", "marked", "marked_labels", "paragraphs"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a paragraph: plain, or of the span with this number (from 1)."""

    text: str = field(repr=False)
    number: int = 0
    span: DecidedSpan | None = None


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A line of the text with its pieces."""

    pieces: tuple[Piece, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Marked:
    """A narrative on the desk: what was asked, the source, its spans with their labels, the clean text.

    ``labels`` has one for each masked span, in their order.
    """

    name: str
    label: str
    text: str = field(repr=False)
    draft: DraftText
    labels: tuple[str, ...]

    @property
    def paragraphs(self) -> list[Paragraph]:
        """The source in pieces."""
        return list(paragraphs(self.text, self.draft.spans))

    def surface(self, each: DecidedSpan) -> str:
        """What stands in the source where a span is."""
        return self.text[each.span.start : each.span.end]


def paragraphs(text: str, spans: Sequence[DecidedSpan]) -> Iterator[Paragraph]:
    """The lines of a text; a span that goes on over a line's end has a piece in each line."""
    start, first = 0, 0
    for line in text.split("\n"):
        end = start + len(line)
        while first < len(spans) and spans[first].span.end <= start:
            first += 1
        yield Paragraph(tuple(_pieces(text, spans, start, end, first)))
        start = end + 1


def _pieces(text: str, spans: Sequence[DecidedSpan], start: int, end: int, first: int) -> Iterator[Piece]:
    at = start
    for number in range(first, len(spans)):
        span = spans[number].span
        if span.start >= end:
            break
        if at < span.start:
            yield Piece(text[at : span.start])
        at = min(span.end, end)
        yield Piece(text[max(span.start, start) : at], number + 1, spans[number])
    if at < end:
        yield Piece(text[at:end])


def marked(instrument: Instrument, source: Source, locale: str) -> list[Marked]:
    """The narratives of a record in the order of the form; without a draft yet, nothing is marked."""
    texts = narratives(instrument, source.values)
    draft = source.draft or Draft({name: DraftText((), text) for name, text in texts.items()}, {})
    return [
        Marked(
            name,
            instrument.fields[name].label[locale],
            text,
            draft.texts[name],
            tuple(labels_in(draft.texts[name])),
        )
        for name, text in texts.items()
    ]


def marked_labels(each: Marked) -> Iterator[tuple[str, str]]:
    """Each label with the words it stands for, in the order of the text."""
    masked = [span for span in each.draft.spans if span.accepted]
    yield from zip(each.labels, map(each.surface, masked), strict=True)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a clean text: plain, a label, or a doubt with its reason."""

    text: str = field(repr=False)
    label: bool = False
    doubt: str = ""


def labelled(text: str, doubts: Sequence[Doubt] = ()) -> Iterator[Part]:
    """A clean text in parts; what is both label and doubt is a label."""
    special = [(found.start(), found.end(), "") for found in LABEL.finditer(text)]
    special += [(each.start, each.end, each.reason) for each in doubts]
    at = 0
    for start, end, doubt in sorted(special, key=lambda each: (each[0], each[2])):
        begin = max(start, at)
        if begin >= end:
            continue
        yield Part(text[at:begin])
        yield Part(text[begin:end], label=not doubt, doubt=doubt)
        at = end
    yield Part(text[at:])


def language_of(values: dict[str, Any]) -> str:
    """The language of the interview as a tag for ``lang``; empty if it is not known."""
    value = values.get("interview_language", {}).get("value")
    return value if isinstance(value, str) else ""
