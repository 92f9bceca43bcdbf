"""Logs: one JSON object a line on standard error, with allow-listed keys and never a value that somebody entered.

An event has a static name and ids. Of an error that we did not raise ourselves only the type and our own code
locations are kept, because its message may hold testimony. Foreign libraries speak from WARNING up, and without their
arguments.
"""

from __future__ import annotations

import logging
import logging.config
import re
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

import structlog

__all__ = ["KEYS", "configure", "get_logger", "where"]

# Keys that a line may carry. Values are ids, counts, names from our own enums, and route templates.
KEYS = frozenset(
    {
        "at", "attempt", "case", "code", "count", "device", "dropped", "error", "event", "host", "job", "key", "level",
        "library",
        "method", "ms", "part", "pid", "port", "problem", "processes", "record", "request", "role", "route", "signal",
        "status", "step", "study", "tries", "user", "version", "where",
    }
)  # fmt: skip
EVENT_NAME = re.compile(r"[a-z][a-z0-9 ._-]{0,63}", re.ASCII)
LONGEST_VALUE = 400
# Libraries whose messages are about processes and sockets, and hold nothing that a client sent.
SPEAKING_LIBRARIES = frozenset({"granian", "_granian", "alembic"})
LIBRARY_LEVELS = {"granian": "INFO", "_granian": "INFO"}
OUR_CODE = Path(__file__).parent

Line = MutableMapping[str, Any]


def configure(level: str = "info", *, strict: bool = False) -> None:
    """Set up logging for this process.

    ``strict`` makes a line with an unlisted key or a non-static event name a ValueError instead of a shortened line:
    for development and tests.
    """
    _configure_lines(level, strict=strict)
    logging.config.dictConfig(library_logging())


def _configure_lines(level: str, *, strict: bool) -> None:
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            _describe_error,
            AllowList(strict=strict),
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_writer,
        cache_logger_on_first_use=False,
    )


def _writer(*_arguments: Any) -> structlog.WriteLogger:
    """Write to whatever standard error is now."""
    return structlog.WriteLogger(sys.stderr)


def library_logging() -> dict[str, Any]:
    """The set-up of the standard library's loggers, as a dictionary that can be handed to granian too."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"ours": {"()": "app.logs.LibraryHandler"}},
        "root": {"level": "WARNING", "handlers": ["ours"]},
        "loggers": {
            name: {"level": LIBRARY_LEVELS.get(name, "WARNING"), "handlers": [], "propagate": True}
            for name in (
                "_granian",
                "granian",
                "granian.access",
                "alembic",
                "httpx",
                "httpcore",
                "sqlalchemy",
                "asyncio",
            )
        },
    }


def get_logger() -> Any:
    """A structlog logger; its first argument is a static event name."""
    return structlog.get_logger()


class AllowList:
    """Drop every key outside ``KEYS`` and every value that is not plain and short; with ``strict`` raise ValueError."""

    def __init__(self, *, strict: bool) -> None:
        self._strict = strict

    def __call__(self, _logger: Any, _name: str, line: Line) -> Line:
        refused = [key for key, value in line.items() if key not in KEYS or not _plain(value)]
        if not EVENT_NAME.fullmatch(str(line.get("event"))):
            refused.append("event")
        if refused and self._strict:
            raise ValueError("a log line may not carry this key or value")
        for key in refused:
            line.pop(key, None)
        if refused:
            line["dropped"] = len(refused)
        return {key: value if isinstance(value, int | float | list) else str(value) for key, value in line.items()}


def _plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(isinstance(part, str) and len(part) <= LONGEST_VALUE for part in value)
    return len(str(value)) <= LONGEST_VALUE


def _describe_error(_logger: Any, _name: str, line: Line) -> Line:
    raised = line.pop("exc_info", None)
    if raised is True:
        raised = sys.exc_info()[1]
    if isinstance(raised, tuple):
        raised = raised[1]
    if isinstance(raised, BaseException):
        line["error"] = f"{type(raised).__module__}.{type(raised).__qualname__}"
        line["where"] = [*where(raised)]
    return line


def where(raised: BaseException) -> Iterator[str]:
    """Our own code locations that an error passed through, outermost first, its causes included; never its message."""
    for frame in traceback.extract_tb(raised.__traceback__):
        path = Path(frame.filename)
        if path.is_relative_to(OUR_CODE):
            yield f"{path.relative_to(OUR_CODE.parent)}:{frame.lineno}"
    if raised.__cause__ is not None:
        yield f"from {type(raised.__cause__).__module__}.{type(raised.__cause__).__qualname__}"
        yield from where(raised.__cause__)


class LibraryHandler(logging.Handler):
    """Turn a foreign record into a line of ours: the library, where, and the message if that library's are harmless."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line; arguments and exception messages are left out."""
        library = record.name.partition(".")[0]
        fields: dict[str, Any] = {"library": record.name, "where": [f"{Path(record.pathname).name}:{record.lineno}"]}
        if record.exc_info and record.exc_info[1]:
            fields["error"] = f"{type(record.exc_info[1]).__module__}.{type(record.exc_info[1]).__qualname__}"
        if library in SPEAKING_LIBRARIES and not record.exc_info:
            fields["step"] = str(record.msg)[:LONGEST_VALUE] if record.args else record.getMessage()[:LONGEST_VALUE]
        structlog.get_logger().log(record.levelno, "library", **fields)


# structlog's own default prints the variables of every frame of an error; no import may leave that in place.
_configure_lines("info", strict=False)
