"""Threads that ask at the same moment are served by one of them, and each gets what is its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from app.cases.grouping import Group

THREADS = 12
LONGEST_WAIT = 30.0
# The item that is done alone first and holds its leadership until the test lets it go.
HELD = 0


class Refused(Exception):
    """What an item's own error looks like here."""


class Broken(BaseException):
    """What ends a leader."""


class Doubling:
    """Doubles numbers, and notes which were done alone and which together."""

    def __init__(self, most: int = 16, patience: float = 0.0) -> None:
        self.group: Group[int, int] = Group(most, patience)
        self.alone: list[int] = []
        self.groups: list[list[int]] = []
        self.left_out: set[int] = set()
        self.refused: set[int] = set()
        self.broken = False
        self.let_go = threading.Event()
        self.pool = ThreadPoolExecutor(THREADS)

    def do(self, item: int) -> int:
        """Ask for one number."""
        return self.group.do(item, self._alone, self._together)

    def meanwhile(self, items: Sequence[int]) -> tuple[Future[int], list[Future[int]]]:
        """Let these ask, one after the other, while ``HELD`` is being done."""
        held = self.pool.submit(self.do, HELD)
        until(lambda: self.alone == [HELD])
        asked = []
        for count, item in enumerate(items, start=1):
            asked.append(self.pool.submit(self.do, item))
            until(lambda count=count: len(self.group) == count)  # type: ignore[misc]
        return held, asked

    def _alone(self, item: int) -> int:
        self.alone.append(item)
        if item == HELD:
            assert self.let_go.wait(LONGEST_WAIT)
        if item in self.refused:
            raise Refused
        return item * 2

    def _together(self, items: Sequence[int]) -> list[int | None]:
        self.groups.append(list(items))
        if self.broken:
            raise Broken
        return [None if item in self.left_out else item * 2 for item in items]


def until(condition: Callable[[], bool]) -> None:
    """Wait for another thread."""
    end = time.monotonic() + LONGEST_WAIT
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


@pytest.fixture
def doubling() -> Iterator[Doubling]:
    """Nobody waits, nobody leads."""
    made = Doubling()
    yield made
    made.let_go.set()
    made.pool.shutdown()


def test_nobody_else_there_means_alone(doubling: Doubling) -> None:
    """No group is made for one."""
    doubling.let_go.set()

    assert [doubling.do(HELD), doubling.do(1)] == [0, 2]
    assert (doubling.alone, doubling.groups) == ([HELD, 1], [])


def test_those_who_wait_are_done_together(doubling: Doubling) -> None:
    """In order of arrival, and each gets its own result."""
    held, asked = doubling.meanwhile([1, 2, 3])
    doubling.let_go.set()

    assert held.result(LONGEST_WAIT) == 0
    assert [each.result(LONGEST_WAIT) for each in asked] == [2, 4, 6]
    assert (doubling.alone, doubling.groups) == ([HELD], [[1, 2, 3]])


def test_what_is_left_out_is_done_alone(doubling: Doubling) -> None:
    """By its own thread, with its own error; the others keep their results."""
    doubling.left_out, doubling.refused = {1, 2}, {2}
    _, asked = doubling.meanwhile([1, 2, 3])
    doubling.let_go.set()

    assert [asked[0].result(LONGEST_WAIT), asked[2].result(LONGEST_WAIT)] == [2, 6]
    with pytest.raises(Refused):
        asked[1].result(LONGEST_WAIT)
    assert sorted(doubling.alone) == [HELD, 1, 2]


def test_an_error_of_a_lone_leader_is_its_own(doubling: Doubling) -> None:
    """Those who waited meanwhile are done all the same."""
    doubling.refused = {HELD}
    held, asked = doubling.meanwhile([1, 2])
    doubling.let_go.set()

    with pytest.raises(Refused):
        held.result(LONGEST_WAIT)
    assert [each.result(LONGEST_WAIT) for each in asked] == [2, 4]


def test_a_leader_that_dies_takes_nobody_along(doubling: Doubling) -> None:
    """Its caller gets the error, the rest of its group is done alone, and whoever comes next is served."""
    doubling.broken = True
    _, asked = doubling.meanwhile([1, 2, 3])
    doubling.let_go.set()

    with pytest.raises(Broken):
        asked[0].result(LONGEST_WAIT)
    assert [each.result(LONGEST_WAIT) for each in asked[1:]] == [4, 6]
    assert doubling.do(4) == 8


def test_a_long_queue_is_done_in_several_groups() -> None:
    """None is longer than agreed, and the next begins where one ends."""
    doubling = Doubling(most=2)
    _, asked = doubling.meanwhile([1, 2, 3, 4, 5])
    doubling.let_go.set()

    assert [each.result(LONGEST_WAIT) for each in asked] == [2, 4, 6, 8, 10]
    assert (doubling.groups, doubling.alone) == ([[1, 2], [3, 4]], [HELD, 5])
    doubling.pool.shutdown()


def test_a_patient_leader_waits_for_as_many_as_last_time() -> None:
    """Three were done together; the next leader begins when three are there."""
    doubling = Doubling(patience=LONGEST_WAIT)
    _, asked = doubling.meanwhile([1, 2, 3])
    doubling.let_go.set()
    assert [each.result(LONGEST_WAIT) for each in asked] == [2, 4, 6]

    again = [doubling.pool.submit(doubling.do, item) for item in (4, 5, 6)]

    assert [each.result(LONGEST_WAIT) for each in again] == [8, 10, 12]
    assert [sorted(group) for group in doubling.groups] == [[1, 2, 3], [4, 5, 6]]
    doubling.pool.shutdown()


def test_patience_ends() -> None:
    """Whoever waits for others that never come is done alone, and the next one waits for nobody."""
    doubling = Doubling(patience=0.01)
    _, asked = doubling.meanwhile([1, 2, 3])
    doubling.let_go.set()
    assert [each.result(LONGEST_WAIT) for each in asked] == [2, 4, 6]

    assert [doubling.do(4), doubling.do(5)] == [8, 10]
    assert doubling.alone == [HELD, 4, 5]
    doubling.pool.shutdown()


def test_a_stop_waits_for_everybody_in_the_queue(doubling: Doubling) -> None:
    """Threads that end when their work is done leave nobody waiting: shutting the pool down answers all."""
    held, asked = doubling.meanwhile([1, 2])
    doubling.let_go.set()
    doubling.pool.shutdown(wait=True)

    assert all(each.done() for each in (held, *asked))
    assert len(doubling.group) == 0
