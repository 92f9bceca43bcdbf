"""The vocabulary of a questionnaire: what a field, a choice and a condition are.

These are plain frozen values without behavior beyond small look-ups; ``definition`` makes them out of JSON, ``safety``
refuses dangerous ones, ``answers`` and ``release`` work with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

LANGUAGES: Final = ("en", "ar", "fr", "de", "tr")
TYPES: Final = (
    "bool",
    "one",
    "many",
    "date",
    "half_year",
    "year",
    "string",
    "strings",
    "text",
    "object",
    "objects",
    "countries",
    "bcp47",
    "staff_ref",
)
CHOICE_TYPES: Final = frozenset({"one", "many"})
OBJECT_TYPES: Final = frozenset({"object", "objects"})
MEMBER_TYPES: Final = ("string", "bool", "one")
FREE_TEXT_TYPES: Final = frozenset({"string", "strings", "text", "object", "objects"})
CLASSES: Final = ("direct", "quasi", "sensitive", "narrative", "plain")
COMPARTMENTS: Final = ("identity", "protection", "research")
STATUSES: Final = ("required", "conditional", "optional", "extension")
SENTINELS: Final = ("declined", "not_asked", "unknown")
ABSENT: Final = "absent"
NEEDS: Final = ("collects_identities", "accepts_minors")
EFFECTS: Final = ("warn", "block")
ROSTERS: Final = ("persons", "places", "codes")


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """One choice: stored by name. ``effect`` warns or blocks; ``needs`` names the policy switch that allows it."""

    name: str
    label: Mapping[str, str]
    effect: str | None = None
    needs: str | None = None
    exclusive: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """One member of an ``object`` or of each of the ``objects``."""

    name: str
    type: str
    required: bool
    label: Mapping[str, str]
    choices: tuple[Choice, ...] = ()
    roster: str | None = None


@dataclass(frozen=True, slots=True)
class Test:
    """Holds when the choices answered in an earlier field meet (``wanted``) or avoid the set ``names``."""

    __test__ = False

    field: str
    names: frozenset[str]
    wanted: bool


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """One question: how it is asked, who may hold the answer, and what of it is released.

    ``condition``: the field may be answered only where every test holds. ``roster``: the answer is a known name for the
    redaction. ``may_identify``: the form warns that free text here can identify someone.
    """

    name: str
    type: str
    class_: str
    compartment: str
    status: str
    section: str
    label: Mapping[str, str]
    hint: Mapping[str, str]
    release: Mapping[str, object]
    choices: tuple[Choice, ...] = ()
    members: tuple[Member, ...] = ()
    condition: tuple[Test, ...] = ()
    needs: tuple[str, ...] = ()
    sentinels: bool = True
    must_be: bool = False
    minimum: int = 1
    also: str | None = None
    roster: str | None = None
    may_identify: bool = False
    why: str = ""

    @property
    def choice_names(self) -> frozenset[str]:
        """Return the names of the choices."""
        return frozenset(choice.name for choice in self.choices)

    @property
    def rule(self) -> str:
        """Return the name of the release rule."""
        return str(self.release["rule"])

    @property
    def quasi(self) -> bool:
        """Say whether the answer could identify someone together with others."""
        return "quasi" in (self.class_, self.also)


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """A group of fields with a heading."""

    id: str
    title: Mapping[str, str]
    fields: tuple[Field, ...]
