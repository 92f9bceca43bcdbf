"""Factories of questionnaires, policies and answers; every text in them is invented."""

from __future__ import annotations

import copy
import json
from importlib.resources import files
from typing import Any

from app.errors import Flaw, Invalid
from app.studies.answers import Checked, validate
from app.studies.instrument import Instrument, bundled, bundled_definition
from app.studies.policy import StudyPolicy

PLAIN = StudyPolicy()
FULL = StudyPolicy(
    collects_identities=True,
    accepts_minors=True,
    released_languages=frozenset({"ar", "en", "fr"}),
    extensions=frozenset("CDEFGH"),
)
DEMOS = ("1-english", "2-arabic", "3-french")


def value(given: Any) -> dict[str, Any]:
    """An answer with a value."""
    return {"value": given}


def answers(**changes: Any) -> dict[str, Any]:
    """The least complete answers under PLAIN; a change of None takes a field out."""
    least: dict[str, Any] = {
        "source_type": value("first_hand_interview"),
        "interview_date": value("2016-03-15"),
        "interview_setting": value("in_person_private"),
        "interviewer_ref": value("int-01"),
        "interview_language": value("en"),
        "interpreter": value("none"),
        "recording": value("notes_only"),
        "custody_status": value("free"),
        "consent_given": value(True),
        "consent_mode": value("verbal_witnessed"),
        "consent_scopes": value(["team_analysis", "vetted_researchers", "recontact"]),
        "consent_comprehension": value("teach_back_passed"),
        "confidentiality_limits_explained": value(True),
        "withdrawal_preference": value("erase_all"),
        "age_status": value("adult"),
        "gender": value("man"),
        "group": value("islamic_state"),
        "joined_period": value("2013-H2"),
        "membership_origin": value("foreign"),
        "joining_motives": value(["revenge"]),
        "joining_account": value("A friend asked me."),
        "roles_held": value(["guard"]),
        "time_inside": value("1_6m"),
        "grievances": value(["broken_promises"]),
        "turning_point": value("They lied to us."),
        "left_period": value("2014-H1"),
        "exit_obstacles": value(["none"]),
        "risk_self": value(["none"]),
        "risk_family": value(["none_known"]),
        "risk_level": value("low"),
        "speaking_barriers": value(["shame"]),
        "threat_disclosed": value("none"),
        "distress": value("none"),
        "third_parties_named": value(False),
        "interviewer_wellbeing": value("ok"),
    }
    return {name: answer for name, answer in (least | changes).items() if answer is not None}


def public_answers(**changes: Any) -> dict[str, Any]:
    """The least complete answers of a public account: nothing of the consent section but its two own fields."""
    consent = dict.fromkeys(
        (
            "consent_given",
            "consent_mode",
            "consent_scopes",
            "consent_comprehension",
            "confidentiality_limits_explained",
            "withdrawal_preference",
            "age_status",
        )
    )
    public = {
        "source_type": value("public_account"),
        "ethics_reference": value("EC-2016-7"),
        "citation": value("A book nobody wrote, 2016"),
    }
    return answers(**(consent | public | changes))


def demo(name: str) -> dict[str, Any]:
    """The answers of a testimony that the project ships."""
    text = files("app").joinpath("data", "demo", f"{name}.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)["answers"]
    return found


def demo_policy() -> StudyPolicy:
    """The policy of the demo study."""
    return StudyPolicy.from_dict(json.loads(files("app").joinpath("data", "demo-policy.json").read_text("utf-8")))


def checked(given: object, policy: StudyPolicy = PLAIN) -> Checked:
    """What the default instrument makes of answers."""
    return validate(bundled(), given, policy=policy)


def flaws_of(given: object, policy: StudyPolicy = PLAIN) -> list[Flaw]:
    """Every flaw the default instrument finds."""
    try:
        checked(given, policy)
    except Invalid as refused:
        return refused.flaws
    return []


def pointers(given: object, policy: StudyPolicy = PLAIN) -> list[str]:
    """Where the flaws are."""
    return [flaw.pointer for flaw in flaws_of(given, policy)]


def definition(**changes: Any) -> dict[str, Any]:
    """A copy of the default questionnaire's JSON."""
    return copy.deepcopy(bundled_definition()) | changes


def field_of(form: dict[str, Any], name: str) -> dict[str, Any]:
    """The JSON of one field inside a definition, to be changed in place."""
    found: dict[str, Any] = next(f for s in form["sections"] for f in s["fields"] if f["name"] == name)
    return found


def changed(name: str, /, **changes: Any) -> dict[str, Any]:
    """The default questionnaire with some keys of one field changed; None takes a key out."""
    form = definition()
    field = field_of(form, name)
    field.update(changes)
    for key, given in changes.items():
        if given is None:
            del field[key]
    return form


def refusals(form: object) -> list[Flaw]:
    """Every flaw for which a questionnaire is refused."""
    try:
        Instrument.load(form)
    except Invalid as refused:
        return refused.flaws
    return []
