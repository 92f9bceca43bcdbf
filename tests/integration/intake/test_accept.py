"""What intake takes, what it refuses, and what the same id means afterwards."""

from __future__ import annotations

import copy
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select

from app.cases.models import Case, Record
from app.client import Client, Problem
from app.errors import Invalid, NotFound, RecordFrozen
from tests.durability.processes import enrol
from tests.system import StudyPlace, System

CONFLICT, GONE, MISSING = 409, 410, 404


@pytest.fixture
def study(system: System) -> StudyPlace:
    """A study with its people."""
    return system.study()


@pytest.fixture
def device(system: System, study: StudyPlace) -> Client:
    """The interviewer's phone."""
    return system.client(enrol(system, study))


def put(client: Client, client_uuid: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Submit once; the receipt."""
    receipt: dict[str, Any] = client.http.put(f"/v1/records/{client_uuid}", body)["receipt"]
    return receipt


def refusal(client: Client, client_uuid: UUID, body: dict[str, Any]) -> tuple[int, str]:
    """The status and the code with which a submission is refused."""
    with pytest.raises(Problem) as refused:
        put(client, client_uuid, body)
    return refused.value.status, refused.value.code


def records(system: System) -> int:
    """How many records there are."""
    with system.runtime.transaction() as session:
        return session.scalar(select(func.count()).select_from(Record)) or 0


def changed(body: dict[str, Any]) -> dict[str, Any]:
    """The same interview with one other answer."""
    other = copy.deepcopy(body)
    other["answers"]["birth_year"] = {"value": 1991}
    return other


def test_the_same_id_with_other_content_is_refused(system: System, device: Client) -> None:
    """And the first content stays."""
    client_uuid, body = uuid4(), system.body()
    receipt = put(device, client_uuid, body)

    assert refusal(device, client_uuid, changed(body)) == (CONFLICT, "content-differs")

    assert put(device, client_uuid, body) == receipt
    assert records(system) == 1


def test_the_same_id_of_somebody_else_is_another_record(system: System, study: StudyPlace, device: Client) -> None:
    """Nobody learns from an answer which ids others used."""
    client_uuid, body = uuid4(), system.body()
    receipt = put(device, client_uuid, body)

    other = system.submit(study, body, client_uuid=client_uuid, who="guardian")

    assert other["record"] != receipt["record"]
    assert records(system) == 2


def test_an_erased_id_is_gone_for_good(system: System, study: StudyPlace, device: Client) -> None:
    """It is neither taken again nor compared: its digest went with the record's secret."""
    client_uuid, body = uuid4(), system.body()
    code = put(device, client_uuid, body)["case"]
    for who in ("guardian", "lead"):
        with system.signed_in(who, study) as client:
            client.cases.erase(study.id, code, preference="erase_all")

    for sent in (body, changed(body)):
        assert refusal(device, client_uuid, sent) == (GONE, "gone")
    assert records(system) == 0


def test_a_device_submits_in_its_study_alone(system: System, device: Client) -> None:
    """Another study's id is as unknown as one that does not exist."""
    other = system.study("Another", prefix="o.")

    assert refusal(device, uuid4(), system.body(other))[0] == MISSING
    assert refusal(device, uuid4(), system.body() | {"study": str(uuid4())})[0] == MISSING


def test_a_second_interview_joins_the_case_of_the_first(system: System, study: StudyPlace) -> None:
    """Its code is accepted from whoever submitted to it, and is unknown to others."""
    code = system.submit(study)["case"]

    assert system.submit(study, system.body(study, case=code))["case"] == code
    with pytest.raises(NotFound):
        system.submit(study, system.body(study, case=code), who="guardian")
    with pytest.raises(NotFound):
        system.submit(study, system.body(study, case="K7QF-2M9D"))
    with system.runtime.transaction() as session:
        assert session.scalar(select(func.count()).select_from(Case)) == 1


def test_a_withdrawn_case_takes_no_more(system: System, study: StudyPlace) -> None:
    """Whoever withdrew did not mean the first interview only."""
    code = system.submit(study)["case"]
    with system.signed_in("interviewer", study) as client:
        client.cases.withdraw(study.id, code)

    with pytest.raises(RecordFrozen):
        system.submit(study, system.body(study, case=code))


def test_a_later_interview_raises_the_flags_of_its_case(system: System, study: StudyPlace) -> None:
    """A threat told the second time hides what was told the first time."""
    code = system.submit(study)["case"]
    threat = system.body(study, case=code)
    threat["answers"]["threat_disclosed"] = {"value": "risk_to_self"}

    system.submit(study, threat)

    with system.runtime.transaction() as session:
        case = session.scalars(select(Case)).one()
        assert (case.priority, case.hidden) == (True, True)


def test_an_unknown_instrument_is_a_flaw_of_the_body(system: System, study: StudyPlace) -> None:
    """Nothing is stored before it is known what it must look like."""
    body = system.body(study, instrument={"id": "defector-testimony", "version": "9.9.9"})

    with pytest.raises(Invalid) as refused:
        system.submit(study, body)

    assert [flaw.pointer for flaw in refused.value.flaws] == ["/instrument"]
    assert records(system) == 0


def test_without_consent_nothing_is_stored(system: System, study: StudyPlace, device: Client) -> None:
    """No row, no share, no id that would be taken."""
    client_uuid, body = uuid4(), system.body(study)
    refused = copy.deepcopy(body)
    refused["answers"]["consent_given"] = {"value": False}

    assert refusal(device, client_uuid, refused)[1] == "consent-missing"

    assert records(system) == 0
    assert system.collaborators.keystore.share_ids() == []
    assert put(device, client_uuid, body)


def test_a_receipt_is_read_by_whoever_submitted(system: System, study: StudyPlace, device: Client) -> None:
    """Again and again, and verified with the pinned key; others find nothing."""
    client_uuid = uuid4()
    receipt = put(device, client_uuid, system.body())

    assert device.intake.receipt(client_uuid, system.receipt_keys()).record == UUID(receipt["record"])
    with system.signed_in("guardian", study) as client, pytest.raises(Problem) as refused:
        client.intake.receipt(client_uuid, system.receipt_keys())
    assert refused.value.status == MISSING


def test_the_participant_withdraws_with_the_token_alone(system: System, study: StudyPlace) -> None:
    """The token's hash came with the interview; a token that nobody has gets the same answer."""
    from app.client import new_withdrawal

    withdrawal, other = new_withdrawal(), new_withdrawal()
    record = UUID(system.submit(study, system.body(study, withdrawal_sha256=withdrawal.sha256))["record"])

    with system.client() as anybody:
        anybody.intake.withdraw(other.token)
        assert system.collaborators.keystore.state(record) == "live"
        anybody.intake.withdraw(withdrawal.token.lower())

    assert system.collaborators.keystore.state(record) == "frozen"
