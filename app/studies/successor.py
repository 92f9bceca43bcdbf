"""Whether a new version of an instrument keeps what its number promises to the records taken with the old one.

A patch changes wording only. A minor version adds optional fields and choices, and takes nothing away. A major version
may change meaning.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from app.errors import Flaw, InstrumentRefused
from app.studies.fields import Field, Member
from app.studies.instrument import Instrument

_ADDABLE: Final = frozenset({"optional", "extension"})


def check_successor(old: Instrument, new: Instrument) -> None:
    """Refuse a version that breaks the promise of its number towards the version before it.

    Raises InstrumentRefused with every flaw at once.
    """
    before, after = old.numbers, new.numbers
    if new.id != old.id or after <= before:
        raise InstrumentRefused([Flaw("/version", "Give the same id and a higher version.")])
    if after[0] > before[0]:
        return
    flaws = list(_wording_only(old, new) if after[:2] == before[:2] else _additions_only(old, new))
    if flaws:
        raise InstrumentRefused(flaws)


def _wording_only(old: Instrument, new: Instrument) -> Iterator[Flaw]:
    if list(old.fields) != list(new.fields):
        yield Flaw("/sections", "A patch neither adds, drops nor moves fields.")
    for name in old.fields.keys() & new.fields.keys():
        was, now = old.fields[name], new.fields[name]
        if (_meaning(was), _choices(was), _map(was)) != (_meaning(now), _choices(now), _map(now)):
            yield Flaw("/version", f"The field {name} changes more than its wording: this is no patch.")


def _additions_only(old: Instrument, new: Instrument) -> Iterator[Flaw]:
    for name, was in old.fields.items():
        now = new.fields.get(name)
        if now is None:
            yield Flaw("/sections", f"The field {name} is gone: this is a major version.")
        elif _meaning(was) != _meaning(now) or not _grows(was, now):
            yield Flaw("/sections", f"The field {name} changes its meaning: this is a major version.")
    for name, field in new.fields.items():
        if name not in old.fields and field.status not in _ADDABLE:
            yield Flaw("/sections", f"The new field {name} is not optional: this is a major version.")


def _grows(was: Field, now: Field) -> bool:
    return set(_choices(was)) <= set(_choices(now)) and _map(was).items() <= _map(now).items()


def _choices(asked: Field | Member) -> list[tuple[object, ...]]:
    return [(each.name, each.effect, each.needs, each.exclusive) for each in asked.choices]


def _map(field: Field) -> dict[str, object]:
    found = field.release.get("map")
    return found if isinstance(found, dict) else {}


def _meaning(field: Field) -> tuple[object, ...]:
    """Return all that a record depends on: neither words nor choices, nor the release map that choices bring along."""
    release = {key: value for key, value in field.release.items() if key != "map"}
    members = [(each.name, each.type, each.required, each.roster, _choices(each)) for each in field.members]
    asked = (field.type, field.status, field.section, field.condition, field.needs, field.sentinels, field.minimum)
    return (*asked, field.class_, field.also, field.compartment, field.must_be, field.roster, release, members)
