from __future__ import annotations

import json
import re
import sqlite3
import stat
from pathlib import Path
from uuid import UUID, uuid4

import pyotp
import pytest
from typer.testing import CliRunner

from app.cli import app
from app.crypto.receipts import Receipt
from tests.functional.commands import command, process
from tests.people import PASSWORD
from tests.serving import Served
from tests.vectors import make


def laid_out(tmp_path: Path) -> Path:
    """A new deployment's data folder."""
    done = command("init", "--data", "data", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    return tmp_path / "data"


def test_init_makes_a_closed_folder(tmp_path: Path) -> None:
    """The operator initialises: every file is the owner's alone, and the first invitation is printed."""
    done = command("init", "--data", "data", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert "ti_" in done.stdout
    for path in [tmp_path / "data", *(tmp_path / "data").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    names = {path.name for path in (tmp_path / "data").rglob("*")}
    assert {"testimony.db", "keystore.db", "testimony.env", "tls.crt", "tls.key", "web.keys", "worker.keys"} <= names


def test_init_again_changes_nothing_and_prints_no_second_token(tmp_path: Path) -> None:
    """Running it again, as an upgrade does, keeps keys and the invitation that somebody holds."""
    data = laid_out(tmp_path)
    before = {path.name: path.read_bytes() for path in data.rglob("*.keys")}

    again = command("init", "--data", "data", cwd=tmp_path)

    assert again.returncode == 0, again.stderr
    assert "ti_" not in again.stdout
    assert {path.name: path.read_bytes() for path in data.rglob("*.keys")} == before


def test_a_lost_invitation_is_replaced_on_demand(tmp_path: Path) -> None:
    """The operator asks for a new one; the lost one ends."""
    laid_out(tmp_path)

    again = command("init", "--data", "data", "--invite", cwd=tmp_path)

    assert "ti_" in again.stdout
    with sqlite3.connect(tmp_path / "data" / "testimony.db") as database:
        assert database.execute("SELECT count(*) FROM invitation").fetchone() == (1,)


def test_status_sweep_rotate_and_checkpoint(tmp_path: Path) -> None:
    """The operator's day: look, sweep, rotate, keep a checkpoint; the folder here is found by itself."""
    data = laid_out(tmp_path)

    assert "health" in command("status", cwd=tmp_path).stdout
    assert command("sweep", cwd=tmp_path).returncode == 0
    rotated = command("keystore", "rotate", cwd=tmp_path)
    written = command("checkpoint", "outside.json", cwd=tmp_path)
    turned = command("intake", "rotate", cwd=tmp_path)

    assert "key version 2" in rotated.stdout
    assert "No intake key was due; destroyed: 0." in turned.stdout
    assert "0 days old, 1 in all" in command("status", cwd=tmp_path).stdout
    assert (data / "backup" / "keystore-2.backup").exists()
    assert "0 erasures" in written.stdout
    assert "kk-1" not in (data / "custody" / "kk.keys").read_text()


def test_restore_checks(tmp_path: Path) -> None:
    """After a restore the sweep is off; both together are refused without the checkpoint."""
    laid_out(tmp_path)
    command("checkpoint", "outside.json", cwd=tmp_path)

    for asked in (["main"], ["keystore"], ["both", "--checkpoint", "outside.json"]):
        assert command("restore-check", *asked, cwd=tmp_path).returncode == 0
    refused = command("restore-check", "both", cwd=tmp_path)
    swept = command("sweep", cwd=tmp_path)

    assert refused.returncode == 2
    assert "checkpoint" in refused.stderr
    assert "off since a restore" in swept.stdout
    assert "off" not in command("sweep", "--resume", cwd=tmp_path).stdout


def test_settings_that_are_missing_are_named_at_once(tmp_path: Path) -> None:
    """No folder, no environment: a line a person can read, and EX_CONFIG."""
    done = command("status", cwd=tmp_path)

    assert done.returncode == 78
    assert "TESTIMONY_DEPLOYMENT" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments", [["submit", "absent.json"], ["verify-receipt", "absent.json", "--key", "ab" * 32]]
)
def test_errors_are_one_line(tmp_path: Path, arguments: list[str]) -> None:
    """No traceback, an exit code that scripts see."""
    done = command(*arguments, cwd=tmp_path, TESTIMONY_TOKEN="td_x")

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_no_command_takes_a_token_as_an_argument(tmp_path: Path) -> None:
    """Arguments are visible to everybody on a machine."""
    for name in ("submit", "accept"):
        assert "--token " not in command(name, "--help", cwd=tmp_path).stdout
    assert command("submit", "x.json", "--token", "td_x", cwd=tmp_path).returncode == 2


def interview(served: Served, folder: Path) -> Path:
    """A file to submit."""
    body = served.body()
    del body["withdrawal_sha256"]
    path = folder / "interview.json"
    path.write_text(json.dumps(body))
    return path


def interviewers_token(served: Served) -> str:
    """What the interviewer's program holds."""
    return str(served.signed_in("interviewer").http.token)


def connection(served: Served) -> dict[str, str]:
    """Where the service is and whom to trust."""
    return {"TESTIMONY_URL": served.url, "TESTIMONY_CERTIFICATE": str(served.certificate)}


def test_submitting_a_file(served: Served, tmp_path: Path) -> None:
    """The interviewer submits over TLS, again after that, and verifies the receipt offline."""
    path, env = interview(served, tmp_path), connection(served) | {"TESTIMONY_TOKEN": interviewers_token(served)}

    first = process("submit", path, cwd=tmp_path, **env)
    key = served.receipt_keys()["receipt-1"].hex()
    again = command("submit", path, "--receipt-key", key, cwd=tmp_path, **env)
    verified = command("verify-receipt", f"{path}.receipt.json", "--key", key, cwd=tmp_path)

    assert first.returncode == again.returncode == verified.returncode == 0, first.stderr + again.stderr
    receipt = json.loads(Path(f"{path}.receipt.json").read_text())
    assert receipt["case"] in first.stdout
    assert receipt["case"] in again.stdout
    assert "withdraws" in first.stdout
    assert "withdraws" not in again.stdout
    assert stat.S_IMODE(Path(f"{path}.receipt.json").stat().st_mode) == 0o600


def test_a_refused_file_names_its_flaws_and_no_value(served: Served, tmp_path: Path) -> None:
    """The interviewer is told where, in words, and nothing that was written is shown."""
    path = interview(served, tmp_path)
    body = json.loads(path.read_text())
    body["answers"]["birth_year"] = {"value": "a secret year"}
    path.write_text(json.dumps(body))
    token = tmp_path / "token"
    token.write_text(interviewers_token(served))

    done = command("submit", path, "--token-file", token, cwd=tmp_path, **connection(served))

    assert done.returncode == 1
    assert "/answers/birth_year" in done.stderr
    assert "secret" not in done.stderr + done.stdout


def test_a_receipt_for_a_sealed_body_says_so(tmp_path: Path) -> None:
    """Whoever verifies it can compare the SHA-256 of what the phone sent, which the signature covers."""
    vector = make.read()["receipt"]
    named = vector["parts"]
    receipt = Receipt(
        deployment=UUID(vector["deployment"]),
        key_id=named["key_id"],
        study=UUID(named["study"]),
        record=UUID(named["record"]),
        case=named["case_code"],
        submitter=UUID(named["submitter"]),
        client_uuid=UUID(named["client_uuid"]),
        instrument=bytes.fromhex(named["instrument"]),
        content=bytes.fromhex(named["content"]),
        sealed_body=bytes.fromhex(named["sealed_body"]),
        day=named["day"],
    )
    tree = receipt.to_json(bytes.fromhex(vector["signature"]))
    (tmp_path / "receipt.json").write_text(json.dumps(tree))

    done = command("verify-receipt", "receipt.json", "--key", vector["public"], cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert f"It came sealed by a phone; SHA-256 of what was sent: {named['sealed_body']}" in said


def test_a_forged_receipt_is_refused(served: Served, tmp_path: Path) -> None:
    """Another record's id does not verify, nor does another key."""
    receipt = served.submit()
    (tmp_path / "receipt.json").write_text(json.dumps({**receipt, "record": str(uuid4())}))
    key = served.receipt_keys()["receipt-1"].hex()

    done = command("verify-receipt", "receipt.json", "--key", key, cwd=tmp_path)

    assert done.returncode == 1
    assert "does not verify" in done.stderr


def test_a_server_that_is_not_trusted_gets_nothing(served: Served, tmp_path: Path) -> None:
    """Without its certificate the client ends the connection at once, before any token is sent."""
    path = interview(served, tmp_path)
    env = {"TESTIMONY_URL": served.url, "TESTIMONY_TOKEN": "td_secret"}

    done = command("submit", path, "--receipt-key", "ab" * 32, cwd=tmp_path, **env)

    assert done.returncode == 1
    assert "certificate" in done.stderr
    assert "td_secret" not in served.log.read_text()


def test_accepting_an_invitation(served: Served) -> None:
    """A newcomer types token and password, gets the second factor and a fingerprint, and can sign in."""
    token = served.signed_in("admin").accounts.invite("newcomer")
    where = ["accept", "--url", served.url, "--certificate", str(served.certificate)]

    done = CliRunner().invoke(app, where, input=f"{token}\n{PASSWORD}\n{PASSWORD}\n")

    assert done.exit_code == 0, done.output
    assert token not in done.output
    assert PASSWORD not in done.output
    secret = pyotp.parse_uri(re.search(r"otpauth://\S+", done.output)[0]).secret  # type: ignore[index]  # it is there
    client = served.client()
    client.accounts.sign_in("newcomer", PASSWORD, pyotp.TOTP(secret).now())
    assert " ".join(client.accounts.me()["fingerprint_text"].split()) in " ".join(done.output.split())
