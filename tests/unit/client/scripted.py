"""A service that answers by a script, for what a real one does only when it is in trouble."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import httpx

from app.client import Client

Answer = httpx.Response | Exception


class Scripted(httpx.BaseTransport):
    """Gives the answers in order; remembers the requests."""

    def __init__(self, answers: Sequence[Answer]) -> None:
        self._answers = list(answers)
        self.requests: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The next answer."""
        self.requests.append(request)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def problem(status: int, code: str, *, flaws: Sequence[dict[str, str]] = (), **headers: str) -> httpx.Response:
    """A problem as the service sends it."""
    tree: dict[str, Any] = {
        "type": f"urn:testimony:problem:{code}",
        "title": "A title",
        "status": status,
        "detail": "A fixed text.",
        "instance": "urn:uuid:00000000-0000-0000-0000-000000000000",
    }
    if flaws:
        tree["errors"] = list(flaws)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, headers=names, content=json.dumps(tree))


def answer(status: int = 200, /, **members: Any) -> httpx.Response:
    """An answer with a JSON object."""
    return httpx.Response(status, content=json.dumps(members))


def client(*answers: Answer, token: str | None = None) -> tuple[Client, Scripted, list[float]]:
    """A client of such a service, the requests it made, and the pauses it took."""
    transport, pauses = Scripted(answers), list[float]()
    return Client("https://service.test", token, transport=transport, sleep=pauses.append), transport, pauses
