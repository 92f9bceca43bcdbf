"""From a text to the spans that must not stay in it.

Recall comes before precision: whoever reads the draft can give a word back, nobody can take a leaked name back. The
engine logs nothing and raises nothing that quotes its input; single words stay remembered until ``forget``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from app.deidentify import normalise
from app.deidentify.document import Document, hide
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

__all__ = ["RULES", "KnownNames", "analyse", "forget"]

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
_REPEATED: Final = 0.55  # a name found with this score or more is looked for in the whole text
_ROUNDS: Final = 6  # two do for nearly every text
_MOST_ALIASES: Final = 2000  # more aliases than any testimony has; bounds the second pass


def analyse(
    text: str,
    *,
    names: KnownNames = KnownNames(),  # noqa: B008 - immutable
    language: str | None = None,
    recognisers: Sequence[Recogniser] = RULES,
) -> list[Span]:
    """Spans to mask in ``text``, sorted and disjoint, in code points.

    ``names`` are the record's own. ``language`` (one of ar, de, en, fr, nl, ru, tr) is the text's main language and
    counts where a paragraph doesn't show its own. Further recognisers, such as a model's, can stand beside the rules.
    Labels of an earlier pass are left alone. What is left is read again until nothing more is found in it, so that
    masking and analysing once more finds nothing. The time grows linearly with the text.
    """
    known = roster.index(names)
    found: list[Span] = []
    left = text
    for _ in range(_ROUNDS):
        document = Document(left, language)
        more = list(document.originals(_round(document, known, names.codes, recognisers)))
        if not more:
            break
        found.extend(more)
        left = hide(left, more)
    return resolve(found)


def forget() -> None:
    """Drop the words that the analysis remembers from one text to the next; for when a record is done."""
    for remembered in (normalise.ascii_form, normalise.skeleton, numerals.value):
        remembered.cache_clear()
    # Python keeps the last patterns, and a record's known codes are some of them.
    re.purge()


def _round(
    document: Document, known: roster.Index, codes_of_record: tuple[str, ...], recognisers: Sequence[Recogniser]
) -> list[Span]:
    found = [span for recognise in recognisers for span in recognise(document)]
    found.extend(roster.search(document, known))
    found.extend(codes_known.search(document, codes_of_record))
    found.extend(_repeats(document, found))
    return found


def _repeats(document: Document, found: list[Span]) -> Iterator[Span]:
    """Each name found once, wherever else it stands."""
    named = (Kind.PERSON, Kind.LOC, Kind.ORG)
    sure = sorted({s for s in found if (s.score >= _REPEATED or s.reason == "capital") and s.kind in named})
    aliases = roster.Index()
    for span in sure[:_MOST_ALIASES]:
        roster.learn(aliases, document, span)
    yield from roster.search(document, aliases, "repeat")
