"""What somebody may not know happens, and every page of theirs stays the same to the letter: counts, ages, links."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from tests.functional.portal.visitor import Visitor
from tests.security.crawling import Crawler, nameless, plain
from tests.system import StudyPlace, System

ROLES = ("interviewer", "redactor", "approver", "researcher", "lead", "guardian", "guardian2", "auditor")
# Trails name every act; leads and guardians decide about every case; the rest has nothing to do with any.
TOLD_TO_SOME = re.compile(r"^/account|/audit\b|/cases\b|/dashboard$|/instruments/|/static/|/removal$")


@dataclass
class Quiet:
    """A study in which things happen that some may not know; everybody in it has a browser."""

    system: System
    study: StudyPlace
    other: StudyPlace
    released: UUID
    browsers: dict[str, Visitor] = field(repr=False)
    waiting: str = ""

    def look(self, who: str) -> dict[str, str]:
        """Every page that somebody reaches by links, without what differs from request to request."""
        pages = Crawler(self.browsers[who], [], TOLD_TO_SOME).walk("/")
        return {address: plain(seen) for address, seen in pages.items()}

    def arrives(self) -> None:
        """An interview comes in, and the machine has not come to it."""
        self.waiting = self.system.submit(self.study, who="guardian")["case"]

    def tidy(self) -> None:
        """Nothing waits for anybody."""
        if self.waiting:
            with self.system.signed_in("guardian", self.study) as client:
                client.cases.withdraw(self.study.id, self.waiting)
            self.waiting = ""

    def freezes(self) -> None:
        """An interview was drafted, and its participant withdrew."""
        case = self.system.submit(self.study, who="guardian")["case"]
        self.system.redact_all()
        with self.system.signed_in("guardian2", self.study) as client:
            client.cases.withdraw(self.study.id, case)

    def hides(self) -> None:
        """A guardian hid a case, and then it was released."""
        record = self.system.finished(self.study, who="guardian")
        self._hide(record)
        self._release(record)

    def is_for_the_team(self) -> None:
        """A release whose consent names no researchers."""
        answers = self.system.body(self.study)["answers"] | {
            "consent_scopes": {"value": ["team_analysis", "recontact"]}
        }
        body = self.system.body(self.study, answers=answers)
        self._release(self.system.finished(self.study, body=body, who="guardian"))

    def is_disclosed(self) -> None:
        """A guardian asked for the name in a released record, and an auditor approved."""
        with self.system.signed_in("guardian", self.study) as client:
            fields = ["legal_name"]
            ask = client.disclosures.ask(self.study.id, self.released, scope="identity", fields=fields, reason="danger")
        with self.system.signed_in("auditor", self.study) as client:
            digest = client.disclosures.read_ask(self.study.id, ask)["digest"]
            client.disclosures.approve(self.study.id, ask, digest=digest)

    def is_elsewhere(self) -> None:
        """Another study has a release, a threat and a withdrawal."""
        self.system.released(self.other)
        answers = self.system.body(self.other)["answers"] | {"threat_disclosed": {"value": "child_at_risk"}}
        self.system.submit(self.other, self.system.body(self.other, answers=answers))
        case = self.system.submit(self.other)["case"]
        with self.system.signed_in("guardian", self.other) as client:
            client.cases.withdraw(self.other.id, case)

    def _hide(self, record: UUID) -> None:
        with self.system.signed_in("guardian", self.study) as client:
            version = client.cases.protection(self.study.id, record)["version"]
            client.cases.triage(self.study.id, record, version=version, outcome="watch", hidden=True)

    def _release(self, record: UUID) -> None:
        with self.system.signed_in("approver", self.study) as client:
            client.review.take(self.study.id)
            shown = client.review.preview(self.study.id, record)
            client.review.release(self.study.id, record, digest=shown["digest"], doubts=len(shown["doubts"]))


@pytest.fixture(scope="module")
def quiet(crawled: System, visiting: Callable[[str | None], Visitor]) -> Quiet:
    """A study with one release."""
    study, other = crawled.study("Quiet", prefix="q."), crawled.study("Elsewhere", prefix="e.")
    browsers = {who: visiting(crawled.sign_in(study[who])) for who in ROLES}
    return Quiet(crawled, study, other, crawled.released(study), browsers)


# What happens, and who may not notice: no count, no age, no link, no word of any page differs.
MAY_NOT_NOTICE = {
    "arrives": "interviewer redactor approver researcher lead auditor",
    "freezes": "interviewer redactor approver researcher auditor",
    "hides": "interviewer redactor researcher lead auditor",
    "is_for_the_team": "interviewer redactor researcher auditor",
    "is_disclosed": "interviewer redactor approver researcher lead",
    "is_elsewhere": " ".join(ROLES),
}


@pytest.mark.parametrize("happens", MAY_NOT_NOTICE)
def test_what_may_not_be_known_changes_nothing(quiet: Quiet, happens: str) -> None:
    """Everybody's pages are the same to the letter before and after."""
    people = MAY_NOT_NOTICE[happens].split()
    quiet.tidy()
    before = {who: quiet.look(who) for who in people}
    noticing = {"arrives": "guardian", "freezes": "guardian", "is_disclosed": "auditor"}.get(happens, "approver")
    seen = quiet.look(noticing)

    getattr(quiet, happens)()

    after = {who: quiet.look(who) for who in people}
    assert {
        who: sorted(dict(after[who].items() ^ before[who].items())) for who in people if after[who] != before[who]
    } == {}
    assert happens == "is_elsewhere" or quiet.look(noticing) != seen, "whoever may notice does"


def test_whether_an_identity_exists_is_seen_nowhere(quiet: Quiet) -> None:
    """A guardian's pages of two interviews, one with everything about who it is and one without, are the same."""
    whole_body = quiet.system.body(quiet.study)
    answers = {name: value for name, value in whole_body["answers"].items() if not about_the_person(name)}
    assert len(answers) < len(whole_body["answers"])
    receipts = [quiet.system.submit(quiet.study, body) for body in (whole_body, whole_body | {"answers": answers})]
    shown = [
        [
            nameless(quiet.browsers["guardian"].get(f"/studies/{quiet.study.id}/{path}"))
            for path in (
                f"protection/{receipt['record']}",
                f"cases/{receipt['case']}",
                f"disclosures/records/{receipt['record']}/identity",
            )
        ]
        for receipt in receipts
    ]

    assert shown[0] == shown[1]
    assert all(page.startswith("200") for page in shown[0])


def about_the_person(name: str) -> bool:
    """Whether an answer tells who it is and can be left out."""
    return name in {"legal_name", "other_names", "relatives"}
