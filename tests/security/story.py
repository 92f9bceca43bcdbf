"""Ten testimonies on their whole way, over HTTP, with a canary in every text that anybody enters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from app.client import Client, Problem
from tests.security.canaries import Canary
from tests.system import StudyPlace, System

ROLES = ("interviewer", "redactor", "approver", "researcher", "guardian", "auditor", "lead")


@dataclass
class Story:
    """A system whose people work; ``looking`` is called after each of their steps."""

    system: System
    canary: Canary = field(default_factory=Canary)
    looking: Callable[[], None] = lambda: None
    place: StudyPlace = field(init=False)
    records: list[UUID] = field(default_factory=list)
    people: dict[str, Client] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Found the study."""
        self.place = self.system.study()

    @contextmanager
    def everybody(self) -> Iterator[None]:
        """Sign everybody in, and out at the end."""
        with self.everybody_of(self.place):
            yield

    @contextmanager
    def everybody_of(self, place: StudyPlace) -> Iterator[None]:
        """Sign in the people of this study, and out at the end."""
        with ExitStack() as stack:
            self.people = {who: stack.enter_context(self.system.signed_in(who, place)) for who in ROLES}
            yield
            self.looking()
            for client in self.people.values():
                with suppress(Problem):  # a test may have ended the session or changed the account
                    client.accounts.sign_out()
        self.looking()

    def fresh(self, who: str) -> Client:
        """Somebody who gave a one-time code just now."""
        self.people[who].accounts.step_up(self.system.code(self.place[who]))
        return self.people[who]

    def submit(self, answers: dict[str, Any] | None = None) -> UUID:
        """Hand in one testimony."""
        body = self.system.body(self.place, answers=answers or self.canary.answers())
        submitted = self.people["interviewer"].intake.submit(uuid4(), body, self.system.receipt_keys())
        self.looking()
        self.records.append(submitted.receipt.record)
        return self.records[-1]

    def redact(self) -> None:
        """Let the worker draft whatever waits."""
        self.system.redact_all()
        self.looking()

    def finish(self) -> UUID:
        """Decide one span of the next record otherwise, with a reason, and finish its draft."""
        review, study = self.people["redactor"].review, self.place.id
        record = UUID(review.take(study)["record"])
        source = review.source(study, record)
        name, text = next((name, text) for name, text in source["draft"]["texts"].items() if text["spans"])
        text["spans"][0] |= {"accepted": False, "why": self.canary.word()}
        edited = review.edit(study, record, version=source["version"], texts={name: text["spans"]})
        review.finish(study, record, version=edited["version"])
        self.looking()
        return record

    def send_back(self) -> None:
        """Let the approver send the next finished draft back, and the redactor finish it again."""
        approver = self.people["approver"].review
        record = UUID(approver.take(self.place.id)["record"])
        approver.send_back(self.place.id, record, self.canary.word())
        self.looking()
        self.finish()

    def release(self) -> UUID:
        """Release the next finished draft."""
        review, study = self.fresh("approver").review, self.place.id
        record = UUID(review.take(study)["record"])
        shown = review.preview(study, record)
        review.release(study, record, digest=shown["digest"], doubts=len(shown["doubts"]))
        self.looking()
        return record

    def read(self, record: UUID) -> dict[str, Any]:
        """Let the researcher read a release."""
        return self.people["researcher"].research.release(self.place.id, record)

    def report_and_cut(self, record: UUID) -> None:
        """Let the researcher report a passage, and the approver cut it."""
        study, name = self.place.id, "joining_account"
        self.people["researcher"].research.report(study, record, field=name, start=0, end=5, reason=self.canary.word())
        self.looking()
        approver = self.fresh("approver")
        answered = [each["id"] for each in approver.research.reports(study, record)]
        assert answered
        digest = approver.research.release(study, record)["digest"]
        approver.review.cut(study, record, digest=digest, cuts={name: [[0, 5]]}, reports=answered)
        self.looking()

    def sample(self, record: UUID) -> None:
        """Let the approver draw a sample and an auditor read it."""
        self.people["approver"].research.draw_sample(self.place.id, record)
        self.people["auditor"].research.sample(self.place.id, record)
        self.looking()

    def triage(self, record: UUID) -> None:
        """Let a guardian write a note."""
        cases, study = self.people["guardian"].cases, self.place.id
        version = cases.protection(study, record)["version"]
        cases.triage(study, record, version=version, outcome="watch", hidden=False, note=self.canary.word())
        self.looking()

    def ask(self, record: UUID, *, scope: str = "identity", fields: tuple[str, ...] = ("legal_name",)) -> UUID:
        """Let a guardian ask to see fields."""
        disclosures = self.people["guardian"].disclosures
        asked = disclosures.ask(self.place.id, record, scope=scope, fields=fields, reason=self.canary.word())
        self.looking()
        return asked

    def disclose(self, record: UUID, **asked: Any) -> dict[str, Any]:
        """Ask, approve, read."""
        ask, auditor = self.ask(record, **asked), self.fresh("auditor").disclosures
        auditor.approve(self.place.id, ask, digest=auditor.read_ask(self.place.id, ask)["digest"])
        self.looking()
        return self.people["guardian"].disclosures.read(self.place.id, ask)

    def refuse(self, record: UUID) -> None:
        """Ask, and be refused with a reason."""
        ask = self.ask(record)
        self.fresh("auditor").disclosures.refuse(self.place.id, ask, self.canary.word())
        self.looking()

    def tell(self, count: int = 10) -> None:
        """Everything, with this many testimonies released."""
        with self.everybody():
            for number in range(count):
                self.submit(self.canary.public_account() if number == 1 else None)
            self.redact()
            for _ in range(count):
                self.finish()
            self.send_back()
            released = [self.release() for _ in range(count)]
            first = self.records[0]
            assert first in released
            assert self.canary.stem in str(self.read(first)), "something of each text must come through"
            self.sample(first)
            self.report_and_cut(first)
            self.triage(first)
            self.disclose(first)
            self.refuse(first)
