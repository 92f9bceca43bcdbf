from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.web.openrosa.submission import LARGEST_POST
from app.web.streams import LONGEST_SECONDS
from tests.deploy.files import DEPLOY, program, run

CADDYFILE = DEPLOY / "Caddyfile"


@pytest.fixture
def adapted(tmp_path: Path) -> dict[str, Any]:
    """What Caddy itself understands of the file."""
    caddy = program("caddy")
    told = run(caddy, "adapt", "--config", CADDYFILE, "--adapter", "caddyfile", HOME=str(tmp_path))
    assert told.returncode == 0, told.stderr
    document: dict[str, Any] = json.loads(told.stdout)
    return document


def parts(tree: Any, handler: str) -> Iterator[dict[str, Any]]:
    """Every handler of that name, however deep."""
    if isinstance(tree, dict):
        if tree.get("handler") == handler:
            yield tree
        tree = list(tree.values())
    if isinstance(tree, list):
        for branch in tree:
            yield from parts(branch, handler)


def test_caddy_accepts_the_file(tmp_path: Path) -> None:
    """Caddy can be started with it, given the certificate of the nodes behind."""
    caddy, openssl = program("caddy"), program("openssl")
    certificate = tmp_path / "certificate"
    made = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=web.testimony.internal"]
    run(openssl, "req", "-x509", *made, "-keyout", tmp_path / "key", "-out", certificate)

    told = run(
        caddy, "validate", "--config", CADDYFILE, "--adapter", "caddyfile",
        HOME=str(tmp_path), TESTIMONY_WEB_CERTIFICATE=str(certificate),
    )  # fmt: skip

    assert told.returncode == 0, told.stderr


def test_caddy_cannot_be_reconfigured_and_logs_no_request(adapted: dict[str, Any]) -> None:
    """The administration address is off, no server has an access log, and what fails is not told with its path."""
    servers = adapted["apps"]["http"]["servers"].values()

    assert adapted["admin"] == {"disabled": True}
    assert not [server for server in servers if "logs" in server]
    assert {"http.log.error", "http.handlers.reverse_proxy"} <= set(adapted["logging"]["logs"]["default"]["exclude"])


def test_attachments_pass_and_nothing_else_is_that_large(adapted: dict[str, Any]) -> None:
    """What the nodes take in pieces, the proxy lets through: 2 GiB, for hours."""
    limits = {part["max_size"] for part in parts(adapted, "request_body")}
    servers = adapted["apps"]["http"]["servers"].values()

    assert min(limits) < LARGEST_POST < max(limits)
    assert {server["read_timeout"] for server in servers if "read_timeout" in server} == {LONGEST_SECONDS * 10**9}


def test_only_tls_13_is_spoken_outside(adapted: dict[str, Any]) -> None:
    """Older protocols are refused at the door."""
    servers = adapted["apps"]["http"]["servers"].values()
    [server] = [server for server in servers if "tls_connection_policies" in server]

    assert server["tls_connection_policies"][0]["protocol_min"] == "tls1.3"


def test_both_nodes_stand_behind_and_only_their_certificate_is_accepted(adapted: dict[str, Any]) -> None:
    """Traffic inside is TLS too, to the two web nodes and to nobody who only has a certificate of some authority."""
    [proxy] = parts(adapted, "reverse_proxy")

    assert [upstream["dial"] for upstream in proxy["upstreams"]] == ["web1:8443", "web2:8443"]
    assert proxy["transport"]["tls"] == {
        "root_ca_pem_files": ["/run/secrets/web_tls_certificate"],
        "server_name": "web.testimony.internal",
    }


def test_figures_and_readiness_are_not_shown_outside(adapted: dict[str, Any]) -> None:
    """Metrics and health answer 404 to the world."""
    [refusal] = [
        route
        for site in parts(adapted, "subroute")
        for route in site["routes"]
        if any(part.get("handler") == "static_response" for part in route["handle"])
    ]

    assert {"/metrics", "/v1/health/*"} <= set(refusal["match"][0]["path"])
