"""Many findings become one disjoint list."""

from __future__ import annotations

from app.deidentify.spans import Kind, Level, Span, resolve


def found(start: int, end: int, kind: Kind, *, score: float = 0.5, reason: str = "rule") -> Span:
    """A direct finding."""
    return Span(start, end, kind, Level.DIRECT, score, reason)


def test_pieces_of_one_name_become_one_span() -> None:
    """A title, a blank and a name that touch are one person, not three labels that show how the name is built."""
    pieces = [found(0, 6, Kind.PERSON, reason="title"), found(6, 12, Kind.PERSON, score=0.9, reason="repeat")]

    assert resolve(pieces) == [found(0, 12, Kind.PERSON, score=0.9, reason="repeat")]


def test_neighbors_of_different_kinds_stay_apart() -> None:
    """A place right after a person stays a place."""
    both = [found(0, 4, Kind.PERSON), found(4, 9, Kind.LOC)]

    assert resolve(both) == both


def test_neighbors_that_do_not_touch_stay_apart() -> None:
    """Two names with a blank between them that nobody marked may be two people."""
    both = [found(0, 4, Kind.PERSON), found(5, 9, Kind.PERSON)]

    assert resolve(both) == both
