"""What the engine says of the texts of one record."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from app.deidentify.spans import Span


class Flag(StrEnum):
    """A reason to trust a machine's draft less than others."""

    UNKNOWN_LANGUAGE = "unknown-language"
    RULES_ONLY = "rules-only"


@dataclass(frozen=True, slots=True)
class Reading:
    """What was found in each text, and how likely it is, from 0 to 1, that a direct identifier was missed in any."""

    spans: list[list[Span]] = field(repr=False)
    risk: float
    flags: tuple[Flag, ...]
