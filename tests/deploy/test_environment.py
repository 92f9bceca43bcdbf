from __future__ import annotations

import re
from pathlib import Path

from app.settings import Settings
from tests.deploy.files import DEPLOY, run

EXAMPLE = DEPLOY / "testimony.env.example"
LINE = re.compile(r"^#?(TESTIMONY_[A-Z_]+)=(.*)$", re.MULTILINE)


def test_the_example_names_every_setting_and_no_other() -> None:
    """Whoever reads the example has seen all settings; a setting that is gone is gone from it too."""
    fields = {f"TESTIMONY_{name.upper()}" for name in Settings.model_fields}

    assert {name for name, _ in LINE.findall(EXAMPLE.read_text())} == fields


def test_what_is_commented_out_is_the_default() -> None:
    """A commented line shows what holds without it."""
    shown = re.findall(r"(?m)^#TESTIMONY_([A-Z_]+)=(.+)$", EXAMPLE.read_text())
    defaults = {name.lower(): value for name, value in shown if name != "CUSTODY"}

    assert "web_threads" in defaults
    assert defaults == {name: str(Settings.model_fields[name].default).lower() for name in defaults}


def test_every_setting_is_explained() -> None:
    """A comment stands above each setting."""
    lines = EXAMPLE.read_text().splitlines()
    first_of_block = [
        number for number, line in enumerate(lines) if LINE.match(line) and not LINE.match(lines[number - 1])
    ]

    assert all(lines[number - 1].startswith("# ") for number in first_of_block)


def test_the_example_holds_no_secret() -> None:
    """Values that hold passwords or make a deployment what it is are left empty."""
    values = dict(LINE.findall(EXAMPLE.read_text()))

    assert values["TESTIMONY_DATABASE_URL"] == values["TESTIMONY_KEYSTORE_URL"] == values["TESTIMONY_DEPLOYMENT"] == ""


def test_the_first_days_files_make_settings_that_production_accepts(tmp_path: Path) -> None:
    """What first-secrets.sh writes is read and refused by nothing that looks at production's values."""
    made = run(DEPLOY / "first-secrets.sh", "--mine", "testimony.example.net", TESTIMONY_DEPLOY_FOLDER=str(tmp_path))
    assert made.returncode == 0, made.stderr
    values = dict(LINE.findall((tmp_path / "testimony.env").read_text()))
    given = {name.removeprefix("TESTIMONY_").lower(): value for name, value in values.items() if value}
    urls = {name: (tmp_path / "secrets" / name).read_text() for name in ("database_url", "keystore_url")}
    tls = {f"tls_{part}": tmp_path / "secrets" / f"web_tls_{part}" for part in ("certificate", "key")}

    wanted = {name: given[name] for name in ("deployment", "environment", "allowed_hosts", "trusted_proxies")}
    settings = Settings.load(tmp_path / "custody", **wanted, **urls, **tls, host="0.0.0.0")  # noqa: S104  as in the image

    assert settings.production
    assert "testimony.example.net" in settings.allowed_hosts
