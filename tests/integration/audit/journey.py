"""A journey on which every verb that changes a case, a record or a grant is used at least once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import select

from app.access import Team
from app.cases import moving
from app.cases.models import Case, Grant, Pack, Record
from app.db import Base
from app.forms import service as forms
from app.forms.drafting import Drafting, Wish
from app.operations import intake_keys, trail
from app.operations.setup import OPERATOR
from app.operations.sweep import sweep
from app.redaction.service import MAX_TRIES, WORKER, fail, lease_next
from app.studies import apps, instruments, roster
from app.web.app import create_app
from tests.attachments import drawing
from tests.bridge import Bridge
from tests.collect import Collect, enrolled, fill, publish
from tests.system import HOST, StudyPlace, System

Rows = list[dict[str, Any]]
REASON = "for the test"


@dataclass(slots=True)
class Told:
    """What the journey left: the ids of records by what happened to them, and rows as they were half-way."""

    system: System
    place: StudyPlace
    records: dict[str, UUID] = field(default_factory=dict)
    before: dict[str, Rows] = field(default_factory=dict)

    def case_of(self, record: UUID) -> UUID:
        """The case of a record that is still there."""
        with self.system.runtime.glance() as session:
            found = session.scalar(select(Record.case_id).where(Record.id == record))
        assert found is not None
        return found

    def code_of(self, record: UUID) -> str:
        """The code of its case."""
        with self.system.runtime.glance() as session:
            code = session.scalar(select(Case.code).join(Record).where(Record.id == record))
        assert code is not None
        return code


def travel(system: System) -> Told:
    """Walk the whole way, and sign the trail half-way and at the end."""
    # The first intake key ends, so that the trail tells of a destroyed one too.
    system.clock.advance(days=90)
    intake_keys.turn(system.runtime, OPERATOR)
    told = Told(system, system.study())
    _name_the_app(told)
    _forms(told)
    _review(told)
    _keep(told, Grant, Record, Case)
    trail.seal_all(system.runtime)
    assert trail.sign(system.runtime) is not None
    _release(told)
    _disclose(told)
    _protect(told)
    _withdraw(told)
    _leave_open(told)
    _edit(told)
    _move(told)
    trail.seal_all(system.runtime)
    assert trail.sign(system.runtime) is not None
    return told


def _name_the_app(told: Told) -> None:
    """Give the form on phones another name."""
    with told.system.runtime.transaction() as session:
        apps.change(
            session, told.system.collaborators, told.system.acting("lead"), told.place.id, apps.App("List", "list")
        )


def _forms(told: Told) -> None:
    """Publish one form; close another and destroy its key."""
    system, place = told.system, told.place
    parts, lead, approver = system.collaborators, system.acting("lead"), system.acting("approver")
    with system.runtime.glance() as session:
        instrument = instruments.listed(session, lead, place.id)[0].id
    kept, closed = (
        system.runtime.run(Drafting(parts, lead, place.id, instrument, Wish(name, "Notes"))) for name in ("a", "b")
    )
    with system.runtime.transaction() as session:
        forms.publish(session, parts, approver, place.id, kept)
        forms.close(session, parts, lead, place.id, closed)
        forms.destroy_key(session, parts, lead, place.id, closed)


def _edit(told: Told) -> None:
    """Send a form as ODK's apps do, and an edit that takes its place."""
    system, place = told.system, told.place
    form = publish(system, place, "c")
    bridge = Bridge(create_app(system.web))
    with httpx.Client(base_url=HOST, transport=bridge, trust_env=False) as http:
        phone = Collect(http, enrolled(system, place))
        first = fill(form, system.body(place)["answers"])
        assert [phone.post(each.xml).status_code for each in (first, first.edited())] == [201, 201]
    bridge.shut_down()


def _review(told: Told) -> None:
    """Take, edit, finish, send back, finish; draft again; fail, draft by hand; give an assignment back."""
    system, place = told.system, told.place
    record = told.records["reviewed"] = system.finished()
    with system.signed_in("approver") as client:
        assert UUID(client.review.take(place.id)["record"]) == record
        client.review.send_back(place.id, record, REASON)
    with system.signed_in("redactor") as client:
        source = client.review.source(place.id, record)
        client.review.edit(place.id, record, version=source["version"], texts={})
        client.review.draft_again(place.id, record)
    system.redact_all()
    with system.signed_in("redactor") as client:
        client.review.finish(place.id, record, version=client.review.source(place.id, record)["version"])
    failed = told.records["failed"] = UUID(system.submit()["record"])
    for _ in range(MAX_TRIES):
        with system.runtime.transaction() as session:
            lease = lease_next(session, system.worker.collaborators, WORKER)
            assert lease is not None
            fail(session, system.worker.collaborators, WORKER, lease)
        system.clock.advance(hours=2)
    with system.signed_in("redactor") as client:
        assert UUID(client.review.take(place.id)["record"]) == failed
        client.review.edit(place.id, failed, version=0, texts={})
        client.review.finish(place.id, failed, version=1)


def _keep(told: Told, *models: type[Base]) -> None:
    """Keep rows as they are before something drops or changes them."""
    with told.system.runtime.engine.connect() as connection:
        for model in models:
            rows = connection.execute(select(model.table())).mappings().all()
            told.before[model.__tablename__] = [dict(row) for row in rows]


def _release(told: Told) -> None:
    """Attach pictures, clean them, release one and not the other, report, cut, draw a sample."""
    system, place, record = told.system, told.place, told.records["reviewed"]
    files = [system.attach(record, "picture.png", drawing()) for _ in range(2)]
    with system.signed_in("approver") as client:
        for _ in ("reviewed", "failed"):
            taken = client.review.take(place.id)["record"]
            copies = [client.review.make_copy(place.id, record, file) for file in files if taken == str(record)]
            for copy in copies[:1]:
                client.review.read_file(place.id, record, copy)
            shown = client.review.preview(place.id, taken)
            doubts = len(shown["doubts"])
            client.review.release(place.id, taken, digest=shown["digest"], doubts=doubts, copies=copies[:1])
    _keep(told, Pack)
    with system.signed_in("researcher") as client:
        client.research.report(place.id, record, field="joining_account", start=0, end=5, reason=REASON)
    with system.signed_in("approver") as client:
        reports = [each["id"] for each in client.research.reports(place.id, record)]
        digest = client.research.release(place.id, record)["digest"]
        client.review.cut(place.id, record, digest=digest, cuts={"joining_account": [[0, 5]]}, reports=reports)
        client.research.draw_sample(place.id, record)
    with system.signed_in("auditor") as client:
        client.research.sample(place.id, record)
        client.research.report(place.id, record, field="joining_account", start=5, end=9, reason=REASON)


def _disclose(told: Told) -> None:
    """Ask and be refused; ask, approve, read; ask for the source, reopen, release again; leave one ask open."""
    system, place = told.system, told.place
    record = told.records["disclosed"] = system.released()
    for scope, purpose, approved in (
        ("identity", "read", False),
        ("identity", "read", True),
        ("source", "reopen", True),
    ):
        with system.signed_in("guardian") as client:
            names = ["legal_name"] if purpose == "read" else []
            ask = client.disclosures.ask(place.id, record, scope=scope, fields=names, reason=REASON, purpose=purpose)
        with system.signed_in("auditor") as client:
            if not approved:
                client.disclosures.refuse(place.id, ask, REASON)
                continue
            client.disclosures.approve(place.id, ask, digest=client.disclosures.read_ask(place.id, ask)["digest"])
        with system.signed_in("guardian") as client:
            if purpose == "read":
                client.disclosures.read(place.id, ask)
            else:
                client.disclosures.reopen(place.id, ask)
    with system.signed_in("redactor") as client:
        assert UUID(client.review.take(place.id)["record"]) == record
        client.review.finish(place.id, record, version=client.review.source(place.id, record)["version"])
    with system.signed_in("approver") as client:
        client.review.take(place.id)
        shown = client.review.preview(place.id, record)
        client.review.release(place.id, record, digest=shown["digest"], doubts=len(shown["doubts"]))
    with system.signed_in("guardian") as client:
        client.disclosures.ask(place.id, record, scope="identity", fields=["legal_name"], reason=REASON)


def _protect(told: Told) -> None:
    """Triage with a note, hold, lift; hold another."""
    system, place = told.system, told.place
    with system.signed_in("guardian") as client:
        record = told.records["reviewed"]
        version = client.cases.protection(place.id, record)["version"]
        client.cases.triage(place.id, record, version=version, outcome="watch", hidden=True, note=REASON)
        client.cases.hold(place.id, told.code_of(record))
        client.cases.lift(place.id, told.code_of(record))
        client.cases.hold(place.id, told.code_of(told.records["failed"]))


def _move(told: Told) -> None:
    """Remove somebody who works on something, and move the grants of a team."""
    system, place = told.system, told.place
    with system.signed_in("lead") as client:
        client.studies.remove(place.id, place["redactor"].id)
        client.studies.remove(place.id, place["guardian2"].id)
    actor = system.acting("guardian")
    with system.runtime.transaction() as session:
        signed = roster.latest(session, system.collaborators, place.id)
        waiting = moving.to_move(session, actor, signed, Team.GUARDIANS)
    for record in waiting:
        system.runtime.make(moving.MoveGrants(system.collaborators, actor, record, Team.GUARDIANS))


def _withdraw(told: Told) -> None:
    """Withdraw, thaw; withdraw and erase all; erase all but the release."""
    system, place = told.system, told.place
    kept = told.records["kept"] = system.released()
    thawed, erased = system.submit(), system.submit()
    told.records["thawed"], told.records["erased"] = UUID(thawed["record"]), UUID(erased["record"])
    with system.signed_in("guardian") as client:
        client.cases.withdraw(place.id, thawed["case"])
        client.cases.withdraw(place.id, erased["case"])
    for who in ("guardian", "lead"):
        with system.signed_in(who) as client:
            client.cases.thaw(place.id, thawed["case"])
            client.cases.erase(place.id, erased["case"], preference="erase_all")
            client.cases.erase(place.id, told.code_of(kept), preference="erase_identity_keep_anonymised")
    sweep(system.runtime)


def _leave_open(told: Told) -> None:
    """A second interview of a case, a decision of one person, an assignment, and a record that waits."""
    system, place = told.system, told.place
    first = system.submit()
    system.submit(body=system.body(place, case=first["case"]))
    told.records["open"] = UUID(first["record"])
    with system.signed_in("guardian") as client:
        client.cases.erase(place.id, first["case"], preference="erase_all")
    told.records["assigned"] = system.drafted()
    with system.signed_in("redactor") as client:
        client.review.take(place.id)
    told.records["waiting"] = UUID(system.submit()["record"])
