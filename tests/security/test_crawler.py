"""A crawler signed in as each role searches every page that it can reach or guess for what the role may not know.

What each role may see is written by hand below, from the design and from nothing else, so it can disagree.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit
from uuid import UUID

import pytest

from app.forms.drafting import Drafting, Wish
from app.studies import instruments
from app.studies.instrument import bundled
from tests.functional.portal.visitor import HOST, Seen, Visitor
from tests.people import Person
from tests.security.canaries import Canary
from tests.security.crawling import ID, LEADING, Crawler, nameless
from tests.system import StudyPlace, System

ABSENT, ABSENT_CODE = "00000000-0000-4000-8000-00000000dead", "ZZZZ-9999"
ROLES = ("interviewer", "redactor", "approver", "researcher", "lead", "guardian", "guardian2", "auditor")
STRANGERS = ("nobody", "stranger", "admin", "other redactor", "other lead", "other guardian")
EVERYBODY = (*ROLES, *STRANGERS)

# Records by their stage. Nobody but a guardian opens anything of one that is not listed for a role.
STAGES = ("released", "finished", "taken", "drafted", "arrived", "threat", "frozen", "erased")
OPEN_TO_GUARDIANS = {"released", "finished", "taken", "drafted", "arrived", "threat"}
# Whose words each role may read: the stage of the record, and the part of it. "source" is every research answer as it
# came in, "release" what is left of the answers after redaction.
MAY_READ: dict[str, set[tuple[str, str]]] = {
    "redactor": {("taken", "source"), ("finished", "source")},
    "approver": {("finished", "source"), ("released", "release")},
    "researcher": {("released", "release")},
    "lead": {("released", "release")},
    "auditor": {("released", "release"), ("released", "reason")},
    "guardian": {(stage, "protection") for stage in OPEN_TO_GUARDIANS} | {("threat", "note"), ("released", "reason")},
    "guardian2": {(stage, "protection") for stage in OPEN_TO_GUARDIANS} | {("threat", "note")},
}
# Which records each role opens, by the page: addresses that the role was never given among them.
MAY_OPEN: dict[str, dict[str, set[str]]] = {
    "redactor": {
        "records/{record}/desk": {"taken", "finished"},
        "records/{record}/desk/state": {"taken", "finished"},
        "records/{record}/approval": {"taken", "finished"},
    },
    "approver": {
        "records/{record}/desk": {"finished"},
        "records/{record}/desk/state": {"finished"},
        "records/{record}/approval": {"finished"},
        "releases/{record}": {"released"},
        "releases/{record}/cut": {"released"},
    },
    "researcher": {"releases/{record}": {"released"}},
    "lead": {"releases/{record}": {"released"}},
    "auditor": {"samples/{record}": {"released"}},
    "guardian": {
        "protection/{record}": OPEN_TO_GUARDIANS,
        "disclosures/records/{record}/{kind}": {*OPEN_TO_GUARDIANS, "frozen"},
    },
    "guardian2": {
        "protection/{record}": OPEN_TO_GUARDIANS,
        "disclosures/records/{record}/{kind}": {*OPEN_TO_GUARDIANS, "frozen"},
    },
}
# Whose cases each role meets by following links, by their codes; trails name every case that was not erased.
MAY_MEET: dict[str, set[str]] = {
    "interviewer": set(STAGES) - {"erased"},
    "redactor": {"taken", "drafted", "finished", "threat"},
    "approver": {"finished", "released"},
    "researcher": {"released"},
    "lead": set(STAGES) - {"erased"},
    "guardian": set(STAGES) - {"erased"},
    "guardian2": set(STAGES) - {"erased"},
    "auditor": set(STAGES) - {"erased"},
}
TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)


@dataclass
class World:
    """A study with something at every stage, and what everybody's crawl found."""

    system: System
    study: StudyPlace
    other: StudyPlace
    stranger: Person
    records: dict[str, str] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    words: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    canaries: dict[str, Canary] = field(default_factory=dict)
    asks: list[str] = field(default_factory=list)
    decision: str = ""
    form: str = ""
    walked: dict[str, dict[str, Seen]] = field(default_factory=dict)
    tried: dict[str, dict[tuple[str, str], Seen]] = field(default_factory=dict)

    def tell(self) -> None:
        """Bring a testimony to every stage, with a canary in every text that anybody enters."""
        system, study = self.system, self.study
        released = self._keep("released", system.released(study, body=self._body("released")))
        with system.signed_in("approver", study) as client:
            client.research.draw_sample(study.id, released)
        self._keep("finished", system.finished(study, body=self._body("finished")))
        with system.signed_in("approver", study) as client:
            client.review.take(study.id)
        taken = self._keep("taken", system.drafted(study, body=self._body("taken")))
        with system.signed_in("redactor", study) as client:
            assert client.review.take(study.id)["record"] == str(taken)
        self._keep("drafted", system.drafted(study, body=self._body("drafted")))
        threat = self._keep("threat", system.drafted(study, body=self._body("threat", "child_at_risk")))
        self._guard(threat, released)
        self._keep("arrived", system.submit(study, self._body("arrived"))["record"])
        self._end("frozen", "erased")
        parts, lead = system.collaborators, system.acting("lead", study)
        with system.runtime.glance() as session:
            questionnaire = instruments.listed(session, lead, study.id)[0].id
        self.form = str(system.runtime.run(Drafting(parts, lead, study.id, questionnaire, Wish("interview", "Notes"))))

    def _body(self, stage: str, threat: str = "") -> dict[str, Any]:
        canary = self.canaries[stage] = Canary(stage)
        answers = canary.answers() | ({"threat_disclosed": {"value": threat}} if threat else {})
        body = self.system.body(self.study, answers=answers)
        for name, answer in body["answers"].items():
            part = bundled().fields[name].compartment
            self._note(stage, "source" if part == "research" else part, answer)
        return body

    def _note(self, stage: str, part: str, told: Any) -> str:
        stem = self.canaries[stage].stem
        found = {word.lower() for word in re.findall(rf"{stem}\d{{5}}", json.dumps(told), re.IGNORECASE)}
        self.words.setdefault((stage, part), set()).update(found)
        return str(told)

    def _keep(self, stage: str, record: UUID | str) -> UUID:
        with self.system.signed_in("guardian", self.study) as client:
            rows = client.cases.protection_list(self.study.id)
        self.records[stage] = str(record)
        self.codes[stage] = next(row["case"] for row in rows if row["record"] == str(record))
        return UUID(str(record))

    def _guard(self, threat: UUID, released: UUID) -> None:
        with self.system.signed_in("guardian", self.study) as client:
            version = client.cases.protection(self.study.id, threat)["version"]
            note = self._note("threat", "note", self.canaries["threat"].word())
            client.cases.triage(self.study.id, threat, version=version, outcome="watch", hidden=True, note=note)
            reason = self._note("released", "reason", self.canaries["released"].word())
            ask = client.disclosures.ask(
                self.study.id, released, scope="identity", fields=["legal_name"], reason=reason
            )
            self.asks.append(str(ask))
        with self.system.signed_in("researcher", self.study) as client:
            self._note("released", "release", client.research.release(self.study.id, released))

    def _end(self, frozen: str, erased: str) -> None:
        for stage in (frozen, erased):
            self._keep(stage, self.system.submit(self.study, self._body(stage))["record"])
        with self.system.signed_in("guardian", self.study) as client:
            client.cases.withdraw(self.study.id, self.codes[frozen])
        for who in ("guardian", "lead"):
            with self.system.signed_in(who, self.study) as client:
                self.decision = client.cases.erase(self.study.id, self.codes[erased], preference="erase_all")[
                    "decision"
                ]

    def crawl(self, visit: Callable[[str], Visitor]) -> None:
        """Let everybody crawl: first by links, then with every id that anybody knows."""
        for who in EVERYBODY:
            crawler = Crawler(visit(who), [ABSENT_CODE])
            self.walked[who] = crawler.walk("/", "/sign-in", "/withdraw", "/nowhere")
            self.tried[who] = crawler.try_all(self.ids(self.study))
            if who.startswith("other"):
                self.tried[who] |= crawler.try_all(self.ids(self.other))

    def ids(self, study: StudyPlace) -> dict[str, list[str]]:
        """What an address below a study may hold: each thing of the first, something of another kind, nothing."""
        records = [*self.records.values(), self.asks[0], ABSENT]
        with self.system.signed_in("lead", self.study) as client:
            instruments = [each["id"] for each in client.studies.instruments(self.study.id)]
        people = [str(self.study["lead"].id), str(self.other["lead"].id), self.records["released"], ABSENT]
        return {
            "study": [str(study.id)],
            "record": records,
            "code": [*self.codes.values(), ABSENT_CODE],
            "ask": [*self.asks, self.records["released"], ABSENT],
            "decision": [self.decision, self.records["erased"], ABSENT],
            "kind": ["identity", "source"],
            "user": people,
            "team": ["redaction", "worker"],
            "instrument": [*map(str, instruments), ABSENT],
            "file": [self.records["released"], ABSENT],
            "form": [self.form, self.records["released"], ABSENT],
        }

    def seen(self, who: str) -> Iterator[tuple[str, Seen]]:
        """Every answer that somebody got, by its address."""
        yield from self.walked[who].items()
        for (_, address), seen in self.tried[who].items():
            yield address, seen


@pytest.fixture(scope="module")
def world(crawled: System, visiting: Callable[[str | None], Visitor]) -> World:
    """Told and crawled once: no test changes it."""
    made = World(crawled, crawled.study(), crawled.study("Another", prefix="o."), crawled.person("stranger"))
    made.tell()
    made.crawl(lambda who: visiting(token_of(made, who)))
    return made


def token_of(world: World, who: str) -> str | None:
    """A session of somebody's."""
    if who == "nobody":
        return None
    system, (where, _, role) = world.system, who.partition(" ")
    if who in {"admin", "stranger"}:
        return system.sign_in(system.admin if who == "admin" else world.stranger)
    return system.sign_in(world.other[role] if where == "other" else world.study[who])


def words_in(text: str, world: World) -> set[tuple[str, str, str]]:
    """Every canary in a text: its record's stage, its part, and the word.

    A stem without its number is a part of a text whose passages are marked: only the source is shown like that.
    """
    stages = {canary.stem: stage for stage, canary in world.canaries.items()}
    found = set(re.findall(rf"({'|'.join(stages)})(\d{{5}})?", text.lower()))
    cut = {(stages[stem], "source", stem) for stem, number in found if not number}
    whole_words = {stem + number for stem, number in found if number}
    return cut | {(*where, word) for where, words in world.words.items() for word in words & whole_words}


def whole(address: str, seen: Seen) -> str:
    """Everything that an answer tells: where it was, its headers, its body."""
    return f"{address}\n{seen.answer.headers.multi_items()}\n{seen.text}"


def test_the_search_finds_what_is_there(world: World) -> None:
    """Every text that a role may read was reached by links, so that what was not found was not there to be found."""
    for who, parts in MAY_READ.items():
        shown = "".join(whole(address, seen) for address, seen in world.walked[who].items())
        found = {(stage, part) for stage, part, _ in words_in(shown, world)}
        assert found == {each for each in parts if world.words[each]}, who
        if {"source", "release"} & {part for _, part in parts}:
            assert "in our street" in shown, who
    assert {(stage, "identity") for stage in STAGES} <= set(world.words)
    assert min(len(words) for (_, part), words in world.words.items() if part != "release") > 0


@pytest.mark.parametrize("who", EVERYBODY)
def test_no_answer_holds_what_its_reader_may_not_know(world: World, who: str) -> None:
    """No page, address, redirect, header, refusal or file holds a word of a text that is not the reader's."""
    released = world.words["released", "release"] if ("released", "release") in MAY_READ.get(who, ()) else set()
    for address, seen in world.seen(who):
        found = words_in(whole(address, seen), world)
        assert {each for each in found if each[:2] not in MAY_READ.get(who, ()) and each[2] not in released} == set(), (
            address
        )


@pytest.mark.parametrize("who", [who for who in EVERYBODY if who not in MAY_READ])
def test_whoever_reads_nothing_meets_no_word_in_any_writing(world: World, who: str) -> None:
    """Encoded, escaped, packed or turned around: not one stem of one testimony."""
    for address, seen in world.seen(who):
        raw = whole(address, seen).encode()
        assert [hit for canary in world.canaries.values() for hit in canary.found(raw)] == [], address


@pytest.mark.parametrize("who", EVERYBODY)
def test_no_address_and_no_title_holds_a_word(world: World, who: str) -> None:
    """Not even for those who may read it: addresses and titles go to histories and lists of tabs."""
    stems = [canary.stem for canary in world.canaries.values()]
    for address, seen in world.seen(who):
        title = TITLE.search(seen.text)
        told = f"{address} {seen.to} {title[1] if title else ''}".lower()
        assert [stem for stem in stems if stem in told] == [], address


@pytest.mark.parametrize("who", EVERYBODY)
def test_cases_that_are_met_are_those_of_the_table(world: World, who: str) -> None:
    """By the codes on every page that links lead to; an erased case is met by nobody."""
    text = "".join(whole(address, seen) for address, seen in world.walked[who].items())

    assert {stage for stage, code in world.codes.items() if code in text} == MAY_MEET.get(who, set())


@pytest.mark.parametrize("who", EVERYBODY)
def test_records_that_open_are_those_of_the_table(world: World, who: str) -> None:
    """Whatever address somebody makes up from ids that were overheard."""
    opened: dict[str, set[str]] = {}
    stages = {record: stage for stage, record in world.records.items()}
    for (route, address), seen in world.tried[who].items():
        record = next((each for each in stages if each in address), None)
        if seen.status == 200 and "{record}" in route and record:
            opened.setdefault(route.removeprefix("/studies/{study}/"), set()).add(stages[record])

    assert opened == MAY_OPEN.get(who, {})


@pytest.mark.parametrize("who", EVERYBODY)
def test_absent_and_not_yours_are_the_same_answer(world: World, who: str) -> None:
    """To the letter, but for the ids that were asked for: a refusal tells nothing about what it refuses."""
    refused: dict[str, set[str]] = {}
    for (route, address), seen in world.tried[who].items():
        if seen.status in {403, 404} or seen.to.startswith("/sign-in"):
            where = "own" if str(world.other.id) in address else ""
            refused.setdefault(where + route, set()).add(nameless(seen).replace(ID.sub("…", address), "…"))

    assert {route: len(answers) for route, answers in refused.items() if len(answers) > 1} == {}
    assert refused


@pytest.mark.parametrize("who", ["stranger", "admin", "other lead", "other guardian"])
def test_forms_about_what_is_not_yours_are_refused_alike(
    world: World, visiting: Callable[[str | None], Visitor], who: str
) -> None:
    """Every form of the study, sent from outside of it about things that are there and things that are not."""
    # The first of each kind is there, the last is not.
    ids = {name: [values[0], values[-1]] for name, values in world.ids(world.study).items()}
    sent = Crawler(visiting(token_of(world, who)), []).send_all({**ids, "study": [str(world.study.id), ABSENT]})

    assert {seen.status for seen in sent.values()} == {404}
    assert len({nameless(seen) for seen in sent.values()}) == 1


@pytest.mark.parametrize("who", EVERYBODY)
def test_every_answer_is_guarded(world: World, who: str) -> None:
    """No cache keeps a page, nothing of another host is asked for, no other site can frame it or learn its address."""
    for address, seen in world.seen(who):
        held = seen.answer.headers
        page = held.get("content-type", "").startswith("text/html")
        if not address.startswith("/static/"):
            assert held["cache-control"] == "no-store", address
        policy = held["content-security-policy"]
        assert "frame-ancestors 'none'" in policy, address
        assert policy.startswith("default-src 'none'"), address
        assert not re.search(r"unsafe|\*|https?:|data:", policy), address
        assert not page or "require-trusted-types-for 'script'" in policy, address
        assert (held["referrer-policy"], held["x-content-type-options"]) == ("no-referrer", "nosniff"), address
        assert held["strict-transport-security"].startswith("max-age="), address


@pytest.mark.parametrize("who", EVERYBODY)
def test_every_page_is_well_made(world: World, who: str) -> None:
    """Language, direction, title; forms that change something carry their token; nothing leads to another host."""
    for address, seen in world.seen(who):
        if not seen.answer.headers.get("content-type", "").startswith("text/html"):
            continue
        reader = seen.reader
        root = next(held for tag, held in reader.attributes if tag == "html")
        title = TITLE.search(seen.text)
        assert (root["lang"], root["dir"]) == ("en", "ltr"), address
        assert title, address
        assert title[1].removesuffix(" · Testimony").strip(), address
        for form in reader.forms:
            assert (form.method.lower() == "post") == ("form_token" in form.fields), f"{address} {form.action}"
        for tag, held in reader.attributes:
            for name in LEADING & held.keys():
                assert urlsplit(urljoin(HOST + address, held[name])).netloc == urlsplit(HOST).netloc, f"{address} {tag}"
            assert not [name for name in held if name == "style" or name.startswith("on")], f"{address} {tag}"


@pytest.mark.parametrize("who", EVERYBODY)
def test_no_answer_names_a_file_of_the_server(world: World, who: str) -> None:
    """Neither where data lie, nor a line of a program that failed."""
    tells = (str(world.system.folder), "Traceback", "site-packages", ".sqlite", ".py")
    for address, seen in world.seen(who):
        assert [each for each in tells if each in whole(address, seen)] == [], address
        assert seen.status < 500, address
