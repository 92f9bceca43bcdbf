"""A whole system for tests: real services on real databases, real accounts, studies with every team founded.

Fixtures (in ``tests/conftest.py``):

    system   a System whose clock the test moves (``system.clock.advance(hours=1)``), on SQLite and on PostgreSQL; the
             application is called without a socket
    served   a Served (``tests/serving.py``): a System on the wall clock, ``testimony serve`` running over real TLS; one
             on SQLite for the whole run

What a System can do:

    study = system.study()                        # everybody confirmed, open for intake; the first one is the default
    other = system.study("Another", prefix="o.")  # other people: for tests of isolation
    receipt = system.submit()                     # through the service: the receipt's JSON, with "record" and "case"
    system.redact_all()                           # the worker's steps, in this process
    record = system.drafted()                     # submitted and redacted: the record's id
    record = system.finished()                    # and finished by the redactor
    record = system.released()                    # and released by the approver
    actor = system.acting("redactor")             # an Actor within the study, keys unlocked, second factor fresh
    client = system.signed_in("approver")         # the REST client, signed in; a session is used again while it lives
    client = system.client(token)                 # the REST client with any token, or none
    system.body(study, 2)                         # the body of a demo testimony (1 English, 2 Arabic, 3 French)
    system.runtime, system.web, system.worker     # runtimes of the roles operator, web and worker

Wherever a role's name is taken, a Person or another study's may be named: ``system.signed_in("lead", other)``,
``system.signed_in(study["guardian2"])``. People of a study: lead, interviewer, redactor, approver, researcher,
guardian, guardian2, auditor, auditor2; ``system.admin`` stands alone. Everybody's password is
``tests.people.PASSWORD``; ``system.code(person)`` is their next one-time code.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from pydantic import SecretStr

import app
from app.access import Actor, Role, Team
from app.accounts import invitations, sessions
from app.accounts.gate import Gate
from app.accounts.invitations import Acceptance
from app.accounts.sign_in import Credentials, SignIn
from app.bootstrap import build
from app.client import Client, OneTimeCodes
from app.collaborators import Collaborators, utc_now
from app.deidentify.modes import Using
from app.errors import Unauthenticated
from app.intake.service import AcceptRecord, Submission
from app.operations import setup
from app.settings import Environment, Settings
from app.studies import service as studies
from app.web.app import create_app
from app.web.uploading import Upload
from app.worker import Worker
from tests.bridge import Bridge
from tests.clock import Clock
from tests.databases import Kind, copy_database, drop_database, fresh_database
from tests.people import CHEAP, PASSWORD, SOURCE, Person

DEMO = Path(app.__path__[0]) / "data" / "demo"
POLICY: dict[str, Any] = {
    "collects_identities": True,
    "accepts_minors": False,
    "released_languages": ["ar", "en", "fr"],
    "extensions": ["C", "D", "E", "F", "G", "H"],
}
PLACES: dict[str, Role] = {
    "lead": Role.LEAD,
    "interviewer": Role.INTERVIEWER,
    "redactor": Role.REDACTOR,
    "approver": Role.APPROVER,
    "researcher": Role.RESEARCHER,
    "guardian": Role.GUARDIAN,
    "guardian2": Role.GUARDIAN,
    "auditor": Role.AUDITOR,
    "auditor2": Role.AUDITOR,
}
# Who makes a team's first key, and whom they hand it to.
FOUNDERS: dict[str, tuple[Team, tuple[str, ...]]] = {
    "lead": (Team.RESEARCHERS, ("researcher", "approver")),
    "redactor": (Team.REDACTION, ("approver",)),
    "guardian": (Team.GUARDIANS, ("guardian2",)),
    "auditor": (Team.AUDITORS, ("auditor2",)),
}
HOST = "http://localhost"
FIRST = "A study"
# A second factor as old as this is given again: verbs that ask for one take five minutes.
FRESH = timedelta(minutes=4)


@dataclass(frozen=True, slots=True)
class StudyPlace:
    """A study and its people by role name."""

    id: UUID
    people: dict[str, Person] = field(repr=False)

    def __getitem__(self, name: str) -> Person:
        return self.people[name]


@dataclass(frozen=True, slots=True)
class Mold:
    """A system with its first study as it stood when it was closed: what other systems begin with."""

    folder: Path
    urls: list[str]
    deployment: UUID
    now: datetime
    admin: Person
    study: StudyPlace
    spent: dict[UUID, int]
    tokens: dict[UUID, str] = field(repr=False)


class System:
    """See the module."""

    def __init__(
        self,
        folder: Path,
        kind: Kind,
        clock: Clock | None = None,
        *,
        environment: Environment = Environment.DEVELOPMENT,
        mold: Mold | None = None,
        **settings: Any,
    ) -> None:
        self.folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if mold is None:
            self.urls = [fresh_database(kind, "main"), fresh_database(kind, "keystore")]
        else:
            shutil.copytree(mold.folder, folder, dirs_exist_ok=True)
            self.urls = [copy_database(url) for url in mold.urls]
        self.settings = Settings(
            data=folder,
            deployment=uuid4() if mold is None else mold.deployment,
            database_url=SecretStr(self.urls[0]),
            keystore_url=SecretStr(self.urls[1]),
            environment=environment,
            **{"deidentify": Using.RULES, **settings},
        )
        self._clock = clock
        self.now: Callable[[], datetime] = clock or utc_now
        self.gate = Gate(at_once=4, waiting=40, params=CHEAP)
        self.runtime = build(self.settings, "operator", clock=self.now, gate=self.gate)
        if mold is None:
            setup.prepare(self.runtime)
        self.web = build(self.settings, "web", clock=self.now, gate=self.gate)
        self.worker = build(self.settings, "worker", clock=self.now, gate=self.gate)
        self._codes: dict[UUID, OneTimeCodes] = {}
        self._tokens: dict[UUID, str] = {}
        self._studies: list[StudyPlace] = []
        self._molded: StudyPlace | None = None
        self._bridge: Bridge | None = None
        self._clients: list[Client] = []
        if mold is None:
            self.admin = self._accept(setup.invite_admin(self.runtime, "root.admin"))
        else:
            self._begin_with(mold)

    @classmethod
    def mold(cls, folder: Path, kind: Kind) -> Mold:
        """Make what other systems begin with."""
        system = cls(folder, kind, Clock())
        study, tokens = system.first(), dict(system._tokens)
        spent = {user: codes.spent for user, codes in system._codes.items()}
        for runtime in (system.runtime, system.web, system.worker):
            runtime.close()
        deployment, now = system.settings.deployment, system.clock.now
        return Mold(folder, system.urls, deployment, now, system.admin, study, spent, tokens)

    def _begin_with(self, mold: Mold) -> None:
        self.admin, self._molded = mold.admin, mold.study
        self.clock.now = mold.now
        self._tokens.update(mold.tokens)
        for person in (mold.admin, *mold.study.people.values()):
            spent = mold.spent[person.id]
            self._codes[person.id] = OneTimeCodes(person.totp_secret, clock=self.now, wait=self._wait, spent=spent)

    @property
    def clock(self) -> Clock:
        """The clock that the test moves."""
        assert self._clock is not None, "this system runs on the wall clock"
        return self._clock

    @property
    def collaborators(self) -> Collaborators:
        """The operator's collaborators."""
        return self.runtime.collaborators

    def person(self, name: str) -> Person:
        """Somebody who accepted an invitation and belongs to no study."""
        admin = self.actor(self.admin)
        with self.runtime.transaction() as session:
            token = invitations.invite(session, self.collaborators, admin, name)
        return self._accept(token)

    def code(self, person: Person) -> str:
        """A one-time code that this person has not used yet; time passes if it must."""
        return self._codes[person.id].next()

    def sign_in(self, person: Person) -> str:
        """A new session's token, by the service."""
        credentials = Credentials(person.name, person.password, self.code(person), SOURCE)
        return self.runtime.run(SignIn(self.collaborators, self.gate, self.runtime.throttling, credentials)).token

    def actor(self, person: Person) -> Actor:
        """This person, signed in with a second factor of the last minutes, in no study."""
        return self._session(person)[1]

    def _session(self, person: Person, sign_in: Callable[[Person], str] | None = None) -> tuple[str, Actor]:
        """A session of this person's: the last one while it lives and its factor is fresh, else a new one."""
        known = self._tokens.get(person.id)
        actor = None if known is None else self._fresh(known)
        if known is not None and actor is not None:
            return known, actor
        token = self._tokens[person.id] = (sign_in or self.sign_in)(person)
        with self.runtime.transaction() as session:
            return token, sessions.authenticate(session, self.collaborators, token)

    def _fresh(self, token: str) -> Actor | None:
        with suppress(Unauthenticated), self.runtime.transaction() as session:
            actor = sessions.authenticate(session, self.collaborators, token)
            if actor.factor_at is not None and self.now() - actor.factor_at < FRESH:
                return actor
        return None

    def study(
        self, name: str = FIRST, *, prefix: str = "", policy: Mapping[str, Any] = POLICY, exempt: bool = False
    ) -> StudyPlace:
        """Make a study with all its people, founded and confirmed: open for intake."""
        if self._molded is not None and (name, prefix, policy, exempt) == (FIRST, "", POLICY, False):
            self._studies.append(self._molded)
            self._molded = None
            return self._studies[-1]
        people = {place: self.person(prefix + place) for place in PLACES}
        actors = {place: self.actor(person) for place, person in people.items()}
        keys = {place: actor.unlocked().fingerprint for place, actor in actors.items()}
        admin, lead = self.actor(self.admin), people["lead"].id
        with self.runtime.transaction() as session:
            study = studies.create_study(
                session,
                self.collaborators,
                admin,
                name,
                lead=lead,
                fingerprint=keys["lead"],
                policy=dict(policy),
                exempt=exempt,
            )
        for place, role in PLACES.items():
            if place != "lead":
                self.admit(study, actors["lead"], people[place], frozenset({role}), keys[place])
        for founder, (team, others) in FOUNDERS.items():
            self.found(study, actors[founder], team)
            for before, other in pairwise((founder, *others)):
                self.confirm(study, actors[before], people[other], keys[other])
        self._studies.append(StudyPlace(study, people))
        return self._studies[-1]

    def admit(self, study: UUID, lead: Actor, person: Person, roles: frozenset[Role], fingerprint: bytes) -> None:
        """Let a lead admit somebody."""
        with self.runtime.transaction() as session:
            acting, signed = studies.act_in(session, self.collaborators, lead, study)
            studies.admit(session, self.collaborators, acting, signed, person.id, roles=roles, fingerprint=fingerprint)

    def found(self, study: UUID, founder: Actor, team: Team) -> None:
        """Let somebody make a team's first key."""
        with self.runtime.transaction() as session:
            acting, signed = studies.act_in(session, self.collaborators, founder, study)
            studies.found_team(session, self.collaborators, acting, signed, team)

    def confirm(self, study: UUID, member: Actor, person: Person, fingerprint: bytes) -> None:
        """Let a member hand the keys over."""
        with self.runtime.transaction() as session:
            acting, signed = studies.act_in(session, self.collaborators, member, study)
            studies.confirm(session, self.collaborators, acting, signed, person.id, fingerprint=fingerprint)

    def first(self) -> StudyPlace:
        """The first study; made if there is none."""
        return self._studies[0] if self._studies else self.study()

    def acting(self, who: str | Person, study: StudyPlace | None = None) -> Actor:
        """Somebody of a study, freshly signed in, with the roles there."""
        place = study or self.first()
        actor = self.actor(place[who] if isinstance(who, str) else who)
        with self.runtime.transaction() as session:
            return studies.act_in(session, self.collaborators, actor, place.id)[0]

    def body(self, study: StudyPlace | None = None, number: int = 1, **changed: Any) -> dict[str, Any]:
        """The body of a submission with one of the demo testimonies; ``changed`` replaces members."""
        demo = json.loads(next(DEMO.glob(f"{number}-*.json")).read_text())
        body = {"case": None, "instrument": demo["instrument"], "answers": demo["answers"], "withdrawal_sha256": None}
        return {"study": str((study or self.first()).id), **body, **changed}

    def submit(
        self,
        study: StudyPlace | None = None,
        body: Mapping[str, Any] | None = None,
        *,
        client_uuid: UUID | None = None,
        who: str | Person = "interviewer",
    ) -> dict[str, Any]:
        """Submit through the service; the receipt's JSON."""
        place = study or self.first()
        sent = body or self.body(place)
        actor, hashed = self.actor(place[who] if isinstance(who, str) else who), sent["withdrawal_sha256"]
        submission = Submission(
            client_uuid=client_uuid or uuid4(),
            study=UUID(sent["study"]),
            case=sent["case"],
            instrument=sent["instrument"]["id"],
            version=sent["instrument"]["version"],
            answers=sent["answers"],
            withdrawal=None if hashed is None else bytes.fromhex(hashed),
        )
        return self.web.make(AcceptRecord(self.web.collaborators, actor, submission)).receipt

    def attach(self, record: UUID, name: str, content: bytes, *, who: str | Person = "interviewer") -> UUID:
        """Attach a file to a record of the first study, by whoever submitted it; the file's id."""
        upload = Upload.begin(self.web, self.actor(self.who(who)), record, uuid4(), name=name)
        upload.write(content)
        return upload.finish()

    def redact_all(self) -> int:
        """Let the worker redact until nothing is due; how many steps it took."""
        worker, steps = Worker(self.worker), 0
        while worker.step():
            steps += 1
        return steps

    def drafted(self, study: StudyPlace | None = None, **submission: Any) -> UUID:
        """A record that waits for redactors."""
        record = UUID(self.submit(study, **submission)["record"])
        self.redact_all()
        return record

    def finished(self, study: StudyPlace | None = None, **submission: Any) -> UUID:
        """A record that the redactor finished and that waits for approvers."""
        place = study or self.first()
        record = self.drafted(place, **submission)
        with self.signed_in("redactor", place) as client:
            assert UUID(client.review.take(place.id)["record"]) == record
            client.review.finish(place.id, record, version=client.review.source(place.id, record)["version"])
        return record

    def released(self, study: StudyPlace | None = None, **submission: Any) -> UUID:
        """A record that the approver released."""
        place = study or self.first()
        record = self.finished(place, **submission)
        with self.signed_in("approver", place) as client:
            assert UUID(client.review.take(place.id)["record"]) == record
            shown = client.review.preview(place.id, record)
            client.review.release(place.id, record, digest=shown["digest"], doubts=len(shown["doubts"]))
        return record

    def client(self, token: str | None = None) -> Client:
        """The REST client over the application, with this token or none."""
        if self._bridge is None:
            self._bridge = Bridge(create_app(self.web))
        return self._keep(Client(HOST, token, transport=self._bridge, sleep=_go_on))

    def _keep(self, client: Client) -> Client:
        """Close this client with the system, if nobody does before."""
        self._clients.append(client)
        return client

    def signed_in(self, who: str | Person, study: StudyPlace | None = None) -> Client:
        """The REST client of somebody signed in, through the application if it must be; ``admin`` is the admin."""
        person, client = self.who(who, study), self.client()

        def sign_in(person: Person) -> str:
            client.accounts.sign_in(person.name, person.password, self.code(person))
            return str(client.http.token)

        client.http.token = self._session(person, sign_in)[0]
        return client

    def receipt_keys(self) -> dict[str, bytes]:
        """The keys to pin."""
        return {"receipt-1": self.collaborators.custody.public("receipt-1")}

    def close(self) -> None:
        """Close everything and delete the databases."""
        for client in self._clients:
            client.close()
        if self._bridge is not None:
            self._bridge.shut_down()
        for runtime in (self.runtime, self.web, self.worker):
            runtime.close()
        for url in self.urls:
            drop_database(url)

    def who(self, who: str | Person, study: StudyPlace | None = None) -> Person:
        """The person of a role's name in a study (the first, if none is named); ``admin`` is the admin."""
        if isinstance(who, Person):
            return who
        return self.admin if who == "admin" else (study or self.first())[who]

    def _accept(self, token: str) -> Person:
        acceptance = Acceptance(self.collaborators, self.gate, token, PASSWORD)
        with self.runtime.transaction() as session:
            acceptance.plan(session)
        acceptance.work()
        with self.runtime.transaction() as session:
            done = acceptance.store(session)
        self._codes[done.user] = OneTimeCodes(done.totp_secret, clock=self.now, wait=self._wait)
        return Person(done.user, done.name, PASSWORD, done.totp_secret)

    def _wait(self, seconds: float) -> None:
        if self._clock is None:
            time.sleep(seconds)
        else:
            self._clock.advance(seconds=seconds)


def _go_on(_seconds: float) -> None:
    """Nothing in this process gets better by waiting."""
