"""How carefully the models read: what a draft needs, and what a reader wants."""

from __future__ import annotations

import enum


class Mode(enum.Enum):
    """An operating point: ``STRICT`` puts recall first, ``BALANCED`` masks less that could stay."""

    STRICT = "strict"
    BALANCED = "balanced"


class Using(enum.StrEnum):
    """What names are found with: the models and the rules, or, where somebody asks for it, the rules alone."""

    MODELS = "models"
    RULES = "rules"
