from __future__ import annotations

import stat
from pathlib import Path

import pytest

from app.custody.base import KeyKind
from app.custody.registry import open_custody
from app.errors import CustodyUnavailable
from tests.deploy.files import DEPLOY, ROOT, program, run

OTHERS = 0o077


def laid_out(folder: Path) -> Path:
    """A custody folder as the operator makes it."""
    made = run(DEPLOY / "custody-folders.sh", folder)
    assert made.returncode == 0, made.stderr
    return folder


def content(folder: Path) -> dict[str, str]:
    """Every file below a folder, by its path from there."""
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def made_secrets(folder: Path) -> dict[str, str]:
    """The files of a first day in that folder, by name; those already there stay."""
    folder.mkdir(exist_ok=True)
    script = DEPLOY / "first-secrets.sh"
    made = run(script, "--mine", "testimony.example.net", TESTIMONY_DEPLOY_FOLDER=str(folder))
    assert made.returncode == 0, made.stderr
    return content(folder)


def test_scripts_are_sound() -> None:
    """No script has a flaw that shellcheck knows."""
    verdict = run(program("shellcheck"), ROOT / ".ci" / "run", *sorted(DEPLOY.glob("*.sh")))

    assert (verdict.returncode, verdict.stdout) == (0, "")


def test_custody_can_be_laid_out_again(tmp_path: Path) -> None:
    """A second run is no error and leaves every key where it is."""
    custody = laid_out(tmp_path / "custody")
    open_custody(f"file:{custody}/operator#operator").create("kk-1", KeyKind.WRAP)
    before = content(custody)

    laid_out(custody)

    assert content(custody) == before
    assert all(stat.S_IMODE(path.stat().st_mode) & OTHERS == 0 for path in custody.rglob("*") if path.is_dir())


def test_first_secrets_can_be_made_again_without_harm(tmp_path: Path) -> None:
    """A second run keeps every password, key and identifier."""
    before = made_secrets(tmp_path)

    assert made_secrets(tmp_path) == before


def test_first_secrets_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    """Everything but certificates is closed to others."""
    made_secrets(tmp_path)

    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    open_to_others = {path.name for path in files if stat.S_IMODE(path.stat().st_mode) & OTHERS}

    assert open_to_others == {"web_tls_certificate", "main_db_tls_certificate", "keystore_db_tls_certificate"}


def test_first_secrets_differ_between_deployments(tmp_path: Path) -> None:
    """Two deployments share no password and no identifier."""
    one, two = (made_secrets(tmp_path / name) for name in ("one", "two"))

    assert {name for name in one if one[name] == two[name]} == {"caddy.env"}


def test_a_rotation_reaches_the_web_through_the_folders(tmp_path: Path) -> None:
    """A key that the operator makes while the web runs is found by the web, which was given folders and not files."""
    custody = laid_out(tmp_path / "custody")
    operator, web = open_custody(f"file:{custody}/operator#operator"), open_custody(f"file:{custody}/web#web")
    operator.create("kk-1", KeyKind.WRAP)
    assert web.has("kk-1")

    operator.create("kk-2", KeyKind.WRAP)
    operator.destroy("kk-1")

    assert web.has("kk-2")
    assert not web.has("kk-1")
    assert (custody / "web" / "kk.keys").is_symlink()
    assert (custody / "operator" / "kk.keys").is_symlink()


def test_a_key_made_before_its_folder_is_moved_there(tmp_path: Path) -> None:
    """A program that knows a new group wrote its file beside the links: laying out again gives it to the web nodes."""
    custody = laid_out(tmp_path / "custody")
    (custody / "operator" / "intake.keys").unlink()
    operator = open_custody(f"file:{custody}/operator#operator")
    operator.create("intake-1", KeyKind.WRAP)

    laid_out(custody)

    assert (custody / "operator" / "intake.keys").is_symlink()
    assert open_custody(f"file:{custody}/web#web").has("intake-1")
    assert open_custody(f"file:{custody}/operator#operator").has("intake-1")


def test_intake_keys_are_for_web_nodes_alone(tmp_path: Path) -> None:
    """A worker is given neither their folder nor a way to use them."""
    custody = laid_out(tmp_path / "custody")
    open_custody(f"file:{custody}/operator#operator").create("intake-1", KeyKind.WRAP)

    assert open_custody(f"file:{custody}/web#web").has("intake-1")
    assert not (custody / "worker" / "intake.keys").exists()
    assert not open_custody(f"file:{custody}/worker#worker").has("intake-1")


def test_the_folders_of_one_role_hold_no_other_roles_keys(tmp_path: Path) -> None:
    """With only its own folders mounted, nothing that a web node sees holds the worker's key."""
    custody = laid_out(tmp_path / "custody")
    operator = open_custody(f"file:{custody}/operator#operator")
    for name, kind in (("worker-1", KeyKind.WRAP), ("pepper-1", KeyKind.MAC), ("kk-1", KeyKind.WRAP)):
        operator.create(name, kind)

    seen = "".join(
        text for folder in ("web", "audit", "intake", "kk", "public") for text in content(custody / folder).values()
    )

    assert "pepper-1" in seen
    assert "worker-1" not in seen
    with pytest.raises(CustodyUnavailable):
        open_custody(f"file:{custody}/web#web").mac("worker-1", b"")
