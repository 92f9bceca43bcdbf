"""From a text to the spans that must not stay in it.

Recall comes before precision: whoever reads the draft can give a word back, nobody can take a leaked name back. The
engine logs nothing and raises nothing that quotes its input; single words stay remembered until ``forget``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from app.deidentify import normalise, risk
from app.deidentify.document import Document, hide
from app.deidentify.modes import Mode, Using
from app.deidentify.reading import Flag, Reading
from app.deidentify.recognisers import (
    Recogniser,
    background,
    codes,
    codes_known,
    counts,
    dates,
    names,
    numerals,
    people,
    places,
    roster,
    spoken,
)
from app.deidentify.recognisers.roster import KnownNames
from app.deidentify.spans import Kind, Span, resolve

__all__ = ["RULES", "Engine", "KnownNames", "analyse", "analyse_all", "forget"]

RULES: Final[tuple[Recogniser, ...]] = (
    codes.recognise,
    spoken.recognise,
    people.recognise,
    names.recognise,
    places.recognise,
    dates.recognise,
    counts.recognise,
    background.recognise,
)
_REPEATED: Final = 0.55  # a name found with this score or more is looked for in the whole record
_NAMED: Final = (Kind.PERSON, Kind.LOC, Kind.ORG)
_ROUNDS: Final = 6  # two do for nearly every text
_MOST_ALIASES: Final = 2000  # more aliases than any testimony has; bounds the second pass


@dataclass(frozen=True, slots=True)
class Beside:
    """A recogniser that works in a thread of its own, beside the others: one that leaves Python alone meanwhile.

    ``ahead`` reads several texts at once, which takes less time than one after the other.
    """

    recognise: Recogniser
    ahead: Callable[[Sequence[Document]], None]

    def __call__(self, document: Document) -> list[Span]:
        """What it finds in one text."""
        return list(self.recognise(document))

    def all(self, documents: Sequence[Document]) -> list[list[Span]]:
        """What it finds in each text."""
        self.ahead(documents)
        return [self(document) for document in documents]


@dataclass(frozen=True, slots=True)
class Engine:
    """The recognisers of each operating point, loaded once."""

    using: Using
    recognisers: Mapping[Mode, Sequence[Recogniser]]
    expected: Callable[[Document], float] = field(default=lambda _: 0.0, repr=False)

    @classmethod
    def load(cls, using: Using) -> Engine:
        """Load the models and the word lists, or the word lists alone.

        ModelUnusable if a model file is missing or changed: nothing falls back to less than was asked for.
        """
        if using is Using.RULES:
            return cls(using, dict.fromkeys(Mode, RULES))
        from app.deidentify import model  # noqa: PLC0415  rules alone start without the models' run time

        models = model.load()
        recognisers = {mode: (Beside(models.recogniser(mode), models.ahead), *RULES) for mode in Mode}
        return cls(using, recognisers, lambda document: float(models.scores(document).direct.sum()))

    def analyse(self, text: str, *, language: str | None = None, mode: Mode = Mode.STRICT) -> list[Span]:
        """Spans to mask in a lone text; see ``analyse_all``."""
        return analyse(text, language=language, recognisers=self.recognisers[mode])

    def read(
        self,
        texts: Sequence[str],
        *,
        names: KnownNames = KnownNames(),  # noqa: B008 - immutable
        language: str | None = None,
        mode: Mode = Mode.STRICT,
    ) -> Reading:
        """Read all texts of one record; ``analyse_all`` tells how."""
        spans, whole, left = _until_nothing_more(texts, names, language, self.recognisers[mode])
        seen = risk.features(whole, left, spans, sum(map(self.expected, left)))
        unknown = any(document.unfamiliar for document in whole)
        flags = {Flag.UNKNOWN_LANGUAGE: unknown, Flag.RULES_ONLY: self.using is Using.RULES}
        chance = risk.weights(self.using, mode).chance(seen)
        return Reading(spans, chance, tuple(flag for flag, holds in flags.items() if holds))


def analyse(
    text: str,
    *,
    names: KnownNames = KnownNames(),  # noqa: B008 - immutable
    language: str | None = None,
    recognisers: Sequence[Recogniser] = RULES,
) -> list[Span]:
    """Spans to mask in ``text``, sorted and disjoint, in code points; see ``analyse_all``."""
    return analyse_all([text], names=names, language=language, recognisers=recognisers)[0]


def analyse_all(
    texts: Sequence[str],
    *,
    names: KnownNames = KnownNames(),  # noqa: B008 - immutable
    language: str | None = None,
    recognisers: Sequence[Recogniser] = RULES,
) -> list[list[Span]]:
    """Spans to mask in each text of one record, sorted and disjoint, in code points.

    ``names`` are the record's own. ``language`` (one of ar, de, en, fr, nl, ru, tr) is the texts' main language and
    counts where a paragraph doesn't show its own. A name found in one text is looked for in all. Further recognisers,
    such as a model's, can stand beside the rules. Labels of an earlier pass are left alone. What is left is read again
    until nothing more is found in it, so that masking and analysing once more finds nothing. The time grows linearly
    with the texts.
    """
    return _until_nothing_more(texts, names, language, recognisers)[0]


def _until_nothing_more(
    texts: Sequence[str], names: KnownNames, language: str | None, recognisers: Sequence[Recogniser]
) -> tuple[list[list[Span]], list[Document], list[Document]]:
    """The spans of each text; the texts as they were read first; and what was left of them when they were read last."""
    known, aliases = roster.index(names), roster.Index()
    found: list[list[Span]] = [[] for _ in texts]
    left = list(texts)
    whole: list[Document] = []
    documents: list[Document] = []
    for _ in range(_ROUNDS):
        documents = [Document(text, language) for text in left]
        whole = whole or documents
        rounds = _first(documents, known, names.codes, recognisers)
        more = 0
        for at, spans in enumerate(_with_repeats(documents, rounds, aliases)):
            originals = list(documents[at].originals(spans))
            found[at].extend(originals)
            left[at] = hide(left[at], originals)
            more += len(originals)
        if not more:
            break
    return [resolve(spans) for spans in found], whole, documents


def forget() -> None:
    """Drop the words that the analysis remembers from one text to the next; for when a record is done."""
    for remembered in (normalise.ascii_form, normalise.skeleton, numerals.value):
        remembered.cache_clear()
    # Python keeps the last patterns, and a record's known codes are some of them.
    re.purge()


def _first(
    documents: Sequence[Document],
    known: roster.Index,
    codes_of_record: tuple[str, ...],
    recognisers: Sequence[Recogniser],
) -> list[list[Span]]:
    """What recognisers and the record's own names find in each text."""
    aside = [recognise for recognise in recognisers if isinstance(recognise, Beside)]
    with ThreadPoolExecutor(max(1, len(aside))) as pool:
        working = [pool.submit(recognise.all, documents) for recognise in aside]
        found = [
            [
                *(span for recognise in recognisers if recognise not in aside for span in recognise(document)),
                *roster.search(document, known),
                *codes_known.search(document, codes_of_record),
            ]
            for document in documents
        ]
        for done in working:
            for spans, more in zip(found, done.result(), strict=True):
                spans.extend(more)
    return found


def _with_repeats(
    documents: Sequence[Document], rounds: Sequence[list[Span]], aliases: roster.Index
) -> Iterator[list[Span]]:
    """Each text's spans, and each name that any text has shown, wherever else it stands."""
    for document, spans in zip(documents, rounds, strict=True):
        sure = sorted({s for s in spans if (s.score >= _REPEATED or s.reason == "capital") and s.kind in _NAMED})
        for span in sure[:_MOST_ALIASES]:
            roster.learn(aliases, document, span)
    for document, spans in zip(documents, rounds, strict=True):
        yield [*spans, *roster.search(document, aliases, "repeat")]
