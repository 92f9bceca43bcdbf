"""Everything that is configured, in one frozen model, read once when a process starts.

Values come from the environment (``TESTIMONY_…``), then from files of the same names in a folder of secrets, then from
``testimony.env`` in the data folder. What would be unsafe in production is refused, all of it at once.
"""

from __future__ import annotations

import ipaddress
import os
import re
import stat
from collections.abc import Iterator
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from app.deidentify.modes import Using

__all__ = ["Environment", "Settings", "SettingsRefused"]

PREFIX = "TESTIMONY_"
ENV_FILE = "testimony.env"
# Where systemd and containers put secrets as files.
SECRET_FOLDERS = (os.environ.get("CREDENTIALS_DIRECTORY", ""), "/run/secrets")
WIDER_THAN_OWNER = 0o077
READABLE_BY_OTHERS = 0o007
# A proxy list wider than this trusts strangers to say where they come from.
WIDEST_PROXY_PREFIX = {4: 8, 6: 16}
# An origin (RFC 6454) as browsers write it: no path, no upper case.
ORIGIN = re.compile(r"https?://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[1-9][0-9]{0,4})?", re.ASCII)


class SettingsRefused(Exception):
    """The configuration cannot be used; ``reasons`` names every flaw and no value."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__("The settings are refused:\n" + "\n".join(f"  - {reason}" for reason in reasons))
        self.reasons = reasons


class Environment(StrEnum):
    """How strict to be: ``PRODUCTION`` refuses what is convenient."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


def _listed(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]
Networks = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_listed)]


class Settings(BaseSettings):
    """One deployment's configuration. Made by ``load``; secrets in it have a repr that hides them."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", hide_input_in_errors=True, validate_default=True
    )

    data: Path = Path("data")
    database_url: SecretStr = SecretStr("")
    keystore_url: SecretStr = SecretStr("")
    custody: str = ""
    deployment: UUID
    environment: Environment = Environment.PRODUCTION

    host: str = "127.0.0.1"
    port: int = Field(8443, ge=1, le=65535)
    # One more than two cores: while one process waits for the disk, another works.
    web_processes: int = Field(3, ge=1, le=64)
    # Threads of one process that serve requests; the work holds the interpreter lock, so few are enough.
    web_threads: int = Field(12, ge=1, le=64)
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    # Set when a proxy on another machine or container speaks TLS for us.
    tls_ends_at_proxy: bool = False
    allowed_hosts: Names = ("localhost", "127.0.0.1", "[::1]")
    trusted_proxies: Networks = ()
    # Where people's browsers reach the service, such as https://testimony.example; passkeys belong to its host.
    public_url: str = ""
    session_idle_minutes: int = Field(30, ge=1, le=720)
    session_hours: int = Field(12, ge=1, le=24)
    # How old the newest intake key may become before the next rotation makes another, how long phones seal to one, and
    # when its private half is destroyed.
    intake_key_hours: int = Field(24, ge=1, le=168)
    intake_seal_days: int = Field(30, ge=1, le=365)
    intake_open_days: int = Field(90, ge=2, le=730)
    # What the worker finds names with; "rules" drafts without the models, and finds less.
    deidentify: Using = Using.MODELS
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    # Where sealed attachments rest: file:/absolute/folder, or s3://bucket/prefix?region=…&endpoint=https://… with keys.
    files: str = ""
    files_access_key: SecretStr = SecretStr("")
    files_secret_key: SecretStr = SecretStr("")
    # How much one person may hand in within two days.
    upload_gib: int = Field(20, ge=1, le=10_000)

    # Where signed checkpoints of the trail are kept outside: file:/absolute/path or https://…
    witness: str = ""
    witness_token: SecretStr = SecretStr("")
    witness_certificate: Path | None = None

    @model_validator(mode="before")
    @classmethod
    def _beside_the_data(cls, values: dict[str, Any]) -> dict[str, Any]:
        data = Path(values.get("data") or "data").absolute()
        ours = {
            "data": data,
            "database_url": f"sqlite:///{data}/testimony.db",
            "keystore_url": f"sqlite:///{data}/keystore.db",
            "custody": f"file:{data}/custody",
            "files": f"file:{data}/files",
        }
        return values | {name: default for name, default in ours.items() if name == "data" or not values.get(name)}

    @classmethod
    def load(cls, data: Path | None = None, **overrides: Any) -> Settings:
        """Read the settings; ``data`` and the overrides go before the environment.

        Raises:
            SettingsRefused: a value is missing, malformed, or unsafe for the environment.
        """
        folder = data or (Path(os.environ[PREFIX + "DATA"]) if os.environ.get(PREFIX + "DATA") else None)
        if folder is not None:
            overrides["data"] = folder
        secrets = [path for path in SECRET_FOLDERS if path and Path(path).is_dir()]
        try:
            settings = cls(_env_file=folder and folder / ENV_FILE, _secrets_dir=secrets or None, **overrides)
        except ValidationError as refused:
            reasons = [f"{_name_of(error['loc'])}: {error['msg']}" for error in refused.errors(include_input=False)]
            raise SettingsRefused(reasons) from None
        settings.refuse_unsafe()
        return settings

    @property
    def production(self) -> bool:
        """Whether this is the real thing."""
        return self.environment is Environment.PRODUCTION

    @property
    def base_url(self) -> str:
        """Where this machine reaches the service."""
        scheme = "https" if self.tls_certificate else "http"
        return f"{scheme}://{self.host}:{self.port}"

    @property
    def origin(self) -> str:
        """Where people's browsers reach the service: ``public_url``, or what the other settings say."""
        if self.public_url:
            return self.public_url
        host = self.allowed_hosts[0] if self.allowed_hosts else "localhost"
        if self.tls_ends_at_proxy:
            return f"https://{host}"
        scheme, usual = ("https", 443) if self.tls_certificate else ("http", 80)
        return f"{scheme}://{host}" if self.port == usual else f"{scheme}://{host}:{self.port}"

    @property
    def session_idle(self) -> timedelta:
        """How long a session lasts that is not used."""
        return timedelta(minutes=self.session_idle_minutes)

    @property
    def session_limit(self) -> timedelta:
        """How long a session lasts at most."""
        return timedelta(hours=self.session_hours)

    def refuse_unsafe(self) -> None:
        """Raise SettingsRefused with every value that cannot be used, or must not be in production."""
        reasons = [*_broken(self)]
        if self.production:
            reasons += [*_unsafe_databases(self), *_unsafe_network(self), *_unsafe_files(self)]
        if reasons:
            raise SettingsRefused(reasons)


def _name_of(loc: tuple[str | int, ...]) -> str:
    return PREFIX + ".".join(str(part) for part in loc).upper() if loc else "settings"


def _broken(settings: Settings) -> Iterator[str]:
    for name in ("database_url", "keystore_url"):
        if _parsed(settings, name) is None:
            yield f"{PREFIX}{name.upper()}: not a database URL."
    if settings.database_url == settings.keystore_url:
        yield f"{PREFIX}KEYSTORE_URL: the keystore needs a database of its own."
    if settings.public_url and ORIGIN.fullmatch(settings.public_url) is None:
        yield f"{PREFIX}PUBLIC_URL: give scheme and host, such as https://testimony.example, without a path."
    if (settings.tls_certificate is None) != (settings.tls_key is None):
        yield f"{PREFIX}TLS_CERTIFICATE and {PREFIX}TLS_KEY: give both or neither."
    if settings.intake_open_days <= settings.intake_seal_days:
        yield f"{PREFIX}INTAKE_OPEN_DAYS: a key must open longer than it is sealed to."
    yield from _broken_places(settings)
    files = {
        "TLS_CERTIFICATE": settings.tls_certificate,
        "TLS_KEY": settings.tls_key,
        "WITNESS_CERTIFICATE": settings.witness_certificate,
    }
    for name, file in files.items():
        if file is not None and not file.is_file():
            yield f"{PREFIX}{name}: there is no such file."


def _broken_places(settings: Settings) -> Iterator[str]:
    if not _is_store(settings):
        yield f"{PREFIX}FILES: give file:/absolute/path, or s3://bucket with FILES_ACCESS_KEY and FILES_SECRET_KEY."
    if settings.witness and not _is_witness(settings.witness):
        yield f"{PREFIX}WITNESS: give file:/absolute/path or an https address."


def _is_store(settings: Settings) -> bool:
    parts = urlsplit(settings.files)
    if parts.scheme == "s3":
        keys = (settings.files_access_key, settings.files_secret_key)
        return bool(parts.hostname) and all(key.get_secret_value() for key in keys)
    return parts.scheme == "file" and not parts.netloc and Path(parts.path).is_absolute()


def _is_witness(url: str) -> bool:
    parts = urlsplit(url)
    if parts.scheme == "file":
        return not parts.netloc and Path(parts.path).is_absolute()
    return parts.scheme == "https" and bool(parts.hostname) and parts.username is None


def _unsafe_databases(settings: Settings) -> Iterator[str]:
    for name in ("database_url", "keystore_url"):
        url = _parsed(settings, name)
        if url is None or url.get_backend_name() != "postgresql" or _local(url.host):
            continue
        if url.query.get("sslmode") not in {"verify-full", "verify-ca"}:
            yield f"{PREFIX}{name.upper()}: a database on another machine needs sslmode=verify-full."


def _unsafe_network(settings: Settings) -> Iterator[str]:
    open_to_others = not _local(settings.host)
    if open_to_others and settings.tls_certificate is None and not settings.tls_ends_at_proxy:
        yield f"{PREFIX}TLS_CERTIFICATE: serving beyond this machine needs TLS, or a proxy and TLS_ENDS_AT_PROXY."
    endpoint = urlsplit(dict(parse_qsl(urlsplit(settings.files).query)).get("endpoint", ""))
    if endpoint.scheme == "http" and not _local(endpoint.hostname):
        yield f"{PREFIX}FILES: a store on another machine is reached by https."
    if settings.public_url.startswith("http:"):
        yield f"{PREFIX}PUBLIC_URL: people reach a production service by https."
    if settings.tls_ends_at_proxy and not settings.trusted_proxies:
        yield f"{PREFIX}TRUSTED_PROXIES: name the proxy where TLS ends."
    if not settings.allowed_hosts or any("*" in host for host in settings.allowed_hosts):
        yield f"{PREFIX}ALLOWED_HOSTS: list the names this service answers to, without wildcards."
    if any(network.prefixlen < WIDEST_PROXY_PREFIX[network.version] for network in settings.trusted_proxies):
        yield f"{PREFIX}TRUSTED_PROXIES: this trusts too much of the internet."


def _unsafe_files(settings: Settings) -> Iterator[str]:
    if settings.data.exists() and _mode(settings.data) & WIDER_THAN_OWNER:
        yield f"{PREFIX}DATA: the folder must be open to its owner only (0700)."
    if (settings.data / ENV_FILE).exists() and _mode(settings.data / ENV_FILE) & WIDER_THAN_OWNER:
        yield f"{ENV_FILE}: the file must be open to its owner only (0600)."
    if settings.tls_key is not None and settings.tls_key.exists() and _mode(settings.tls_key) & READABLE_BY_OTHERS:
        yield f"{PREFIX}TLS_KEY: others on this machine can read it."


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _parsed(settings: Settings, name: str) -> URL | None:
    try:
        return make_url(getattr(settings, name).get_secret_value())
    except ArgumentError:
        return None


def _local(host: str | None) -> bool:
    if not host or host == "localhost" or host.startswith("/"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
