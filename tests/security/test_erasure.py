"""Erasing against moving and against releasing, in both orders; whatever happens meanwhile, erased is erased."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access import Team
from app.bootstrap import Runtime
from app.cases import withdrawal
from app.cases.models import Decision, Grant, Pack, Record, Tombstone
from app.cases.moving import MoveGrants
from app.client import Problem
from app.errors import TestimonyError
from app.keystore.models import RecordState
from app.redaction.service import WORKER
from app.review import doubts
from app.review.drafts import OpenSource
from app.review.policies import release_digest
from app.review.release import ReleaseRecord
from tests.people import PASSWORD
from tests.security.pausing import pausing, stopped_at
from tests.security.scenes import Scene, staged

LONGEST_WAIT = 30.0
ERASE_ALL = "erase_all"


@dataclass
class Case:
    """A record that is about to be erased: its case's code, and the decision once two people made it."""

    scene: Scene
    record: UUID

    @property
    def code(self) -> str:
        """The case's code."""
        return str(self.scene.main.now()["case"][0]["code"])

    def decide(self, preference: str | None = ERASE_ALL) -> UUID:
        """Let a guardian and a lead decide; nothing is carried out yet."""
        system, place = self.scene.system, self.scene.story.place
        made: list[Decision] = []
        for who in ("guardian", "lead"):
            actor = system.acting(who, place)
            with system.runtime.transaction() as session:
                made.append(
                    withdrawal.decide(
                        session, system.collaborators, actor, self.code, kind=withdrawal.ERASE, preference=preference
                    )
                )
        return made[-1].id

    def carry_out(self, runtime: Runtime, decision: UUID) -> None:
        """Erase what was decided."""
        with runtime.transaction() as session:
            withdrawal.carry_out(session, runtime.collaborators, WORKER, decision)

    def check_gone(self) -> None:
        """No row, no share, a tombstone; and the erased id stays dead."""
        runtime = self.scene.system.runtime
        with runtime.transaction() as session:
            assert session.scalars(select(Record.id)).all() == []
            assert session.scalars(select(Pack.record_id)).all() == []
            assert session.scalars(select(Grant.id)).all() == []
            assert session.scalars(select(Tombstone.record_id)).all() == [self.record]
            assert withdrawal.unfinished(session) == []
        keystore = runtime.collaborators.keystore
        assert keystore.share_ids() == []
        assert keystore.state(self.record) is RecordState.DEAD


def pending(scene: Scene) -> Case:
    """A drafted record."""
    with scene.story.everybody():
        record = scene.story.submit()
        scene.story.redact()
    return Case(scene, record)


def finished(scene: Scene) -> Case:
    """A record that the approver has taken."""
    with scene.story.everybody():
        record = scene.story.submit()
        scene.story.redact()
        scene.story.finish()
        scene.story.people["approver"].review.take(scene.story.place.id)
    return Case(scene, record)


def moving(scene: Scene, runtime: Runtime, record: UUID) -> Callable[[], int]:
    """A guardian's move of one record's grants, after another guardian was removed."""
    with scene.story.everybody():
        scene.story.fresh("lead").studies.remove(scene.story.place.id, scene.story.place["guardian2"].id)
    actor = scene.system.acting("guardian", scene.story.place)
    return lambda: runtime.make(MoveGrants(runtime.collaborators, actor, record, Team.GUARDIANS))


def releasing(scene: Scene, runtime: Runtime, record: UUID) -> Callable[[], int]:
    """The approver's release of a finished draft."""
    actor = scene.system.acting("approver", scene.story.place)
    with scene.system.runtime.transaction() as session:
        digest = session.get_one(Record, record).draft_digest
    assert digest is not None
    source = OpenSource(runtime.collaborators, actor, record)
    draft = runtime.read(source).draft
    assert draft is not None
    answered = doubts.count(doubts.look({name: text.clean for name, text in draft.texts.items()}))
    return lambda: runtime.make(ReleaseRecord(source, release_digest(digest, {}), {}, answered))


MADE = [pytest.param(pending, moving, id="move"), pytest.param(finished, releasing, id="release")]
Make = Callable[[Scene, Runtime, UUID], Callable[[], int]]


@pytest.mark.parametrize(("told", "made"), MADE)
def test_what_was_put_before_an_erasure_is_erased_with_it(
    each_scene: Scene, told: Callable[[Scene], Case], made: Make
) -> None:
    """Stopped after its shares went in: the erasure takes them, and the rows find no record any more."""
    case = told(each_scene)
    runtime, keystore = pausing(each_scene.system.web, "put")
    work = made(each_scene, runtime, case.record)
    with stopped_at(keystore, work) as running:
        case.carry_out(each_scene.system.runtime, case.decide())
    with pytest.raises(TestimonyError):
        running.result()
    case.check_gone()


@pytest.mark.parametrize(("told", "made"), MADE)
def test_nothing_is_put_after_an_erasure_began(each_scene: Scene, told: Callable[[Scene], Case], made: Make) -> None:
    """The keystore marks the record dead first: from then on a put is refused, while the rows still stand."""
    case = told(each_scene)
    work = made(each_scene, each_scene.system.web, case.record)
    decision = case.decide()
    erasing, keystore = pausing(each_scene.system.runtime, "kill")
    with ThreadPoolExecutor(1) as pool, stopped_at(keystore, lambda: case.carry_out(erasing, decision)) as erasure:
        running = pool.submit(work)
        threading.Event().wait(0.3)  # on SQLite it now waits for the writer, on PostgreSQL the keystore refuses it
        keystore.go_on.set()
        with pytest.raises(TestimonyError):
            running.result(LONGEST_WAIT)
    erasure.result()
    case.check_gone()


@pytest.mark.parametrize("preference", [ERASE_ALL, "erase_identity_keep_anonymised"])
@pytest.mark.postgres
def test_a_release_about_to_commit_and_an_erasure_end_in_one_of_two_states(tmp_path: Path, preference: str) -> None:
    """The decision waits for the release's commit: then all is gone, or all but the release that is to be kept."""
    with staged(tmp_path / "scene", "postgresql") as scene:
        case = finished(scene)
        stored, go_on = threading.Event(), threading.Event()
        work = releasing(scene, scene.system.web, case.record)
        real = ReleaseRecord.store

        def slow(self: ReleaseRecord, session: Session) -> int:
            version = real(self, session)
            session.flush()
            stored.set()
            assert go_on.wait(LONGEST_WAIT)
            return version

        with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(2) as pool:
            patch.setattr(ReleaseRecord, "store", slow)
            release = pool.submit(work)
            assert stored.wait(LONGEST_WAIT)
            decided = pool.submit(case.decide, preference)
            threading.Event().wait(0.5)
            go_on.set()
            assert release.result(LONGEST_WAIT) == 1
            decision = decided.result(LONGEST_WAIT)
        case.carry_out(scene.system.runtime, decision)
        if preference == ERASE_ALL:
            case.check_gone()
            return
        with scene.system.runtime.transaction() as session:
            assert session.scalars(select(Grant.scope)).all() == ["research.1"]
            assert withdrawal.unfinished(session) == []
        with scene.story.everybody():
            assert scene.story.canary.stem in str(scene.story.read(case.record))


def test_an_erasure_that_crashed_after_the_keystore_goes_on(each_scene: Scene) -> None:
    """Killed between keystore and rows: nothing opens, and the next round of the worker finishes it."""
    case = pending(each_scene)
    decision = case.decide()
    each_scene.system.collaborators.keystore.kill(case.record)
    with each_scene.system.runtime.transaction() as session:
        assert withdrawal.unfinished(session) == [decision]
    case.carry_out(each_scene.system.runtime, decision)
    case.check_gone()


def test_an_erasure_that_crashed_goes_on_over_a_release_stored_meanwhile(scene: Scene) -> None:
    """The keystore knew no release when all of it was killed: what a sleeper stores later is erased too."""
    case, kept = finished(scene), "erase_identity_keep_anonymised"
    runtime, keystore = pausing(scene.system.web, "put")
    with stopped_at(keystore, releasing(scene, runtime, case.record)) as running:
        decision = case.decide(kept)
        scene.system.collaborators.keystore.kill(case.record)
    assert running.result() == 1
    case.carry_out(scene.system.runtime, decision)
    case.check_gone()


def test_an_erased_record_put_back_whole_opens_nothing(scene: Scene) -> None:
    """Every row of it inserted again: with all passwords and all of custody nothing of it opens."""
    case = finished(scene)
    everybody = {scene.story.place[who].id: PASSWORD for who in ("redactor", "approver", "guardian", "auditor", "lead")}
    before = scene.attacker(scene.stolen_keystore(), passwords=everybody).loot()
    assert before.keys() == {"identity", "source", "protection"}
    case.carry_out(scene.system.runtime, case.decide())
    scene.tidy()
    assert scene.attacker(scene.stolen_keystore(), passwords=everybody).loot() == {}


def test_an_erased_id_is_gone_for_good(scene: Scene) -> None:
    """Handed in again with the same id it answers 410, for the same content and for other content."""
    story = scene.story
    case = pending(scene)
    client_uuid = scene.main.now()["record"][0]["client_uuid"]
    case.carry_out(scene.system.runtime, case.decide())
    body = scene.system.body(story.place, answers=story.canary.answers())
    with story.everybody(), pytest.raises(Problem) as refused:
        story.people["interviewer"].intake.submit(client_uuid, body, scene.system.receipt_keys())
    assert refused.value.status == 410
