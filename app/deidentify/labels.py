"""Labels that stand where a name stood: ``[PERSON-01: brother]``, ``[DATE-01: 2015]``, ``[AGE: 18-24]``.

A label tells what kind of thing was there, which mentions are the same thing, and what the guidelines let stay of it:
a relation, the country or a part of it, a year, an age band. It tells nothing else: no length, no initial. Numbers
count from one in every record, so labels cannot be compared across records.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rapidfuzz import fuzz

from app.deidentify.document import Document
from app.deidentify.label_details import Details
from app.deidentify.label_forms import CUT, LABEL, PREFIXES
from app.deidentify.lexicon import words_of
from app.deidentify.normalise import ascii_form, fold, skeleton
from app.deidentify.spans import Span

_SURE_BONES: Final = 3  # consonants that make two spellings one name
_ALIKE: Final = 70.0  # rapidfuzz ratio of Latin forms with equal consonants: Sufian and Sofian, not Safwan
_PARENT = re.compile(r"^(?:abu|abou|aboo|ebu|abo|abi|umm|oum|um|абу|умм|ابو|ابي|ابا|ام|بو)$")
_KUNYA = re.compile(rf"{_PARENT.pattern}|^(?:al|el|ال)$")
_NAMED: Final = ("PERSON", "PLACE")


class Labeller:
    """Gives the labels of one record; use one for all its texts and then drop it.

    All texts are read before the first label is written: then every mention of a person has the relation that any of
    them tells, and a given name that only one full name has is that person. It remembers the surfaces it replaced, so
    it holds plaintext and must not be stored.
    """

    def __init__(self) -> None:
        self._groups: dict[tuple[str, str], int] = {}
        self._sounds: dict[tuple[str, str], list[tuple[int, str]]] = {}
        self._details: dict[tuple[str, int], set[str]] = {}
        self._told: dict[tuple[str, int], set[str]] = {}
        self._people: dict[int, list[str]] = {}
        self._same: dict[int, int] = {}
        self._numbers: dict[tuple[str, int], int] = {}
        self._last: dict[str, int] = {}
        self._taken: set[str] = set()

    def __repr__(self) -> str:
        return f"Labeller({len(self._numbers)} labels)"

    def replace(self, text: str, spans: Sequence[Span]) -> str:
        """``text`` with every span replaced by its label; see ``replace_all``."""
        return self.replace_all([(text, spans)])[0]

    def replace_all(self, texts: Sequence[tuple[str, Sequence[Span]]]) -> list[str]:
        """Each text with every span replaced by its label. Spans are sorted, disjoint and inside their text.

        Raises ValueError if they are not; the message holds no text.
        """
        for text, spans in texts:
            _check(text, spans)
            self._taken.update(m[0].strip("[]").partition(":")[0] for m in LABEL.finditer(text))
        mentions = [[*self._read(text, spans)] for text, spans in texts]
        self._join()
        self._tell()
        return [self._write(text, each) for (text, _), each in zip(texts, mentions, strict=True)]

    def _read(self, text: str, spans: Sequence[Span]) -> Iterator[_Mention]:
        details = Details(Document(text)) if spans else None
        for span in spans if details else ():
            surface, prefix = text[span.start : span.end], PREFIXES.get(span.kind)
            age = details.age(span) if details else ""
            if prefix is None or age:
                yield _Mention(span, f"[AGE: {age}]" if age else CUT)
                continue
            group = self._group(prefix, surface)
            self._details.setdefault((prefix, group), set()).add(details.of(span, surface) if details else "")
            yield _Mention(span, "", prefix, group)

    def _write(self, text: str, mentions: Iterable[_Mention]) -> str:
        out: list[str] = []
        at = 0
        for mention in mentions:
            out += [text[at : mention.span.start], mention.label or self._label(mention.prefix, mention.group)]
            at = mention.span.end
        return "".join([*out, text[at:]])

    def _label(self, prefix: str, group: int) -> str:
        thing = (prefix, self._root(prefix, group))
        name = f"{prefix}-{self._number(*thing):02}"
        told = self._told[thing]
        return f"[{name}: {next(iter(told))}]" if len(told) == 1 else f"[{name}]"

    def _tell(self) -> None:
        """Gather what all mentions of a thing say of it; more than one detail means that they contradict each other."""
        self._told.clear()
        for (prefix, group), details in self._details.items():
            self._told.setdefault((prefix, self._root(prefix, group)), set()).update(details - {""})

    def _root(self, prefix: str, group: int) -> int:
        return self._same.get(group, group) if prefix == "PERSON" else group

    def _number(self, prefix: str, group: int) -> int:
        known = self._numbers.get((prefix, group))
        if known is not None:
            return known
        number = self._last.get(prefix, 0) + 1
        while f"{prefix}-{number:02}" in self._taken:
            number += 1
        self._last[prefix] = self._numbers[prefix, group] = number
        return number

    def _group(self, prefix: str, surface: str) -> int:
        """The thing that a surface names: the one with the same surface, or another spelling of it."""
        keys = [(prefix, key) for key in _keys(prefix, surface)]
        group = next((self._groups[k] for k in keys if k in self._groups), None)
        bones, form = _sound(surface) if prefix in _NAMED else ("", "")
        alike = self._sounds.setdefault((prefix, bones), []) if len(bones) >= _SURE_BONES else []
        if group is None:
            group = next((n for n, other in alike if fuzz.ratio(form, other) >= _ALIKE), len(self._groups))
        alike.append((group, form))
        for key in keys:
            self._groups.setdefault(key, group)
        words = words_of(surface)
        if prefix == "PERSON" and words and not any(map(_PARENT.match, words)):
            self._people.setdefault(group, [ascii_form(word) for word in words if not _KUNYA.match(word)])
        return group

    def _join(self) -> None:
        """A given name alone is the one full name that starts with it, if no other name holds it."""
        full = {group: names for group, names in self._people.items() if len(names) > 1}
        holding: dict[str, set[tuple[int, bool]]] = {}
        for group, names in full.items():
            for at, name in enumerate(names):
                holding.setdefault(skeleton(name), set()).add((group, at == 0))
        for group, names in self._people.items():
            found = list(holding.get(skeleton(names[0]), ())) if len(names) == 1 else []
            if len(found) == 1 and self._fits(group, *found[0]):
                self._same[group] = found[0][0]

    def _fits(self, group: int, full: int, first: bool) -> bool:  # noqa: FBT001 - one of a pair
        alike = fuzz.ratio(self._people[group][0], self._people[full][0]) >= _ALIKE
        told = self._details.get(("PERSON", group), set()) | self._details.get(("PERSON", full), set())
        return first and alike and len(told - {""}) <= 1


@dataclass(frozen=True, slots=True)
class _Mention:
    """A span with its whole label, or with the thing that it names."""

    span: Span
    label: str
    prefix: str = ""
    group: int = 0


def _check(text: str, spans: Sequence[Span]) -> None:
    ends = [0, *(span.end for span in spans)]
    if not all(end <= span.start < span.end <= len(text) for end, span in zip(ends, spans, strict=False)):
        raise ValueError("spans must be sorted, disjoint and inside the text")


def _keys(prefix: str, surface: str) -> list[str]:
    """What makes two mentions the same: the folded surface; for names also their Latin form and consonants."""
    exact = [fold(surface)]
    if prefix not in ("PERSON", "PLACE"):
        return exact
    form = _sound(surface)[1]
    return [*exact, form] if form else exact


def _sound(surface: str) -> tuple[str, str]:
    """The consonants of a name and its Latin form, both with a mark for a kunya: Abu Hamid is not Hamid."""
    words = words_of(surface)
    names = [w for w in words if not _KUNYA.match(w)]
    kunya = "kunya " if any(_PARENT.match(w) for w in words) else ""
    bones, form = (" ".join(filter(None, map(read, names))) for read in (skeleton, ascii_form))
    return kunya + bones, kunya + form
