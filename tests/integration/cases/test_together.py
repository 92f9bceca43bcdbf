"""Intakes of the same moment share their commits: all whole, each with its own answer, and no share too many."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from app.bootstrap import Runtime
from app.cases.making import Attempt
from app.cases.models import Claim
from app.errors import Conflict, Invalid, KeystoreUnavailable
from app.intake.service import Accepted, AcceptRecord, Submission
from app.keystore.rotation import rotate
from app.keystore.service import Keystore, Put
from tests.durability import books
from tests.system import System

LONGEST_WAIT = 30.0


class Watched(Keystore):
    """The real keystore, which notes how many records came at once, and lets something happen then."""

    def __init__(self, real: Keystore) -> None:
        super().__init__(real.engine, real.custody, real.deployment, real.clock)
        self.at_once: list[int] = []
        self.before: Callable[[], object] = bool
        self.after: Callable[[], object] = bool

    def put_new(self, puts: Sequence[Put]) -> None:
        """Store several records."""
        self.at_once.append(len(puts))
        self.before()
        super().put_new(puts)
        self.after()


class Held(AcceptRecord):
    """An intake that keeps everybody waiting while it is sealed, until it is let go."""

    held: threading.Event
    let_go: threading.Event

    def seal(self) -> Attempt:
        """Wait, then seal."""
        self.held.set()
        assert self.let_go.wait(LONGEST_WAIT)
        return AcceptRecord.seal(self)


class Door:
    """Lets several intakes meet: they wait behind a first one."""

    def __init__(self, system: System) -> None:
        self.system, self.study = system, system.study()
        real = system.web.collaborators
        self.keystore = Watched(real.keystore)
        self.runtime: Runtime = replace(system.web, collaborators=replace(real, keystore=self.keystore))
        self.actor = system.actor(self.study["interviewer"])

    def intake(self, kind: type[AcceptRecord] = AcceptRecord, **changed: Any) -> AcceptRecord:
        """One submission."""
        body = self.system.body(self.study)
        asked = Submission(
            uuid4(), self.study.id, None, body["instrument"]["id"], body["instrument"]["version"], body["answers"], None
        )
        return kind(self.runtime.collaborators, self.actor, replace(asked, **changed))

    def without_consent(self) -> AcceptRecord:
        """One that must be refused."""
        answers = self.system.body(self.study)["answers"]
        return self.intake(answers=answers | {"consent_given": {"value": False}})

    def together(self, makings: Sequence[AcceptRecord]) -> list[Future[Accepted]]:
        """Let all of them arrive while a first one is under way; each one's outcome."""
        first = self.intake(Held)
        assert isinstance(first, Held)
        first.held, first.let_go = threading.Event(), threading.Event()
        with ThreadPoolExecutor(len(makings) + 1) as pool:
            pool.submit(self.runtime.make, first)
            assert first.held.wait(LONGEST_WAIT)
            outcomes = []
            for count, making in enumerate(makings, start=1):
                outcomes.append(pool.submit(self.runtime.make, making))
                _until(lambda count=count: len(self.runtime.group) == count)  # type: ignore[misc]
            first.let_go.set()
        return outcomes

    def check(self, outcomes: Sequence[Future[Accepted]]) -> None:
        """Raise AssertionError unless the first one and these are there, whole, and nothing else."""
        accepted = {UUID(each.result().receipt["record"]) for each in outcomes}
        found = books.read(self.system)
        assert accepted < {record.id for record in found.records}
        assert len(found.records) == len(outcomes) + 1
        books.check_whole(found)
        first = outcomes[0].result().receipt["record"]
        answers = self.system.body(self.study)["answers"]
        books.check_readable(self.system, self.study, {UUID(first): answers}, drafted=False)
        assert set(self.keystore.share_ids()) == found.shares

    def void(self) -> int:
        """How many attempts were given up after the keystore had their shares."""
        with self.runtime.transaction() as session:
            return len(session.scalars(select(Claim.attempt).where(Claim.void)).all())


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + LONGEST_WAIT
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


@pytest.fixture
def door(system: System) -> Door:
    """A study open for intake."""
    return Door(system)


def test_those_who_wait_share_one_put_and_one_transaction(door: Door) -> None:
    """All three are there, whole and legible."""
    outcomes = door.together([door.intake() for _ in range(3)])

    assert door.keystore.at_once == [3]
    door.check(outcomes)


def test_a_refused_one_hurts_nobody(door: Door) -> None:
    """It gets every flaw of its own, the others their receipts."""
    good, refused, also_good = door.together([door.intake(), door.without_consent(), door.intake()])

    assert isinstance(refused.exception(), Invalid)
    assert door.keystore.at_once == [2]
    door.check([good, also_good])


def test_one_alone_among_the_refused_is_stored(door: Door) -> None:
    """A group of which one is left is no group."""
    refused, good = door.together([door.without_consent(), door.intake()])

    assert isinstance(refused.exception(), Invalid)
    assert door.keystore.at_once == []
    door.check([good])


def test_all_refused_stores_nothing(door: Door) -> None:
    """Each gets its flaws."""
    outcomes = door.together([door.without_consent(), door.without_consent()])

    assert all(isinstance(each.exception(), Invalid) for each in outcomes)
    assert len(books.read(door.system).records) == 1


def test_the_same_id_twice_is_one_record(door: Door) -> None:
    """The second gets the Conflict from which the endpoint makes the same receipt or a 409."""
    same = uuid4()
    first, second, other = door.together([door.intake(client_uuid=same), door.intake(client_uuid=same), door.intake()])

    assert isinstance(second.exception(), Conflict)
    assert door.keystore.at_once == [2]
    door.check([first, other])


def test_an_id_accepted_before_is_no_part_of_a_group(door: Door) -> None:
    """It is told so, as if it were alone."""
    before = door.intake()
    door.runtime.make(before)
    again, new, other = door.together(
        [door.intake(client_uuid=before.submission.client_uuid), door.intake(), door.intake()]
    )

    assert isinstance(again.exception(), Conflict)
    assert door.keystore.at_once == [2]
    assert len(books.read(door.system).records) == 4
    assert {new.exception(), other.exception()} == {None}


def test_a_keystore_rotation_meanwhile_sends_each_its_own_way(door: Door, tmp_path: Any) -> None:
    """Shares sealed under the version of before are refused as a whole, and sealed again."""
    door.keystore.before = lambda: rotate(door.system.collaborators.keystore, tmp_path)
    outcomes = door.together([door.intake(), door.intake()])

    door.check(outcomes)
    assert door.void() == 0


def test_a_keystore_that_fails_after_storing_leaves_no_share(door: Door) -> None:
    """Whether it stored them is not known: every attempt of the group is voided, then each is made alone."""

    def fail() -> None:
        raise KeystoreUnavailable

    door.keystore.after = fail
    outcomes = door.together([door.intake(), door.intake()])

    door.check(outcomes)
    assert door.void() == 2


def test_rows_that_the_database_refuses_leave_no_share(door: Door) -> None:
    """One record of the group is there already when the rows are stored: the other one is stored alone."""
    twice = door.intake()
    elsewhere = replace(door.runtime, collaborators=door.system.web.collaborators)
    door.keystore.after = lambda: elsewhere.make(door.intake(client_uuid=twice.submission.client_uuid))
    late, good = door.together([twice, door.intake()])

    assert isinstance(late.exception(), Conflict)
    assert isinstance(good.result(), Accepted)
    assert door.void() == 2
    found = books.read(door.system)
    assert len(found.records) == 3
    books.check_whole(found)
    assert set(door.keystore.share_ids()) == found.shares


def test_a_failure_nobody_foresaw_sends_each_its_own_way(door: Door) -> None:
    """An error of ours in the shared part costs nobody the record."""

    def fail() -> None:
        raise RuntimeError

    door.keystore.before = fail
    outcomes = door.together([door.intake(), door.intake()])

    door.check(outcomes)
