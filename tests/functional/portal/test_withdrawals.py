"""Pages of the way out again: withdrawing, by a token too, holding, erasing by two people, undoing a freeze."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest

from app.crypto.tokens import new_withdrawal_token, withdrawal_hash
from tests.functional.portal.visitor import Seen, Visitor
from tests.system import StudyPlace, System

Visit = Callable[..., Visitor]
UNKNOWN = "AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AA"


@pytest.fixture(scope="module")
def place(shared: System) -> StudyPlace:
    """One study for the module."""
    return shared.first()


def base(place: StudyPlace) -> str:
    """Where the study's pages stand."""
    return f"/studies/{place.id}"


def submitted(shared: System, place: StudyPlace, who: str = "interviewer", **answers: str) -> tuple[UUID, str]:
    """A record and its case's code."""
    given = shared.body(place)["answers"] | {name: {"value": value} for name, value in answers.items()}
    receipt = shared.submit(place, shared.body(place, answers=given), who=who)
    return UUID(receipt["record"]), receipt["case"]


def code_of(shared: System, place: StudyPlace, record: UUID) -> str:
    """The code of a record's case."""
    rows = shared.signed_in("guardian", place).cases.protection_list(place.id)
    return str(next(row["case"] for row in rows if row["record"] == str(record)))


def case(visit: Visit, place: StudyPlace, code: str, who: str = "guardian") -> Seen:
    """The page of a case."""
    return visit(who, place).get(f"{base(place)}/cases/{code}")


def act(visit: Visit, place: StudyPlace, code: str, verb: str, who: str, **form: str) -> Seen:
    """Send one of the forms of a case's page."""
    visitor = visit(who, place)
    visitor.get(f"{base(place)}/cases/{code}")
    return visitor.submit(f"{base(place)}/cases/{code}/{verb}", form)


def frozen(visit: Visit, place: StudyPlace, code: str) -> bool:
    """Whether the case's page says that it is frozen."""
    return "The case is frozen: nothing of it opens" in case(visit, place, code).words


def test_interviewers_withdraw_what_they_submitted(visit: Visit, shared: System, place: StudyPlace) -> None:
    """The code may be typed as it comes; the list says that the case is frozen."""
    _, code = submitted(shared, place)
    interviewer = visit("interviewer")

    done = interviewer.submit(f"{base(place)}/withdrawals", {"code": code.replace("-", " ").lower()})

    assert done.to == f"{base(place)}/withdrawals?notice=case-frozen"
    assert f"{base(place)}/withdrawals?code={code}" not in interviewer.follow(done).links
    assert frozen(visit, place, code)


@pytest.mark.parametrize("typed", ["AAAA-2222", "nonsense", "", "x" * 500])
def test_what_is_no_case_freezes_nothing(visit: Visit, place: StudyPlace, typed: str) -> None:
    """The page says so, whatever was typed."""
    done = visit("interviewer").submit(f"{base(place)}/withdrawals", {"code": typed})

    assert done.status == 422
    assert "There is no such case, or it is not yours." in done.words


def test_cases_of_others_read_like_none(visit: Visit, shared: System, place: StudyPlace) -> None:
    """An interviewer learns nothing of what others submitted."""
    _, code = submitted(shared, place, "guardian")
    interviewer = visit("interviewer")

    done = interviewer.submit(f"{base(place)}/withdrawals", {"code": code})

    assert done.status == 422
    assert not frozen(visit, place, code)


def test_a_frozen_case_leaves_every_list(visit: Visit, shared: System, study: StudyPlace) -> None:
    """Queue and releases no longer know it, from the same moment."""
    released, waiting = shared.released(study), shared.drafted(study)
    pages = {"researcher": f"{base(study)}/releases", "redactor": f"{base(study)}/queue"}
    before = [visit(who, study).get(path).text for who, path in pages.items()]
    assert [str(released) in before[0], str(waiting) in before[1]] == [True, True]

    for record in (released, waiting):
        shared.signed_in("guardian", study).cases.withdraw(study.id, code_of(shared, study, record))

    after = [visit(who, study).get(path).text for who, path in pages.items()]
    assert [str(released) in after[0], str(waiting) in after[1]] == [False, False]


def test_a_token_withdraws_without_signing_in(visit: Visit, shared: System, place: StudyPlace) -> None:
    """Typed in small letters and with blanks: the case is frozen, and its page tells by whose code."""
    token = new_withdrawal_token()
    body = shared.body(place, withdrawal_sha256=withdrawal_hash(token).hex())
    code = shared.submit(place, body)["case"]
    nobody = visit(None)
    nobody.get("/withdraw")

    done = nobody.submit("/withdraw", {"token": token.lower().replace("-", " ")})

    assert done.to == "/withdraw/done"
    assert frozen(visit, place, code)
    assert "by the participant's own code" in case(visit, place, code).words


def test_an_unknown_token_is_told_the_same(visit: Visit, shared: System, place: StudyPlace) -> None:
    """Status, headers and page do not tell whether a code is one."""
    token = new_withdrawal_token()
    shared.submit(place, shared.body(place, withdrawal_sha256=withdrawal_hash(token).hex()))

    told = []
    for typed in (token, UNKNOWN, "é" * 300, ""):
        nobody = visit(None)
        nobody.get("/withdraw")
        done = nobody.submit("/withdraw", {"token": typed})
        varying = {"x-request-id", "set-cookie"}
        headers = {name: value for name, value in done.answer.headers.items() if name not in varying}
        told.append((done.status, headers, nobody.follow(done).words))

    assert told[1:] == told[:1] * 3


def test_tokens_are_throttled_by_source(visit: Visit, shared: System) -> None:
    """Fifty from one address in a quarter of an hour; known or not, all are stopped; then it goes on."""
    shared.clock.advance(minutes=16)
    nobody = visit(None)
    nobody.get("/withdraw")
    assert [nobody.submit("/withdraw", {"token": UNKNOWN}).status for _ in range(50)] == [303] * 50

    stopped = nobody.submit("/withdraw", {"token": UNKNOWN})
    assert stopped.status == 429
    assert int(stopped.answer.headers["retry-after"]) > 0

    shared.clock.advance(minutes=16)
    assert nobody.submit("/withdraw", {"token": UNKNOWN}).status == 303


def test_a_token_needs_a_form_of_ours(visit: Visit) -> None:
    """Another site cannot send one."""
    nobody = visit(None)
    nobody.get("/withdraw")

    assert nobody.submit("/withdraw", {"token": UNKNOWN, "form_token": "other"}).status == 403


def test_erasing_takes_a_guardian_and_a_lead(visit: Visit, shared: System, place: StudyPlace) -> None:
    """The first asks, the second erases, and a page says what is left: no code, no word."""
    record, code = submitted(shared, place)

    first = act(visit, place, code, "erasure", "guardian", preference="erase_all")
    assert first.to == f"{base(place)}/cases/{code}?notice=erasure-asked"
    assert frozen(visit, place, code)
    lead = visit("lead")
    assert f"{base(place)}/cases/{code}" in lead.get(f"{base(place)}/cases").links

    second = act(visit, place, code, "erasure", "lead", preference="erase_all")

    left = lead.follow(second)
    assert left.status == 200
    assert "Everything of this case was erased" in left.words
    assert all(word in left.words for word in (str(record), place["guardian"].name, place["lead"].name))
    assert code not in left.text
    assert case(visit, place, code).status == 404


def test_each_of_the_two_gives_a_fresh_code(visit: Visit, shared: System, place: StudyPlace) -> None:
    """An old factor asks for a new one, and goes on with the same form."""
    _, code = submitted(shared, place)
    for who in ("guardian", "lead"):
        visitor = visit(who)
        visitor.get(f"{base(place)}/cases/{code}")
        shared.clock.advance(minutes=6)
        path, form = f"{base(place)}/cases/{code}/erasure", {"preference": "erase_all"}

        step = visitor.submit(path, form)
        assert step.status == 403
        assert step.form(path).fields["preference"] == "erase_all"
        done = visitor.submit(path, form | {"step_up_code": shared.code(place[who])})

        assert done.status == 303


@pytest.mark.parametrize(
    ("who", "why"),
    [
        ("guardian", "You decided this."),
        ("guardian2", "Somebody of your role decided this."),
    ],
)
def test_one_role_alone_erases_nothing(visit: Visit, shared: System, place: StudyPlace, who: str, why: str) -> None:
    """The page explains why the button does nothing, and the server refuses anyway."""
    _, code = submitted(shared, place)
    act(visit, place, code, "erasure", "guardian", preference="erase_all")

    assert why in case(visit, place, code, who).words
    assert act(visit, place, code, "erasure", who, preference="erase_all").status == 403
    assert frozen(visit, place, code)


def test_the_second_agrees_to_what_the_first_chose(visit: Visit, shared: System, place: StudyPlace) -> None:
    """The page of the second names the choice and sends it along."""
    _, code = submitted(shared, place)
    act(visit, place, code, "erasure", "lead", preference="erase_identity_keep_anonymised")

    page = case(visit, place, code)

    form = page.form(f"{base(place)}/cases/{code}/erasure")
    assert form.fields["preference"] == "erase_identity_keep_anonymised"
    assert f"{place['lead'].name} (Lead) decided: erase identity and source, keep the release." in page.words


def test_keeping_the_release(visit: Visit, shared: System, study: StudyPlace) -> None:
    """Identity and source are gone; the release is read on; the case's page says so."""
    record = shared.released(study)
    code = code_of(shared, study, record)
    act(visit, study, code, "erasure", "guardian", preference="erase_identity_keep_anonymised")
    done = act(visit, study, code, "erasure", "lead", preference="erase_identity_keep_anonymised")

    assert "The release stays, as the person wished." in visit("lead", study).follow(done).words
    assert "Identity and source were erased on" in case(visit, study, code).words
    assert str(record) in visit("researcher", study).get(f"{base(study)}/releases").text
    assert visit("guardian", study).get(f"{base(study)}/protection/{record}").status in {404, 409, 410}


def test_a_wish_left_open_must_be_recorded(visit: Visit, shared: System, place: StudyPlace) -> None:
    """Without a choice nothing is asked for."""
    _, code = submitted(shared, place, withdrawal_preference="decide_later")
    assert "The person's wish: decide later." in case(visit, place, code).words

    done = act(visit, place, code, "erasure", "guardian")

    assert done.status == 422
    assert "The participant left this open" in done.words


def test_a_hold_stops_the_erasure(visit: Visit, shared: System, place: StudyPlace) -> None:
    """The page explains it, the server refuses; lifted, it goes on."""
    _, code = submitted(shared, place)
    assert act(visit, place, code, "hold", "lead", held="yes").to.endswith("?notice=held")

    assert "A hold stops the erasure. Lift it first." in case(visit, place, code).words
    assert act(visit, place, code, "erasure", "guardian", preference="erase_all").status == 409

    assert act(visit, place, code, "hold", "guardian", held="no").to.endswith("?notice=lifted")
    assert act(visit, place, code, "erasure", "guardian", preference="erase_all").status == 303


def test_undoing_a_freeze_takes_two(visit: Visit, shared: System, place: StudyPlace) -> None:
    """A guardian asks, a lead agrees, and the page says that the case is open."""
    _, code = submitted(shared, place)
    assert "The case is not frozen." in case(visit, place, code).words
    act(visit, place, code, "withdrawal", "guardian")

    assert act(visit, place, code, "thaw", "guardian").to.endswith("?notice=thaw-asked")
    assert frozen(visit, place, code)
    assert act(visit, place, code, "thaw", "lead").to.endswith("?notice=thawed")

    assert not frozen(visit, place, code)
    assert all(word in case(visit, place, code).words for word in ("Frozen", "Freeze undone"))


def test_leads_do_not_learn_of_threats(visit: Visit, shared: System, place: StudyPlace) -> None:
    """That a case is hidden, and the ways to what was said, are for guardians."""
    record, code = submitted(shared, place, threat_disclosed="child_at_risk")

    shown = {who: case(visit, place, code, who) for who in ("guardian", "lead")}

    assert "hidden from research" in shown["guardian"].words
    assert "hidden" not in shown["lead"].words
    assert f"{base(place)}/protection/{record}" in shown["guardian"].links
    assert not any("protection" in link or "disclosures" in link for link in shown["lead"].links)


@pytest.mark.parametrize("who", ["interviewer", "redactor", "approver", "researcher", "auditor"])
def test_cases_are_for_guardians_and_leads(visit: Visit, shared: System, place: StudyPlace, who: str) -> None:
    """Nobody else comes to a case's page or to the list."""
    _, code = submitted(shared, place)

    assert case(visit, place, code, who).status == 403
    assert visit(who).get(f"{base(place)}/cases").status == 403


def test_cases_of_other_studies_are_none(visit: Visit, shared: System, place: StudyPlace) -> None:
    """A code of another study leads nowhere, nor does an erasure of another one."""
    other = shared.study("Another", prefix="other.")
    _, code = submitted(shared, other)
    path, form = f"/studies/{other.id}/cases/{code}/erasure", {"preference": "erase_all"}
    visit("guardian", other).submit(path, form)
    done = visit("lead", other).submit(path, form)

    assert case(visit, place, code).status == 404
    decision = done.to.partition("?")[0].rpartition("/")[2]
    assert visit("lead").get(f"{base(place)}/erasures/{decision}").status == 404
    assert visit("lead", other).get(f"/studies/{other.id}/erasures/{decision}").status == 200


def test_a_code_leads_to_its_case(visit: Visit, shared: System, place: StudyPlace) -> None:
    """Typed as it comes; a code of nothing says so and may be typed again."""
    _, code = submitted(shared, place)
    lead = visit("lead")

    assert lead.get(f"{base(place)}/cases?code={code.lower()}").to == f"{base(place)}/cases/{code}"
    missing = lead.get(f"{base(place)}/cases?code=AAAA-2222")
    assert missing.status == 404
    assert "There is no case with this code." in missing.words


def test_interviewers_see_what_was_erased(visit: Visit, shared: System, place: StudyPlace) -> None:
    """By the id that stands on the receipt, without the code."""
    record, code = submitted(shared, place)
    for who in ("guardian", "lead"):
        act(visit, place, code, "erasure", who, preference="erase_all")

    page = visit("interviewer").get(f"{base(place)}/withdrawals")

    assert str(record) in page.words
    assert code not in page.text
