"""Holding rows that one event each tells of as a whole against the newest such event: intake keys, names of apps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from app.audit.findings import Finding
from app.bootstrap import Runtime
from app.db import Base
from app.intake import keys
from app.intake.models import IntakeKey
from app.operations import replay
from app.operations.compare import ALTERED, DELETED, INSERTED
from app.operations.snapshot import snapshot
from app.studies import apps
from app.studies.models import StudyApp

__all__ = ["compare_apps", "compare_intake_keys"]


def compare_intake_keys(runtime: Runtime) -> Iterator[Finding]:
    """Every intake key: what was made and not destroyed is there, as it was made, and nothing else."""
    yield from _compare(runtime, IntakeKey, "id", keys.digest_of, lambda told: str(told["details"].get("key")))


def compare_apps(runtime: Runtime) -> Iterator[Finding]:
    """What the form is called on each study's phones."""
    yield from _compare(runtime, StudyApp, "study_id", apps.digest_of, lambda told: str(told["study_id"]))


ACTIONS: dict[type[Base], tuple[str, ...]] = {
    IntakeKey: (keys.MADE, keys.DESTROYED),
    StudyApp: (apps.CHANGED,),
}


def _compare(
    runtime: Runtime,
    model: type[Base],
    owner: str,
    digest_of: Callable[[Any], str],
    named: Callable[[Mapping[Any, Any]], str],
) -> Iterator[Finding]:
    with snapshot(runtime) as session:
        told = {named(row): row for row in replay.told_by(session, runtime.collaborators, ACTIONS[model])}
        held = {str(row[owner]): row for row in _rows(session, model.table())}
        places = replay.positions(session, [row["id"] for row in told.values()])
    for name in sorted({*told, *held}):
        event, row = told.get(name), held.get(name)
        what = _difference(event, None if row is None else digest_of(row))
        if what is not None:
            part = f"{model.__tablename__}.{_hex(name)}"
            if event is None:
                yield Finding(what=what, part=part)
            else:
                yield Finding(what=what, event=event["id"], position=places.get(event["id"]), part=part)


def _difference(event: Mapping[Any, Any] | None, digest: str | None) -> str | None:
    if event is None:
        return INSERTED
    if digest is None:
        return None if event["action"] == keys.DESTROYED else DELETED
    if event["action"] == keys.DESTROYED:
        return INSERTED
    return None if event["details"].get("digest") == digest else ALTERED


def _rows(session: Session, table: Table) -> list[Mapping[Any, Any]]:
    return [dict(row) for row in session.connection().execute(select(table)).mappings()]


def _hex(name: str) -> str:
    try:
        return UUID(name).hex
    except ValueError:
        return name
