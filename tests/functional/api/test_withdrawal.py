"""The way out again: withdrawing, holding, erasing by two people, thawing. On each database."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from app.cases import withdrawal
from app.cases.models import Case, Decision
from app.crypto.tokens import new_withdrawal_token, withdrawal_hash
from tests.functional import steps
from tests.functional.caller import Caller, code_of
from tests.functional.steps import Json, answers, ask, base, events, ok, read, released, submit
from tests.system import StudyPlace, System


@pytest.fixture(scope="module")
def place(both: System) -> StudyPlace:
    """One study for the module."""
    return both.first()


def case(place: StudyPlace, code: str, verb: str) -> str:
    """An address of a case."""
    return f"{base(place)}/cases/{code}/{verb}"


def withdraw(call: Caller, place: StudyPlace, code: str, who: str = "interviewer") -> httpx.Response:
    """Freeze a case."""
    return call(who, "POST", case(place, code, "withdrawal"))


def erase(call: Caller, place: StudyPlace, code: str, who: str, **body: Any) -> httpx.Response:
    """Ask for the erasure, or agree."""
    return call(who, "POST", case(place, code, "erasure"), json=body)


def frozen(call: Caller, place: StudyPlace, code: str) -> bool:
    """Whether guardians see the case as frozen."""
    rows = ok(call("guardian", "GET", f"{base(place)}/protection"))["records"]
    return all(row["frozen"] for row in rows if row["case"] == code)


def released_case(call: Caller, place: StudyPlace, **body: Any) -> tuple[str, str]:
    """A released record and its case."""
    record = released(call, place, **body)
    return record, steps.case_of(call, place, record)


def test_withdrawal_freezes_everything_at_once(call_both: Caller, place: StudyPlace) -> None:
    """Neither researchers nor guardians open anything of the case any more, nor can it be asked for."""
    record, code = released_case(call_both, place)
    asked = ask(call_both, place, record)
    steps.approve(call_both, place, asked)

    ok(withdraw(call_both, place, code), 204)

    assert call_both("researcher", "GET", f"{base(place)}/releases/{record}").status_code == 404
    for path in (f"protection/{record}", f"asks/{asked}/disclosure"):
        answer = call_both("guardian", "GET", f"{base(place)}/{path}")
        assert (answer.status_code, code_of(answer)) == (409, "frozen")
    assert frozen(call_both, place, code)


def test_interviewers_withdraw_their_own_cases(call_both: Caller, place: StudyPlace) -> None:
    """Another submitter's case reads like an unknown one for an interviewer; a guardian withdraws any."""
    code = submit(call_both, place, who="guardian")["case"]

    assert withdraw(call_both, place, code).status_code == 404
    assert withdraw(call_both, place, "AAAA-2222").status_code == 404
    assert not frozen(call_both, place, code)
    ok(withdraw(call_both, place, code, who="guardian2"), 204)


def test_withdrawal_by_token(call_both: Caller, place: StudyPlace) -> None:
    """The participant's token alone freezes the case, however it is typed."""
    token = new_withdrawal_token()
    code = submit(call_both, place, withdrawal_sha256=withdrawal_hash(token).hex())["case"]

    typed = token.lower().replace("-", " ")
    assert ok(call_both(None, "POST", "/v1/withdrawals", json={"token": typed}), 202) == {}

    assert frozen(call_both, place, code)


@pytest.mark.parametrize("token", ["AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AA", "nonsense", "é" * 64, " "])
def test_unknown_token_gets_the_same_answer(call_both: Caller, place: StudyPlace, token: str) -> None:
    """Nobody learns from the answer whether a token is one, or how one is made."""
    known = new_withdrawal_token()
    submit(call_both, place, withdrawal_sha256=withdrawal_hash(known).hex())

    told = [call_both(None, "POST", "/v1/withdrawals", json={"token": each}) for each in (known, token)]

    assert [answer.status_code for answer in told] == [202, 202]
    varying = {"x-request-id", "date"}
    shown = [{k: v for k, v in answer.headers.items() if k not in varying} for answer in told]
    assert shown[0] == shown[1]
    assert told[0].content == told[1].content


def test_token_of_another_hash_freezes_nothing(call_both: Caller, place: StudyPlace) -> None:
    """What the server keeps is a hash; sending the hash as a token is no withdrawal."""
    token = new_withdrawal_token()
    hashed = withdrawal_hash(token).hex()
    code = submit(call_both, place, withdrawal_sha256=hashed)["case"]

    for guess in (hashed, sha256(token.encode()).hexdigest()):
        ok(call_both(None, "POST", "/v1/withdrawals", json={"token": guess}), 202)

    assert not frozen(call_both, place, code)


def test_erasure_takes_a_guardian_and_a_lead(call_both: Caller, place: StudyPlace) -> None:
    """The first only asks; the same person or the same role cannot agree; the other side's word erases."""
    record, code = released_case(call_both, place)

    first = ok(erase(call_both, place, code, "guardian", preference="erase_all"))
    assert first["done"] is False
    for same in ("guardian", "guardian2"):
        answer = erase(call_both, place, code, same, preference="erase_all")
        assert (answer.status_code, code_of(answer)) == (403, "own-work")
    assert frozen(call_both, place, code)

    second = ok(erase(call_both, place, code, "lead", preference="erase_all"))

    assert second == {"decision": first["decision"], "done": True}
    rows = ok(call_both("guardian", "GET", f"{base(place)}/protection"))["records"]
    assert record not in {row["record"] for row in rows}
    assert erase(call_both, place, code, "lead", preference="erase_all").status_code == 404


def test_two_people_must_mean_the_same(call_both: Caller, place: StudyPlace) -> None:
    """A lead who names another choice than the guardian erases nothing."""
    _, code = released_case(call_both, place)
    ok(erase(call_both, place, code, "guardian", preference="erase_all"))

    answer = erase(call_both, place, code, "lead", preference="erase_identity_keep_anonymised")

    assert (answer.status_code, code_of(answer)) == (409, "conflict")
    assert frozen(call_both, place, code)


def test_erasing_identity_keeps_the_release(call_both: Caller, place: StudyPlace) -> None:
    """By the participant's own preference researchers read on; identity, source and protection are gone for good."""
    record, code = released_case(call_both, place)
    before = read(call_both, place, record)
    asked = ask(call_both, place, record)
    digest = ok(call_both("auditor", "GET", f"{base(place)}/asks/{asked}"))["digest"]

    for who in ("lead", "guardian"):
        ok(erase(call_both, place, code, who))

    assert read(call_both, place, record) == before
    gone = {404, 409, 410}
    assert call_both("guardian", "GET", f"{base(place)}/protection/{record}").status_code in gone
    approval = call_both("auditor", "POST", f"{base(place)}/asks/{asked}/approval", json={"digest": digest})
    assert approval.status_code in gone


def test_erasing_identity_without_a_release_erases_all(call_both: Caller, place: StudyPlace) -> None:
    """With nothing anonymised there is nothing to keep."""
    receipt = submit(call_both, place)
    assert answers(call_both, place)["withdrawal_preference"]["value"] == "erase_identity_keep_anonymised"

    for who in ("lead", "guardian"):
        ok(erase(call_both, place, receipt["case"], who))

    path = f"/v1/records/{receipt['client_uuid']}"
    body = call_both.system.body(place)
    assert call_both("interviewer", "PUT", path, json=body).status_code == 410
    assert call_both("interviewer", "GET", f"{path}/receipt").status_code == 404


def test_wish_to_erase_everything_is_not_weakened(call_both: Caller, place: StudyPlace) -> None:
    """Whoever carries it out cannot keep what the participant wanted erased."""
    given = answers(call_both, place, withdrawal_preference="erase_all")
    record, code = released_case(call_both, place, answers=given)

    for who in ("lead", "guardian"):
        ok(erase(call_both, place, code, who, preference="erase_identity_keep_anonymised"))

    assert call_both("researcher", "GET", f"{base(place)}/releases/{record}").status_code == 404


def test_choice_left_open_must_be_recorded(call_both: Caller, place: StudyPlace) -> None:
    """Without the participant's choice nothing is erased."""
    given = answers(call_both, place, withdrawal_preference="decide_later")
    code = submit(call_both, place, answers=given)["case"]

    answer = erase(call_both, place, code, "guardian")

    assert (answer.status_code, code_of(answer)) == (422, "invalid")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/preference"]
    ok(erase(call_both, place, code, "guardian", preference="erase_all"))


def test_hold_stops_the_erasure_not_the_freeze(call_both: Caller, place: StudyPlace) -> None:
    """While it is held a case can be withdrawn and not erased; lifted, it can."""
    code = submit(call_both, place)["case"]
    ok(call_both("lead", "PUT", case(place, code, "hold")), 204)

    ok(withdraw(call_both, place, code), 204)
    answer = erase(call_both, place, code, "guardian")
    assert (answer.status_code, code_of(answer)) == (409, "on-hold")
    assert frozen(call_both, place, code)

    ok(call_both("guardian", "DELETE", case(place, code, "hold")), 204)
    for who in ("lead", "guardian"):
        ok(erase(call_both, place, code, who))


def test_hold_between_the_two_decisions(call_both: Caller, place: StudyPlace) -> None:
    """A hold set after the first decision stops the second."""
    code = submit(call_both, place)["case"]
    ok(erase(call_both, place, code, "guardian"))
    ok(call_both("lead", "PUT", case(place, code, "hold")), 204)

    answer = erase(call_both, place, code, "lead")

    assert (answer.status_code, code_of(answer)) == (409, "on-hold")


def test_thaw_takes_two_and_opens_again(call_both: Caller, place: StudyPlace) -> None:
    """A freeze by mistake is undone by a guardian and a lead, and researchers read again."""
    record, code = released_case(call_both, place)
    ok(withdraw(call_both, place, code), 204)

    first = ok(call_both("guardian", "POST", case(place, code, "thaw")))
    assert first["done"] is False
    assert call_both("guardian2", "POST", case(place, code, "thaw")).status_code == 403
    assert call_both("researcher", "GET", f"{base(place)}/releases/{record}").status_code == 404

    assert ok(call_both("lead", "POST", case(place, code, "thaw"))) == {"decision": first["decision"], "done": True}

    assert read(call_both, place, record)["version"] == 1
    assert "record.thawed" in events(call_both, place)


def test_thaw_of_what_is_not_frozen(call_both: Caller, place: StudyPlace) -> None:
    """There is nothing to undo."""
    code = submit(call_both, place)["case"]

    answer = call_both("guardian", "POST", case(place, code, "thaw"))

    assert (answer.status_code, code_of(answer)) == (409, "conflict")


def test_thaw_forgets_a_half_made_erasure(call_both: Caller, place: StudyPlace) -> None:
    """After a thaw an erasure starts from its first decision again."""
    code = submit(call_both, place)["case"]
    ok(erase(call_both, place, code, "guardian"))
    for who in ("guardian", "lead"):
        ok(call_both(who, "POST", case(place, code, "thaw")))

    assert ok(erase(call_both, place, code, "lead"))["done"] is False


def test_thaw_forgets_an_agreed_erasure_behind_a_hold(call_both: Caller, place: StudyPlace) -> None:
    """Two people agreed to erase, a hold stopped it, two people thaw: lifting the hold must not erase after all."""
    code = submit(call_both, place)["case"]
    ok(erase(call_both, place, code, "guardian"))
    with call_both.system.runtime.transaction() as session:
        (decision,) = session.scalars(select(Decision).join(Case, Case.id == Decision.case_id).where(Case.code == code))
        decision.second_by = place["lead"].id
    ok(call_both("lead", "PUT", case(place, code, "hold")), 204)

    for who in ("guardian", "lead"):
        ok(call_both(who, "POST", case(place, code, "thaw")))
    ok(call_both("lead", "DELETE", case(place, code, "hold")), 204)

    with call_both.system.runtime.glance() as session:
        assert withdrawal.unfinished(session) == []


def test_erased_words_are_in_no_event(call_both: Caller, place: StudyPlace) -> None:
    """The trail says that it was erased, and holds no word of what was."""
    given: Json = answers(call_both, place, message_to_others="Kestrel-Zanzibar")
    code = submit(call_both, place, answers=given)["case"]
    for who in ("lead", "guardian"):
        ok(erase(call_both, place, code, who, preference="erase_all"))

    rows = ok(call_both("lead", "GET", f"{base(place)}/events", params={"limit": 500}))["events"]

    erased = [row for row in rows if row["action"] == "record.erased"]
    assert erased
    assert "Kestrel" not in json.dumps(rows)
