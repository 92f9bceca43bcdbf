from __future__ import annotations

import logging
import ssl
from uuid import UUID

import httpx
import pytest

from app.client import Problem, UnexpectedAnswer, Unreachable
from app.client.http import FIRST_PAUSE, LONGEST_PAUSE, TRIES, _trust, address
from tests.unit.client.scripted import answer, client, problem

RECORD = UUID(int=7)
SECRET = "the name of the brother"


def test_a_problem_is_raised_with_status_code_and_flaws() -> None:
    """Whoever calls learns what was refused and where, as the service said it."""
    one, _, _ = client(problem(422, "invalid", flaws=[{"pointer": "/answers/x", "detail": "Missing."}]))

    with pytest.raises(Problem) as raised:
        one.http.post("/v1/x", {"answers": SECRET})

    assert (raised.value.status, raised.value.code) == (422, "invalid")
    assert [(flaw.pointer, flaw.detail) for flaw in raised.value.errors] == [("/answers/x", "Missing.")]


@pytest.mark.parametrize(
    "failing", [problem(422, "invalid"), httpx.ConnectError("x"), httpx.Response(200, content="[")]
)
def test_no_error_holds_what_was_sent(failing: httpx.Response | Exception) -> None:
    """An error's text, arguments and causes hold neither body nor token."""
    one, _, _ = client(failing, token="ts_secret")

    with pytest.raises((Problem, Unreachable, UnexpectedAnswer)) as raised:
        one.http.put("/v1/x", {"answers": SECRET})

    shown = repr(raised.value) + repr(vars(raised.value)) + repr(raised.value.__cause__)
    assert SECRET not in shown
    assert "ts_secret" not in shown + repr(one.http)


@pytest.mark.parametrize("content", ["", "no json", "[1]", '{"type": 3}'])
def test_a_refusal_that_is_no_problem_is_named_so(content: str) -> None:
    """A proxy's error page is not taken for the service's answer."""
    one, _, _ = client(httpx.Response(502, content=content))

    with pytest.raises(UnexpectedAnswer):
        one.http.post("/v1/x")


def test_the_token_travels_in_the_header_only() -> None:
    """No address and no body carries the bearer token."""
    one, service, _ = client(answer(), token="ts_secret")

    one.http.post("/v1/x", {"a": 1})

    assert service.requests[0].headers["authorization"] == "Bearer ts_secret"
    assert "ts_secret" not in str(service.requests[0].url) + service.requests[0].read().decode()


def test_no_address_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Addresses name cases; httpx would log them at INFO."""
    one, _, _ = client(answer())

    with caplog.at_level(logging.INFO):
        one.cases.withdraw(RECORD, "K7QF-2M9D")

    assert "K7QF" not in caplog.text


def test_parts_of_an_address_are_escaped() -> None:
    """What somebody typed as a case code leads to no other address."""
    assert address("cases", "../users?x=1") == "/v1/cases/..%2Fusers%3Fx%3D1"


def test_only_tls_13_is_spoken() -> None:
    """The client agrees to nothing older, and checks certificate and name."""
    context = _trust(True)

    assert context.minimum_version is ssl.TLSVersion.TLSv1_3
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_a_patient_put_repeats_after_no_answer_and_503_and_429() -> None:
    """Connection errors and answers that ask to come back are tried again, with growing pauses."""
    one, service, pauses = client(
        httpx.ConnectError("x"),
        httpx.ReadTimeout("x"),
        problem(503, "busy"),
        problem(429, "throttled"),
        answer(ok=True),
    )

    assert one.http.put_patiently("/v1/records/x", {"a": 1}) == {"ok": True}
    assert len({request.read() for request in service.requests}) == 1
    assert pauses == sorted(pauses)
    assert len(pauses) == 4


def test_retry_after_is_honored_within_a_limit() -> None:
    """The pause is at least what the service names, and never longer than ours."""
    one, _, pauses = client(problem(503, "busy", retry_after="3"), problem(429, "x", retry_after="900"), answer())

    one.http.put_patiently("/v1/records/x", {})

    assert pauses == [3.0, LONGEST_PAUSE]


def test_a_date_to_come_back_at_is_no_reason_to_give_up() -> None:
    """Proxies name a date instead of seconds; our own pauses do."""
    one, service, _ = client(problem(503, "busy", retry_after="Fri, 01 Jan 2038 00:00:00 GMT"), answer())

    one.http.put_patiently("/v1/records/x", {})

    assert len(service.requests) == 2


def test_pauses_are_of_random_length() -> None:
    """Many phones that lost the service at one moment do not come back at one moment."""
    firsts = set[float]()
    for _ in range(8):
        one, _, pauses = client(httpx.ConnectError("x"), answer())
        one.http.put_patiently("/v1/records/x", {})
        firsts.update(pauses)

    assert len(firsts) > 1
    assert all(FIRST_PAUSE / 2 <= pause <= FIRST_PAUSE for pause in firsts)


@pytest.mark.parametrize("status", [502, 503, 504])
def test_an_error_page_of_a_proxy_is_waited_out(status: int) -> None:
    """While the service restarts, whatever stands before it answers with a page of its own."""
    one, _, pauses = client(httpx.Response(status, content="<html>"), answer(ok=True))

    assert one.http.put_patiently("/v1/records/x", {}) == {"ok": True}
    assert len(pauses) == 1


def test_reading_is_repeated() -> None:
    """A read changes nothing, so it is asked again."""
    one, service, _ = client(httpx.ReadError("x"), problem(503, "busy"), answer(ok=True))

    assert one.http.get("/v1/x") == {"ok": True}
    assert len(service.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 413, 422, 500])
def test_a_refusal_for_good_is_not_repeated(status: int) -> None:
    """What another try cannot change is raised at once."""
    one, service, _ = client(problem(status, "no"))

    with pytest.raises(Problem):
        one.http.put_patiently("/v1/records/x", {})

    assert len(service.requests) == 1


def test_patience_ends() -> None:
    """After the last try the caller decides."""
    one, service, _ = client(*[httpx.ConnectError("x")] * TRIES)

    with pytest.raises(Unreachable):
        one.http.put_patiently("/v1/records/x", {})

    assert len(service.requests) == TRIES


@pytest.mark.parametrize("failing", [httpx.ReadError("x"), problem(503, "busy"), problem(429, "throttled")])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_no_other_change_is_repeated(method: str, failing: httpx.Response | Exception) -> None:
    """A change may have been carried out although its answer was lost."""
    one, service, _ = client(failing)

    with pytest.raises((Unreachable, Problem)):
        one.http.call(method, "/v1/x", {})

    assert len(service.requests) == 1


def test_readiness_is_no_error_while_the_service_is_away() -> None:
    """Whoever waits for a start asks again and again."""
    one, _, _ = client(httpx.ConnectError("x"), problem(503, "unavailable"), answer(status="ready"))

    assert [one.ready(), one.ready(), one.ready()] == [False, False, True]
