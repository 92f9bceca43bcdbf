"""What takes two people takes two, also by detours: replayed approvals, half-admitted members, changed rows."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import update

from app.access import Role, Team
from app.cases.models import Case, Record
from app.client import Client, Problem
from app.errors import LastHolder
from app.review.models import Ask
from app.studies import service as studies
from app.studies import teams
from tests.people import PASSWORD
from tests.system import StudyPlace, System


def approved(system: System, study: StudyPlace, record: UUID, **asked: object) -> UUID:
    """An ask of the guardian's that the auditor approved."""
    with system.signed_in("guardian", study) as guardian:
        ask = guardian.disclosures.ask(study.id, record=record, reason="A reason.", **asked)  # type: ignore[arg-type]
    with system.signed_in("auditor", study) as auditor:
        auditor.disclosures.approve(study.id, ask, digest=auditor.disclosures.read_ask(study.id, ask)["digest"])
    return ask


def release_again(system: System, study: StudyPlace, record: UUID) -> None:
    """Finish and release a reopened record."""
    with system.signed_in("redactor", study) as client:
        assert UUID(client.review.take(study.id)["record"]) == record
        client.review.finish(study.id, record, version=client.review.source(study.id, record)["version"])
    with system.signed_in("approver", study) as client:
        assert UUID(client.review.take(study.id)["record"]) == record
        shown = client.review.preview(study.id, record)
        client.review.release(study.id, record, digest=shown["digest"], doubts=len(shown["doubts"]))


def test_an_approval_to_reopen_reopens_once(system: System) -> None:
    """Used again after the next release, old and new half would join to a wrong key, and the source would be lost."""
    study, record = system.study(), system.released()
    ask = approved(system, study, record, scope="source", fields=[], purpose="reopen")
    with system.signed_in("guardian", study) as guardian:
        guardian.disclosures.reopen(study.id, ask)
    release_again(system, study, record)

    with system.signed_in("guardian", study) as guardian, pytest.raises(Problem) as refused:
        guardian.disclosures.reopen(study.id, ask)

    assert refused.value.status == 409
    again = approved(system, study, record, scope="source", fields=[], purpose="reopen")
    with system.signed_in("guardian", study) as guardian:
        guardian.disclosures.reopen(study.id, again)
    with system.signed_in("redactor", study) as client:
        client.review.take(study.id)
        assert client.review.source(study.id, record)["values"]


def test_the_purpose_of_an_ask_is_part_of_what_is_approved(system: System) -> None:
    """A row changed from reading to reopening after the approval hands nothing to the redaction team."""
    study, record = system.study(), system.released()
    fields = ["interview_language"]
    ask = approved(system, study, record, scope="source", fields=fields)
    with system.runtime.transaction() as session:
        session.execute(update(Ask).where(Ask.id == ask).values(purpose="reopen"))

    with system.signed_in("guardian", study) as guardian, pytest.raises(Problem) as refused:
        guardian.disclosures.reopen(study.id, ask)

    assert refused.value.code == "tampered"


def frozen(system: System, study: StudyPlace) -> str:
    """The code of a withdrawn case."""
    code = str(system.submit(study)["case"])
    with system.signed_in("interviewer", study) as client:
        client.cases.withdraw(study.id, code)
    return code


def test_a_guardian_whom_no_guardian_confirmed_decides_nothing(system: System) -> None:
    """A lead who makes a friend guardian is still one person: admission takes a present member as well."""
    study = system.study()
    code = frozen(system, study)
    friend = system.person("friend")
    system.admit(
        study.id, system.acting("lead", study), friend, frozenset({Role.GUARDIAN}),
        system.actor(friend).unlocked().fingerprint,
    )  # fmt: skip

    with system.signed_in("lead", study) as lead:
        assert not lead.cases.thaw(study.id, code)["done"]
    with system.signed_in(friend, study) as client:
        for decide in (client.cases.thaw, client.cases.erase):
            with pytest.raises(Problem) as refused:
                decide(study.id, code)
            assert refused.value.status == 403

    with system.runtime.transaction() as session:
        assert session.query(Case.frozen).filter(Case.code == code).scalar()
    with system.signed_in("guardian", study) as guardian:
        assert guardian.cases.thaw(study.id, code)["done"]


def test_an_approver_whom_nobody_confirmed_publishes_nothing(system: System) -> None:
    """A questionnaire takes a second person; one whom the lead alone named is none."""
    study = system.study()
    friend = system.person("friend")
    lead = system.acting("lead", study)
    system.admit(study.id, lead, friend, frozenset({Role.APPROVER}), system.actor(friend).unlocked().fingerprint)
    with system.signed_in("lead", study) as client:
        definition = client.studies.instrument(study.id, client.studies.instruments(study.id)[0]["id"])
        drafted = client.studies.draft_instrument(study.id, definition | {"version": "9.0.0"})

    with system.signed_in(friend, study) as client, pytest.raises(Problem) as refused:
        client.studies.publish_instrument(study.id, drafted["id"])

    assert refused.value.status == 403
    with system.signed_in("approver", study) as client:
        client.studies.publish_instrument(study.id, drafted["id"])


def accept(system: System, token: str) -> None:
    """Accept a reset over the API."""
    with system.client() as client:
        client.accounts.accept(token, PASSWORD + " anew")


def reset(admin: Client, study: StudyPlace, who: str) -> str:
    """A reset's token."""
    return admin.accounts.reset(study[who].id)


def test_two_resets_do_not_lose_a_team_its_key(system: System) -> None:
    """Each was allowed while the other held the key; the second to be accepted is refused, not the team lost."""
    study = system.study()
    with system.signed_in("admin") as admin:
        tokens = [reset(admin, study, who) for who in ("guardian", "guardian2")]
    accept(system, tokens[0])

    with pytest.raises(Problem) as refused:
        accept(system, tokens[1])

    assert refused.value.code == LastHolder.code
    guardian = system.acting("guardian2", study)
    with system.runtime.transaction() as session:
        signed = studies.act_in(session, system.collaborators, guardian, study.id)[1]
        assert study["guardian2"].id in teams.confirmed(session, signed, Team.GUARDIANS)


def test_nobody_releases_a_draft_they_worked_on_before_it_was_reopened(system: System) -> None:
    """Somebody else finishing it unchanged does not make it somebody else's draft."""
    study = system.study()
    both = system.person("both")
    key = system.actor(both).unlocked().fingerprint
    lead = system.acting("lead", study)
    system.admit(study.id, lead, both, frozenset({Role.REDACTOR, Role.APPROVER}), key)
    for who in ("redactor", "researcher"):
        system.confirm(study.id, system.actor(study[who]), both, key)
    record = system.drafted(study)
    with system.signed_in(both, study) as client:
        assert UUID(client.review.take(study.id)["record"]) == record
        client.review.edit(study.id, record, version=1, texts={})
        client.review.finish(study.id, record, version=2)
    with system.signed_in("approver", study) as client:
        client.review.take(study.id)
        shown = client.review.preview(study.id, record)
        client.review.release(study.id, record, digest=shown["digest"], doubts=len(shown["doubts"]))
    ask = approved(system, study, record, scope="source", fields=[], purpose="reopen")
    with system.signed_in("guardian", study) as guardian:
        guardian.disclosures.reopen(study.id, ask)
    with system.signed_in("redactor", study) as client:
        client.review.take(study.id)
        client.review.finish(study.id, record, version=2)

    with system.signed_in(both, study) as client:
        assert client.review.queue(study.id) == []
    with system.runtime.transaction() as session:
        session.execute(update(Record).where(Record.id == record).values(approver_id=both.id))
    with system.signed_in(both, study) as client:
        digest = client.review.preview(study.id, record)["digest"]
        with pytest.raises(Problem) as refused:
            client.review.release(study.id, record, digest=digest)

    assert refused.value.code == "own-work"
