"""What a version of a questionnaire changes, for whoever publishes it: field by field, and in which respect."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from app.studies.fields import Field, Member
from app.studies.instrument import Instrument

__all__ = ["Change", "Changes", "compare"]

Kind = Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs. ``aspects`` says in what (``label``, ``choices``, ``release``, …); none if all is new."""

    kind: Kind
    field: str
    section: str
    aspects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Changes:
    """What differs from the version before, None if there is none; ``texts``: title or prompt, which no field holds."""

    before: str | None
    texts: tuple[str, ...]
    changes: tuple[Change, ...]


def compare(old: Instrument | None, new: Instrument) -> Changes:
    """Compare a version with the one before it, in the order of the new form, what is gone last."""
    if old is None:
        return Changes(None, (), tuple(_only("added", field) for field in new.fields.values()))
    texts = [name for name in ("title", "prompt") if dict(getattr(old, name)) != dict(getattr(new, name))]
    texts += ["sections"] if _headings(old) != _headings(new) else []
    return Changes(old.version, tuple(texts), tuple(_changes(old, new)))


def _changes(old: Instrument, new: Instrument) -> Iterator[Change]:
    kept = [name for name in new.fields if name in old.fields]
    moved = _moved([name for name in old.fields if name in new.fields], kept)
    for name, field in new.fields.items():
        if name not in old.fields:
            yield _only("added", field)
            continue
        was = old.fields[name]
        aspects = [aspect for aspect, of in _ASPECTS.items() if of(was) != of(field)]
        aspects += ["order"] if name in moved else []
        if aspects:
            yield Change("changed", name, field.section, tuple(aspects))
    yield from (_only("removed", field) for name, field in old.fields.items() if name not in new.fields)


def _moved(before: list[str], after: list[str]) -> frozenset[str]:
    """The fields that stand after another field than before."""
    follows = dict(zip(before, ["", *before], strict=False))
    now = dict(zip(after, ["", *after], strict=False))
    return frozenset(name for name in after if now[name] != follows[name])


def _only(kind: Kind, field: Field) -> Change:
    return Change(kind, field.name, field.section)


def _headings(instrument: Instrument) -> list[object]:
    return [(section.id, dict(section.title)) for section in instrument.sections]


def _choices(asked: Field | Member) -> list[object]:
    return [(each.name, dict(each.label), each.effect, each.needs, each.exclusive) for each in asked.choices]


def _members(field: Field) -> list[object]:
    return [
        (each.name, each.type, each.required, dict(each.label), each.roster, _choices(each)) for each in field.members
    ]


def _class(field: Field) -> object:
    return field.class_, field.also, field.compartment, field.roster, field.may_identify


def _answer(field: Field) -> object:
    return field.type, field.sentinels, field.must_be, field.minimum


# Every part of a field stands in one of these.
_ASPECTS: Final[dict[str, Callable[[Field], object]]] = {
    "label": lambda field: dict(field.label),
    "hint": lambda field: dict(field.hint),
    "section": lambda field: field.section,
    "type": _answer,
    "choices": _choices,
    "members": _members,
    "class": _class,
    "status": lambda field: (field.status, field.needs),
    "condition": lambda field: field.condition,
    "release": lambda field: dict(field.release),
    "why": lambda field: field.why,
}
