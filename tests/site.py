"""The web application for tests: a whole runtime on real databases, driven through HTTP without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from pydantic import SecretStr

from app.access import Actor, Role
from app.accounts.gate import Gate
from app.bootstrap import Runtime, build
from app.custody.base import KeyKind
from app.custody.file import FileCustody
from app.settings import Environment, Settings
from app.studies import service as studies
from app.web.api import ROUTERS
from app.web.app import create_app
from app.web.routing import Router
from tests.clock import Clock
from tests.databases import Kind, drop_database, fresh_database
from tests.people import CHEAP, House, Person

KEYS = {
    "pepper-1": KeyKind.MAC,
    "roster-1": KeyKind.SIGN,
    "receipt-1": KeyKind.SIGN,
    "audit-1": KeyKind.SIGN,
    "event-1": KeyKind.MAC,
    "worker-1": KeyKind.WRAP,
}
HOST = "http://localhost"


class Site:
    """One web node with its people; ``call`` sends one request."""

    def __init__(self, folder: Path, kind: Kind, clock: Clock, deployment: UUID, **settings: Any) -> None:
        self.urls = [fresh_database(kind, "main"), fresh_database(kind, "keystore")]
        self.settings = Settings(
            data=folder,
            deployment=deployment,
            database_url=SecretStr(self.urls[0]),
            keystore_url=SecretStr(self.urls[1]),
            **{"environment": Environment.DEVELOPMENT} | settings,
        )
        custody = FileCustody(folder / "custody", ("web", "worker", "audit", "intake", "kk"))
        for name, use in KEYS.items():
            custody.create(name, use)
        gate = Gate(at_once=4, waiting=40, params=CHEAP)
        self.runtime: Runtime = build(self.settings, "web", clock=clock, gate=gate)
        self.runtime.collaborators.keystore.initialise()
        self.house = House(self.runtime.engine, self.runtime.collaborators, clock, gate)
        self._loop = asyncio.Runner()
        self.serve()

    def serve(self, routers: Sequence[Router] = ROUTERS) -> None:
        """Serve these routes from now on."""
        self.routers = list(routers)
        self.app = create_app(self.runtime, routers)

    def call(
        self, method: str, path: str, *, token: str | None = None, source: str = "192.0.2.9", **request: Any
    ) -> httpx.Response:
        """Send a request and wait for its answer; ``request`` is httpx's ``json``, ``content``, ``headers``."""
        return self._loop.run(self._send(method, path, token, source, request))

    def sign_in(self, person: Person) -> str:
        """A fresh session's token, signed in through the API."""
        self.house.clock.advance(seconds=30)
        body = {"name": person.name, "password": person.password, "code": self.house.code(person)}
        answer = self.call("POST", "/v1/sessions", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["token"])

    def study(self, admin: Actor, lead: Person, name: str = "A study") -> UUID:
        """A demo study with its lead."""
        fingerprint = self.fingerprint(lead)
        with self.runtime.transaction() as session:
            return studies.create_study(
                session, self.runtime.collaborators, admin, name, lead=lead.id, fingerprint=fingerprint, exempt=True
            )

    def admit(self, lead: Person, study: UUID, person: Person, role: Role) -> None:
        """Let the lead admit somebody."""
        fingerprint = self.fingerprint(person)
        actor = self.house.actor(lead)
        with self.runtime.transaction() as session:
            acting, signed = studies.act_in(session, self.runtime.collaborators, actor, study)
            studies.admit(
                session,
                self.runtime.collaborators,
                acting,
                signed,
                person.id,
                roles=frozenset({role}),
                fingerprint=fingerprint,
            )

    def remove(self, lead: Person, study: UUID, person: Person) -> None:
        """Let the lead remove somebody."""
        actor = self.house.actor(lead)
        with self.runtime.transaction() as session:
            acting, signed = studies.act_in(session, self.runtime.collaborators, actor, study)
            studies.remove(session, self.runtime.collaborators, acting, signed, person.id)

    def fingerprint(self, person: Person) -> bytes:
        """The fingerprint that the person would read aloud."""
        actor = self.house.actor(person)
        return actor.unlocked().fingerprint

    def close(self) -> None:
        """Close everything and delete the databases."""
        self._loop.close()
        self.runtime.close()
        for url in self.urls:
            drop_database(url)

    async def _send(
        self, method: str, path: str, token: str | None, source: str, request: dict[str, Any]
    ) -> httpx.Response:
        headers = dict(request.pop("headers", {}))
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        transport = httpx.ASGITransport(self.app, client=(source, 12345))
        async with httpx.AsyncClient(transport=transport, base_url=HOST) as client:
            return await client.request(method, path, headers=headers, **request)
