"""From a text to the spans that must not stay in it.

Recall comes before precision: whoever reads the draft can give a word back, nobody can take a leaked name back. The
engine logs nothing and raises nothing that quotes its input; single words stay remembered until ``forget``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from app.deidentify import lexicon, normalise, risk
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

__all__ = ["RECORDS_AT_ONCE", "RULES", "Engine", "KnownNames", "analyse", "analyse_all", "forget", "share_turns"]

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
# While the rules read one record, the networks read another; two processors are then hardly ever idle.
RECORDS_AT_ONCE: Final = 2
_TURN_SECONDS: Final = 0.0005
_REPEATED: Final = 0.55  # a name found with this score or more is looked for in the whole record
_NAMED: Final = (Kind.PERSON, Kind.LOC, Kind.ORG)
_ROUNDS: Final = 6  # two do for nearly every text
_AT_ONCE: Final = 4  # texts that are read beside the rules: enough that two processors are never idle
_MOST_ALIASES: Final = 2000  # more aliases than any testimony has; bounds the second pass


@dataclass(frozen=True, slots=True)
class Beside:
    """A recogniser that works in threads of its own, beside the others: one that leaves Python alone meanwhile."""

    recognise: Recogniser

    def __call__(self, document: Document) -> list[Span]:
        """What it finds in one text."""
        return list(self.recognise(document))


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
        recognisers = {mode: (Beside(models.recogniser(mode)), *RULES) for mode in Mode}
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
    changed = set(range(len(texts)))  # a text in which nothing was found would be read as before
    for _ in range(_ROUNDS):
        made = ((at, Document(left[at], language)) for at in sorted(changed))
        new = _first(made, known, names.codes, recognisers)
        documents = [new[at][0] if at in new else documents[at] for at in range(len(texts))]
        whole = whole or documents
        rounds = [new[at][1] if at in new else [] for at in range(len(texts))]
        changed = set()
        for at, spans in enumerate(_with_repeats(documents, rounds, aliases)):
            originals = list(documents[at].originals(spans))
            if originals:
                found[at].extend(originals)
                left[at] = hide(left[at], originals)
                changed.add(at)
        if not changed:
            break
    return [resolve(spans) for spans in found], whole, documents


def share_turns() -> None:
    """For a process that reads: let the networks go on soon after each window, and not when the rules pause.

    After 5 ms, as Python has it by itself, a processor is idle for a tenth of the time.
    """
    sys.setswitchinterval(_TURN_SECONDS)


def forget() -> None:
    """Drop the words that the analysis remembers from one text to the next; for when a record is done."""
    for remembered in (lexicon.forms, normalise.ascii_form, normalise.skeleton, numerals.value):
        remembered.cache_clear()
    # Python keeps the last patterns, and a record's known codes are some of them.
    re.purge()


def _first(
    made: Iterable[tuple[int, Document]],
    known: roster.Index,
    codes_of_record: tuple[str, ...],
    recognisers: Sequence[Recogniser],
) -> dict[int, tuple[Document, list[Span]]]:
    """What recognisers and the record's own names find in each text, by its number.

    Those that work beside the others begin as soon as a text is made.
    """
    aside = [recognise for recognise in recognisers if isinstance(recognise, Beside)]
    plain = [recognise for recognise in recognisers if not isinstance(recognise, Beside)]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        begun = [(at, document, [pool.submit(each, document) for each in aside]) for at, document in made]
        found = {
            at: [
                *(span for recognise in plain for span in recognise(document)),
                *roster.search(document, known),
                *codes_known.search(document, codes_of_record),
            ]
            for at, document, _ in begun
        }
        return {
            at: (document, [*found[at], *(span for each in working for span in each.result())])
            for at, document, working in begun
        }


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
