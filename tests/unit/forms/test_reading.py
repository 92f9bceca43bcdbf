"""From a submission's XML back to answers: exactly what was given, and nothing that the form does not have."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from defusedxml.ElementTree import fromstring

from app.errors import Invalid
from app.forms.mapping import FormMapping
from app.forms.reading import binary_values, read_answers
from app.forms.xform import Made, Options, from_instrument
from app.studies.answers import validate
from app.studies.instrument import bundled
from app.studies.policy import StudyPolicy
from tests.filling import filled

POLICY = StudyPolicy(
    collects_identities=True, released_languages=frozenset({"ar", "en", "fr"}), extensions=frozenset("CDEFGH")
)
DEMOS = ("1-english", "2-arabic", "3-french")


@pytest.fixture(scope="module")
def made() -> Made:
    """The shipped questionnaire as a form that asks for everything."""
    options = Options("interview", "2026112201", "Interview", attachments=("audio", "image", "file"))
    return from_instrument(bundled(), POLICY, options)


def demo(name: str) -> dict[str, Any]:
    """The answers of an invented interview."""
    text = files("app").joinpath("data", "demo", f"{name}.json").read_text(encoding="utf-8")
    answers: dict[str, Any] = json.loads(text)["answers"]
    return answers


def read(made: Made, root: ET.Element) -> dict[str, Any]:
    """The answers in a submission to the shipped questionnaire."""
    return read_answers(bundled(), made.mapping, root)


@pytest.mark.parametrize("name", DEMOS)
def test_every_answer_comes_back(made: Made, name: str) -> None:
    """Choices, days, half-years, texts, aliases and relatives, in every script, are the same after the round trip."""
    answers = demo(name)
    found = read(made, filled(made.xml, made.mapping, answers))
    assert found == answers
    assert validate(bundled(), found, policy=POLICY).values == validate(bundled(), answers, policy=POLICY).values


@pytest.mark.parametrize("status", ["declined", "not_asked", "unknown"])
def test_sentinels_come_back_as_what_they_are(made: Made, status: str) -> None:
    """A reason for no answer is that answer's status, on choices, half-years, objects and texts alike."""
    names = ("gender", "joined_period", "joining_account", "safe_contact", "relatives", "nationality", "birth_year")
    answers = demo("1-english") | {name: {"status": status} for name in names}
    found = read(made, filled(made.xml, made.mapping, answers))
    assert {name: found[name] for name in names} == {name: {"status": status} for name in names}


def test_nothing_ticked_is_an_answer_where_it_may_be_one(made: Made) -> None:
    """A person who allows nothing has answered; one who was not asked has not."""
    answers = demo("1-english")
    answers["consent_scopes"] = {"value": []}
    answers.pop("safe_contact", None)
    assert read(made, filled(made.xml, made.mapping, answers))["consent_scopes"] == {"value": []}
    answers["source_type"] = {"value": "public_account"}
    answers.pop("consent_scopes")
    assert "consent_scopes" not in read(made, filled(made.xml, made.mapping, answers))


def test_names_of_files_come_in_order(made: Made) -> None:
    """What a submission says belongs to it: each file's name, as the document has it."""
    root = filled(made.xml, made.mapping, demo("1-english"))
    wanted = ["1.m4a", "2.jpg"]
    for path, name in zip(made.mapping.binary[:2], wanted, strict=True):
        element = root.find("/".join(f"{{*}}{part}" for part in path.split("/")))
        assert element is not None
        element.text = name
    assert binary_values(made.mapping, root) == wanted


@pytest.mark.parametrize("name", ["deviceid", "phonenumber", "username", "start", "end", "geopoint", "audit"])
def test_what_clients_note_of_themselves_is_dropped(made: Made, name: str) -> None:
    """Nothing of the phone or its user reaches the answers."""
    root = filled(made.xml, made.mapping, demo("1-english"))
    ET.SubElement(root, name).text = "collect:352099001761481"
    assert "352099001761481" not in json.dumps(read(made, root))


def test_unknown_elements_are_refused(made: Made) -> None:
    """An element that the form does not have may hold testimony: it is neither dropped nor guessed at."""
    root = filled(made.xml, made.mapping, demo("1-english"))
    ET.SubElement(root, "confession").text = "words"
    with pytest.raises(Invalid) as refused:
        read(made, root)
    assert "words" not in str(refused.value.flaws)


def test_an_element_given_twice_is_refused(made: Made) -> None:
    """Two answers to one question: neither is taken."""
    root = filled(made.xml, made.mapping, demo("1-english"))
    group = root.find("{*}section-consent")
    assert group is not None
    group.append(fromstring("<consent_given>true</consent_given>"))
    with pytest.raises(Invalid):
        read(made, root)


@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param("<data>" + "<a>" * 40 + "</a>" * 40 + "</data>", id="deep"),
        pytest.param("<data>" + "<a/>" * 20_001 + "</data>", id="many"),
    ],
)
def test_bounds_of_a_document(made: Made, hostile: str) -> None:
    """Deep and endless documents are refused before they are read."""
    with pytest.raises(Invalid):
        read(made, fromstring(hostile))


def test_a_namespace_changes_nothing(made: Made) -> None:
    """Clients differ in the namespaces of their elements."""
    answers = demo("1-english")
    plain = ET.tostring(filled(made.xml, made.mapping, answers), encoding="unicode")
    for spelled in (plain.replace("http://www.w3.org/2002/xforms", "http://example.org/any"),):
        assert read(made, fromstring(spelled)) == answers


def test_a_mapping_survives_its_storage(made: Made) -> None:
    """What is kept as JSON beside the form is the same mapping."""
    assert FormMapping.from_json(json.loads(json.dumps(made.mapping.to_json()))) == made.mapping
