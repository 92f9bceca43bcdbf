"""The command line: thin commands over what operators and clients can do. No traceback ever shows data."""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from app import audit_commands, key_commands, logs, terminal
from app.bootstrap import build
from app.client import Client, ClientError, Problem, check_receipt
from app.client.files import FileRefused, SubmissionFile
from app.deidentify.modes import Using
from app.errors import TestimonyError
from app.operations import installation, processes, restore, setup, sweep
from app.operations.checkpoint import read_checkpoint, write_checkpoint
from app.operations.deidentify import deidentify
from app.operations.status import Status, look
from app.settings import PREFIX, SettingsRefused
from app.terminal import EXIT_FAILED, DataOption, err, out

__all__ = ["main"]

EXIT_REFUSED_SETTINGS = 78  # EX_CONFIG of sysexits.h
EXIT_OURS = 70  # EX_SOFTWARE
EXIT_INTERRUPTED = 130
KEY_BYTES = 32

app = typer.Typer(
    no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False, help="Testimony: taken in under seal."
)
app.add_typer(key_commands.keystore, name="keystore")
app.add_typer(key_commands.intake, name="intake")
app.add_typer(key_commands.worker_key, name="worker-key")
app.add_typer(audit_commands.audit, name="audit")
app.command()(deidentify)

UrlOption = Annotated[str, typer.Option(envvar=PREFIX + "URL", help="Where the service is.")]
TrustOption = Annotated[
    Path | None,
    typer.Option("--certificate", envvar=PREFIX + "CERTIFICATE", help="The one certificate to trust (PEM)."),
]
KeyOption = Annotated[str | None, typer.Option(help="The receipt key, in hex, or a file that holds it.")]
URL = "https://localhost:8443"


@app.command()
def init(
    data: DataOption = None,
    port: Annotated[int, typer.Option(help="The port to serve on, for a new folder.")] = 8443,
    admin: Annotated[str, typer.Option(help="The first administrator's account name.")] = "admin",
    invite: Annotated[
        bool, typer.Option("--invite", help="End an invitation that was lost, and print a new one.")
    ] = False,
) -> None:
    """Make or complete a deployment: folder, keys, both databases, the first invitation. Safe to run again."""
    if PREFIX + "DEPLOYMENT" not in os.environ:
        folder = terminal.folder(data) or Path("data")
        if installation.lay_out(folder, port=port):
            out.print(f"New data folder: {folder.absolute()}")
        data = folder
    runtime = terminal.operator(data)
    setup.migrate(runtime)
    setup.prepare(runtime)
    token = setup.first_invitation(runtime, admin, anew=invite)
    out.print("Ready: keys, databases and worker are in place.")
    if token is not None:
        out.print("The first administrator's invitation, shown this once. Open it with: testimony accept")
        out.print(token, highlight=False)
    elif invite:
        out.print("No invitation: there is an administrator already, who invites everybody else.")
    runtime.close()


@app.command()
def migrate(data: DataOption = None) -> None:
    """Bring both databases to the newest schema."""
    runtime = terminal.operator(data)
    setup.migrate(runtime)
    runtime.close()
    out.print("Both databases have the newest schema.")


@app.command()
def serve(
    data: DataOption = None,
    with_worker: Annotated[bool, typer.Option("--with-worker", help="Redact in a process beside the server.")] = False,
) -> None:
    """Serve over HTTPS until SIGTERM or Ctrl-C."""
    from app.web.server import serve as run_server  # noqa: PLC0415  the other commands start without the web's parts

    settings = terminal.settings(data)
    with processes.companion(["worker"], terminal.folder(data)) if with_worker else nullcontext():
        run_server(settings)


@app.command()
def worker(data: DataOption = None) -> None:
    """Redact what waits, until SIGTERM or Ctrl-C. Several may run."""
    from app.worker import run_until_stopped  # noqa: PLC0415  the recognisers' data is read on import

    run_until_stopped(build(terminal.settings(data), "worker"))


@app.command()
def status(data: DataOption = None) -> None:
    """Health, the queue, the keystore: counts and days, nothing of the content."""
    runtime = terminal.operator(data)
    found = look(runtime)
    out.print(_status_table(found))
    if sweep.is_off(runtime):
        out.print("The sweep of attempts is off since a restore: testimony sweep --resume")
    runtime.close()
    if not found.healthy:
        raise typer.Exit(EXIT_FAILED)


def _status_table(found: Status) -> Table:
    table = Table("", "", show_header=False, box=None, pad_edge=False)
    table.add_row("health", "ok" if found.healthy else f"failing: {', '.join(found.failing) or 'rosters'}")
    for stage, held in sorted(found.stages.items()):
        table.add_row(f"records {stage}", f"{held.count}, oldest {held.oldest_days} days")
    rows = {
        "outbox": found.outbox,
        "shares": found.shares,
        "attachments": found.files,
        "attachments that still arrive": found.arriving,
        "files to be deleted": found.discarded,
        "attempts without a claim": found.abandoned,
        "grants to be moved": found.to_move,
        "agreements that end within 30 days": found.ending_soon,
        "agreements that have ended": found.ended,
        "rosters that do not verify": found.rejected_rosters,
        "entries of the trail": found.entries,
        "entries not signed yet": found.unsigned,
    }
    if found.unwitnessed is not None:
        rows["checkpoints the witness lacks"] = found.unwitnessed
    for name, count in rows.items():
        table.add_row(name, str(count))
    version = "none" if found.key_version is None else str(found.key_version)
    found_by = "models and rules" if found.using is Using.MODELS else "rules alone, which miss more"
    table.add_row("names are found by", found_by)
    table.add_row("keystore key version", version + (", a rotation is not finished" if found.rotating else ""))
    age = "none" if found.intake_key_days is None else f"{found.intake_key_days} days old, {found.intake_keys} in all"
    waiting = f", {found.intake_keys_over} to be destroyed" if found.intake_keys_over else ""
    table.add_row("newest intake key", age + waiting)
    return table


@app.command("sweep")
def sweep_command(
    data: DataOption = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Sweep attempts again after a restore was looked at.")
    ] = False,
) -> None:
    """Clear what is over: abandoned attempts, expired shares, members and sessions, unfinished erasures."""
    runtime = terminal.operator(data)
    if resume:
        sweep.turn_on(runtime)
    done = sweep.sweep(runtime)
    attempts = "off since a restore" if done.attempts is None else str(done.attempts)
    out.print(f"attempts {attempts}, expired shares {done.expired_shares}, members removed {done.removed_members},")
    out.print(f"erasures finished {done.erased}, left in the outbox {done.outbox_left}, uploads expired {done.uploads}")
    runtime.close()


@app.command()
def checkpoint(file: Path, data: DataOption = None) -> None:
    """Write the signed list of erasures and roster versions, to be kept outside both databases."""
    runtime = terminal.operator(data)
    written = write_checkpoint(runtime, file)
    runtime.close()
    out.print(f"{len(written.dead)} erasures, {len(written.floors)} rosters")


class Restored(StrEnum):
    """Which database is an old copy."""

    MAIN = "main"
    KEYSTORE = "keystore"
    BOTH = "both"


@app.command("restore-check")
def restore_check(
    restored: Restored,
    data: DataOption = None,
    checkpoint_file: Annotated[
        Path | None, typer.Option("--checkpoint", help="Needed where both were restored.")
    ] = None,
) -> None:
    """Make a restored copy safe before it serves, and say what is lost. Stop web nodes and workers first."""
    runtime = terminal.operator(data)
    kept = None if checkpoint_file is None else read_checkpoint(runtime, checkpoint_file)
    if restored is Restored.MAIN:
        found = restore.check_main(runtime)
    elif restored is Restored.KEYSTORE:
        found = restore.check_keystore(runtime, kept)
    elif kept is None:
        raise typer.BadParameter(
            "Without the checkpoint that was kept outside both, erased interviews could come back."
        )
    else:
        found = restore.check_both(runtime, kept)
    runtime.close()
    _print_findings(found)
    if not found.clean:
        raise typer.Exit(EXIT_FAILED)


def _print_findings(found: restore.Findings) -> None:
    out.print(f"erased again: {found.killed} in the keystore, {len(found.buried)} in the main database")
    out.print(f"frozen again: {len(found.frozen)}; shares that nothing names, destroyed: {found.dropped_shares}")
    lists = {
        "studies whose roster was newer; they stay refused": found.stale_rosters,
        "records newer than the backup, lost": found.lost_records,
        "shares that are missing; what they opened is lost": found.missing_shares,
        "attachments whose pieces are not all in the store": found.lost_files,
        "files in the store that no row names; the sweep deletes them": found.stray_files,
    }
    for title, ids in lists.items():
        out.print(f"{title}: {len(ids)}")
        for one in ids:
            out.print(f"  {one}", highlight=False)
    out.print("Rotate the keystore, start the nodes, and when all is clean: testimony sweep --resume")


@app.command()
def submit(
    file: Path,
    url: UrlOption = URL,
    certificate: TrustOption = None,
    study: Annotated[UUID | None, typer.Option(help="The study, where the file names none.")] = None,
    token_file: Annotated[
        Path | None, typer.Option(help="A file with the token; else TESTIMONY_TOKEN, else asked.")
    ] = None,
    receipt_key: KeyOption = None,
    attach: Annotated[
        list[Path] | None, typer.Option(help="A recording, photo or document of the record; may be given again.")
    ] = None,
    seal: Annotated[
        bool, typer.Option("--seal", help="Seal it to the service's intake key before it goes out.")
    ] = False,
) -> None:
    """Hand in a record from a JSON file, with its files. Trying again goes on where it was cut off.

    The receipt is kept beside the file, and so is what is needed to go on with an attachment.
    """
    pending = SubmissionFile.open(file, study=study)
    with Client(url, _token(token_file), verify=certificate or True) as client:
        keys = client.intake.receipt_keys() if receipt_key is None else {"receipt-1": _key(receipt_key)}
        submitted = pending.submit(client.intake, keys, seal=seal)
        for path in attach or []:
            _attach(pending, client, path)
    if pending.withdrawal is not None:
        out.print(
            "Hand this to the interviewee; it is shown this once, and withdraws the testimony without any sign-in:"
        )
        out.print(pending.withdrawal, highlight=False)
    out.print(f"Durable: case {submitted.receipt.case}, record {submitted.receipt.record}", highlight=False)
    out.print(f"The receipt verifies and lies in {pending.receipt_path}", highlight=False)
    for flaw in submitted.warnings:
        out.print(f"Look again: {flaw.pointer}: {flaw.detail}", highlight=False, markup=False)
    if receipt_key is None:
        out.print(f"Pin this key next time: --receipt-key {keys[submitted.receipt.key_id].hex()}", highlight=False)


def _attach(pending: SubmissionFile, client: Client, path: Path) -> None:
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=out) as progress:
        task = progress.add_task(path.name, total=None)
        pending.attach(client.intake, path, lambda done, whole: progress.update(task, completed=done, total=whole))


def _token(file: Path | None) -> str:
    """From a file, the environment or a hidden prompt; never from the arguments, which everybody on a machine sees."""
    if file is not None:
        return file.read_text().strip()
    return os.environ.get(PREFIX + "TOKEN") or str(typer.prompt("Token", hide_input=True)).strip()


def _key(given: str) -> bytes:
    text = Path(given).read_text() if Path(given).is_file() else given
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise typer.BadParameter("A receipt key is 32 bytes in hex.")
    return key


@app.command("verify-receipt")
def verify_receipt(file: Path, key: Annotated[str, typer.Option(help="The receipt key, in hex, or a file.")]) -> None:
    """Verify a receipt offline, with nothing but the deployment's public key."""
    try:
        tree = json.loads(file.read_bytes())
        raw = tree.get("receipt", tree)
    except (OSError, ValueError, AttributeError):
        raise FileRefused("The file holds no receipt.") from None
    receipt = check_receipt(raw, {str(raw.get("key_id")): _key(key)})
    out.print(f"The receipt verifies: record {receipt.record}, case {receipt.case}, {receipt.day}", highlight=False)
    if receipt.sealed_body:
        out.print(f"It came sealed by a phone; SHA-256 of what was sent: {receipt.sealed_body.hex()}", highlight=False)


@app.command()
def accept(url: UrlOption = URL, certificate: TrustOption = None) -> None:
    """Accept an invitation: choose a password, get the second factor and the fingerprint to read aloud."""
    token = str(typer.prompt("Invitation", hide_input=True)).strip()
    password = str(typer.prompt("New password (five random words or more)", hide_input=True, confirmation_prompt=True))
    with Client(url, verify=certificate or True) as client:
        account = client.accounts.accept(token, password)
    out.print(f"Account {account['name']}", highlight=False)
    out.print("For your authenticator, shown this once:")
    out.print(account["totp_uri"], highlight=False, soft_wrap=True)
    out.print("Your fingerprint, to be read aloud to whoever admits and confirms you:")
    out.print(account["fingerprint_text"], highlight=False, soft_wrap=True)


@app.command()
def demo(
    data: Annotated[Path, typer.Option("--data", help="The demo's own data folder.")] = Path("demo-data"),
    port: Annotated[int, typer.Option(help="The port to serve on, for a new folder.")] = 8443,
    once: Annotated[bool, typer.Option("--once", help="End after printing instead of serving on.")] = False,
) -> None:
    """Show the whole service on an invented testimony, then keep serving."""
    from app.demo import run  # noqa: PLC0415  only the demo needs its parts

    run(data, port=port, once=once, console=out)


def main() -> None:
    """Run a command; every failure is a line and an exit code."""
    os.umask(0o077)  # databases, logs and backups are made by libraries, which leave their mode to this
    try:
        processes.close_memory()
        # Whoever started this process may have let them wait.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGTERM))
        app()
    except SettingsRefused as refused:
        err.print(str(refused), highlight=False, markup=False)
        sys.exit(EXIT_REFUSED_SETTINGS)
    except Problem as problem:
        err.print(f"Refused: {problem.detail} ({problem.code})", highlight=False, markup=False)
        for flaw in problem.errors:
            err.print(f"  {flaw.pointer}: {flaw.detail}", highlight=False, markup=False)
        sys.exit(EXIT_FAILED)
    except (TestimonyError, ClientError) as error:
        err.print(str(error), highlight=False, markup=False)
        sys.exit(EXIT_FAILED)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except OSError as error:
        err.print(f"{type(error).__name__}: {error.strerror}: {error.filename}", highlight=False, markup=False)
        sys.exit(EXIT_FAILED)
    except Exception as error:  # noqa: BLE001  whatever it is: a traceback could show data
        logs.get_logger().exception("unforeseen error")
        err.print(f"Something went wrong on our side ({type(error).__name__}).", markup=False)
        sys.exit(EXIT_OURS)
