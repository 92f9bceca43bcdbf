"""Logs: allow-listed keys, static events, and never what an error or a library says."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from app import logs
from app.web.bodies import strict_json
from tests.plain_logs import log_plainly

CANARY = "kingfisher"


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Leave logging as it was found."""
    before = logging.root.handlers[:], logging.root.level
    yield
    logging.root.handlers[:], logging.root.level = before
    log_plainly()
    logs._configure_lines("info", strict=False)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    """What was logged."""
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def configure(*, strict: bool = False) -> None:
    """Set up logging onto the stream that the test captures."""
    logs.configure("info", strict=strict)


def test_a_line_is_one_json_object_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """With a moment, a level, the event and the keys given."""
    configure()

    logs.get_logger().info("record redacted", record="r-1", tries=2)

    (line,) = lines(capsys)
    assert line.pop("at")
    assert line == {"event": "record redacted", "level": "info", "record": "r-1", "tries": 2}


def test_a_key_outside_the_list_is_dropped(capsys: pytest.CaptureFixture[str]) -> None:
    """The line says that something is missing."""
    configure()

    logs.get_logger().info("event", answers={"name": CANARY}, record="x" * 1000)

    (line,) = lines(capsys)
    assert line["dropped"] == 2
    assert CANARY not in json.dumps(line)


def test_in_development_a_key_outside_the_list_is_an_error() -> None:
    """So it never comes to production."""
    configure(strict=True)

    with pytest.raises(ValueError, match="may not carry"):
        logs.get_logger().info("event", answers=CANARY)


def test_an_event_with_a_value_in_it_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    """Events are static names."""
    configure()

    logs.get_logger().info(f"Could not read {CANARY}: {{}}")

    assert CANARY not in json.dumps(lines(capsys))


def raise_with_value() -> None:
    """An error whose message, and whose cause's message, hold a value."""
    try:
        int(CANARY)
    except ValueError as cause:
        raise LookupError(CANARY) from cause


def test_of_an_error_only_its_type_and_our_places_are_written(capsys: pytest.CaptureFixture[str]) -> None:
    """Messages may hold testimony, and so may the variables of a frame."""
    configure()
    try:
        raise_with_value()
    except LookupError:
        logs.get_logger().exception("failed")
    try:
        strict_json(CANARY.encode())
    except Exception:  # noqa: BLE001  whatever it is
        logs.get_logger().exception("failed")

    first, second = lines(capsys)
    assert first["error"] == "builtins.LookupError"
    assert first["where"] == ["from builtins.ValueError"]
    assert "app/web/bodies.py:" in str(second["where"])
    assert CANARY not in json.dumps([first, second])


def test_before_any_configuration_errors_are_written_as_sparingly(capsys: pytest.CaptureFixture[str]) -> None:
    """A command that forgets to configure logging tells no more."""
    try:
        raise_with_value()
    except LookupError:
        logs.get_logger().exception("failed")

    assert CANARY not in capsys.readouterr().err


@pytest.mark.parametrize("name", ["httpx", "sqlalchemy.engine", "granian.access", "asyncio", "anything.else"])
def test_libraries_are_silent_below_warnings(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """At INFO httpx logs URLs, and SQLAlchemy statements."""
    configure()

    logging.getLogger(name).debug("GET /%s", CANARY)
    logging.getLogger(name).info("GET /%s", CANARY)

    assert lines(capsys) == []


def test_a_librarys_warning_is_written_without_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    """Which library and where, no argument, no message, no traceback."""
    configure()

    logging.getLogger("sqlalchemy.pool").warning("could not close %s", CANARY)
    try:
        raise_with_value()
    except LookupError:
        logging.getLogger("asyncio").exception(f"Task {CANARY}")  # noqa: G004  as libraries do

    first, second = lines(capsys)
    assert (first["library"], first["level"]) == ("sqlalchemy.pool", "warning")
    assert second["error"] == "builtins.LookupError"
    assert CANARY not in json.dumps([first, second])


def test_the_servers_own_lines_are_kept(capsys: pytest.CaptureFixture[str]) -> None:
    """Operators need to see that processes start and end."""
    configure()

    logging.getLogger("_granian").info("Listening")

    assert lines(capsys)[0]["step"] == "Listening"


def test_a_line_carries_what_is_bound_to_the_request(capsys: pytest.CaptureFixture[str]) -> None:
    """Its id, from the context."""
    configure()
    with structlog.contextvars.bound_contextvars(request="q-1"):
        logs.get_logger().info("event")

    assert lines(capsys)[0]["request"] == "q-1"
