"""What a case and a record are made of, part by part, as the trail tells it.

Every event of a change carries what the change made, by part and with a digest, and what it took away, and the turn of
the record or of the case that it was: turns count from 1, and taking one locks the row. Played from the first turn on,
these events give the exact parts that must be there now. A part that was deleted, altered, inserted or put back is
found by comparing, and is named; nothing that somebody put into a row is ever taken over into the trail, because a
change says what it did and not what it finds.

    row               digest of the columns that never change
    column.NAME       the columns that do, as they are
    pack.PART.N       SHA-256 of the pack, and four bytes of each of its fields' digests, in the order of their names
    grant.ID          scope, and digest of the row with its box
    file.ID           digest of the row, once all of the file is there
    passage.ID, ask.ID, answer.ID, disclosure.ID, decision.ID, tombstone    digest of the row
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Table, bindparam, select, update
from sqlalchemy.orm import Session

from app.access import Actor
from app.audit import service as audit
from app.audit.parts import Parts, digest_of
from app.cases.models import Case, Record
from app.collaborators import Collaborators
from app.crypto import packs
from app.crypto.sealed import Sealed
from app.errors import BadEncoding, NotFound

# In ``gone``: everything that was there.
ALL = "*"
# Columns of bookkeeping (leases, tries, turns, the day a file arrived) belong to neither list.
RECORD_FIXED = (
    "id", "study_id", "case_id", "instrument_id", "submitter_id", "device_id", "client_uuid", "received_day", "content",
    "receipt", "consent_scopes", "withdrawal_preference", "withdrawal_hash",
)  # fmt: skip
RECORD_MOVING = (
    "status", "redactor_id", "approver_id", "finished_by", "draft_version", "draft_digest", "release_version",
    "superseded_by",
)  # fmt: skip
CASE_FIXED = ("id", "study_id", "code")
CASE_MOVING = ("priority", "hidden", "frozen", "held")
GRANT = ("id", "record_id", "scope", "epoch_id", "box", "expires_at")
FILE = (
    "id", "record_id", "client_uuid", "status", "size", "segments", "sealed", "upload", "content", "expires_at", "turn",
)  # fmt: skip
PASSAGE = ("id", "record_id", "release_version", "sealed", "reported_by", "settled")
DECISION = (
    "id", "study_id", "case_id", "kind", "preference", "first_by", "first_role", "second_by", "done",
)  # fmt: skip
TOMBSTONE = ("record_id", "study_id", "case_id", "submitter_id", "client_uuid", "scopes", "erased_day")


def columns(**values: Any) -> Parts:
    """Columns that a change set, as they now are; empty for none, zero and false."""
    return {f"column.{name}": _text(value) for name, value in values.items()}


def _text(value: Any) -> str:
    if isinstance(value, UUID | bytes):
        return value.hex if isinstance(value, UUID) else value.hex()
    if isinstance(value, bool):
        return "true" if value else ""
    return str(value) if value else ""


def moving(row: Any, names: Sequence[str]) -> Parts:
    """All the columns of a row that may change."""
    return columns(**{name: row.get(name) if isinstance(row, Mapping) else getattr(row, name) for name in names})


def of_record(row: Any) -> Parts:
    """A record's own row."""
    return {"row": digest_of("record", row, RECORD_FIXED), **moving(row, RECORD_MOVING)}


def of_case(row: Any) -> Parts:
    """A case's own row."""
    return {"row": digest_of("case", row, CASE_FIXED), **moving(row, CASE_MOVING)}


def pack_key(compartment: str, version: int) -> str:
    """The name of a pack's part."""
    return f"pack.{compartment}.{version}"


def of_pack(compartment: str, version: int, sealed: Sealed) -> Parts:
    """A pack with the marks of its fields."""
    return {pack_key(compartment, version): f"{packs.digest(sealed).hex()} {packs.marks(sealed)}"}


def field_marks(sealed: Sealed) -> list[tuple[str, str]]:
    """Each field of a pack with its mark; none of what is no pack."""
    try:
        fields = packs.unpack(sealed)
    except BadEncoding:
        return []
    marks, size = packs.marks(sealed), 2 * packs.MARK_BYTES
    return [(name, marks[at * size : (at + 1) * size]) for at, name in enumerate(fields)]


def grant_key(grant: UUID) -> str:
    """The name of a grant's part."""
    return f"grant.{grant.hex}"


def of_grants(rows: Iterable[Any]) -> Parts:
    """Grants as rows."""
    return {grant_key(_get(row, "id")): f"{_get(row, 'scope')} {digest_of('grant', row, GRANT)}" for row in rows}


def file_key(file: UUID) -> str:
    """The name of a file's part."""
    return f"file.{file.hex}"


def of_files(rows: Iterable[Any]) -> Parts:
    """Files as rows."""
    return {file_key(_get(row, "id")): f"{_get(row, 'status')} {digest_of('file', row, FILE)}" for row in rows}


def of_passages(rows: Iterable[Any]) -> Parts:
    """Reports as rows."""
    return {f"passage.{_get(row, 'id').hex}": digest_of("passage", row, PASSAGE) for row in rows}


def of_decision(row: Any) -> Parts:
    """A decision as a row."""
    return {decision_key(_get(row, "id")): digest_of("decision", row, DECISION)}


def decision_key(decision: UUID) -> str:
    """The name of a decision's part."""
    return f"decision.{decision.hex}"


def of_tombstone(row: Any) -> Parts:
    """A tombstone as a row."""
    return {"tombstone": digest_of("tombstone", row, TOMBSTONE)}


def _get(row: Any, name: str) -> Any:
    return row[name] if isinstance(row, Mapping) else getattr(row, name)


@dataclass(frozen=True, slots=True)
class Change:
    """What an act made or set, and the parts that it took away; the latter goes first."""

    made: Parts = field(default_factory=dict)
    gone: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """The turn that an act took, and whose it is; without study and case where their rows are gone."""

    number: int
    study: UUID | None
    case: UUID | None
    record: UUID | None


def first_turn(record: Parts, case: Parts, case_turn: int = 1) -> dict[str, Any]:
    """The details of the event by which a record comes, with what that made or set of its case."""
    return _told("", 1, Change(record)) | _told("case_", case_turn, Change(case))


def take_turn(session: Session, record: UUID) -> Turn:
    """Take a record's next turn, which locks its row until the transaction ends; NotFound without that record."""
    session.flush()
    row = session.connection().execute(_RECORD_TURN, {"key": record}).one_or_none()
    if row is None:
        raise NotFound
    return Turn(row.turn, row.study_id, row.case_id, record)


def take_case_turn(session: Session, case: UUID) -> Turn:
    """Take a case's next turn, as ``take_turn`` does."""
    session.flush()
    row = session.connection().execute(_CASE_TURN, {"key": case}).one_or_none()
    if row is None:
        raise NotFound
    return Turn(row.turn, row.study_id, case, None)


def tell(
    session: Session,
    collaborators: Collaborators,
    actor: Actor,
    action: str,
    turn: Turn,
    change: Change,
    **details: str | int | list[str] | dict[str, str] | None,
) -> None:
    """Write the event of a change whose turn is taken."""
    told = _told("" if turn.record else "case_", turn.number, change)
    audit.write(
        session,
        collaborators,
        actor,
        action,
        study=turn.study,
        case=turn.case,
        record=turn.record,
        **told,
        **details,
    )


def note(
    session: Session,
    collaborators: Collaborators,
    actor: Actor,
    action: str,
    record: UUID,
    change: Change,
    **details: str | int | list[str] | dict[str, str] | None,
) -> None:
    """Take a record's turn and write the event of its change."""
    tell(session, collaborators, actor, action, take_turn(session, record), change, **details)


def note_case(
    session: Session,
    collaborators: Collaborators,
    actor: Actor,
    action: str,
    case: UUID,
    change: Change,
    **details: str | int | list[str] | dict[str, str] | None,
) -> None:
    """Take a case's turn and write the event of its change."""
    tell(session, collaborators, actor, action, take_case_turn(session, case), change, **details)


def note_both(
    session: Session,
    collaborators: Collaborators,
    actor: Actor,
    action: str,
    record: UUID,
    change: Change,
    of_its_case: Change,
    **details: str | int | list[str] | dict[str, str] | None,
) -> None:
    """Write the event of a change of a record and of its case; the case's turn is taken first, as everywhere."""
    case = session.scalar(select(Record.case_id).where(Record.id == record))
    if case is None:
        raise NotFound
    told = _told("case_", take_case_turn(session, case).number, of_its_case)
    note(session, collaborators, actor, action, record, change, **told, **details)


def _told(prefix: str, turn: int, change: Change) -> dict[str, Any]:
    told: dict[str, Any] = {f"{prefix}turn": turn}
    if change.made:
        told[f"{prefix}made"] = change.made
    if change.gone:
        told[f"{prefix}gone"] = list(change.gone)
    return told


def _next_turn(table: Table, *more: str) -> Any:
    names = [table.c[name] for name in ("turn", "study_id", *more)]
    return update(table).where(table.c.id == bindparam("key")).values(turn=table.c.turn + 1).returning(*names)


_RECORD_TURN, _CASE_TURN = _next_turn(Record.table(), "case_id"), _next_turn(Case.table())
