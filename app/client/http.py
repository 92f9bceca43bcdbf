"""The one way to the service: JSON over TLS 1.3, problems as exceptions, patience where repeating is harmless."""

from __future__ import annotations

import logging
import secrets
import ssl
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import httpx

from app.client.problem import Problem, UnexpectedAnswer, Unreachable, Untrusted, seconds

__all__ = ["Http", "Json", "address", "checked"]

Json = dict[str, Any]

TIMEOUT_SECONDS = 60.0
FIRST_ERROR = 400
# Answers that ask to come back: too many at once, or a part is away, be it behind a proxy.
COME_BACK = frozenset({429, 502, 503, 504})
TRIES = 7
READ_TRIES = 4
FIRST_PAUSE = 0.25
LONGEST_PAUSE = 15.0
_CHANCE = secrets.SystemRandom()


def address(*parts: object) -> str:
    """An address below ``/v1`` from its parts, each escaped."""
    return "/v1/" + "/".join(quote(str(part), safe="") for part in parts)


class Http:
    """One connection pool and one bearer token.

    ``verify`` is True for the system's authorities, or the file of the one certificate to trust. Proxy settings of the
    environment are not used. ``transport`` replaces the network, for tests.
    """

    def __init__(
        self,
        base_url: str,
        token: str | None = None,
        *,
        verify: Path | Literal[True] = True,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.token = token
        self._sleep = sleep
        self._client = httpx.Client(
            base_url=base_url,
            verify=_trust(verify) if transport is None else True,
            transport=transport,
            timeout=TIMEOUT_SECONDS,
            trust_env=False,
            headers={"accept": "application/json"},
        )
        # They would write whole addresses, which name cases, to the log.
        for library in ("httpx", "httpcore"):
            logging.getLogger(library).setLevel(logging.WARNING)

    def __repr__(self) -> str:
        return "Http(…)"

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    def get(self, path: str, **query: str | int | None) -> Json:
        """Read; again and again with growing pauses while nobody answers."""
        given = {name: value for name, value in query.items() if value is not None}
        return self.call("GET", path, query=given, tries=READ_TRIES)

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Json:
        """Do."""
        return self.call("POST", path, body)

    def put(self, path: str, body: Mapping[str, Any] | None = None) -> Json:
        """Set."""
        return self.call("PUT", path, body)

    def patch(self, path: str, body: Mapping[str, Any]) -> Json:
        """Change."""
        return self.call("PATCH", path, body)

    def delete(self, path: str) -> Json:
        """Remove."""
        return self.call("DELETE", path)

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str | int] | None = None,
        tries: int = 1,
    ) -> Json:
        """One request; the answer's JSON object, empty for an answer without content.

        Raises:
            Problem: the service refused.
            Unreachable: it did not answer.
            Untrusted: its certificate is not the one to trust.
            UnexpectedAnswer: the answer is none of this API's.
        """
        return checked(self.send(method, path, tries=tries, json=body, params=query))

    def content(self, path: str, *, start: int = 0, end: int | None = None) -> bytes:
        """The bytes at an address, or those from ``start`` to before ``end``; raises as ``call``."""
        wanted = {} if (start, end) == (0, None) else {"range": f"bytes={start}-{'' if end is None else end - 1}"}
        answer = self.send("GET", path, tries=READ_TRIES, headers=wanted)
        if answer.status_code >= FIRST_ERROR:
            checked(answer)
        return answer.content

    def put_patiently(self, path: str, body: Mapping[str, Any], *, tries: int = TRIES) -> Json:
        """PUT what may be repeated without harm, again and again with growing pauses, while nobody answers.

        Raises:
            Problem: the service refused for good, or the last try too.
            Unreachable: nobody answered the last try.
        """
        return self.call("PUT", path, body, tries=tries)

    def send(
        self, method: str, path: str, *, tries: int = 1, headers: Mapping[str, str] | None = None, **request: Any
    ) -> httpx.Response:
        """One request as httpx takes it, whatever the answer's status.

        More than one try is for what may be repeated without harm: it is sent again after a connection error or an
        answer that asks to come back, with growing pauses of random length, so that many clients do not come at once.

        Raises:
            Unreachable, Untrusted: nobody answered, or somebody else.
        """
        for number in range(tries - 1):
            try:
                answer = self._send(method, path, headers, request)
            except Unreachable:
                asked = None
            else:
                if answer.status_code not in COME_BACK:
                    return answer
                asked = seconds(answer.headers.get("retry-after"))
            self.pause(number, asked or 0.0)
        return self._send(method, path, headers, request)

    def pause(self, number: int, asked: float = 0.0) -> None:
        """Wait before a try, the longer the more failed before, and at least as long as was asked for (seconds)."""
        step = FIRST_PAUSE * 2**number
        self._sleep(min(max(_CHANCE.uniform(step / 2, step), asked), LONGEST_PAUSE))

    def _send(
        self, method: str, path: str, headers: Mapping[str, str] | None, request: Mapping[str, Any]
    ) -> httpx.Response:
        shown = {"authorization": f"Bearer {self.token}"} if self.token is not None else {}
        try:
            return self._client.request(method, path, headers={**shown, **(headers or {})}, **request)
        except httpx.TransportError as failed:
            # Its text and the request that hangs on it hold addresses and the body.
            raise (Untrusted if _is_untrusted(failed) else Unreachable) from None


def _trust(verify: Path | Literal[True]) -> ssl.SSLContext:
    """TLS 1.3 only; the service speaks nothing older. There is no way to trust anybody."""
    context = ssl.create_default_context(cafile=None if verify is True else verify)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def _is_untrusted(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def checked(answer: httpx.Response) -> Json:
    """The JSON object of an answer, empty for one without content; Problem or UnexpectedAnswer if it is no success."""
    if answer.status_code < FIRST_ERROR and not answer.content:
        return {}
    try:
        tree = answer.json()
    except ValueError:
        raise UnexpectedAnswer from None
    if answer.status_code >= FIRST_ERROR:
        raise Problem.of(answer.status_code, tree, answer.headers.get("retry-after"))
    if not isinstance(tree, dict):
        raise UnexpectedAnswer
    return tree
