"""What is submitted: a study's own questionnaire, 26 answers and a narrative of 1,000 words, all invented."""

from __future__ import annotations

import json
from itertools import cycle, islice
from typing import Any
from uuid import UUID

from app.studies.core import CORE
from app.studies.instrument import bundled_definition

WORDS = 1_000
NARRATIVE = "joining_account"
NAME, VERSION = "short-form", "1.0.0"
ANSWERS: dict[str, Any] = {
    "source_type": "first_hand_interview",
    "interview_date": "2016-03-15",
    "interview_setting": "in_person_private",
    "interviewer_ref": "int-01",
    "interview_language": "en",
    "interpreter": "none",
    "recording": "notes_only",
    "custody_status": "free",
    "consent_given": True,
    "consent_mode": "verbal_witnessed",
    "consent_scopes": ["team_analysis", "vetted_researchers"],
    "consent_comprehension": "teach_back_passed",
    "confidentiality_limits_explained": True,
    "withdrawal_preference": "erase_all",
    "age_status": "adult",
    "gender": "man",
    "group": "islamic_state",
    "joined_period": "2013-H2",
    "roles_held": ["guard"],
    "left_period": "2014-H1",
    "exit_obstacles": ["none"],
    "risk_self": ["none"],
    "risk_level": "low",
    "threat_disclosed": "none",
    "distress": "none",
    "third_parties_named": False,
}
SENTENCE = (
    "They told us that the road to the river was open and that nobody would ask for our papers there but when we came "
    "to the bridge in the early morning a man I had never seen before took my phone and said that from now on I would "
    "guard the mill with the others until somebody came back for me and nobody ever came"
)


def narrative(words: int = WORDS) -> str:
    """An invented text of so many words."""
    return " ".join(islice(cycle(SENTENCE.split()), words))


def questionnaire() -> dict[str, Any]:
    """The default questionnaire with the fields of this submission alone, and those that the service itself needs."""
    kept = {NARRATIVE, *ANSWERS, *CORE}
    form: dict[str, Any] = bundled_definition() | {"id": NAME, "version": VERSION}
    for section in form["sections"]:
        section["fields"] = [field for field in section["fields"] if field["name"] in kept]
    form["sections"] = [section for section in form["sections"] if section["fields"]]
    return form


def answers() -> dict[str, Any]:
    """The answers as the API takes them."""
    return {name: {"value": value} for name, value in (ANSWERS | {NARRATIVE: narrative()}).items()}


def body(study: UUID) -> bytes:
    """The body of one submission; only the id in the address changes."""
    instrument = {"id": NAME, "version": VERSION}
    return json.dumps({"study": str(study), "case": None, "instrument": instrument, "answers": answers()}).encode()
