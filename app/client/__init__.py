"""The client of the REST API, for the command line, the demo, tests and load.

One ``Client`` is one bearer token; its verbs stand under the topic they belong to: ``client.review.take(study)``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import httpx

from app.client.accounts import Accounts
from app.client.cases import Cases
from app.client.codes import OneTimeCodes
from app.client.disclosure import Disclosures
from app.client.http import Http, Json
from app.client.intake import Intake, ReceiptRejected, Submitted, Withdrawal, check_receipt, new_withdrawal
from app.client.problem import ClientError, Problem, ProblemFlaw, UnexpectedAnswer, Unreachable, Untrusted
from app.client.research import Research
from app.client.review import Review
from app.client.sealing import KeyRejected
from app.client.studies import Studies
from app.client.uploads import FileChanged

__all__ = [
    "Client",
    "ClientError",
    "FileChanged",
    "Json",
    "KeyRejected",
    "OneTimeCodes",
    "Problem",
    "ProblemFlaw",
    "ReceiptRejected",
    "Submitted",
    "UnexpectedAnswer",
    "Unreachable",
    "Untrusted",
    "Withdrawal",
    "check_receipt",
    "new_withdrawal",
]


class Client:
    """Everything one can ask of a service, by topic. ``verify``: True, or the file of the one certificate to trust."""

    def __init__(
        self,
        base_url: str,
        token: str | None = None,
        *,
        verify: Path | Literal[True] = True,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.http = Http(base_url, token, verify=verify, transport=transport, sleep=sleep)
        self.accounts = Accounts(self.http)
        self.studies = Studies(self.http)
        self.intake = Intake(self.http)
        self.review = Review(self.http)
        self.research = Research(self.http)
        self.disclosures = Disclosures(self.http)
        self.cases = Cases(self.http)

    def ready(self) -> bool:
        """Whether the service answers and can work."""
        try:
            return self.http.call("GET", "/v1/health/ready").get("status") == "ready"
        except (Problem, Unreachable):
            return False

    def close(self) -> None:
        """Close every connection."""
        self.http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()
