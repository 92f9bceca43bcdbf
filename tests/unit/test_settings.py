"""Settings: where they come from, and what is refused, all at once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from app.settings import Environment, Settings, SettingsRefused

CANARY = "kingfisher"


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing from the machine that runs the tests; a data folder of its owner only."""
    monkeypatch.delenv("TESTIMONY_DATA", raising=False)
    tmp_path.chmod(0o700)


def load(folder: Path, **overrides: Any) -> Settings:
    """Settings of a deployment with this data folder."""
    return Settings.load(folder, **{"deployment": uuid4()} | overrides)


def reasons(folder: Path, **overrides: Any) -> list[str]:
    """Why these settings are refused."""
    with pytest.raises(SettingsRefused) as refused:
        load(folder, **overrides)
    return refused.value.reasons


def test_a_deployment_id_is_enough_for_the_embedded_default(tmp_path: Path) -> None:
    """Two SQLite databases and file custody beside each other, served to this machine only."""
    settings = load(tmp_path)

    assert settings.database_url.get_secret_value() == f"sqlite:///{tmp_path}/testimony.db"
    assert settings.keystore_url.get_secret_value() == f"sqlite:///{tmp_path}/keystore.db"
    assert settings.custody == f"file:{tmp_path}/custody"
    assert settings.host == "127.0.0.1"
    assert settings.environment is Environment.PRODUCTION


def test_the_environment_goes_before_the_file_in_the_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``testimony.env`` gives what the environment does not."""
    file = tmp_path / "testimony.env"
    file.write_text(f"TESTIMONY_DEPLOYMENT={uuid4()}\nTESTIMONY_PORT=1111\nTESTIMONY_WEB_PROCESSES=5\n")
    file.chmod(0o600)
    monkeypatch.setenv("TESTIMONY_DATA", str(tmp_path))
    monkeypatch.setenv("TESTIMONY_PORT", "2222")
    monkeypatch.setenv("TESTIMONY_ALLOWED_HOSTS", "a.example, b.example")
    monkeypatch.setenv("TESTIMONY_TRUSTED_PROXIES", "10.0.0.0/24")

    settings = Settings.load()

    assert (settings.port, settings.web_processes) == (2222, 5)
    assert settings.allowed_hosts == ("a.example", "b.example")
    assert [str(network) for network in settings.trusted_proxies] == ["10.0.0.0/24"]


def test_a_database_password_is_not_shown(tmp_path: Path) -> None:
    """Neither in the settings' repr nor in a refusal."""
    url = f"postgresql://user:{CANARY}@db.example/x"
    settings = load(tmp_path, environment="development", database_url=url)

    shown = repr(settings) + "".join(reasons(tmp_path, database_url=url, port=f"{CANARY}"))

    assert CANARY not in shown


def test_settings_do_not_change(tmp_path: Path) -> None:
    """The model is frozen."""
    settings = load(tmp_path)

    with pytest.raises(ValueError, match="frozen"):
        setattr(settings, "port", 1)  # noqa: B010  written so that the type checker lets it come to that


def test_everything_unsafe_is_listed_at_once(tmp_path: Path) -> None:
    """One start tells the operator all there is to mend."""
    tmp_path.chmod(0o755)
    key = tmp_path / "tls.key"
    key.write_text("x")
    key.chmod(0o644)

    found = reasons(
        tmp_path,
        host="0.0.0.0",  # noqa: S104  what is refused
        allowed_hosts="*",
        trusted_proxies="0.0.0.0/0",
        tls_key=str(key),
        database_url="postgresql://db.example/main",
        keystore_url="postgresql://db.example/keystore",
    )

    named = {match[0] for reason in found for match in re.finditer(r"TESTIMONY_[A-Z_]+", reason)}
    assert named == {
        "TESTIMONY_DATA",
        "TESTIMONY_ALLOWED_HOSTS",
        "TESTIMONY_TRUSTED_PROXIES",
        "TESTIMONY_TLS_CERTIFICATE",
        "TESTIMONY_TLS_KEY",
        "TESTIMONY_DATABASE_URL",
        "TESTIMONY_KEYSTORE_URL",
    }


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        pytest.param({"allowed_hosts": ""}, "ALLOWED_HOSTS", id="no host"),
        pytest.param({"allowed_hosts": "*.example"}, "ALLOWED_HOSTS", id="wildcard"),
        pytest.param({"trusted_proxies": "::/0"}, "TRUSTED_PROXIES", id="everybody a proxy"),
        pytest.param({"tls_ends_at_proxy": True}, "TRUSTED_PROXIES", id="TLS at a proxy nobody named"),
        pytest.param({"public_url": "http://testimony.example"}, "PUBLIC_URL", id="people without TLS"),
        pytest.param({"host": "192.0.2.1"}, "TLS_CERTIFICATE", id="plain HTTP on a network"),
        pytest.param(
            {
                "files": "s3://bucket?endpoint=http://store.example",
                "files_access_key": "a",
                "files_secret_key": "b",
            },
            "FILES",
            id="a store without TLS",
        ),
        pytest.param(
            {"database_url": "postgresql://db.example/x?sslmode=require"}, "DATABASE_URL", id="unverified TLS"
        ),
    ],
)
def test_what_is_unsafe_in_production_is_allowed_in_development(
    tmp_path: Path, overrides: dict[str, Any], name: str
) -> None:
    """Each is refused in production, by name, and accepted in development."""
    assert any(f"TESTIMONY_{name}" in reason for reason in reasons(tmp_path, **overrides))

    load(tmp_path, environment="development", **overrides)


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        pytest.param({"keystore_url": "sqlite:///x", "database_url": "sqlite:///x"}, "KEYSTORE_URL", id="one database"),
        pytest.param({"database_url": "nonsense"}, "DATABASE_URL", id="no URL"),
        pytest.param({"tls_certificate": "/nowhere"}, "TLS_KEY", id="half of TLS"),
        pytest.param({"web_processes": 0}, "WEB_PROCESSES", id="no process"),
        pytest.param({"public_url": "https://testimony.example/"}, "PUBLIC_URL", id="address with a path"),
        pytest.param({"public_url": "https://Testimony.example"}, "PUBLIC_URL", id="not as browsers write it"),
        pytest.param({"files": "file:relative"}, "FILES", id="a store somewhere"),
        pytest.param({"files": "s3://bucket"}, "FILES", id="a bucket without keys"),
        pytest.param({"session_idle_minutes": 0}, "SESSION_IDLE_MINUTES", id="no session at all"),
        pytest.param({"session_hours": 25}, "SESSION_HOURS", id="longer than a day"),
        pytest.param({"deployment": "x"}, "DEPLOYMENT", id="no deployment"),
    ],
)
def test_what_cannot_work_is_refused_in_development_too(tmp_path: Path, overrides: dict[str, Any], name: str) -> None:
    """Named, so that it can be mended."""
    found = reasons(tmp_path, environment="development", **overrides)

    assert any(f"TESTIMONY_{name}" in reason for reason in found)


@pytest.mark.parametrize(
    ("overrides", "origin"),
    [
        pytest.param({}, "http://localhost:8443", id="on this machine"),
        pytest.param({"tls": True, "port": 443}, "https://testimony.example", id="TLS at its usual port"),
        pytest.param({"tls": True, "port": 8443}, "https://testimony.example:8443", id="TLS at another port"),
        pytest.param({"tls_ends_at_proxy": True}, "https://testimony.example", id="TLS at a proxy"),
        pytest.param({"public_url": "https://other.example:444"}, "https://other.example:444", id="as it was said"),
    ],
)
def test_origin_is_what_browsers_see(tmp_path: Path, overrides: dict[str, Any], origin: str) -> None:
    """Passkeys are bound to it, so it has to be right without being said wherever that can be known."""
    certificate = tmp_path / "tls.crt"
    certificate.touch()
    named = {"allowed_hosts": "testimony.example"} if overrides else {}
    plain = {name: value for name, value in overrides.items() if name != "tls"}
    files = {"tls_certificate": certificate, "tls_key": certificate} if "tls" in overrides else {}

    assert load(tmp_path, environment="development", **named, **files, **plain).origin == origin
