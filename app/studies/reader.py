"""Strict reading of a questionnaire's JSON: every flaw is collected, and nothing that was read is ever echoed."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from app.errors import Flaw
from app.studies.fields import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Limits keep a form readable on a phone and its validation fast; the default form stays far below all of them.
MAX_LABEL: Final = 600
MAX_NAME: Final = 64
MAX_LIST: Final = 200

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_]*", re.ASCII)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")


class Reader:
    """Reads JSON values into plain types; on a flaw notes it and gives back an empty stand-in."""

    def __init__(self) -> None:
        self.flaws: list[Flaw] = []

    def refuse(self, at: str, detail: str) -> None:
        """Note one flaw."""
        self.flaws.append(Flaw(at, detail))

    def mapping(self, value: object, at: str, required: frozenset[str], optional: frozenset[str]) -> dict[str, object]:
        """Return an object with exactly the known keys; unknown keys are refused, their names not repeated."""
        if not isinstance(value, dict):
            self.refuse(at, "Give an object.")
            return {}
        for name in sorted(required - value.keys()):
            self.refuse(f"{at}/{name}", "This key is missing.")
        if not value.keys() <= required | optional:
            self.refuse(at, "Holds a key that is not known.")
        return value

    def items(self, value: object, at: str, *, least: int = 0) -> Sequence[object]:
        """Return a list of ``least`` to MAX_LIST items."""
        if isinstance(value, list) and least <= len(value) <= MAX_LIST:
            return value
        self.refuse(at, f"Give a list of {least} to {MAX_LIST} items.")
        return ()

    def name(self, value: object, at: str) -> str:
        """Return a name: lower-case ASCII letters, digits and underscores."""
        if isinstance(value, str) and len(value) <= MAX_NAME and _NAME.fullmatch(value):
            return value
        self.refuse(at, f"Give a name of at most {MAX_NAME} letters a-z, digits and underscores.")
        return ""

    def names(self, value: object, at: str) -> tuple[str, ...]:
        """Return a list of at least one distinct name."""
        found = tuple(self.name(item, f"{at}/{i}") for i, item in enumerate(self.items(value, at, least=1)))
        if len(set(found)) != len(found):
            self.refuse(at, "Names must differ.")
        return found

    def one_of(self, value: object, at: str, allowed: Sequence[str]) -> str:
        """Return one of the allowed words."""
        if isinstance(value, str) and value in allowed:
            return value
        self.refuse(at, f"Give one of: {', '.join(allowed)}.")
        return ""

    def flag(self, value: object, at: str) -> bool:
        """Return true or false."""
        if isinstance(value, bool):
            return value
        self.refuse(at, "Give true or false.")
        return False

    def number(self, value: object, at: str, allowed: range) -> int:
        """Return an integer of the range."""
        if isinstance(value, int) and not isinstance(value, bool) and value in allowed:
            return value
        self.refuse(at, f"Give an integer from {allowed[0]} to {allowed[-1]}.")
        return allowed[0]

    def words(self, value: object, at: str) -> str:
        """Return one line of text."""
        if isinstance(value, str) and value.strip() and len(value) <= MAX_LABEL and not _CONTROL.search(value):
            return value
        self.refuse(at, f"Give a line of 1 to {MAX_LABEL} characters without control characters.")
        return ""

    def texts(self, value: object, at: str) -> Mapping[str, str]:
        """Return a text in every language a form must have, and in no other."""
        raw = self.mapping(value, at, frozenset(LANGUAGES), frozenset())
        return MappingProxyType({key: self.words(raw[key], f"{at}/{key}") for key in LANGUAGES if key in raw})
