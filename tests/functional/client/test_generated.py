"""A client that a generator made from our own description, used as somebody would who has nothing else of ours."""

from __future__ import annotations

import importlib
import json
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app.client import check_receipt
from tests.serving import Served

PACKAGE = "generated_for_testimony"
# It knows no media types of others: what a phone sends sealed, a stranger sends as JSON.
KNOWN = "Unsupported content type application/vnd.testimony.sealed"


@pytest.fixture(scope="module")
def description(served: Served) -> dict[str, Any]:
    """What the running service says of itself."""
    answer = httpx.get(f"{served.url}/v1/openapi.json", verify=trust(served), trust_env=False)
    tree: dict[str, Any] = answer.json()
    return tree


@pytest.fixture(scope="module")
def generated(description: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The generated package, importable; the generator had nothing to warn of but what is known."""
    folder = tmp_path_factory.mktemp("generated")
    (folder / "openapi.json").write_text(json.dumps(description))
    (folder / "settings.yaml").write_text("post_hooks: []")
    command = [
        *(sys.executable, "-m", "openapi_python_client", "generate", "--path", "openapi.json", "--meta", "none"),
        *("--output-path", PACKAGE, "--config", "settings.yaml"),
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert (done.returncode, said.count("WARNING"), said.count("Unable to")) == (0, said.count(KNOWN), 0), said
    sys.path.insert(0, str(folder))
    yield folder / PACKAGE
    sys.path.remove(str(folder))


def trust(served: Served) -> ssl.SSLContext:
    """TLS that trusts the server's certificate alone."""
    return ssl.create_default_context(cafile=str(served.certificate))


def part(name: str) -> ModuleType:
    """A module of the generated package."""
    return importlib.import_module(f"{PACKAGE}.{name}")


def of(served: Served, token: str) -> Any:
    """The generated client with a token."""
    return part("client").AuthenticatedClient(base_url=served.url, token=token, verify_ssl=trust(served))


def record_body(tree: dict[str, Any]) -> Any:
    """The generated model of a submission."""
    return part("models").RecordBody.from_dict(tree)


@pytest.mark.usefixtures("generated")
def test_a_generated_client_submits_an_interview(served: Served, device: str) -> None:
    """A stranger's client hands an interview in over TLS: typed receipt, and its signature verifies."""
    client_uuid, submit = uuid4(), part("api.intake.submit_record")

    with of(served, device) as client:
        done = submit.sync_detailed(client_uuid, client=client, body=record_body(served.body()))

    assert done.status_code == 201
    receipt = check_receipt(done.parsed.receipt.to_dict(), served.receipt_keys())
    assert receipt.client_uuid == client_uuid
    assert isinstance(done.parsed.receipt.record, UUID)


@pytest.mark.usefixtures("generated")
def test_a_generated_client_reads_every_flaw(served: Served, device: str) -> None:
    """A refusal comes back as a typed problem with a pointer to each flaw."""
    tree = served.body()
    tree["answers"] = tree["answers"] | {"no_such_field": {"value": 1}}

    with of(served, device) as client:
        refused = part("api.intake.submit_record").sync(uuid4(), client=client, body=record_body(tree))

    assert isinstance(refused, part("models").Problem)
    assert [flaw.pointer for flaw in refused.errors] == ["/answers"]


def test_every_operation_becomes_a_function(generated: Path, description: dict[str, Any]) -> None:
    """The generator leaves nothing out and warns of nothing; each operation is a module of its topic."""
    told = {
        f"{operation['tags'][0]}/{operation['operationId']}"
        for operations in description["paths"].values()
        for operation in operations.values()
    }
    made = {f"{file.parent.name}/{file.stem}" for file in (generated / "api").glob("*/[!_]*.py")}

    assert told == made


def test_names_of_models_stand_alone(description: dict[str, Any]) -> None:
    """No two models share a name: generators would drop one, or show the folders of our code."""
    assert [name for name in description["components"]["schemas"] if "__" in name] == []
