"""The entry of a worker process: settings from the environment, then the application."""

from __future__ import annotations

from starlette.types import ASGIApp

from app import logs
from app.bootstrap import build
from app.settings import Settings
from app.web.app import create_app

__all__ = ["create"]


def create() -> ASGIApp:
    """Build the application of one process.

    Raises:
        SettingsRefused: the environment holds unusable or unsafe settings.
        UnguardedRoute: a route lacks a permission.
    """
    settings = Settings.load()
    logs.configure(settings.log_level, strict=not settings.production)
    return create_app(build(settings, "web"))
