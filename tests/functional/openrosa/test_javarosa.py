"""From an instrument to a form, through the engine of ODK's apps, and back to the same answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from app.cases.models import Record
from app.forms import queries
from app.review.drafts import OpenSource
from tests.collect import Filled, seal
from tests.databases import Kind
from tests.deploy.files import program
from tests.functional.openrosa import javarosa
from tests.functional.openrosa.conftest import Field, opened_field
from tests.functional.openrosa.test_encrypted import reviewing
from tests.functional.openrosa.test_submission import case_of, record_of
from tests.system import Mold


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The driver, ready to run."""
    program("javac")
    return javarosa.compiled(tmp_path_factory.mktemp("classes"))


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory, mold: Callable[[Kind], Mold]) -> Iterator[Field]:
    """On SQLite alone: the database has no part in this."""
    yield from opened_field(tmp_path_factory.mktemp("field") / "data", "sqlite", mold)


def filled_by_engine(field: Field, name: str, number: int, classes: str, folder: Path) -> Filled:
    """A form as phones load it, filled in with a demo testimony by the engine."""
    form, place = field.forms[name], field.place
    with field.system.runtime.glance() as session:
        raw = queries.document(session, field.system.acting("lead"), place.id, form.id)
    answers = field.system.body(place, number)["answers"]
    said = replace(field, answers=answers).fill(name).root
    root = fromstring(javarosa.fill(classes, folder, raw, said))  # noqa: S314  our own engine wrote it
    instance = root.findtext(".//{*}instanceID")
    assert instance
    return Filled(form, root, instance)


def given(field: Field, record: Record) -> dict[str, object]:
    """What a record's source holds, without what is absent."""
    reading = OpenSource(field.system.web.collaborators, reviewing(field, record), record.id)
    values = field.system.web.read(reading).values
    return {name: value for name, value in values.items() if value != {"status": "absent"}}


@pytest.mark.parametrize(("name", "number"), [("plain", 1), ("sealed", 2)])
def test_answers_through_the_engine(field: Field, classes: str, tmp_path: Path, name: str, number: int) -> None:
    """Every question that applies is asked, every answer is taken, and what arrives is what was said."""
    filled = filled_by_engine(field, name, number, classes, tmp_path)

    if name == "sealed":
        sealed = seal(filled, {})
        case_of(field.collect.post(sealed.xml, sealed.parts))
    else:
        case_of(field.collect.post(filled.xml))

    record = record_of(field, filled)
    assert record is not None
    found = given(field, record)
    said = field.system.body(field.place, number)["answers"]
    assert found == {key: said[key] for key in found}
    assert {"exit_account", "turning_point"} <= found.keys()
