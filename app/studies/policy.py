"""What one study decided about its questionnaire: a strict, frozen value without any default that collects more."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.errors import Flaw, Invalid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.studies.fields import Field
    from app.studies.instrument import Instrument

# Far above any real study, so that a policy stays small enough to read at once.
MAX_ITEMS: Final = 200

_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?")
_EXTENSION: Final = re.compile(r"[A-Z]|[a-z][a-z0-9_]{0,63}")
_FLAGS: Final = ("collects_identities", "accepts_minors")
_LISTS: Final = {"released_languages": _LANGUAGE, "extensions": _EXTENSION}


@dataclass(frozen=True, slots=True)
class StudyPolicy:
    """The switches of a study.

    ``collects_identities`` opens the identity section, ``accepts_minors`` allows minors with safeguards,
    ``released_languages`` are the interview languages (BCP 47) a release may name, ``extensions`` the extension fields
    switched on, by field name or by section id.
    """

    collects_identities: bool = False
    accepts_minors: bool = False
    released_languages: frozenset[str] = frozenset()
    extensions: frozenset[str] = frozenset()

    @classmethod
    def from_dict(cls, raw: object) -> StudyPolicy:
        """Read a policy strictly; what is left out stays off.

        Raises Invalid with every flaw; pointers start at ``/policy``.
        """
        if not isinstance(raw, dict):
            raise Invalid([Flaw("/policy", "Give an object.")])
        flaws = _flaws(raw)
        if flaws:
            raise Invalid(flaws)
        return cls(
            collects_identities=raw.get("collects_identities", False),
            accepts_minors=raw.get("accepts_minors", False),
            released_languages=frozenset(raw.get("released_languages", ())),
            extensions=frozenset(raw.get("extensions", ())),
        )

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form that ``from_dict`` reads, with its lists sorted."""
        return {
            "collects_identities": self.collects_identities,
            "accepts_minors": self.accepts_minors,
            "released_languages": sorted(self.released_languages),
            "extensions": sorted(self.extensions),
        }

    def allows(self, need: str) -> bool:
        """Say whether the switch that a field, section or choice needs is on."""
        return {"collects_identities": self.collects_identities, "accepts_minors": self.accepts_minors}.get(need, False)

    def asks(self, field: Field) -> bool:
        """Say whether the study asks this field at all."""
        if not all(self.allows(need) for need in field.needs):
            return False
        return field.status != "extension" or not self.extensions.isdisjoint((field.name, field.section))


def check_policy(policy: StudyPolicy, instrument: Instrument) -> None:
    """Refuse extensions that the instrument does not have.

    Raises Invalid; a misspelled extension would otherwise stay off in silence.
    """
    known = {name for field in instrument.extensions for name in (field.name, field.section)}
    if policy.extensions - known:
        raise Invalid([Flaw("/policy/extensions", "Names an extension that the instrument does not have.")])


def _flaws(raw: Mapping[object, object]) -> list[Flaw]:
    flaws = [
        Flaw(f"/policy/{name}", "Give true or false.") for name in _FLAGS if not isinstance(raw.get(name, False), bool)
    ]
    flaws += [
        Flaw(f"/policy/{name}", "Give a list of distinct names in their canonical spelling.")
        for name, pattern in _LISTS.items()
        if not _is_list_of(raw.get(name, []), pattern)
    ]
    if not raw.keys() <= {*_FLAGS, *_LISTS}:
        flaws.append(Flaw("/policy", "Holds a key that is not known."))
    return flaws


def _is_list_of(value: object, pattern: re.Pattern[str]) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= MAX_ITEMS
        and all(isinstance(item, str) and pattern.fullmatch(item) for item in value)
        and len(set(value)) == len(value)
    )
