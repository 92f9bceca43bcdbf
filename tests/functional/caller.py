"""Raw requests as somebody: what the REST client hides (statuses, headers, problems) is what these tests look at."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx

from app.web.app import create_app
from tests.bridge import Bridge
from tests.people import Person
from tests.system import HOST, StudyPlace, System

# A session is used this long, so that its second factor is always fresh enough.
SIGNED_IN = timedelta(minutes=4)


class Caller:
    """Sends requests through the application; ``who`` is a role's name in ``place``, a Person, or None for nobody."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.app = create_app(system.web)
        self._bridge = Bridge(self.app)
        self._client = httpx.Client(base_url=HOST, transport=self._bridge, trust_env=False)
        self._tokens: dict[UUID, tuple[str, datetime]] = {}

    def token(self, who: str | Person, place: StudyPlace | None = None) -> str:
        """A session's token with a fresh second factor."""
        person = self._person(who, place)
        token, at = self._tokens.get(person.id, ("", None))
        now = self.system.clock.now
        if at is None or now - at > SIGNED_IN:
            token = self.system.sign_in(person)
            self._tokens[person.id] = (token, self.system.clock.now)
        return token

    def forget(self, who: str | Person, place: StudyPlace | None = None) -> None:
        """Sign in anew the next time."""
        self._tokens.pop(self._person(who, place).id, None)

    def __call__(
        self,
        who: str | Person | None,
        method: str,
        path: str,
        *,
        place: StudyPlace | None = None,
        **request: Any,
    ) -> httpx.Response:
        """One request; ``request`` is httpx's ``json``, ``content``, ``headers``, ``params``."""
        token = None if who is None else self.token(who, place)
        return self.send(token, method, path, **request)

    def send(self, token: str | None, method: str, path: str, **request: Any) -> httpx.Response:
        """One request with any token, or none."""
        headers = dict(request.pop("headers", {}))
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        return self._client.request(method, path, headers=headers, **request)

    def stream(self, who: str, method: str, path: str, parts: Sequence[bytes]) -> int:
        """The status of a JSON request whose body comes in parts, with no length announced."""
        return asyncio.run(self._stream(self.token(who), method, path, parts))

    async def _stream(self, token: str, method: str, path: str, parts: Sequence[bytes]) -> int:
        headers = {"host": "localhost", "content-type": "application/json", "authorization": f"Bearer {token}"}
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
        coming = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
        coming.append({"type": "http.request", "body": b"", "more_body": False})
        statuses: list[int] = []

        async def receive() -> MutableMapping[str, Any]:
            return coming.pop(0) if coming else {"type": "http.disconnect"}

        async def send(message: MutableMapping[str, Any]) -> None:
            statuses.extend([message["status"]] if "status" in message else [])

        await self.app(scope, receive, send)
        return statuses[0]

    def close(self) -> None:
        """Shut the application down."""
        self._client.close()
        self._bridge.shut_down()

    def _person(self, who: str | Person, place: StudyPlace | None) -> Person:
        if isinstance(who, Person):
            return who
        return self.system.admin if who == "admin" else (place or self.system.first())[who]


def code_of(answer: httpx.Response) -> str:
    """The code of a problem; it must be one, complete and well formed."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["instance"] == f"urn:uuid:{answer.headers['x-request-id']}"
    kind, _, code = str(problem["type"]).rpartition(":")
    assert kind == "urn:testimony:problem"
    return code
