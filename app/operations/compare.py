"""Holding what is there against what the trail tells: every record, field, grant and flag that differs, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from app.audit.findings import Finding
from app.audit.parts import Parts
from app.bootstrap import Runtime
from app.cases.models import Grant, Outbox
from app.forms.models import Form, FormKey
from app.forms.states import of_form, whole
from app.keystore.models import RecordState
from app.operations import holdings, replay
from app.operations.holdings import Held
from app.operations.replay import Told
from app.operations.snapshot import snapshot
from app.review.models import Ask, Disclosure
from app.studies.models import Study
from app.studies.service import of_study

__all__ = ["compare_cases", "compare_forms", "compare_outbox", "compare_records", "compare_studies"]

# Records and cases compared at one moment.
BATCH = 50
FIRST = UUID(int=0)
UNTOLD = "No event tells of any of it: it was inserted, or is older than the trail"
INSERTED = "No event tells of it: it was inserted or put back"
ALTERED = "It is not what the trail tells"
DELETED = "It was deleted"

Done = Callable[[int], None]


def compare_records(runtime: Runtime, done: Done) -> Iterator[Finding]:
    """Every record with its packs, grants, reports, asks and disclosures; ``done`` hears how many are compared."""
    after, count = FIRST, 0
    while True:
        with snapshot(runtime) as session:
            ids = holdings.record_ids(session, after, BATCH)
            if not ids:
                break
            held = holdings.records(session, ids, runtime.clock())
            told = replay.told_of_records(session, runtime.collaborators, ids)
            found = [(each, finding) for each in ids for finding in _differences(held.get(each), told.get(each))]
            yield from _placed(session, [replace(finding, record=each) for each, finding in found])
        yield from _shares(runtime, held)
        after, count = ids[-1], count + len(ids)
        done(count)
    with snapshot(runtime) as session:
        for record, part in holdings.orphans(session):
            yield Finding(what="It belongs to a record that is not there", record=record, part=part)


def compare_cases(runtime: Runtime, done: Done) -> Iterator[Finding]:
    """Every case with its flags and what was decided about it."""
    after, count = FIRST, 0
    while True:
        with snapshot(runtime) as session:
            ids = holdings.case_ids(session, after, BATCH)
            if not ids:
                return
            held, told = (
                holdings.cases(session, ids),
                replay.told_of_cases(session, runtime.collaborators, ids),
            )
            found = [(each, finding) for each in ids for finding in _differences(held.get(each), told.get(each))]
            yield from _placed(session, [replace(finding, case=each) for each, finding in found])
        after, count = ids[-1], count + len(ids)
        done(count)


def _differences(held: Held | None, told: Told | None) -> Iterator[Finding]:
    """What differs between a record or case and what is told of it."""
    held, told = held or Held(), told or Told()
    for turn in told.missing():
        yield Finding(what="The event of a change is missing", code=held.code, part=f"turn {turn}")
    for turn in told.doubled():
        yield Finding(what="Several events tell of the same change", code=held.code, part=f"turn {turn}")
    now, then = _there(held.parts), _there(told.parts)
    if now and not told.turns:
        yield Finding(what=UNTOLD, code=held.code)
        return
    if "row" in then and "row" not in now:
        yield Finding(what=DELETED, event=told.last.get("row"))
        return
    if "row" in now and held.turn != told.turn:
        yield Finding(what=ALTERED, code=held.code, part=f"turn: {held.turn} where the trail tells {told.turn}")
    for part in sorted(now.keys() | then.keys()):
        if now.get(part) == then.get(part):
            continue
        what = DELETED if part not in now else ALTERED if part in then else INSERTED
        for name in _names(part, held, then):
            yield Finding(what=what, code=held.code, part=name, event=told.last.get(part))


def _there(parts: Parts) -> Parts:
    return {part: value for part, value in parts.items() if value}


def _names(part: str, held: Held, then: Parts) -> list[str]:
    """A part as people name it: a pack with the fields that differ, a grant with its scope."""
    if part.startswith("pack.") and part in held.parts and part in then:
        marks = then[part].partition(" ")[2]
        known = {marks[at : at + 8] for at in range(0, len(marks), 8)}
        changed = [name for name, mark in held.fields[part] if mark not in known]
        return [f"{part} field {name}" for name in changed] or [part]
    if part.startswith("grant."):
        scope = (held.parts.get(part) or then.get(part) or "").partition(" ")[0]
        return [f"{part} scope {scope}"]
    return [part]


def _placed(session: Session, found: Sequence[Finding]) -> list[Finding]:
    """The same findings with the positions of the events they name."""
    at = replay.positions(session, [each.event for each in found if each.event is not None])
    return [replace(each, position=at.get(each.event)) if each.event is not None else each for each in found]


def _shares(runtime: Runtime, held: dict[UUID, Held]) -> Iterator[Finding]:
    """Grants that open nothing because somebody had their shares destroyed."""
    for record, each in held.items():
        standing = set(runtime.collaborators.keystore.share_ids(record)) if each.shares else set()
        lost = each.shares.keys() - standing
        if not lost or runtime.collaborators.keystore.state(record) is RecordState.DEAD:
            continue
        with runtime.glance() as session:
            named = _named(session, list(lost))  # those dropped since the rows were read are none of ours
        for share in sorted(named):
            what = "Its share is gone from the keystore"
            yield Finding(what=what, record=record, code=each.code, part=each.shares[share])


def compare_outbox(runtime: Runtime) -> Iterator[Finding]:
    """Shares that are about to be destroyed although what they open still stands."""
    with snapshot(runtime) as session:
        for row in session.scalars(select(Outbox)).all():
            try:
                shares = [UUID(share) for share in row.share_ids]
            except (ValueError, TypeError, AttributeError):
                yield Finding(what="The outbox holds what is no share", part=f"outbox.{row.id.hex}")
                continue
            for share in _named(session, shares):
                what = "The outbox names the share of what still stands: it would be destroyed"
                yield Finding(what=what, part=f"grant.{share.hex}")


def _named(session: Session, shares: list[UUID]) -> set[UUID]:
    places = (Grant.id, Ask.asker_share_id, Disclosure.id)
    return {share for column in places for share in session.scalars(select(column).where(column.in_(shares)))}


def compare_studies(runtime: Runtime) -> Iterator[Finding]:
    """Every study's name and policy."""
    with snapshot(runtime) as session:
        for study in session.scalars(select(Study).order_by(Study.id)).all():
            told = replay.told_of_study(session, runtime.collaborators, study.id)
            if told is None:
                yield Finding(what=UNTOLD, part=f"study.{study.id.hex}")
            elif told[1] != of_study(study):
                yield Finding(what=ALTERED, event=told[0], part=f"study.{study.id.hex}")
        for gone in replay.studies_gone(session):
            yield Finding(what=DELETED, part=f"study.{gone.hex}")


def compare_forms(runtime: Runtime) -> Iterator[Finding]:
    """Every form: what phones load, how their submissions are read, the key they seal to, and its status."""
    with snapshot(runtime) as session:
        told = replay.told_of_forms(session, runtime.collaborators)
        rows = select(Form, FormKey).outerjoin(FormKey, FormKey.form_id == Form.id).options(undefer(Form.xml))
        there = {form.id: (form, key) for form, key in session.execute(rows.order_by(Form.id))}
        for each in sorted(there.keys() | told.keys()):
            part = f"form.{each.hex}"
            if each not in told:
                yield Finding(what=UNTOLD, part=part)
            elif each not in there:
                yield Finding(what=DELETED, event=told[each][0], part=part)
            elif not whole(there[each][0]) or of_form(*there[each]) != told[each][1]:
                yield Finding(what=ALTERED, event=told[each][0], part=part)
