"""A data folder for one machine: settings, custody, a certificate of its own, two SQLite databases."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import uuid4

from app.certificates import write_self_signed
from app.settings import ENV_FILE, PREFIX

__all__ = ["CERTIFICATE", "HOSTS", "lay_out"]

CERTIFICATE = "tls.crt"
TLS_KEY = "tls.key"
HOSTS = ("localhost", "127.0.0.1", "::1")
FOLDER_MODE = 0o700
FILE_MODE = 0o600


def lay_out(data: Path, *, port: int) -> bool:
    """Make the folder (0700) with settings (0600), certificate and custody; what is there stays. True if it is new.

    The settings file is written last: a folder without one is laid out again from where it was left.
    """
    data = data.absolute()
    if (data / ENV_FILE).exists():
        return False
    for folder in (data, data / "custody"):
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        folder.chmod(FOLDER_MODE)
    certificate, key = data / CERTIFICATE, data / TLS_KEY
    if not (certificate.exists() and key.exists()):
        certificate.unlink(missing_ok=True)
        key.unlink(missing_ok=True)
        write_self_signed(certificate, key, HOSTS)
    _write(data / ENV_FILE, _settings(certificate, key, port))
    return True


def _settings(certificate: Path, key: Path, port: int) -> str:
    values = {
        "DEPLOYMENT": str(uuid4()),
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "TLS_CERTIFICATE": str(certificate),
        "TLS_KEY": str(key),
    }
    lines = [f"{PREFIX}{name}={_quoted(value)}" for name, value in values.items()]
    return "\n".join(
        ["# This deployment's settings. Its id is part of everything that is sealed: keep it.", *lines, ""]
    )


def _quoted(value: str) -> str:
    """In single quotes, as dotenv files are read."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _write(path: Path, text: str) -> None:
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
