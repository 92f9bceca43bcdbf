"""Pages have a word for each of our own names, and none for what does not exist."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from app.access import Role, Team
from app.studies import changes, fields, release
from app.web.portal import words

TABLES: dict[str, tuple[dict[str, str] | dict[Role, str] | dict[Team, str], Iterable[str]]] = {
    "roles": (words.ROLES, list(Role)),
    "teams": (words.TEAMS, set(Team) - {Team.WORKER}),
    "classes": (words.CLASSES, fields.CLASSES),
    "compartments": (words.COMPARTMENTS, fields.COMPARTMENTS),
    "statuses": (words.FIELD_STATUSES, fields.STATUSES),
    "types": (words.ANSWER_TYPES, fields.TYPES),
    "release rules": (words.RELEASE_RULES, release.RULES),
    "aspects": (words.ASPECTS, {*changes._ASPECTS, "order"}),
}


@pytest.mark.parametrize("name", TABLES)
def test_table_is_complete(name: str) -> None:
    """Nothing is shown by its internal name."""
    table, names = TABLES[name]
    assert set(table) == set(names)
