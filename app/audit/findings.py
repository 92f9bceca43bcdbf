"""What a verification finds: a fixed sentence, and the ids of what it is about. Never a value."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

__all__ = ["Finding"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is not as the trail says. ``part`` names a column, a pack with its field, a grant or another row.

    ``code`` is the case's code where the case still has one.
    """

    what: str
    position: int | None = None
    event: UUID | None = None
    action: str | None = None
    case: UUID | None = None
    code: str | None = None
    record: UUID | None = None
    part: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Sentence and ids, without what is not named."""
        named = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: str(value) if isinstance(value, UUID) else value for name, value in named.items() if value}

    def __str__(self) -> str:
        places = " ".join(f"{name} {value}" for name, value in self.to_json().items() if name != "what")
        return f"{self.what}: {places}" if places else self.what
