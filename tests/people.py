"""People for tests: accounts made, signed in and acting through the real services on a real database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import pyotp
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.access import Actor, ActorKind
from app.accounts import invitations, passkeys, sessions
from app.accounts.ceremonies import Ceremonies, RelyingParty
from app.accounts.gate import PEPPER, Gate
from app.accounts.invitations import Acceptance, Accepted
from app.accounts.phases import run
from app.accounts.sessions import SignedIn
from app.accounts.sign_in import Credentials, SignIn
from app.accounts.throttle import Throttling
from app.audit import entries
from app.bootstrap import database_errors
from app.collaborators import Collaborators
from app.crypto.passwords import Argon2Params
from app.crypto.sealed import Sealed
from app.crypto.secrets import Secret
from app.custody.base import Custody, KeyKind
from app.files.folder import FolderStore
from tests.authenticator import ORIGIN, Authenticator
from tests.clock import Clock

# The cheapest cost that is accepted at all.
CHEAP = Argon2Params(7_168, 1, 1)
PASSWORD = "four lanterns on the quay"
SOURCE = "192.0.2.1"
OPERATOR = Actor(ActorKind.OPERATOR)
# Where nothing is ever kept: accounts have no files.
NO_FILES = FolderStore(Path("/nonexistent/files"))


class CountingCustody:
    """Real custody that counts how often it is asked for a MAC."""

    def __init__(self, custody: Custody) -> None:
        self._custody = custody
        self.macs = 0

    def create(self, name: str, kind: KeyKind) -> None:
        """Make a key."""
        self._custody.create(name, kind)

    def public(self, name: str) -> bytes:
        """The public half."""
        return self._custody.public(name)

    def mac(self, name: str, data: bytes) -> bytes:
        """The MAC, counted."""
        self.macs += 1
        return self._custody.mac(name, data)

    def sign(self, name: str, data: bytes) -> bytes:
        """The signature."""
        return self._custody.sign(name, data)

    def wrap(self, name: str, plaintext: Secret, context: bytes) -> Sealed:
        """The wrapped secret."""
        return self._custody.wrap(name, plaintext, context)

    def unwrap(self, name: str, blob: bytes, context: bytes) -> Secret:
        """The secret."""
        return self._custody.unwrap(name, blob, context)

    def destroy(self, name: str) -> None:
        """Forget a key."""
        self._custody.destroy(name)

    def has(self, name: str) -> bool:
        """Whether the key is here."""
        return self._custody.has(name)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account, and what they alone know."""

    id: UUID
    name: str
    password: str
    totp_secret: str


@dataclass(slots=True)
class House:
    """One node of the service, as far as accounts go."""

    engine: Engine
    collaborators: Collaborators
    clock: Clock
    gate: Gate = field(default_factory=lambda: Gate(at_once=4, waiting=40, params=CHEAP))
    throttling: Throttling = field(init=False)
    ceremonies: Ceremonies = field(init=False)

    def __post_init__(self) -> None:
        """Give the node its throttle and its passkeys."""
        self.throttling = Throttling(self.collaborators)
        self.ceremonies = Ceremonies(self.collaborators, RelyingParty("localhost", ORIGIN))

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """One transaction, as the runtime opens it."""
        with database_errors(), Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    def accept(self, token: str, password: str = PASSWORD) -> Accepted:
        """Accept an invitation."""
        acceptance = Acceptance(self.collaborators, self.gate, token, password)
        with self.transaction() as session:
            acceptance.plan(session)
        acceptance.work()
        with self.transaction() as session:
            return acceptance.store(session)

    def admin(self) -> Person:
        """The first admin."""
        with self.transaction() as session:
            token = invitations.invite_first_admin(session, self.collaborators, OPERATOR, "root.admin")
        return _person(self.accept(token))

    def invite(self, actor: Actor, name: str) -> str:
        """An invitation's token."""
        with self.transaction() as session:
            return invitations.invite(session, self.collaborators, actor, name)

    def person(self, admin: Actor, name: str) -> Person:
        """Somebody who accepted an invitation."""
        return _person(self.accept(self.invite(admin, name)))

    def credentials(self, person: Person, *, source: str = SOURCE) -> Credentials:
        """What this person types now."""
        return Credentials(person.name, person.password, self.code(person), source)

    def code(self, person: Person) -> str:
        """The code on this person's phone now."""
        return pyotp.TOTP(person.totp_secret).at(self.clock.now)

    def try_sign_in(self, credentials: Credentials) -> SignedIn:
        """Sign in with whatever was typed."""
        attempt = SignIn(self.collaborators, self.gate, self.throttling, credentials, self.ceremonies)
        return run(self.transaction, attempt)

    def sign_in(self, person: Person) -> SignedIn:
        """Sign in as this person, with the next code."""
        self.clock.advance(seconds=30)
        return self.try_sign_in(self.credentials(person))

    def passkey(self, person: Person, key: Authenticator | None = None) -> Authenticator:
        """A passkey that this person registered in a session of their own."""
        key, token = key or Authenticator(), self.sign_in(person).token
        actor = self.authenticate(token)
        with self.transaction() as session:
            options = passkeys.registration_options(session, self.collaborators, actor, self.ceremonies, token)
            made = json.dumps(key.make(options))
            passkeys.register(
                session, self.collaborators, actor, self.ceremonies, token, label="My phone", passkey=made
            )
        return key

    def answered(self, person: Person, key: Authenticator, *, source: str = SOURCE) -> Credentials:
        """What this person types now, with the passkey's answer in the place of the code."""
        answer = json.dumps(key.answer(self.ceremonies.sign_in_options()))
        return Credentials(person.name, person.password, "", source, answer)

    def authenticate(self, token: str) -> Actor:
        """Who holds the token."""
        with self.transaction() as session:
            return sessions.authenticate(session, self.collaborators, token)

    def actor(self, person: Person) -> Actor:
        """This person, freshly signed in."""
        return self.authenticate(self.sign_in(person).token)


def create_pepper(custody: Custody) -> None:
    """Make the key that every password is mixed with, and the one that every event is checked with."""
    custody.create(PEPPER, KeyKind.MAC)
    custody.create(entries.KEY, KeyKind.MAC)


def _person(accepted: Accepted, password: str = PASSWORD) -> Person:
    return Person(accepted.user, accepted.name, password, accepted.totp_secret)
