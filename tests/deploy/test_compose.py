from __future__ import annotations

from typing import Any

import pytest
import yaml

from app.web.server import STOP_SECONDS
from tests.deploy.files import DEPLOY

OPERATOR = ("init", "rotate", "sweep")
TESTIMONY = ("web1", "web2", "worker", *OPERATOR)
WEB = ("web1", "web2")
DATABASES = ("main-db", "keystore-db")
EVERYTHING = (*TESTIMONY, *DATABASES, "caddy")


def compose() -> dict[str, Any]:
    """The whole file."""
    document: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return document


def service(name: str) -> dict[str, Any]:
    """One service, with what it inherits."""
    found: dict[str, Any] = compose()["services"][name]
    return found


def bound(name: str) -> dict[str, bool]:
    """Which folders of the host a service sees, and whether it may only read them."""
    volumes = [volume for volume in service(name)["volumes"] if isinstance(volume, dict)]
    return {volume["source"]: volume.get("read_only", False) for volume in volumes if volume["type"] == "bind"}


def secrets(name: str) -> set[str]:
    """The secrets a service is given, by their declared names."""
    given = service(name).get("secrets", [])
    return {secret if isinstance(secret, str) else secret["source"] for secret in given}


def test_the_services_are_these() -> None:
    """No service is there that no test looks at."""
    assert set(compose()["services"]) == set(EVERYTHING)


@pytest.mark.parametrize("name", EVERYTHING)
def test_every_service_is_closed(name: str) -> None:
    """Each has a user that is not root, a read-only root, and no capability, core dump, swap or new privilege."""
    described = service(name)

    assert int(described["user"].split(":")[0]) > 0
    assert described["read_only"] is True
    assert described["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in described["security_opt"]
    assert described["ulimits"]["core"] == 0
    assert described["memswap_limit"] == described["mem_limit"]
    assert described["pids_limit"] > 0
    assert not {"privileged", "network_mode", "pid", "ipc", "devices"} & set(described)


@pytest.mark.parametrize("name", [name for name in EVERYTHING if name != "caddy"])
def test_nobody_but_caddy_can_be_reached_or_gets_a_capability(name: str) -> None:
    """Only Caddy publishes ports, and only its program file needs a capability to start."""
    described = service(name)

    assert "ports" not in described
    assert "cap_add" not in described


@pytest.mark.parametrize(
    ("name", "networks"),
    [
        ("caddy", {"edge", "front"}),
        ("web1", {"front", "main", "keystore"}),
        ("web2", {"front", "main", "keystore"}),
        ("worker", {"main", "keystore"}),
        ("init", {"main", "keystore"}),
        ("rotate", {"main", "keystore"}),
        ("sweep", {"main", "keystore"}),
        ("main-db", {"main"}),
        ("keystore-db", {"keystore"}),
    ],
)
def test_each_service_is_on_its_networks_only(name: str, networks: set[str]) -> None:
    """The two databases cannot reach each other, and Caddy reaches neither."""
    assert set(service(name)["networks"]) == networks


def test_only_the_edge_leads_out() -> None:
    """Every network but the edge is internal."""
    leading_out = {name for name, network in compose()["networks"].items() if not network.get("internal")}

    assert leading_out == {"edge"}


@pytest.mark.parametrize("name", WEB)
def test_web_nodes_are_not_given_the_workers_keys(name: str) -> None:
    """A web node reads the web's, the trail's, the intake's, the keystore's and the public keys, and writes none."""
    assert bound(name) == {f"./custody/{group}": True for group in ("web", "audit", "intake", "kk", "public")}
    assert service(name)["environment"]["TESTIMONY_CUSTODY"] == "file:/run/custody/web#web"


def test_the_worker_is_not_given_the_webs_keys() -> None:
    """The worker reads its own, the keystore's and the public keys, and writes none."""
    assert bound("worker") == {f"./custody/{group}": True for group in ("worker", "audit", "kk", "public")}
    assert service("worker")["environment"]["TESTIMONY_CUSTODY"] == "file:/run/custody/worker#worker"


@pytest.mark.parametrize("name", [*WEB, "worker", *OPERATOR])
def test_attachments_outlive_their_containers(name: str) -> None:
    """Whoever stores or deletes attachments has the one volume that they rest in, and is told so."""
    volumes = [volume for volume in service(name)["volumes"] if volume["type"] == "volume"]

    assert {"type": "volume", "source": "files", "target": "/var/lib/files"} in volumes
    assert service(name)["environment"]["TESTIMONY_FILES"] == "file:/var/lib/files"


@pytest.mark.parametrize("name", OPERATOR)
def test_operators_have_all_keys_and_end(name: str) -> None:
    """What has all keys runs once and is not restarted; the sweep makes no key and cannot."""
    assert bound(name) == {"./custody": name == "sweep"}
    assert service(name)["environment"]["TESTIMONY_CUSTODY"] == "file:/run/custody/operator#operator"
    assert service(name)["restart"] == "no"


@pytest.mark.parametrize("name", OPERATOR)
def test_what_operators_leave_lasts(name: str) -> None:
    """The keystore's backup and the mark of a restore lie in the data folder, which is a volume and not in memory."""
    described = service(name)
    volume = next(volume for volume in described["volumes"] if volume["type"] == "volume")

    assert (volume["source"], volume["target"]) == ("operator-data", "/var/lib/testimony")
    assert not [mount for mount in described["tmpfs"] if mount.startswith("/var/lib/testimony")]


@pytest.mark.parametrize("name", EVERYTHING)
def test_requests_under_way_have_time_at_a_stop(name: str) -> None:
    """The engine waits longer than the program itself does."""
    assert int(service(name)["stop_grace_period"].removesuffix("s")) > STOP_SECONDS


def test_the_databases_share_nothing() -> None:
    """Volumes and passwords of the two databases are different ones."""
    main, keystore = service("main-db"), service("keystore-db")

    assert not set(main["volumes"]) & set(keystore["volumes"])
    assert not secrets("main-db") & secrets("keystore-db")


@pytest.mark.parametrize("name", DATABASES)
def test_databases_log_no_statement_and_speak_tls(name: str) -> None:
    """Whatever fails, its statement and its parameters stay out of the log; connections are TLS 1.3."""
    settings = {word for word in service(name)["command"] if "=" in word}

    assert {"log_statement=none", "log_min_error_statement=panic", "log_parameter_max_length_on_error=0"} <= settings
    assert {"ssl=on", "ssl_min_protocol_version=TLSv1.3"} <= settings


def test_secrets_are_files_and_all_are_declared() -> None:
    """Every secret comes from a file, is declared, and is used by somebody."""
    declared = compose()["secrets"]

    assert all(set(secret) == {"file"} for secret in declared.values())
    assert set(declared) == set().union(*map(secrets, EVERYTHING))


def test_no_secret_stands_in_the_environment() -> None:
    """No variable holds a password or a URL with one."""
    for name in EVERYTHING:
        for variable, value in service(name).get("environment", {}).items():
            assert "://" not in value, variable
            assert variable.endswith("_FILE") or "PASSWORD" not in variable, variable


def test_web_waits_for_the_schema_and_caddy_for_web() -> None:
    """Nothing serves before the keys and both schemas are there."""
    assert service("web1")["depends_on"] == {"init": {"condition": "service_completed_successfully"}}
    assert set(service("caddy")["depends_on"]) == set(WEB)
    assert all(wait["condition"] == "service_healthy" for wait in service("init")["depends_on"].values())
