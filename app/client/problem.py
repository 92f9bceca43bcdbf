"""What can go wrong for a client: the service refuses, or does not answer. Nothing here holds what was sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

__all__ = ["ClientError", "Problem", "ProblemFlaw", "UnexpectedAnswer", "Unreachable", "Untrusted", "seconds"]

TYPE = "urn:testimony:problem:"


class ClientError(Exception):
    """Root of the client's errors."""


class Unreachable(ClientError):
    """No answer: no connection, a broken one, or none in time."""

    def __init__(self) -> None:
        super().__init__("The service does not answer.")


class Untrusted(ClientError):
    """Somebody answered whose certificate is not the service's; nothing was sent."""

    def __init__(self) -> None:
        super().__init__("Whoever answers there does not hold the certificate to trust; nothing was sent.")


class UnexpectedAnswer(ClientError):
    """An answer that is none of this API's: another service, or another version of it."""

    def __init__(self) -> None:
        super().__init__("This is not an answer of the service.")


@dataclass(frozen=True, slots=True)
class ProblemFlaw:
    """One flaw of the input: where (RFC 6901 pointer) and what, never the value."""

    pointer: str
    detail: str


class Problem(ClientError):
    """The service refused (RFC 9457); ``code`` is the last part of the problem's type.

    ``retry_after`` is in seconds, where the service named a time.
    """

    def __init__(
        self, status: int, code: str, detail: str, errors: list[ProblemFlaw], retry_after: float | None = None
    ) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = errors
        self.retry_after = retry_after

    @classmethod
    def of(cls, status: int, tree: Any, retry_after: str | None) -> Self:
        """Read a problem's JSON; UnexpectedAnswer if it is none."""
        try:
            flaws = [ProblemFlaw(str(flaw["pointer"]), str(flaw["detail"])) for flaw in tree.get("errors", [])]
            code = str(tree["type"]).removeprefix(TYPE)
            return cls(status, code, str(tree["detail"]), flaws, seconds(retry_after))
        except (AttributeError, KeyError, TypeError, ValueError):
            raise UnexpectedAnswer from None


def seconds(retry_after: str | None) -> float | None:
    """What a Retry-After header asks for in seconds; None where it names none, or a date."""
    return float(retry_after) if retry_after is not None and retry_after.isdecimal() else None
