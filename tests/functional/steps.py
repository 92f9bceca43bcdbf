"""Steps of journeys that several tests walk, each through HTTP and each with the answer it must get."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx

from tests.functional.caller import Caller
from tests.system import StudyPlace

Json = dict[str, Any]


def base(place: StudyPlace) -> str:
    """The address of a study."""
    return f"/v1/studies/{place.id}"


def ok(answer: httpx.Response, status: int = 200) -> Json:
    """The answer's body; fails unless the status is the expected one."""
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else {}


def submit(call: Caller, place: StudyPlace, who: str = "interviewer", **body: Any) -> Json:
    """Send a new record; the receipt."""
    sent = call.system.body(place, **body)
    receipt: Json = ok(call(who, "PUT", f"/v1/records/{uuid4()}", place=place, json=sent), 201)["receipt"]
    return receipt


def take(call: Caller, place: StudyPlace, who: str) -> str:
    """Take the next of the queue; the record's id."""
    return str(ok(call(who, "POST", f"{base(place)}/queue/next", place=place))["record"])


def source(call: Caller, place: StudyPlace, record: object, who: str = "redactor") -> Json:
    """The source and the draft."""
    return ok(call(who, "GET", f"{base(place)}/records/{record}/source", place=place))


def drafted(call: Caller, place: StudyPlace, **body: Any) -> str:
    """A record that the redactor has taken; what earlier tests left before it is worked off."""
    record = str(submit(call, place, **body)["record"])
    call.system.redact_all()
    while (taken := take(call, place, "redactor")) != record:
        finish(call, place, taken)
    return record


def finish(call: Caller, place: StudyPlace, record: object) -> None:
    """Finish the newest draft as it is."""
    version = source(call, place, record)["version"]
    path = f"{base(place)}/records/{record}/draft/finish"
    ok(call("redactor", "POST", path, place=place, json={"version": version}))


def finished(call: Caller, place: StudyPlace, **body: Any) -> str:
    """A record that the redactor finished and the approver has taken."""
    record = drafted(call, place, **body)
    finish(call, place, record)
    while (taken := take(call, place, "approver")) != record:
        release(call, place, taken)
    return record


def release(call: Caller, place: StudyPlace, record: object) -> Json:
    """Release what the preview shows."""
    path = f"{base(place)}/records/{record}"
    shown = ok(call("approver", "POST", f"{path}/draft/preview", place=place, json={}))
    body = {"digest": shown["digest"], "doubts": len(shown["doubts"])}
    return ok(call("approver", "POST", f"{path}/release", place=place, json=body), 201)


def released(call: Caller, place: StudyPlace, **body: Any) -> str:
    """A released record."""
    record = finished(call, place, **body)
    release(call, place, record)
    return record


def read(call: Caller, place: StudyPlace, record: object, who: str = "researcher") -> Json:
    """A release."""
    return ok(call(who, "GET", f"{base(place)}/releases/{record}", place=place))


def case_of(call: Caller, place: StudyPlace, record: object) -> str:
    """The code of a record's case, as guardians see it."""
    rows = ok(call("guardian", "GET", f"{base(place)}/protection", place=place))["records"]
    return str(next(row["case"] for row in rows if row["record"] == str(record)))


def ask(call: Caller, place: StudyPlace, record: object, **changed: Any) -> str:
    """A guardian's ask; its id."""
    body = {"record": str(record), "scope": "identity", "fields": ["legal_name"], "reason": "danger"} | changed
    return str(ok(call("guardian", "POST", f"{base(place)}/asks", place=place, json=body), 201)["ask"])


def approve(call: Caller, place: StudyPlace, asked: str) -> Json:
    """The auditor reads the ask and approves what was read."""
    path = f"{base(place)}/asks/{asked}"
    digest = ok(call("auditor", "GET", path, place=place))["digest"]
    return ok(call("auditor", "POST", f"{path}/approval", place=place, json={"digest": digest}))


def answers(call: Caller, place: StudyPlace, **changes: Any) -> Json:
    """The answers of a demo testimony with some replaced; a change of None takes one out."""
    given = call.system.body(place)["answers"] | {name: {"value": value} for name, value in changes.items()}
    return {name: answer for name, answer in given.items() if answer != {"value": None}}


def events(call: Caller, place: StudyPlace, who: str = "lead") -> list[str]:
    """The actions of a study's newest events; those of one moment in any order."""
    rows = ok(call(who, "GET", f"{base(place)}/events", place=place, params={"limit": 500}))["events"]
    return [row["action"] for row in rows]
