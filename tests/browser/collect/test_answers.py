"""The form's rules in JavaScript and the server's in Python say the same of the same answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from random import Random
from typing import Any

import pytest

from app.errors import ConsentMissing, Flaw, Invalid
from app.studies.answers import scopes_in_force, validate
from app.studies.countries import COUNTRIES
from app.studies.fields import Field
from app.studies.instrument import bundled, bundled_definition
from app.studies.policy import StudyPolicy
from tests.browser.collect.phones import Phone, Phones
from tests.system import DEMO, POLICY

POLICIES: tuple[dict[str, Any], ...] = (
    POLICY,
    {**POLICY, "accepts_minors": True, "extensions": ["relatives", "F"]},
    {},
)
CASES_EACH = 250
WHOLE = [json.loads(path.read_text())["answers"] for path in sorted(DEMO.glob("*.json"))]
# Strings at the edges of what is blank, one line, a text, a date, a tag: where two languages' rules part.
WORDS = (
    "", " ", "\u2003\u00a0", "\ufeff", "a\u2028b", "a\tb", "a\nb", "a\r\nb", "a\x00b", "a\x85b", "a\ud800b",
    "a\uffffb", "\x1c", "a" * 500, "a" * 501, "\U0001f600" * 500, "\U0001f600" * 501, "b" * 100_001, "2016-02-29",
    "2015-02-29", "2016-2-9", "1899-12-31", "\u0662\u0660\u0661\u0666-01-01", "2016-H1", "2016-H3", "2016-H1\n", "ar",
    "AR", "ar-SY", "ar-Arab-SY", "zh-419", "ar_SY", "int-04", "-int", "int 04", "é", "GB", "XX", "none", "adult",
    "minor_with_safeguards", "not_done", "declined",
)  # fmt: skip
OTHERS: tuple[Any, ...] = (
    None, True, False, 0, 1900, 1899, 2099, 2100, 1984.5, [], {}, ["none"], [1], [None], [[]], ["GB", "GB"], ["GB"],
    ["a", ""], ["a"] * 2, [str(n) for n in range(21)], sorted(COUNTRIES)[:6], [{}], [{"relation": "sibling"}],
    {"channel": "phone"}, {"name": "x", "more": 1}, {"relation": "sibling", "in_danger_area": "yes"},
)  # fmt: skip
CHECK = """async ([cases, definition, countries]) => {
  const { Form } = await import("/collect/form/instrument.js");
  const { check } = await import("/collect/form/answers.js");
  const { COUNTRIES } = await import("/collect/form/countries.js");
  const pointers = (found) => [...new Set(found.map(({ pointer }) => pointer))].sort();
  return [COUNTRIES.size === countries.length && countries.every((code) => COUNTRIES.has(code)), JSON.parse(cases).map(
    ([policy, answers]) => {
      const said = check(new Form(definition, { extensions: [], ...policy }), answers);
      const { flaws, warnings, consented, scopes } = said;
      return { flaws: pointers(flaws), warnings: pointers(warnings), consented, scopes: [...scopes].sort() };
    },
  )];
}"""


@pytest.fixture(scope="module")
def told(phones: Phones) -> tuple[bool, list[dict[str, Any]]]:
    """What the form says of every case, and whether it knows the server's countries."""
    phone: Phone = phones.new()
    said: list[Any] = phone.page.evaluate(CHECK, [json.dumps(CASES), bundled_definition(), sorted(COUNTRIES)])
    return said[0], said[1]


def test_form_and_server_find_the_same_flaws(told: tuple[bool, list[dict[str, Any]]]) -> None:
    """Every pointer, every warning, and whether anything may be stored, over answers bent in all ways."""
    for (policy, answers), said in zip(CASES, told[1], strict=True):
        flaws, warnings, consented = judged(policy, answers)
        assert said["flaws"] == flaws, answers
        assert said["consented"] is consented, answers
        if not flaws:
            assert said["warnings"] == warnings, answers
            assert said["scopes"] == sorted(scopes_in_force(answers)), answers


def test_cases_meet_the_rules() -> None:
    """Some pass, some lack consent, and every type of field is refused somewhere: else the comparison says little."""
    results = [judged(policy, answers) for policy, answers in CASES]
    refused = {pointer.split("/")[2] for flaws, _, _ in results for pointer in flaws if pointer.count("/") > 1}

    assert sum(not flaws for flaws, _, _ in results) > 20
    assert sum(not consented for _, _, consented in results) > 20
    assert {bundled().fields[name].type for name in refused} == {field.type for field in bundled().fields.values()}


def test_form_knows_the_countries_of_the_server(told: tuple[bool, list[dict[str, Any]]]) -> None:
    """One list more or less, and an answer would be refused that the phone can no longer open."""
    assert told[0]


def judged(policy: dict[str, Any], answers: dict[str, Any]) -> tuple[list[str], list[str], bool]:
    """What the server says: pointers of flaws and of warnings, and whether consent allows storing."""
    try:
        checked = validate(bundled(), deepcopy(answers), policy=StudyPolicy.from_dict(policy))
    except ConsentMissing as refused:
        return _pointers(refused.flaws), [], False
    except Invalid as refused:
        return _pointers(refused.flaws), [], True
    return [], _pointers(checked.warnings), True


def _pointers(flaws: list[Flaw]) -> list[str]:
    return sorted({flaw.pointer for flaw in flaws})


def _cases() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    chance = Random(5)
    for policy in POLICIES:
        for _ in range(CASES_EACH):
            answers = deepcopy(chance.choice(WHOLE))
            asked = StudyPolicy.from_dict(policy)
            if chance.random() < 0.9:
                answers = {name: each for name, each in answers.items() if asked.asks(bundled().fields[name])}
            for _ in range(chance.choice((0, 0, 1, 1, 2, 4))):
                _bend(chance, answers)
            yield policy, answers


def _bend(chance: Random, answers: dict[str, Any]) -> None:
    field = chance.choice(list(bundled().fields.values()))
    way = chance.randrange(6)
    if way == 0:
        answers.pop(field.name, None)
    elif way == 1:
        answers[field.name] = {"status": chance.choice(("declined", "not_asked", "unknown", "absent", 1))}
    elif way == 2:
        answers[field.name] = {"value": _member(chance, field)}
    elif way == 3:
        answers[chance.choice(list(bundled().fields))] = chance.choice(
            (None, {}, [], {"value": 1, "status": "declined"})
        )
    elif way == 4 and chance.random() < 0.2:
        answers["nobody_asked"] = {"value": True}
    else:
        answers[field.name] = {"value": chance.choice(chance.choice((WORDS, OTHERS)))}


def _member(chance: Random, field: Field) -> Any:
    """A value of the field's kind, right more often than not."""
    names = [choice.name for choice in field.choices]
    if field.type == "many":
        return chance.sample(names, chance.randint(0, min(3, len(names))))
    if names:
        return chance.choice(names)
    return {"bool": chance.random() < 0.5, "year": chance.randint(1890, 2110), "countries": ["TR", "SY"]}.get(
        field.type, chance.choice(WORDS)
    )


CASES = list(_cases())
