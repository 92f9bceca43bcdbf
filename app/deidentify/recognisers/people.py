"""Names that a cue announces: kunyas, titles, kinship, 'called X', initials, names spelt letter by letter."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from app.deidentify.document import Document
from app.deidentify.lexicon import names
from app.deidentify.spans import Kind, Level, Span

_INITIALS = re.compile(r"(?<!\w)(?:[A-ZÀ-ÞА-ЯĞŞİÖÜÇ]\. ?){1,3}(?=[,;:)?!\s]|$)|(?<!\w)[A-ZА-Я]\. (?=[A-ZА-Я][a-zа-я])")
_SPELT = re.compile(
    r"(?<!\w)[^\W\d_](?:-[^\W\d_]){2,}(?!\w)|(?<!\w)[^\W\d_](?:[ ,]{1,2}[^\W\d_](?!\w)){3,}"
    r"|(?<![^\W_])[^\W\d_](?:[.*·•|/~_+=][^\W\d_](?![^\W_])){3,}"
)
_QUOTED = re.compile(r"[\"“„«‘']\s?$")
_FILLERS = frozenset(
    [
        "uh",
        "um",
        "euh",
        "äh",
        "eh",
        "well",
        "only",
        "just",
        "always",
        "also",
        "still",
        "jetzt",
        "auch",
        "nur",
        "seulement",
        "toujours",
        "только",
        "уже",
        "hep",
        "hala",
    ]
)
_MEANS = frozenset(
    [
        "means",
        "meaning",
        "bedeutet",
        "betekent",
        "signifie",
        "demek",
        "anlamında",
        "означает",
        "معناه",
        "معناها",
        "meant",
        "dire",
    ]
)
_LOOK_BACK = 8  # words between a name and its sense
_SECOND = frozenset(["الله", "الدين", "الرحمن", "الكريم", "العزيز", "القادر", "الحميد", "الرحيم", "الناصر", "اللطيف"])
_ONE_OR_TWO = 2  # letters: too short for a name
_LONGEST = 5  # words of one name


def recognise(document: Document) -> Iterator[Span]:
    """Private persons announced by a cue."""
    for pattern, reason in ((_INITIALS, "initials"), (_SPELT, "spelt_name")):
        for m in pattern.finditer(document.text):
            yield Span(m.start(), m.end(), Kind.PERSON, Level.DIRECT, 0.7, reason)
    for at in range(len(document.words)):
        yield from _kunya(document, at)
        yield from _titled(document, at)
        yield from _called(document, at)
        yield from _gloss(document, at)
        yield from _meaning(document, at)


def _person(document: Document, first: int, last: int, score: float, reason: str) -> Iterable[Span]:
    return (document.span(first, last, Kind.PERSON, Level.DIRECT, score, reason),)


def extend(document: Document, last: int, limit: int = _LONGEST) -> int:
    """The last word of the name that has reached word ``last``: more suspects, and particles before them."""
    words, first = document.words, last
    while last - first < limit and document.linked(last):
        after = last + 1
        if document.suspect[after]:
            last = after
        elif words[after].low in words[after].lexicon.words["particles"] and document.linked(after):
            arabic = words[after].language == "ar" and words[after + 1].low not in words[after].lexicon.function_words
            if not (document.suspect[after + 1] or document.gap(after) == "-" or _article(document, after) or arabic):
                break
            last = after + 1
        elif words[after].language == "ar" and (words[after].low in names() or words[after].low in _SECOND):
            last = after
        elif _epithet(document, after):
            last = after + 1
        else:
            break
    return last


def _epithet(document: Document, at: int) -> bool:
    """``Hamza the Lame``: an article, then a capital where none is due."""
    if document.lows[at] not in ("the", "le", "la", "der", "die", "de") or not document.linked(at):
        return False
    after = document.words[at + 1]
    return after.cased and after.capital and not after.initial


def _article(document: Document, at: int) -> bool:
    """Whether word ``at`` is an Arabic article before a word that could end a name."""
    word, after = document.words[at], document.words[at + 1]
    return (
        word.low in ("al", "el", "аль", "эль")
        and len(after.low) > _ONE_OR_TWO
        and after.low not in after.lexicon.function_words
    )


def _kunya(document: Document, at: int) -> Iterable[Span]:
    word = document.words[at]
    if word.low not in word.lexicon.words["kunya"] and not (
        word.language == "ar" and any(s in word.lexicon.words["kunya"] for s in word.lexicon.stems(word.low))
    ):
        return ()
    if not document.linked(at) or _figure(document, at):
        return ()
    last = at + 1
    doubtful = (
        word.low in ("um", "om", "bo", "bint", "ibn", "ابي", "بنت", "ولد", "بن", "ابن") and not document.suspect[last]
    )
    if doubtful or document.lows[last] in word.lexicon.function_words - word.lexicon.words["particles"]:
        return ()
    if document.lows[last] in word.lexicon.words["particles"] and document.linked(last):
        last += 1
    last = extend(document, last, 3)
    return _person(document, at, last + _nisba(document, last), 0.95, "kunya")


def _nisba(document: Document, last: int) -> bool:
    """Whether the next word says where the bearer comes from, and so belongs to the kunya."""
    if not document.linked(last):
        return False
    word = document.words[last + 1]
    if word.language == "ar":
        return word.low.startswith("ال") and word.low.endswith("ي")
    return document.stay[last + 1] and (word.capital or not word.cased) and word.low not in word.lexicon.function_words


def _figure(document: Document, at: int) -> bool:
    """Whether a public figure's own name starts here."""
    return document.stay[at] and document.stay[min(at + 1, len(document.words) - 1)]


def _titled(document: Document, at: int) -> Iterable[Span]:
    """A name after a title or a kinship word, and before a title that follows (Turkish)."""
    word = document.words[at]
    known = word.lexicon.words
    if word.low in known.get("title_after", ()) and at and document.linked(at - 1) and document.suspect[at - 1]:
        yield from _person(document, at - 1, at - 1, 0.8, "titled")
    title, kin = word.low in known["titles"], word.low in known["kin"]
    if not (title or kin) or at + 1 >= len(document.words):
        return
    gap = document.gap(at)
    if gap.strip(" ,.:-'s") or (title and "," in gap) or "\n" in gap:
        return
    first = at + 1
    if document.lows[first] == "s":
        return
    if document.suspect[first] or _name_like(document, first):
        start = at if title and _belongs(document, at) else first
        yield from _person(document, start, extend(document, first), 0.85, "title" if title else "kin")


_PLAIN_TITLES = frozenset(
    [
        "mr",
        "mrs",
        "ms",
        "miss",
        "dr",
        "doctor",
        "herr",
        "herrn",
        "frau",
        "monsieur",
        "madame",
        "m",
        "mme",
        "meneer",
        "mevrouw",
        "interviewer",
        "judge",
    ]
)


def _belongs(document: Document, at: int) -> bool:
    """Whether a title may be part of the alias: written with a capital inside a sentence, or in text without case."""
    word = document.words[at]
    return word.low not in _PLAIN_TITLES and (not word.cased or (word.capital and not word.initial))


def _name_like(document: Document, at: int) -> bool:
    """A capital where none is due (in German only an uncommon word), or a listed given name."""
    word = document.words[at]
    if word.cased and word.language not in ("ar", "de"):
        return word.capital and not word.initial and not _figure(document, at)
    if word.language == "ar":
        known = word.lexicon
        return (
            document.suspect[at]
            or word.low in names()
            or (len(word.low) > _ONE_OR_TWO and word.low not in known.common and not document.stay[at])
        )
    return document.suspect[at]


def _called(document: Document, at: int) -> Iterable[Span]:
    """What stands after 'called', 'my name is' and their like."""
    word = document.words[at]
    strong = word.lexicon.phrases["called"].behind(document.lows, at)
    weak = 0 if strong else word.lexicon.phrases["called_weak"].behind(document.lows, at)
    if not strong and not weak:
        return
    if any(c in document.gap(at - 1) for c in ".?!\n;"):
        return
    first = at
    while first < at + 3 and first + 1 < len(document.words) and _skippable(document, first):
        first += 1
    if _skippable(document, first):
        return
    if document.suspect[first] or (_name_like(document, first) and (strong or not document.stay[first])):
        yield from _person(document, first, extend(document, first), 0.9 if strong else 0.6, "called")
    elif (
        strong
        and document.lows[first].isalpha()
        and (not document.words[first].cased or document.words[first].language == "ar" or _quoted(document, first))
    ):
        yield from _person(document, first, extend(document, first, 2), 0.7, "called")


def _gloss(document: Document, at: int) -> Iterable[Span]:
    """``father of the tyre``: a kunya put into English."""
    lows = document.lows
    if lows[at] not in ("father", "mother") or lows[at + 1 : at + 2] != ["of"]:
        return
    name = at + 3 if lows[at + 2 : at + 3] == ["the"] else at + 2
    if name < len(lows) and document.linked(name - 1):
        word = document.words[name]
        known = word.lexicon
        if not (word.low in known.function_words or word.low in known.numbers or word.low in known.words["kin"]):
            yield from _person(document, at, name, 0.5, "gloss")


def _meaning(document: Document, at: int) -> Iterable[Span]:
    """``sabr means patience``: the sense of a name that was just given."""
    low = document.lows[at]
    if low not in _MEANS or at + 1 >= len(document.words) or document.gap(at).strip(" :,\"'“„«"):
        return
    if not any(document.suspect[max(0, at - _LOOK_BACK) : at]):
        return
    name = at + 1
    while name < at + 4 and name + 1 < len(document.words) and _skippable(document, name):
        name += 1
    word = document.words[name]
    if word.low.isalpha() and not (word.low in word.lexicon.function_words or document.stay[name]):
        yield from _person(document, name, name, 0.5, "gloss")


def _quoted(document: Document, at: int) -> bool:
    return _QUOTED.search(document.text, max(0, document.words[at].start - 2), document.words[at].start) is not None


def _skippable(document: Document, at: int) -> bool:
    word = document.words[at]
    known = word.lexicon
    return (
        not (word.capital and not word.initial and word.cased)
        and (word.low in known.function_words or word.low in _FILLERS or word.low in known.words["titles"])
    ) or (word.low in known.words["titles"] and not document.linked(at))
