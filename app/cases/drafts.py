"""The draft: suggested and decided spans of each narrative, the clean text they give, and the generalised values.

A draft rests sealed in the source compartment, version by version; what is released is the clean text it shows.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from app.deidentify.labels import Labeller
from app.deidentify.reading import Reading
from app.deidentify.spans import Kind, Level, Span
from app.errors import Flaw, Invalid
from app.studies.instrument import Instrument
from app.studies.policy import StudyPolicy
from app.studies.release import release_answers

PREFIX = "draft."
VALUES = "draft.values"
COMMENT = "draft.comment"
# No field of a questionnaire has such a name.
RESIDUAL = "draft-residual"
ESTIMATE = "draft-estimate"
BY_HAND = "person"
RATINGS = ("low", "medium", "high")

Values = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class DecidedSpan:
    """A span of the source text and what was decided: masked, or left with a reason. Offsets are code points."""

    span: Span
    accepted: bool = True
    why: str = field(default="", repr=False)

    def to_json(self) -> dict[str, Any]:
        """The form in which it is sealed and shown."""
        return {
            "start": self.span.start,
            "end": self.span.end,
            "kind": self.span.kind.value,
            "level": self.span.level.value,
            "score": self.span.score,
            "reason": self.span.reason,
            "accepted": self.accepted,
            "why": self.why,
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> DecidedSpan:
        """Read what ``to_json`` wrote."""
        span = Span(row["start"], row["end"], Kind(row["kind"]), Level(row["level"]), row["score"], row["reason"])
        return cls(span, row["accepted"], row["why"])


@dataclass(frozen=True, slots=True)
class DraftText:
    """One narrative: its spans, and the clean text that the accepted ones give."""

    spans: tuple[DecidedSpan, ...]
    clean: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Residual:
    """What the redactor thinks of the risk that is left: one of ``RATINGS`` or nothing yet, and a note."""

    rating: str = ""
    note: str = field(default="", repr=False)


NOT_RATED = Residual()


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the machine says of its own draft.

    ``risk`` is the probability that it missed a direct identifier; ``flags`` are reasons to trust it less than others.
    """

    risk: float
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """Every narrative of a record, the generalised values, the approver's last comment, the risk that is left."""

    texts: dict[str, DraftText]
    values: dict[str, Any] = field(repr=False)
    comment: str = field(default="", repr=False)
    residual: Residual = NOT_RATED
    estimate: Estimate | None = None

    def to_fields(self) -> dict[str, Any]:
        """The fields of the draft's pack."""
        texts = {
            PREFIX + name: {"clean": text.clean, "spans": [span.to_json() for span in text.spans]}
            for name, text in self.texts.items()
        }
        residual = {"rating": self.residual.rating, "note": self.residual.note}
        fields = texts | {VALUES: self.values, COMMENT: self.comment, RESIDUAL: residual}
        if self.estimate is None:
            return fields
        return fields | {ESTIMATE: {"risk": self.estimate.risk, "flags": list(self.estimate.flags)}}

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> Draft:
        """Read an opened draft pack."""
        texts = {
            name.removeprefix(PREFIX): DraftText(
                tuple(DecidedSpan.from_json(row) for row in value["spans"]), value["clean"]
            )
            for name, value in fields.items()
            if name not in {VALUES, COMMENT, RESIDUAL, ESTIMATE}
        }
        residual = Residual(**fields[RESIDUAL]) if RESIDUAL in fields else NOT_RATED
        own = fields.get(ESTIMATE)
        estimate = None if own is None else Estimate(own["risk"], tuple(own["flags"]))
        return cls(texts, fields[VALUES], fields[COMMENT], residual, estimate)

    def commented(self, comment: str) -> Draft:
        """The same draft with a comment."""
        return replace(self, comment=comment)


def narratives(instrument: Instrument, values: Values) -> dict[str, str]:
    """The texts of a record that a redaction turns into a release, in the order of the form."""
    found = {name.name: values[name.name].get("value") for name in instrument.narratives}
    return {name: text for name, text in found.items() if isinstance(text, str)}


def suggest(
    instrument: Instrument, values: Values, policy: StudyPolicy, read: Callable[[Sequence[str]], Reading]
) -> Draft:
    """A machine's draft: every suggested span accepted."""
    texts = narratives(instrument, values)
    found = read(list(texts.values()))
    spans = {name: tuple(map(DecidedSpan, each)) for name, each in zip(texts, found.spans, strict=True)}
    estimate = Estimate(found.risk, tuple(found.flags))
    return Draft(_cleaned(texts, spans), release_answers(instrument, values, policy), estimate=estimate)


def decide(draft: Draft, instrument: Instrument, values: Values, decided: Mapping[str, Sequence[DecidedSpan]]) -> Draft:
    """The draft with new decisions for the named texts; the others stay as they are.

    Raises:
        Invalid: a text the record does not have, a span outside its text or across another, or a direct identifier
            that was suggested and is left without a reason.
    """
    texts = narratives(instrument, values)
    flaws = (
        [Flaw("/texts", "Names a text that this record does not have.")] if not decided.keys() <= texts.keys() else []
    )
    for name in decided.keys() & texts.keys():
        flaws += _flaws(f"/texts/{name}", texts[name], decided[name], draft.texts[name].spans)
    if flaws:
        raise Invalid(flaws)
    ordered = {name: _ordered(spans, draft.texts[name].spans) for name, spans in decided.items()}
    spans = {name: ordered.get(name, draft.texts[name].spans) for name in texts}
    return replace(draft, texts=_cleaned(texts, spans))


def _cleaned(texts: Mapping[str, str], spans: Mapping[str, tuple[DecidedSpan, ...]]) -> dict[str, DraftText]:
    masked = [(text, [each.span for each in spans[name] if each.accepted]) for name, text in texts.items()]
    clean = Labeller().replace_all(masked)
    return {name: DraftText(spans[name], each) for name, each in zip(texts, clean, strict=True)}


def _ordered(spans: Sequence[DecidedSpan], before: Sequence[DecidedSpan]) -> tuple[DecidedSpan, ...]:
    """In order of the text; what was a direct identifier stays one, or the next edit could drop it without a reason."""
    direct = sorted((each.span for each in before if each.span.level is Level.DIRECT), key=lambda span: span.end)
    ends = [span.end for span in direct]

    def kept(each: DecidedSpan) -> DecidedSpan:
        # Spans of one draft lie apart: the first that ends after this one's start is the only one to look at.
        at = bisect_right(ends, each.span.start)
        meets = at < len(direct) and direct[at].start < each.span.end
        return replace(each, span=replace(each.span, level=Level.DIRECT)) if meets else each

    return tuple(sorted(map(kept, spans), key=lambda each: each.span))


def _flaws(pointer: str, text: str, spans: Sequence[DecidedSpan], before: Sequence[DecidedSpan]) -> list[Flaw]:
    flaws: list[Flaw] = []
    covered, explained, last = bytearray(len(text)), bytearray(len(text)), 0
    for number, each in sorted(enumerate(spans), key=lambda pair: pair[1].span):
        start, end = each.span.start, each.span.end
        if not 0 <= start < end <= len(text):
            flaws.append(Flaw(f"{pointer}/{number}", "Lies outside the text."))
            continue
        if start < last:
            flaws.append(Flaw(f"{pointer}/{number}", "Overlaps another span."))
        last = max(last, end)
        marked = covered if each.accepted else explained
        if each.accepted or each.why.strip():
            marked[start:end] = b"\1" * (end - start)
    for each in before:
        start, end = each.span.start, each.span.end
        direct = each.span.level is Level.DIRECT
        if direct and not all(covered[at] or explained[at] for at in range(start, end)):
            flaws.append(Flaw(pointer, "A direct identifier is left without a reason."))
            break
    return flaws
