"""The table from errors to statuses, and what a problem says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from starlette.responses import Response

from app import errors
from app.errors import Flaw, TestimonyError
from app.web.problems import MOST_FLAWS, SCHEMA, STATUS, internal_problem, problem_for, status_of


def tree(root: type[TestimonyError] = TestimonyError) -> Iterator[type[TestimonyError]]:
    """Every class of the tree, wherever it is defined."""
    yield root
    for child in root.__subclasses__():
        yield from tree(child)


def members(answer: Response) -> dict[str, Any]:
    """What a problem says."""
    told: dict[str, Any] = json.loads(bytes(answer.body))
    return told


def test_every_error_has_a_row_of_its_own() -> None:
    """Nobody adds an error without deciding what HTTP says to it."""
    assert [error.__name__ for error in tree() if error.__module__ == "app.errors" and error not in STATUS] == []


def test_an_error_from_elsewhere_takes_its_nearest_ancestors_status() -> None:
    """A subclass without a row is no server error."""

    class Elsewhere(errors.OwnWork):
        """Made here."""

    assert status_of(Elsewhere()) == 403


def test_a_problem_has_the_members_of_the_schema() -> None:
    """RFC 9457, with the request's id as instance."""
    request = str(uuid4())

    answer = problem_for(errors.Invalid([Flaw("/a~1b", "Wrong.")]), request)

    assert answer.media_type == "application/problem+json"
    assert members(answer) == {
        "type": "urn:testimony:problem:invalid",
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": "Some values are missing or not allowed.",
        "instance": f"urn:uuid:{request}",
        "errors": [{"pointer": "/a~1b", "detail": "Wrong."}],
    }
    assert set(members(answer)) == set(SCHEMA["properties"])


@pytest.mark.parametrize(
    ("error", "header", "value"),
    [
        (errors.Throttled(17), "retry-after", "17"),
        (errors.KeystoreUnavailable(), "retry-after", "2"),
        (errors.Unauthenticated(), "www-authenticate", "Bearer"),
    ],
)
def test_some_problems_say_in_a_header_what_to_do(error: TestimonyError, header: str, value: str) -> None:
    """When to come back, or how to sign in."""
    assert problem_for(error, "id").headers[header] == value


def test_a_tampered_item_is_an_error_of_ours() -> None:
    """The caller did nothing wrong."""
    assert problem_for(errors.TamperedField(), "id").status_code == 500


def test_an_unforeseen_error_has_fixed_text() -> None:
    """Nothing of what happened is told."""
    assert members(internal_problem("id"))["detail"] == "Something went wrong on our side."


def test_the_number_of_flaws_shown_is_bounded() -> None:
    """A hostile body cannot make an answer larger than itself."""
    answer = problem_for(errors.Invalid([Flaw(f"/{n}", "Wrong.") for n in range(MOST_FLAWS * 3)]), "id")

    assert len(members(answer)["errors"]) == MOST_FLAWS
