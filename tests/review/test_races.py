"""What happens when two acts meet: the one that comes second sees the first, or is refused."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, select

from app.access import Role, Team
from app.cases import drafts as deciding
from app.cases import housekeeping, moving, withdrawal
from app.cases.drafts import DecidedSpan, Draft, DraftText
from app.cases.making import Attempt
from app.cases.models import Claim, Outbox, Passage
from app.client import Problem
from app.deidentify.spans import Kind, Level, Span
from app.errors import Conflict, NotFound
from app.intake.service import AcceptRecord, Submission
from app.keystore.models import RecordState
from app.operations import rotation, sweep
from app.operations.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from app.operations.restore import Findings, _replay
from app.research.library import DrawSample, ReadRelease
from app.review import drafts, policies
from app.review.release import CutRelease
from app.studies import roster
from app.studies import service as studies
from app.studies.instrument import bundled
from app.studies.models import Epoch, Member
from app.studies.roster import SYSTEM_STUDY
from tests.system import StudyPlace, System


def current_epochs(system: System, study: StudyPlace) -> set[UUID]:
    """The epochs that the newest roster names and that exist."""
    with system.runtime.transaction() as session:
        signed = roster.latest(session, system.collaborators, study.id)
        named = {key.epoch for key in signed.epochs.values()}
        return named & set(session.scalars(select(Epoch.id)))


def test_a_move_that_began_before_a_removal_leaves_the_new_key(system: System) -> None:
    """The mover's roster is older than the newest epoch, which has no grants yet and is no old one."""
    study = system.study()
    guardian = system.actor(study["guardian"])
    with system.runtime.transaction() as session:
        acting, stale = studies.act_in(session, system.collaborators, guardian, study.id)
    with system.signed_in("lead", study) as lead:
        lead.studies.remove(study.id, study["guardian2"].id)

    with system.runtime.transaction() as session:
        moving.end_epochs(session, system.collaborators, acting, stale, Team.GUARDIANS)

    assert len(current_epochs(system, study)) == len(roster_of(system, study).epochs)


def roster_of(system: System, study: StudyPlace) -> roster.SignedRoster:
    """The newest roster."""
    with system.runtime.transaction() as session:
        return roster.latest(session, system.collaborators, study.id)


def test_a_confirmation_that_began_before_a_removal_hands_nothing_over(system: System) -> None:
    """Whoever was removed meanwhile gets no box, of the new key least of all."""
    study = system.study()
    guardian, friend = system.actor(study["guardian"]), system.person("friend")
    key = system.actor(friend).unlocked().fingerprint
    system.admit(study.id, system.acting("lead", study), friend, frozenset({Role.GUARDIAN}), key)
    with system.runtime.transaction() as session:
        acting, stale = studies.act_in(session, system.collaborators, guardian, study.id)
    with system.signed_in("lead", study) as lead:
        lead.studies.remove(study.id, friend.id)

    with pytest.raises(NotFound), system.runtime.transaction() as session:
        studies.confirm(session, system.collaborators, acting, stale, friend.id, fingerprint=key)

    with system.runtime.transaction() as session:
        assert not session.scalars(select(Member.epoch_id).where(Member.user_id == friend.id)).all()


def test_an_interview_that_joins_a_case_while_it_is_withdrawn_is_frozen_too(system: System) -> None:
    """The withdrawal waits for the interview under way and freezes it with the others."""
    study = system.study()
    first = system.submit(study)
    body = system.body(study, case=first["case"])
    submission = Submission(
        uuid4(), study.id, first["case"], body["instrument"]["id"], body["instrument"]["version"], body["answers"], None
    )
    accepting = AcceptRecord(system.collaborators, system.actor(study["interviewer"]), submission)
    with system.runtime.transaction() as session:
        accepting.plan(session)
    attempt = accepting.seal()
    system.runtime._put([attempt])
    interviewer = system.acting("interviewer", study)

    def withdraw() -> None:
        with system.web.transaction() as session:
            withdrawal.withdraw(session, system.web.collaborators, interviewer, first["case"])

    other = threading.Thread(target=withdraw)
    with system.runtime.transaction() as session:
        session.execute(insert(Claim).values(attempt=attempt.id, void=False))
        receipt = accepting.store(session).receipt
        other.start()
        time.sleep(0.5)
    other.join()

    assert system.collaborators.keystore.state(UUID(receipt["record"])) is RecordState.FROZEN


def test_what_an_expired_redactor_works_on_goes_back_to_the_queue(system: System) -> None:
    """An agreement that ends keeps no record from those who stay."""
    study = system.study()
    second = system.person("second")
    key = system.actor(second).unlocked().fingerprint
    lead = system.acting("lead", study)
    with system.runtime.transaction() as session:
        acting, signed = studies.act_in(session, system.collaborators, lead, study.id)
        studies.admit(
            session, system.collaborators, acting, signed, second.id, roles=frozenset({Role.REDACTOR}),
            fingerprint=key, expires=system.clock() + timedelta(days=1),
        )  # fmt: skip
    system.confirm(study.id, system.actor(study["redactor"]), second, key)
    record = system.drafted(study)
    with system.signed_in(second, study) as client:
        assert UUID(client.review.take(study.id)["record"]) == record

    system.clock.advance(days=2)
    sweep.sweep(system.runtime)

    with system.signed_in("redactor", study) as client:
        assert UUID(client.review.take(study.id)["record"]) == record


def test_a_rotation_first_destroys_everything_that_waits(
    system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not one batch of it: what was revoked before is final after."""
    monkeypatch.setattr(housekeeping, "OUTBOX_BATCH", 1)
    keystore = system.collaborators.keystore
    system.submit()
    shares = keystore.share_ids()
    with system.runtime.transaction() as session:
        session.connection().execute(
            insert(Outbox.table()),
            [{"id": uuid4(), "share_ids": [str(one)], "written_at": system.clock()} for one in shares],
        )

    rotation.rotate(system.runtime, tmp_path / "backup", lambda _done, _total: None)

    assert keystore.share_ids() == []


def test_an_edit_between_reading_and_finishing_is_not_passed_over(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The digest that is fixed is that of the newest draft, or nothing is finished."""
    if system.runtime.engine.dialect.name == "sqlite":
        pytest.skip("one writer at a time: nothing comes between")
    study, record = system.study(), system.drafted()
    with system.signed_in("redactor", study) as client:
        client.review.take(study.id)
        version = client.review.source(study.id, record)["version"]
        redactor, check = system.acting("redactor", study), policies.check_editable

        def check_and_edit(*arguments: object) -> None:
            check(*arguments)  # type: ignore[arg-type]
            monkeypatch.setattr(policies, "check_editable", check)
            client.review.edit(study.id, record, version=version, texts={})

        monkeypatch.setattr(policies, "check_editable", check_and_edit)
        with pytest.raises(Conflict), system.runtime.transaction() as session:
            drafts.finish(session, system.collaborators, redactor, record, version)


def cut(system: System, study: StudyPlace, record: UUID) -> None:
    """Cut a release, without taking anything out."""
    with system.signed_in("approver", study) as client:
        digest = client.research.release(study.id, record)["digest"]
        client.review.cut(study.id, record, digest=digest)


def test_no_sample_is_drawn_of_a_release_that_was_replaced_meanwhile(system: System) -> None:
    """A share of a superseded release would outlive it by two weeks."""
    study, record = system.study(), system.released()
    before = set(system.collaborators.keystore.share_ids(record))

    @dataclass(slots=True)
    class Late(DrawSample):
        def seal(self) -> Attempt:
            attempt = DrawSample.seal(self)
            cut(system, study, record)
            return attempt

    with pytest.raises(Conflict):
        system.web.make(Late(ReadRelease(system.web.collaborators, system.acting("approver", study), record)))

    assert len(system.collaborators.keystore.share_ids(record)) == len(before)


def test_a_cut_settles_no_report_that_came_after_it_was_planned(system: System) -> None:
    """A passage that nobody answered stays hidden."""
    study, record = system.study(), system.released()
    with system.signed_in("approver", study) as client:
        digest = bytes.fromhex(client.research.release(study.id, record)["digest"])

    @dataclass(slots=True)
    class Late(CutRelease):
        def seal(self) -> Attempt:
            attempt = CutRelease.seal(self)
            with system.signed_in("researcher", study) as client:
                values = client.research.release(study.id, record)["values"]
                name = next(
                    name
                    for name, each in values.items()
                    if isinstance(each.get("value"), str) and len(each["value"]) > 9
                )
                client.research.report(study.id, record, field=name, start=0, end=5, reason="a nickname")
            return attempt

    with pytest.raises(Conflict):
        system.web.make(Late(system.web.collaborators, system.acting("approver", study), record, digest))

    with system.runtime.transaction() as session:
        assert session.scalars(select(Passage.settled).where(Passage.record_id == record)).all() == [False]


def test_deciding_on_many_spans_takes_no_quadratic_time() -> None:
    """One redactor's 20,000 spans over 20,000 keep no node busy."""
    form = bundled()
    name, text = form.narratives[0].name, "a " * 20_000
    spans = tuple(
        DecidedSpan(Span(at, at + 1, Kind.PERSON, Level.DIRECT, 1.0, "person")) for at in range(0, len(text), 2)
    )
    draft = Draft({name: DraftText(spans, text)}, {})

    began = time.perf_counter()
    decided = deciding.decide(
        draft,
        form,
        {each.name: {"value": text} if each.name == name else {"status": "absent"} for each in form.fields.values()},
        {name: spans},
    )

    assert time.perf_counter() - began < 5
    assert all(each.span.level is Level.DIRECT for each in decided.texts[name].spans)


def test_a_span_that_meets_a_direct_one_stays_direct() -> None:
    """Whichever of the earlier spans it meets."""
    before = [DecidedSpan(Span(at, at + 4, Kind.PERSON, Level.DIRECT, 1.0, "x")) for at in (0, 10, 20)]
    for start, end, direct in (
        (4, 10, False),
        (3, 5, True),
        (13, 21, True),
        (14, 20, False),
        (24, 30, False),
        (9, 30, True),
    ):
        span = DecidedSpan(Span(start, end, Kind.PERSON, Level.QUASI, 1.0, "x"))
        (kept,) = deciding._ordered([span], before)
        assert (kept.span.level is Level.DIRECT) is direct


def test_a_checkpoint_knows_the_systems_roster(system: System, tmp_path: Path) -> None:
    """Else an old worker key comes back to life with old copies of both databases."""
    system.study()
    write_checkpoint(system.runtime, tmp_path / "checkpoint")
    assert SYSTEM_STUDY in read_checkpoint(system.runtime, tmp_path / "checkpoint").floors


def test_an_older_checkpoint_does_not_narrow_an_erasure(system: System) -> None:
    """The main database knows that all of it was erased; the checkpoint is from before and knows of a part."""
    study = system.study()
    receipt = system.submit(study)
    with system.signed_in("guardian", study) as guardian:
        guardian.cases.erase(study.id, receipt["case"], preference="erase_all")
    with system.signed_in("lead", study) as lead:
        lead.cases.erase(study.id, receipt["case"], preference="erase_all")
    record = UUID(receipt["record"])
    killed: dict[UUID, object] = {}
    system.collaborators.keystore.kill = lambda record, scopes=None: killed.update({record: scopes})  # type: ignore[method-assign]

    _replay(system.runtime, Findings(), Checkpoint({record: ["identity.g"]}, {}))

    assert killed == {record: None}


def test_a_former_member_learns_nothing_of_an_erasure(system: System) -> None:
    """Absent and not yours any more are the same 404, for an erased id too."""
    study, client_uuid = system.study(), uuid4()
    receipt = system.submit(study, client_uuid=client_uuid)
    for who in ("guardian", "lead"):
        with system.signed_in(who, study) as client:
            client.cases.erase(study.id, receipt["case"], preference="erase_all")
    with system.signed_in("lead", study) as lead:
        lead.studies.remove(study.id, study["interviewer"].id)

    with system.signed_in("interviewer", study) as client, pytest.raises(Problem) as refused:
        client.intake.submit(client_uuid, system.body(study), system.receipt_keys())

    assert refused.value.status == 404
