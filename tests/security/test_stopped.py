"""An intake stopped between the keystore and the main database, for as long as it takes: nothing lost, nothing half."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from app.access import Role, Team
from app.cases.models import Claim, Grant, Pack, Record
from app.errors import TestimonyError
from app.intake.service import Accepted, AcceptRecord, Submission
from app.operations.sweep import sweep
from app.studies.models import Epoch
from tests.security.pausing import pausing, stopped_at
from tests.security.scenes import Scene

ROOT = Path(__file__).parents[2]


def submission(scene: Scene) -> Submission:
    """A testimony to hand in."""
    body = scene.system.body(scene.story.place, answers=scene.story.canary.answers())
    form = body["instrument"]
    return Submission(uuid4(), UUID(body["study"]), None, form["id"], form["version"], body["answers"], None)


@contextmanager
def stopped(scene: Scene, sent: Submission) -> Iterator[Future[Accepted]]:
    """The intake of it, standing still between the keystore's put and the main transaction."""
    runtime, keystore = pausing(scene.system.web, "put")
    with stopped_at(keystore, lambda: runtime.make(accepting(scene, runtime.collaborators, sent))) as running:
        yield running


def accepting(scene: Scene, collaborators: Any, sent: Submission) -> AcceptRecord:
    """The intake by the interviewer."""
    return AcceptRecord(collaborators, scene.system.acting("interviewer", scene.story.place), sent)


def remove_guardian(scene: Scene) -> None:
    """End the guardians' epoch: remove one of them, move the grants, delete the epoch."""
    with scene.story.everybody():
        study = scene.story.place.id
        scene.story.fresh("lead").studies.remove(study, scene.story.place["guardian2"].id)
        assert scene.story.people["guardian"].studies.move(study, Team.GUARDIANS.value)["ended"] == 1


def check_whole(scene: Scene, count: int) -> None:
    """Every record has its five grants under living epochs, its shares and its packs, and nothing is left over."""
    with scene.system.runtime.transaction() as session:
        records = set(session.scalars(select(Record.id)))
        grants = list(session.execute(select(Grant.id, Grant.record_id, Grant.epoch_id)))
        epochs = set(session.scalars(select(Epoch.id)))
        packs = list(session.scalars(select(Pack.record_id)))
    assert len(records) == count
    assert {row.epoch_id for row in grants} <= epochs
    assert sorted(row.record_id for row in grants) == sorted([*records] * 5)
    assert sorted(packs) == sorted([*records] * 3)
    assert set(scene.system.collaborators.keystore.share_ids()) == {row.id for row in grants}


def check_readable(scene: Scene) -> None:
    """The record goes its whole way."""
    scene.story.redact()
    with scene.story.everybody():
        scene.story.finish()
        record = scene.story.release()
        assert scene.story.canary.stem in str(scene.story.read(record))
        assert scene.story.canary.stem in str(scene.story.disclose(record))


def test_an_intake_stopped_across_the_end_of_an_epoch_is_sealed_again(each_scene: Scene) -> None:
    """The epoch it sealed to is gone: the database refuses the grant, and the same call seals to the new one."""
    with stopped(each_scene, submission(each_scene)) as running:
        # Two guardians are asked for at intake; a third keeps the study open.
        third = each_scene.system.person("guardian.three")
        lead = each_scene.system.acting("lead", each_scene.story.place)
        print_ = each_scene.system.actor(third).unlocked().fingerprint
        study = each_scene.story.place.id
        each_scene.system.admit(study, lead, third, frozenset({Role.GUARDIAN}), print_)
        each_scene.system.confirm(study, each_scene.system.acting("guardian"), third, print_)
        remove_guardian(each_scene)
    assert running.result().new
    check_whole(each_scene, 1)
    check_readable(each_scene)


def test_an_intake_stopped_across_a_keystore_rotation_is_whole(each_scene: Scene) -> None:
    """Its shares, already there, are sealed anew with all others."""
    with stopped(each_scene, submission(each_scene)) as running:
        each_scene.rotate()
        each_scene.rotate()
    assert running.result().new
    check_whole(each_scene, 1)
    check_readable(each_scene)


def test_an_intake_that_sealed_before_a_rotation_and_puts_after_it_seals_again(each_scene: Scene) -> None:
    """A put names the key version it sealed under, and is refused when that is no longer current."""
    runtime, keystore = pausing(each_scene.system.web, "put", before=True)
    assert keystore._current().n == 1
    sent = submission(each_scene)
    with stopped_at(keystore, lambda: runtime.make(accepting(each_scene, runtime.collaborators, sent))) as running:
        each_scene.rotate()
    assert running.result().new
    check_whole(each_scene, 1)


def test_an_intake_stopped_across_a_sweep_is_refused_and_accepted_when_sent_again(each_scene: Scene) -> None:
    """After a day the sweeper voids the attempt, then destroys its shares; the sleeper finds its claim taken."""
    sent = submission(each_scene)
    with stopped(each_scene, sent) as running:
        each_scene.system.clock.advance(hours=25)
        assert sweep(each_scene.system.runtime).attempts == 1
    with pytest.raises(TestimonyError):
        running.result()
    check_whole(each_scene, 0)
    system = each_scene.system
    assert system.web.make(accepting(each_scene, system.web.collaborators, sent)).new
    check_whole(each_scene, 1)


def test_a_sweep_within_the_day_leaves_a_stopped_intake_alone(each_scene: Scene) -> None:
    """An attempt without a claim is not abandoned before its time."""
    with stopped(each_scene, submission(each_scene)) as running:
        each_scene.system.clock.advance(hours=23)
        assert sweep(each_scene.system.runtime).attempts == 0
    assert running.result().new
    check_whole(each_scene, 1)


def test_a_sweeper_stopped_before_it_destroys_has_the_claim_already(each_scene: Scene) -> None:
    """The sweeper's void is committed first: an intake that wakes between the two cannot be stored without shares."""
    sent = submission(each_scene)
    sweeping, sweeper = pausing(each_scene.system.runtime, "destroy_attempt", before=True)
    with stopped(each_scene, sent) as running:
        each_scene.system.clock.advance(hours=25)
        with (
            stopped_at(sweeper, lambda: sweep(sweeping)) as swept,
            each_scene.system.runtime.transaction() as session,
        ):
            assert session.scalar(select(Claim.void)) is True
    with pytest.raises(TestimonyError):
        running.result()
    assert swept.result().attempts == 1
    check_whole(each_scene, 0)


class Child:
    """A process of its own that hands a testimony in and stops itself between the two databases."""

    def __init__(self, scene: Scene, sent: Submission) -> None:
        settings = scene.system.settings
        self._scene = scene
        order = {
            "settings": {
                "data": str(settings.data),
                "deployment": str(settings.deployment),
                "database_url": settings.database_url.get_secret_value(),
                "keystore_url": settings.keystore_url.get_secret_value(),
                "environment": "development",
            },
            "now": scene.system.clock.now.isoformat(),
            "token": scene.system.sign_in(scene.story.place["interviewer"]),
            "study": str(sent.study),
            "client_uuid": str(sent.client_uuid),
            "instrument": [sent.instrument, sent.version],
            "answers": sent.answers,
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.security.stopping_intake"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode())
        self._process.stdin.close()

    def wait_until_stopped(self) -> None:
        """Wait for its SIGSTOP."""
        _, status = os.waitpid(self._process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), self._process.stderr and self._process.stderr.read().decode()

    def go_on(self) -> dict[str, Any]:
        """Wake it; what it says at its end."""
        os.kill(self._process.pid, signal.SIGCONT)
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        with self._process.stdout as out, self._process.stderr as err:
            said, log = out.read(), err.read()
        self._process.wait(30)
        assert said, log.decode()
        assert self._scene.story.canary.stem.encode() not in said + log
        result: dict[str, Any] = json.loads(said)
        return result


@pytest.mark.slow
def test_a_real_process_stopped_across_rotation_and_sweep(each_scene: Scene) -> None:
    """SIGSTOP between the two databases: across a keystore rotation it is whole, across a sweep it is refused whole."""
    first, second = Child(each_scene, submission(each_scene)), Child(each_scene, submission(each_scene))
    first.wait_until_stopped()
    second.wait_until_stopped()
    each_scene.rotate()
    assert first.go_on() == {"new": True}
    each_scene.system.clock.advance(hours=25)
    assert sweep(each_scene.system.runtime).attempts == 1
    assert second.go_on() == {"error": "conflict"}
    check_whole(each_scene, 1)


def test_the_pause_is_where_it_says(scene: Scene) -> None:
    """The stopped intake has its shares in the keystore, and no row in the main database."""
    with stopped(scene, submission(scene)):
        assert len(scene.system.collaborators.keystore.share_ids()) == 5
        with scene.system.runtime.transaction() as session:
            assert session.scalars(select(Grant.id)).all() == []
            assert session.scalars(select(Claim.attempt)).all() == []
