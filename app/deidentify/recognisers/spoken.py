"""Codes and addresses as they are said: 'oh seven double four', 'name at mail dot com'."""

from __future__ import annotations

from collections.abc import Iterator

from app.deidentify.document import Document
from app.deidentify.recognisers.numerals import value
from app.deidentify.spans import Kind, Level, Span

_DIGITS = 4  # so many digits said one by one are a code
_PAUSES = 3  # fillers in a row that end a code
_CUED = 2  # fewer are enough after 'number', 'plate', 'file'
_AT = frozenset(
    ["at", "arobase", "ät", "et", "собака", "собачка", "kuyruklu", "آت", "ات", "apestaartje", "klammeraffe"]
)
_DOT = frozenset(
    ["dot", "point", "punkt", "punt", "nokta", "точка", "نقطة", "دوت", "underscore", "unterstrich", "tiret"]
)
_DOMAINS = frozenset(
    [
        "com",
        "net",
        "org",
        "example",
        "mail",
        "gmail",
        "hotmail",
        "yahoo",
        "proton",
        "outlook",
        "ru",
        "de",
        "fr",
        "nl",
        "tr",
        "пример",
        "كوم",
        "posta",
        "pochta",
    ]
)
_STOP = frozenset(
    [
        "my",
        "his",
        "her",
        "is",
        "was",
        "the",
        "number",
        "and",
        "but",
        "i",
        "he",
        "she",
        "they",
        "it",
        "so",
        "numéro",
        "telefon",
        "c'est",
        "est",
        "ist",
        "het",
        "mein",
        "meine",
        "мой",
        "номер",
    ]
)


def recognise(document: Document) -> Iterator[Span]:
    """Runs of digits in words, and spoken addresses."""
    at = 0
    while at < len(document.words):
        last, digits = _digits(document, at)
        need = _CUED if _cued(document, at) else _DIGITS
        if digits >= need or (digits >= _CUED and _letter(document, at)):
            first = _letters_before(document, at)
            yield document.span(first, last, Kind.CODE, Level.DIRECT, 0.8, "spoken_code")
        at = max(last, at) + 1
    yield from _addresses(document)


def _small(document: Document, at: int) -> bool:
    word = document.words[at]
    worth = value(word.low, word.language)
    return (worth is not None and worth < 1000) or word.low in word.lexicon.words["repeaters"] or word.low.isdigit()  # noqa: PLR2004


def _letter(document: Document, at: int) -> bool:
    """Whether a letter is said by itself, with a digit or another letter after it."""
    low = document.lows
    alone = len(low[at]) == 1 and low[at] not in "aiàyoьяуикс" and low[at].isalpha()
    return (
        alone
        and any(_small(document, i) for i in range(at + 1, min(at + 5, len(low))))
        and not document.words[at].initial
    )


def _digits(document: Document, at: int) -> tuple[int, int]:
    """The last word of the run that starts at ``at``, and how many numbers were said one after another."""
    last, said, here = at - 1, 0, at
    if not _small(document, at) and not _letter(document, at):
        return at, 0
    fillers = document.words[at].lexicon.words["fillers"]
    skipped = 0
    while (
        here < len(document.words)
        and skipped < _PAUSES
        and not set(document.gap(here - 1) if here > at else "") & set(".?!\n;")
    ):
        if _small(document, here):
            said, last, skipped = said + 1, here, 0
        elif document.lows[here] in fillers or len(document.lows[here]) == 1:
            skipped += 1
        else:
            break
        here += 1
    return last, _one_by_one(document, at, last, said)


def _one_by_one(document: Document, first: int, last: int, said: int) -> int:
    """Zero if the words make one ordinary number, such as 'two thousand three hundred'; else how many were said."""
    lows = document.lows[first : last + 1]
    worth = [value(low, document.words[first].language) for low in lows]
    numbers = [w for w in worth if w is not None]
    digits = sum(w < 10 for w in numbers) + sum(low.isdigit() for low in lows)  # noqa: PLR2004
    scale = any(w in (100, 1000) or w > 99 for w in numbers)  # noqa: PLR2004
    rising = said <= _DIGITS and not numbers.count(0) > 0 and digits < 3  # noqa: PLR2004
    return 0 if (scale and digits < _DIGITS) or rising else said


def _cued(document: Document, at: int) -> bool:
    phrases = document.words[at].lexicon.phrases["code_cues"]
    return any(phrases.behind(document.lows, at - back) for back in range(4) if at - back > 0)


def _letters_before(document: Document, at: int) -> int:
    """Letters said before the digits belong to the code: 'k e four one two'."""
    while at and document.linked(at - 1) and len(document.lows[at - 1]) == 1 and document.lows[at - 1] not in "aiàyоя":
        at -= 1
    return at


def _addresses(document: Document) -> Iterator[Span]:
    lows = document.lows
    for at, low in enumerate(lows):
        if low in _AT and set(lows[at + 1 : at + 7]) & _DOT and set(lows[at + 1 : at + 8]) & _DOMAINS:
            yield document.span(
                _back(document, at), _forward(document, at), Kind.CODE, Level.DIRECT, 0.8, "spoken_address"
            )
        elif low in ("underscore", "подчеркивание", "подчёркивание", "unterstrich") and 0 < at < len(lows) - 1:
            yield document.span(
                _back(document, at), min(at + 2, len(lows) - 1), Kind.CODE, Level.DIRECT, 0.7, "spoken_handle"
            )


def _back(document: Document, at: int) -> int:
    first = at
    while first and at - first < 7 and document.linked(first - 1):  # noqa: PLR2004 - words of a mailbox name
        word = document.words[first - 1]
        number = value(word.low, word.language) is not None
        if word.low in _STOP or (word.low in word.lexicon.function_words and not number and word.low not in _DOT):
            break
        first -= 1
    return first


def _forward(document: Document, at: int) -> int:
    last = at
    while last + 1 < len(document.words) and last - at < 8 and document.linked(last):  # noqa: PLR2004 - words of a domain
        last += 1
        if document.lows[last] in _DOMAINS and document.lows[last - 1] in _DOT:
            break
    return last
