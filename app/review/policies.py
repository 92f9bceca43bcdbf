"""When a draft may be edited, finished, sent back or released. Each check raises a reason a person can read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access import Actor
from app.cases import queries
from app.cases.drafts import Draft
from app.cases.models import Record
from app.cases.queries import Status
from app.crypto.encoding import canonical_json, enc, sha256
from app.errors import Conflict, DigestDiffers, Flaw, Invalid, OwnWork

LABEL = re.compile(r"\[([A-Z]+)-(\d{2,4})")
NAME = re.compile(r"[A-Z]+-\d{2,4}", re.ASCII)
READING_SCOPES = frozenset({"team_analysis", "vetted_researchers"})


def check_editable(actor: Actor, record: Record, version: int) -> None:
    """Raise Conflict unless the record waits for this redactor and ``version`` is the draft last seen."""
    if record.status not in {Status.DRAFTED, Status.FAILED} or record.redactor_id != actor.user():
        raise Conflict("This draft is not yours to edit now.")
    if record.draft_version != version:
        raise Conflict("Somebody saved a newer draft; read it again.")


def check_approvable(session: Session, actor: Actor, record: Record) -> None:
    """Raise OwnWork for one's own draft or interview, Conflict unless the finished draft waits for this approver."""
    if record.finished_by == actor.user() or record.redactor_id == actor.user():
        raise OwnWork
    if record.id in session.scalars(queries.drafted_by(actor)):
        raise OwnWork
    own = select(Record.id).where(Record.case_id == record.case_id, Record.submitter_id == actor.user()).limit(1)
    if session.scalar(own) is not None:
        raise OwnWork("You may not approve your own interview.")
    if record.status != Status.FINISHED or record.approver_id != actor.user():
        raise Conflict("This draft is not waiting for you.")


def check_consented(scopes: Iterable[str]) -> None:
    """Raise Conflict if the consent given covers no reader at all: then no release is made."""
    if READING_SCOPES.isdisjoint(scopes):
        raise Conflict("The consent given covers no release.")


def release_digest(draft_digest: bytes, renaming: Mapping[str, str]) -> bytes:
    """What an approver names: SHA-256 over the finished draft's digest and the renaming of its labels."""
    return sha256(enc("testimony/1/release-digest", draft_digest, canonical_json(dict(sorted(renaming.items())))))


def check_digest(record: Record, renaming: Mapping[str, str], named: bytes) -> None:
    """Raise DigestDiffers unless ``named`` is the digest of the finished draft under this renaming."""
    if record.draft_digest is None or release_digest(record.draft_digest, renaming) != named:
        raise DigestDiffers


def rename(draft: Draft, renaming: Mapping[str, str]) -> dict[str, str]:
    """The clean texts with labels renamed, so that a person keeps the label of the case's earlier releases.

    Raises:
        Invalid: not a label, another kind of label, or two different things would share one.
    """
    present = {f"{kind}-{number}" for text in draft.texts.values() for kind, number in LABEL.findall(text.clean)}
    flaws = [
        Flaw("/renaming", "Labels can only be renamed to labels of the same kind.")
        for old, new in renaming.items()
        if not NAME.fullmatch(old) or not NAME.fullmatch(new) or old.split("-")[0] != new.split("-")[0]
    ]
    after = [renaming.get(label, label) for label in present]
    if len(set(after)) != len(after) or not renaming.keys() <= present:
        flaws.append(Flaw("/renaming", "Each label of the draft must stay one label of its own."))
    if flaws:
        raise Invalid(flaws[:1])
    return {
        name: LABEL.sub(lambda found: "[" + _renamed(found, renaming), text.clean) for name, text in draft.texts.items()
    }


def _renamed(found: re.Match[str], renaming: Mapping[str, str]) -> str:
    label = f"{found[1]}-{found[2]}"
    return renaming.get(label, label)
