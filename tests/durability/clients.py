"""Clients that submit one interview after the other, each in a thread with a connection of its own."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from app.client import Problem, Unreachable, check_receipt
from app.client.http import address
from tests.durability.processes import Site

UNAVAILABLE = 503
PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.04


@dataclass
class Answers:
    """What came back: the receipt and the sent answers of each accepted interview, and everything unexpected."""

    accepted: dict[UUID, tuple[dict[str, Any], dict[str, Any]]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    again: int = 0

    def by_record(self) -> dict[UUID, dict[str, Any]]:
        """The sent answers by the record's id."""
        return {UUID(receipt["record"]): answers for receipt, answers in self.accepted.values()}


class Crowd:
    """So many clients at once. ``patient`` ones send the same interview again until it is accepted.

    ``rest``: how many seconds each rests at most before the next interview.
    """

    def __init__(
        self,
        site: Site,
        size: int,
        keys: dict[str, bytes],
        body: Callable[[], dict[str, Any]],
        *,
        patient: bool,
        rest: float = 0.0,
    ) -> None:
        self.answers = Answers()
        self._site = site
        self._keys = keys
        self._body = body
        self._patient = patient
        self._rest = rest
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, name=f"client {number}") for number in range(size)]

    def begin(self) -> None:
        """Let them loose."""
        for thread in self._threads:
            thread.start()

    def end(self) -> Answers:
        """Let each finish what it is at."""
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE_SECONDS * 2)
        assert not any(thread.is_alive() for thread in self._threads)
        return self.answers

    def _run(self) -> None:
        try:
            with self._site.client() as client:
                while not self._stop.is_set():
                    client_uuid, body = uuid4(), self._body()
                    answer = self._submit(lambda: client.http.put(address("records", client_uuid), body))  # noqa: B023 - called before the loop goes on
                    receipt = check_receipt(answer["receipt"], self._keys)
                    assert receipt.client_uuid == client_uuid
                    self.answers.accepted[client_uuid] = (answer["receipt"], body["answers"])
                    self._stop.wait(random.uniform(0, self._rest))
        except Exception as error:  # noqa: BLE001 - told to the test
            self.answers.errors.append(repr(error))

    def _submit(self, send: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return send()
            except (Unreachable, Problem) as error:
                away = isinstance(error, Unreachable) or error.status == UNAVAILABLE
                if not (self._patient and away) or time.monotonic() > deadline:
                    raise
            self.answers.again += 1
            time.sleep(PAUSE_SECONDS)
