"""What every request meets, whatever its address: through the whole application, without a socket."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, select

from app import logs
from app.access import Permission
from app.settings import Environment
from app.studies.models import Study
from app.web.api import ROUTERS
from app.web.bodies import Body
from app.web.deps import Runtime_
from app.web.routing import Router
from tests.site import Site

CANARY = "kingfisher"
ANYBODY = Permission.NOTHING_NEEDED


class Text(Body):
    """A body for these tests."""

    text: str = ""


def extra(endpoint: Callable[..., Any], method: str = "POST", **terms: Any) -> Router:
    """A router with one route, /v1/extra."""
    router = Router("/v1/extra", tag="extra")
    router.route(method, "", **{"permission": ANYBODY} | terms)(endpoint)
    return router


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/health/live", 200),
        ("GET", "/v1/sessions", 401),
        ("GET", "/nowhere", 404),
        ("PATCH", "/v1/sessions", 405),
        ("POST", "/v1/sessions", 415),
    ],
)
def test_every_answer_has_an_id_and_the_security_headers(site: Site, method: str, path: str, status: int) -> None:
    """Good news and bad."""
    answer = site.call(method, path)

    assert answer.status_code == status
    assert UUID(answer.headers["x-request-id"]).version == 4
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["strict-transport-security"].startswith("max-age=")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/nowhere", "not-found"),
        ("TRACE", "/v1/sessions", "method-not-allowed"),
        ("GET", "/v1/sessions", "unauthenticated"),
    ],
)
def test_every_refusal_is_a_problem_with_the_requests_id(site: Site, method: str, path: str, code: str) -> None:
    """The router's refusals too."""
    answer = site.call(method, path)

    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == f"urn:testimony:problem:{code}"
    assert answer.json()["instance"] == f"urn:uuid:{answer.headers['x-request-id']}"


def test_a_method_that_is_not_there_is_told_which_are(site: Site) -> None:
    """All of the address's methods, not only the first route's."""
    refused, options = site.call("PATCH", "/v1/sessions"), site.call("OPTIONS", "/v1/sessions")

    assert (refused.status_code, options.status_code) == (405, 204)
    assert refused.headers["allow"] == options.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, POST"


def test_an_address_beside_an_id_has_methods_of_its_own(site: Site) -> None:
    """``/users/me`` is not a person whose id is ``me``."""
    refused = site.call("PATCH", "/v1/users/me")

    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


def test_head_is_get_without_its_body(site: Site) -> None:
    """Same status, same length announced, nothing sent."""
    get, head = site.call("GET", "/v1/health/live"), site.call("HEAD", "/v1/health/live")

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"]


def test_a_range_is_ignored(site: Site) -> None:
    """The whole answer comes, however many pieces are asked for."""
    answer = site.call("GET", "/v1/health/live", headers={"range": "bytes=0-1,2-3,4-5"})

    assert (answer.status_code, answer.json()) == (200, {"status": "live"})


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:8443", 200),
        ("[::1]:8443", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("localhost:8443:1", 421),
        ("", 421),
    ],
)
def test_only_our_own_host_names_are_answered(site: Site, host: str, status: int) -> None:
    """Another name is misdirected, whatever it asks for."""
    assert site.call("GET", "/v1/health/live", headers={"host": host}).status_code == status


async def endless() -> AsyncIterator[bytes]:
    """A body without an announced length, larger than allowed."""
    for _ in range(40):
        yield b" " * 65_536


@pytest.mark.parametrize("content", [b" " * (1 << 20) + b"{}", endless()], ids=["announced", "chunked"])
def test_a_body_over_the_limit_is_refused(site: Site, content: Any) -> None:
    """Announced or not."""
    answer = site.call("POST", "/v1/sessions", content=content, headers={"content-type": "application/json"})

    assert answer.status_code == 413
    assert answer.json()["type"] == "urn:testimony:problem:body-too-large"


def test_a_route_has_a_limit_of_its_own(site: Site) -> None:
    """Intake may be larger than the rest, some things smaller."""

    def accept(body: Text) -> dict[str, int]:
        return {"length": len(body.text)}

    site.serve([extra(accept, limit=100)])

    assert site.call("POST", "/v1/extra", json={"text": "x" * 50}).json() == {"length": 50}
    assert site.call("POST", "/v1/extra", json={"text": "x" * 100}).status_code == 413


@pytest.mark.parametrize("content", [b'{"a":NaN}', b'{"a":1,"a":1}', rb'{"a":"\ud800"}', b"[" * 9999, b"\xff", b"{"])
def test_a_body_that_is_not_strict_json_is_a_problem(site: Site, content: bytes) -> None:
    """Never a server error, never an echo."""
    answer = site.call("POST", "/v1/sessions", content=content, headers={"content-type": "application/json"})

    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:testimony:problem:malformed-json"


def test_no_refusal_repeats_the_input(site: Site) -> None:
    """Not of a path, a query, a header or a body."""
    body = {"name": {CANARY: CANARY}, "password": 1, CANARY: CANARY}
    answers = [
        site.call("POST", f"/v1/sessions?{CANARY}={CANARY}", json=body, headers={"x-request-id": CANARY}),
        site.call("GET", f"/{CANARY}"),
        site.call("GET", "/v1/sessions", headers={"authorization": CANARY}),
    ]

    assert [answer.status_code for answer in answers] == [422, 404, 401]
    assert all(CANARY not in answer.text + repr(answer.headers) for answer in answers)


def test_a_malformed_id_in_the_path_reads_like_an_absent_thing(site: Site) -> None:
    """So does one in another spelling of the same id."""
    root = site.house.admin()
    token = site.sign_in(root)

    problems = [
        site.call("DELETE", f"/v1/sessions/{target}", token=token).json() | {"instance": ""}
        for target in (uuid4(), "no-uuid", uuid4().hex, f"{{{uuid4()}}}", "%00", "..")
    ]

    assert all(problem == problems[0] for problem in problems)
    assert problems[0]["status"] == 404


def test_an_unknown_query_parameter_is_refused(site: Site) -> None:
    """A filter that is silently ignored would show more than was asked for."""
    assert site.call("GET", "/v1/health/live?verbose=1").status_code == 422


def fail() -> dict[str, str]:
    """An endpoint with a mistake in it, whose error holds a value."""
    raise LookupError(CANARY)


def answer_another_type() -> dict[str, int]:
    """An endpoint whose answer is not what it promises."""
    return {"count": CANARY}  # type: ignore[dict-item]


@pytest.mark.parametrize("endpoint", [fail, answer_another_type])
def test_an_unforeseen_error_tells_nothing(
    site: Site, endpoint: Callable[..., Any], capfd: pytest.CaptureFixture[str]
) -> None:
    """The answer is fixed; the log has the route and where in our code, not what the error says."""
    logs.configure("info", strict=True)
    site.serve([extra(endpoint)])

    answer = site.call("POST", "/v1/extra")

    written = capfd.readouterr().err
    assert answer.status_code == 500
    assert answer.json()["detail"] == "Something went wrong on our side."
    assert CANARY not in answer.text + written
    line = json.loads(written.splitlines()[0])
    assert (line["route"], line["request"]) == ("/v1/extra", answer.headers["x-request-id"])
    assert any("app/web/handling.py" in place for place in line["where"])


def test_no_success_is_answered_before_its_commit(site: Site) -> None:
    """When the commit fails, so does the answer."""

    def write(runtime: Runtime_) -> None:
        with runtime.transaction() as session:
            session.add(Study(id=uuid4(), name="a", policy={}, created_day="2030-01-02"))

    site.serve([extra(write)])
    engine = site.runtime.engine

    def break_commit(_connection: Any) -> None:
        raise OSError(CANARY)

    event.listen(engine, "commit", break_commit)
    answer = site.call("POST", "/v1/extra")
    event.remove(engine, "commit", break_commit)

    assert answer.status_code >= 500
    with site.runtime.transaction() as session:
        assert session.scalars(select(Study)).all() == []


def test_readiness_fails_without_saying_what_is_missing(site: Site) -> None:
    """Custody is gone: 503, and the part is named in the log alone."""
    assert site.call("GET", "/v1/health/ready").json() == {"status": "ready"}
    for file in (site.settings.data / "custody").iterdir():
        file.unlink()

    answer = site.call("GET", "/v1/health/ready")

    assert answer.status_code == 503
    assert "custody" not in answer.text


def test_metrics_name_routes_and_nobody(site: Site) -> None:
    """Templates, methods and statuses; for admins only."""
    root = site.house.admin()
    person = site.house.person(site.house.actor(root), "ilyas")
    admin, other = site.sign_in(root), site.sign_in(person)
    target = uuid4()
    site.call("DELETE", f"/v1/sessions/{target}", token=other)

    assert site.call("GET", "/metrics", token=other).status_code == 403
    text = site.call("GET", "/metrics", token=admin).text
    assert 'testimony_requests_total{method="DELETE",route="/v1/sessions/{session_id}",status="404"} 1.0' in text
    assert str(target) not in text
    assert "192.0.2" not in text


def test_no_demo_study_in_production(site: Site) -> None:
    """A study that needs no quorum of people is for demonstrations."""
    admin = site.house.admin()
    lead = site.house.person(site.house.actor(admin), "a.lead")
    token = site.sign_in(admin)
    body = {"name": "A demo", "lead": str(lead.id), "fingerprint": site.fingerprint(lead).hex(), "demo": True}
    site.runtime.settings.__dict__["environment"] = Environment.PRODUCTION

    answer = site.call("POST", "/v1/studies", json=body, token=token)

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/demo"]


def test_the_description_is_not_public_in_production(site: Site) -> None:
    """Nor are FastAPI's own pages."""
    assert site.call("GET", "/v1/openapi.json").status_code == 200
    site.runtime.settings.__dict__["environment"] = Environment.PRODUCTION
    site.serve(ROUTERS)

    assert site.call("GET", "/v1/openapi.json").status_code == 401
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert site.call("GET", path).status_code == 404
