"""What every command of the command line shares: where it prints, which data folder it works on, how it ends."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from app import logs
from app.bootstrap import Runtime, build
from app.settings import ENV_FILE, PREFIX, Settings

__all__ = ["EXIT_FAILED", "DataOption", "err", "folder", "operator", "out", "settings"]

EXIT_FAILED = 1

out = Console()
err = Console(stderr=True)

DataOption = Annotated[
    Path | None, typer.Option("--data", help="The data folder; else TESTIMONY_DATA, else ./data.", show_default=False)
]


def folder(data: Path | None) -> Path | None:
    """The data folder that was named, or the one here; none where everything comes from the environment."""
    named = os.environ.get(PREFIX + "DATA")
    if data is None and named:
        return Path(named)
    return data or (Path("data") if (Path("data") / ENV_FILE).exists() else None)


def settings(data: Path | None) -> Settings:
    """The settings of a data folder, with logs set up by them."""
    loaded = Settings.load(folder(data))
    logs.configure(loaded.log_level, strict=not loaded.production)
    return loaded


def operator(data: Path | None) -> Runtime:
    """The operator's runtime."""
    return build(settings(data), "operator")
