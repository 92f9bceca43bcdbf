"""``testimony keystore``, ``intake`` and ``worker-key``: the server's own keys, each turned by its command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from app import terminal
from app.operations import intake_keys, setup
from app.operations.rotation import rotate
from app.terminal import DataOption, out

__all__ = ["intake", "keystore", "worker_key"]

keystore = typer.Typer(no_args_is_help=True, help="The keystore's own operations.")
intake = typer.Typer(no_args_is_help=True, help="The keys that phones seal interviews to.")
worker_key = typer.Typer(no_args_is_help=True, help="The worker's own key.")


@keystore.command("rotate")
def rotate_command(
    data: DataOption = None,
    backup: Annotated[
        Path | None, typer.Option(help="Where the backup goes; else DATA/backup.", show_default=False)
    ] = None,
) -> None:
    """Seal every share anew, back the keystore up, destroy the old key. Goes on where it was cut off."""
    runtime = terminal.operator(data)
    columns = (TextColumn("sealing shares anew"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=out, transient=True) as progress:
        task = progress.add_task("", total=None)
        version = rotate(runtime, backup, lambda done, total: progress.update(task, completed=done, total=total))
    runtime.close()
    out.print(f"The keystore is at key version {version}; the one before is destroyed.")


@intake.command("rotate")
def intake_rotate_command(data: DataOption = None) -> None:
    """Make the next intake key if it is due, and destroy those whose time is over. Keystore rotations do so too."""
    runtime = terminal.operator(data)
    turned = intake_keys.turn(runtime, setup.OPERATOR)
    runtime.close()
    made = "No intake key was due" if turned.made is None else f"Intake key {turned.made} is made"
    out.print(f"{made}; destroyed: {len(turned.destroyed)}.")


@worker_key.command("renew")
def renew_command(data: DataOption = None) -> None:
    """Make the worker's next key pair; running workers move what waits to it and end the one before."""
    runtime = terminal.operator(data)
    setup.renew_worker_key(runtime)
    runtime.close()
    out.print("The worker has a new key. Running workers move what waits to it within a minute.")
