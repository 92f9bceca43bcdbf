"""Ways to say how the spans of a draft change: whole lists, differences, answers in a form, words to mask.

Each is a function of the draft and the texts, so that whoever sends it need not send what stays. Pure: no SQL, and
``app.cases.drafts.decide`` judges what comes out. Offsets are code points.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from app.cases.drafts import BY_HAND, DecidedSpan, Draft, DraftText
from app.deidentify.label_forms import LABEL
from app.deidentify.spans import Kind, Level, Span
from app.errors import Flaw, Invalid

__all__ = [
    "Answer",
    "Answers",
    "Difference",
    "Differences",
    "Edit",
    "Masking",
    "Whole",
    "labels_in",
    "occurrences",
    "to_source",
]

Edit = Callable[[Draft, Mapping[str, str]], Mapping[str, Sequence[DecidedSpan]]]
Range = tuple[int, int]

# Arabic writes these before a name without a space: and, so, with, to, as.
_PROCLITICS: Final = frozenset("وفبلك")
_MOST_PROCLITICS: Final = 3


@dataclass(frozen=True, slots=True)
class Whole:
    """The whole new list for each text that changes."""

    texts: Mapping[str, Sequence[DecidedSpan]] = field(repr=False)

    def __call__(self, draft: Draft, texts: Mapping[str, str]) -> Mapping[str, Sequence[DecidedSpan]]:  # noqa: ARG002
        """See ``Edit``."""
        return self.texts


@dataclass(frozen=True, slots=True)
class Difference:
    """Spans of one text that go, by their ranges, and spans that come."""

    gone: frozenset[Range]
    come: tuple[DecidedSpan, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Differences:
    """What changed since the draft that was read."""

    texts: Mapping[str, Difference] = field(repr=False)

    def __call__(self, draft: Draft, texts: Mapping[str, str]) -> Mapping[str, Sequence[DecidedSpan]]:
        """See ``Edit``. Invalid: a text or a span that the draft does not have."""
        return {name: self._applied(draft, name, texts) for name in self.texts}

    def _applied(self, draft: Draft, name: str, texts: Mapping[str, str]) -> list[DecidedSpan]:
        _known(name, texts)
        change, before = self.texts[name], draft.texts[name].spans
        if not change.gone <= {_range(each) for each in before}:
            raise Invalid([Flaw(f"/texts/{name}", "Names a span that this draft does not have.")])
        return [*(each for each in before if _range(each) not in change.gone), *change.come]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a form says of one span."""

    accepted: bool
    kind: Kind
    why: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answers:
    """What a form says of the spans of one text that it shows; the others stay."""

    name: str
    answers: Mapping[Range, Answer] = field(repr=False)

    def __call__(self, draft: Draft, texts: Mapping[str, str]) -> Mapping[str, Sequence[DecidedSpan]]:
        """See ``Edit``."""
        _known(self.name, texts)
        return {self.name: [self._answered(each) for each in draft.texts[self.name].spans]}

    def _answered(self, each: DecidedSpan) -> DecidedSpan:
        answer = self.answers.get(_range(each))
        if answer is None:
            return each
        span = replace(each.span, kind=answer.kind)
        return DecidedSpan(span, answer.accepted, "" if answer.accepted else answer.why)


@dataclass(frozen=True, slots=True)
class Masking:
    """Words to mask: in one text or everywhere in the record, once or as often as they occur."""

    words: str = field(repr=False)
    kind: Kind
    level: Level
    everywhere: bool
    name: str = ""

    def __call__(self, draft: Draft, texts: Mapping[str, str]) -> Mapping[str, Sequence[DecidedSpan]]:
        """See ``Edit``. Invalid: the words do not occur, or everything of them is masked already."""
        found = {
            name: [at for at in occurrences(text, self.words) if not _masked(draft.texts[name].spans, at)]
            for name, text in texts.items()
            if self.everywhere or name == self.name
        }
        ranges = [(name, at) for name, ats in found.items() for at in ats]
        if not ranges:
            raise Invalid([Flaw("/words", "These words do not stand unmasked in the text.")])
        chosen = ranges if self.everywhere else ranges[:1]
        spans = {name: list(draft.texts[name].spans) for name, _ in chosen}
        for name, (start, end) in chosen:
            spans[name] = _placed(spans[name], Span(start, end, self.kind, self.level, 1.0, BY_HAND))
        return spans


def occurrences(text: str, words: str) -> Iterator[Range]:
    """Where whole words stand in a text: case and the kind of blank between them aside, marks of vowels taken along.

    Arabic particles that are written together with a name may stand before it and are left outside. The desk's script
    follows the same rule.
    """
    parts = words.split()
    if not parts:
        return
    for found in re.finditer(r"\s+".join(map(re.escape, parts)), text, re.IGNORECASE):
        start, end = found.span()
        while end < len(text) and unicodedata.category(text[end]).startswith("M"):
            end += 1
        if not (end < len(text) and _letter(text[end])) and _opens(text, start):
            yield start, end


def _opens(text: str, at: int) -> bool:
    begin = at
    while begin > 0 and _letter(text[begin - 1]) and at - begin <= _MOST_PROCLITICS:
        begin -= 1
    before = text[begin:at]
    return not before or (len(before) <= _MOST_PROCLITICS and _PROCLITICS.issuperset(before))


def _letter(character: str) -> bool:
    return unicodedata.category(character)[0] in "LNM"


def _masked(spans: Sequence[DecidedSpan], at: Range) -> bool:
    return any(each.accepted and each.span.start <= at[0] and at[1] <= each.span.end for each in spans)


def _placed(spans: Sequence[DecidedSpan], new: Span) -> list[DecidedSpan]:
    """The spans with a new one: masked ones that it touches become part of it, others keep what lies beside it."""
    met = [each for each in spans if each.span.start < new.end and new.start < each.span.end]
    joined = [new, *(each.span for each in met if each.accepted)]
    start, end = min(each.start for each in joined), max(each.end for each in joined)
    kept = [each for each in spans if each.span.end <= start or end <= each.span.start]
    for each in met:
        pieces = ((each.span.start, start), (end, each.span.end)) if not each.accepted else ()
        kept += [replace(each, span=replace(each.span, start=a, end=b)) for a, b in pieces if a < b]
    return [*kept, DecidedSpan(replace(new, start=start, end=end))]


def labels_in(draft: DraftText) -> list[str]:
    """The labels that stand for the masked spans of a text, in their order. ValueError if the draft is not made so."""
    labels, at, before = [], 0, 0
    for each in draft.spans:
        if each.accepted:
            at += each.span.start - before
            found = LABEL.match(draft.clean, at)
            if found is None:
                raise ValueError("a label is not where it belongs")
            labels.append(found[0])
            at, before = found.end(), each.span.end
    return labels


def to_source(draft: DraftText, start: int, end: int) -> Range:
    """Where a range of the clean text stands in the source; an end inside a label is that of its span."""
    return _place(draft, start, after=False), _place(draft, end, after=True)


def _place(draft: DraftText, at: int, *, after: bool) -> int:
    source = clean = 0
    for label, each in zip(labels_in(draft), (each.span for each in draft.spans if each.accepted), strict=True):
        begins = clean + each.start - source
        if at < begins or (after and at == begins):
            break
        source, clean = each.end, begins + len(label)
        if at < clean:
            return each.end if after else each.start
    return source + at - clean


def _known(name: str, texts: Mapping[str, str]) -> None:
    if name not in texts:
        raise Invalid([Flaw("/texts", "Names a text that this record does not have.")])


def _range(each: DecidedSpan) -> Range:
    return each.span.start, each.span.end
