"""``testimony audit``: verify the trail, sign it, show it to its witness, take over what is older than it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from app import terminal
from app.bootstrap import Runtime
from app.operations import trail, witness
from app.operations.audit import Verification
from app.operations.baseline import take_over
from app.operations.witness import Witness
from app.terminal import EXIT_FAILED, DataOption, out

__all__ = ["audit"]

audit = typer.Typer(no_args_is_help=True, help="The audit trail: verify it, sign it, show it to a witness.")
witness_commands = typer.Typer(no_args_is_help=True, help="Where signed checkpoints are kept outside.")
audit.add_typer(witness_commands, name="witness")


@audit.command()
def verify(
    data: DataOption = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Hold every record, field, grant and flag against the trail as well.")
    ] = False,
    witness_file: Annotated[
        Path | None, typer.Option("--witness", help="What a file witness kept, to be held against the chain.")
    ] = None,
) -> None:
    """Verify the chain, its signatures and what was shown outside. Exits 1 if anything is found; may be interrupted."""
    with closing(terminal.operator(data)) as runtime, _progress() as progress:
        tasks = {}

        def show(stage: str, done: int, total: int | None) -> None:
            if stage not in tasks:
                tasks[stage] = progress.add_task(stage, total=total)
            progress.update(tasks[stage], completed=done, total=total)

        run, count = Verification(runtime, deep, witness_file, show), 0
        for finding in run.findings():
            count += 1
            progress.console.print(str(finding), highlight=False, markup=False, soft_wrap=True)
    out.print(f"{run.entries} entries, {run.checkpoints} checkpoints, {run.kept} kept by the witness")
    if run.baseline:
        out.print(f"Entries before position {run.baseline} were taken over; some of them carry no check.")
    if deep:
        out.print(f"{run.cases} cases and {run.records} records held against the trail")
    out.print("Nothing is wrong." if count == 0 else f"Findings: {count}")
    if count:
        raise typer.Exit(EXIT_FAILED)


@audit.command()
def checkpoint(data: DataOption = None) -> None:
    """Seal what waits, sign the chain as it stands, and show it to the witness if one is set."""
    with closing(terminal.operator(data)) as runtime:
        sealed, signed = trail.seal_all(runtime), trail.sign(runtime)
        out.print(f"{sealed} entries sealed")
        out.print("Nothing new to sign" if signed is None else f"Signed position {signed.position}")
        kept = witness.open_witness(runtime.settings)
        if kept is not None:
            out.print(f"{witness.deliver(runtime, kept)} checkpoints given to the witness")


@audit.command()
def baseline(
    data: DataOption = None,
    accept: Annotated[
        list[UUID] | None, typer.Option(help="Take over this study, case or record as it is now, though it differs.")
    ] = None,
) -> None:
    """Take over what is older than the trail, once after an update to it; an event says so."""
    with closing(terminal.operator(data)) as runtime, _progress() as progress:
        task = progress.add_task("records", total=None)
        taken = take_over(runtime, accept or (), lambda count: progress.update(task, completed=count))
    out.print(f"Taken over: {taken.studies} studies, {taken.cases} cases, {taken.records} records")
    out.print(f"Entries without a check that were taken over: {taken.events}")


@witness_commands.command()
def deliver(data: DataOption = None) -> None:
    """Give the witness every checkpoint that it does not have yet."""
    with closing(terminal.operator(data)) as runtime:
        out.print(f"{witness.deliver(runtime, _witness(runtime))} checkpoints given to the witness")


@witness_commands.command()
def status(data: DataOption = None) -> None:
    """How far the witness is; exits 1 if it is behind."""
    with closing(terminal.operator(data)) as runtime:
        kept, newest = witness.standing(runtime, _witness(runtime))
    out.print(f"The witness has position {kept}; the newest checkpoint is of position {newest}.")
    if kept < newest:
        raise typer.Exit(EXIT_FAILED)


def _witness(runtime: Runtime) -> Witness:
    found = witness.open_witness(runtime.settings)
    if found is None:
        raise typer.BadParameter("No witness is set: TESTIMONY_WITNESS.")
    return found


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=out, transient=True)
