"""Which element of a submission answers which field; kept with the form as JSON.

Paths are local names from below the root element, joined by slashes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

__all__ = ["FormMapping", "Place"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the answer to one field stands.

    ``at``: the value; for an object what says that there is one, for objects how many. ``why``: the reason that there
    is no answer. ``half``: the half of the year, beside the year. ``group``: the group or repeat that holds
    ``members``, which are paths below it.
    """

    at: str = ""
    why: str = ""
    half: str = ""
    group: str = ""
    members: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FormMapping:
    """The places of a form's fields; the elements that hold names of files; those that answer nothing."""

    fields: Mapping[str, Place]
    binary: tuple[str, ...] = ()
    ignored: frozenset[str] = frozenset()

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """What ``to_json`` made."""
        places = {name: Place(**place) for name, place in raw["fields"].items()}
        return cls(places, tuple(raw["binary"]), frozenset(raw["ignored"]))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "fields": {name: asdict(place) for name, place in self.fields.items()},
            "binary": list(self.binary),
            "ignored": sorted(self.ignored),
        }
