"""The ways to work: what is committed, what is undone, and what comes out when a database refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, insert, select, text, update
from sqlalchemy.orm import Session

from app.access import Actor, ActorKind
from app.audit import service as audit
from app.audit.models import Event
from app.bootstrap import TRIES
from app.cases.making import Attempt
from app.cases.models import Claim, Outbox
from app.crypto.secrets import Secret
from app.errors import Conflict, EpochEnded, NotFound, RecordFrozen, Retry, ShareGone, Unavailable
from app.keystore.service import Floor, Share
from app.studies.models import Study
from tests.clock import Clock
from tests.databases import Kind
from tests.site import Site

CANARY = "kingfisher"
OPERATOR = Actor(ActorKind.OPERATOR)


@pytest.fixture
def site(tmp_path: Path, database_kind: Kind, clock: Clock, deployment: UUID) -> Iterator[Site]:
    """A runtime on each kind of database."""
    tmp_path.chmod(0o700)
    made = Site(tmp_path, database_kind, clock, deployment)
    yield made
    made.close()


def study_row(name: str, study: UUID | None = None) -> dict[str, object]:
    """The columns of a study."""
    return {"id": study or uuid4(), "name": name, "policy": {}, "created_day": "2030-01-02"}


def names(site: Site) -> list[str]:
    """The studies that are there."""
    with site.runtime.transaction() as session:
        return list(session.scalars(select(Study.name).order_by(Study.name)))


def test_a_transaction_commits_at_its_end(site: Site) -> None:
    """And is seen by the next one."""
    with site.runtime.transaction() as session:
        session.execute(insert(Study).values(study_row("a")))

    assert names(site) == ["a"]


def test_a_transaction_undoes_everything_on_an_error(site: Site) -> None:
    """The error comes out as it is."""

    def change_and_fail() -> None:
        with site.runtime.transaction() as session:
            session.execute(insert(Study).values(study_row("a")))
            raise NotFound

    with pytest.raises(NotFound):
        change_and_fail()

    assert names(site) == []


def test_a_taken_key_is_a_conflict_without_its_values(site: Site) -> None:
    """Neither the error nor what it came from shows the row."""
    with site.runtime.transaction() as session:
        session.execute(insert(Study).values(study_row(CANARY)))

    with pytest.raises(Conflict) as refused, site.runtime.transaction() as session:
        session.execute(insert(Study).values(study_row(CANARY)))

    assert refused.value.__cause__ is None
    assert CANARY not in str(refused.value)


def test_a_row_that_refers_to_what_is_gone_is_an_ended_epoch(site: Site) -> None:
    """The one foreign key that is expected to fail is a grant's epoch."""
    with pytest.raises(EpochEnded), site.runtime.transaction() as session:
        session.execute(
            text(
                "INSERT INTO instrument (id, study_id, name, version, sha256, body) VALUES (:a, :b, 'x', '1', :c, :c)"
            ),
            {"a": uuid4().hex, "b": uuid4().hex, "c": bytes(32)},
        )


def test_any_other_failure_of_the_database_is_unavailable(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """Its text stays out of the error and out of the log."""
    with pytest.raises(Unavailable), site.runtime.transaction() as session:
        session.execute(text("SELECT kingfisher FROM nowhere"))

    assert CANARY not in capsys.readouterr().err


def test_a_glance_reads_and_keeps_a_lone_change(site: Site) -> None:
    """What authenticates a request notes when it was seen."""
    with site.runtime.transaction() as session:
        session.execute(insert(Study).values(study_row("a")))

    with site.runtime.glance() as session:
        assert session.scalar(select(Study.name)) == "a"
        session.execute(update(Study).values(name="b"))

    assert names(site) == ["b"]


@dataclass
class Read:
    """A read that notes in which order it was asked, and what was committed by then."""

    site: Site
    seen: list[object] = field(default_factory=list)

    def look(self, session: Session) -> None:
        """Write the event."""
        audit.write(session, self.site.runtime.collaborators, OPERATOR, "disclosure.read")

    def open(self) -> str:
        """Look whether the event is committed: from another session."""
        with self.site.runtime.transaction() as session:
            self.seen += session.scalars(select(Event.action)).all()
        return "plain"


def test_the_event_of_a_read_is_committed_before_anything_is_opened(site: Site) -> None:
    """Whoever reads is on record even if the reading fails."""
    read = Read(site)

    assert site.runtime.read(read) == "plain"
    assert read.seen == ["disclosure.read"]


@dataclass
class Make:
    """A record with one share; ``disturb`` is called in ``store``."""

    disturb: Callable[[int], None] = lambda _n: None
    record: UUID = field(default_factory=uuid4)
    attempts: list[Attempt] = field(default_factory=list)

    def plan(self, session: Session) -> None:
        """Nothing to look up."""

    def seal(self) -> Attempt:
        """One share, and the record's own secret."""
        share = Share(uuid4(), "source", Secret.random())
        self.attempts.append(Attempt(uuid4(), [share], Floor(UUID(int=1), 1), Secret.random()))
        return self.attempts[-1]

    def store(self, session: Session) -> str:
        """Write a row, or not."""
        session.execute(insert(Study).values(study_row(f"study {len(self.attempts)}")))
        self.disturb(len(self.attempts))
        return "stored"


class CutOff(Make):
    """A making whose connection breaks right after its commit."""

    def store(self, session: Session) -> str:
        """Write the row; the answer to the commit gets lost."""
        event.listen(session, "after_commit", lose_answer, once=True)
        return super().store(session)


def lose_answer(_session: Session) -> None:
    """Fail after the commit."""
    raise Unavailable


def claims(site: Site) -> dict[UUID, bool]:
    """Attempts, and whether they are void."""
    with site.runtime.transaction() as session:
        return {row.attempt: row.void for row in session.scalars(select(Claim))}


def holds(site: Site, attempt: Attempt) -> bool:
    """Whether the keystore still has the attempt's share."""
    try:
        return bool(site.runtime.collaborators.keystore.get([attempt.shares[0].id], floor=attempt.floor))
    except ShareGone:
        return False


def test_a_making_leaves_rows_shares_and_a_claim(site: Site) -> None:
    """The claim stands in the rows' own transaction."""
    make = Make()

    assert site.runtime.make(make) == "stored"
    assert names(site) == ["study 1"]
    assert claims(site) == {make.attempts[0].id: False}
    assert holds(site, make.attempts[0])


def test_a_failed_making_leaves_no_share(site: Site) -> None:
    """Its claim is void, so nothing can claim it later, and the error comes out."""

    def refuse(_n: int) -> None:
        raise RecordFrozen

    make = Make(refuse)

    with pytest.raises(RecordFrozen):
        site.runtime.make(make)

    assert names(site) == []
    assert claims(site) == {make.attempts[0].id: True}
    assert not holds(site, make.attempts[0])


def test_a_making_starts_again_when_the_ground_moved(site: Site) -> None:
    """With an attempt of its own; the first one's share is gone."""

    def end_once(n: int) -> None:
        if n == 1:
            raise EpochEnded

    make = Make(end_once)

    assert site.runtime.make(make) == "stored"
    assert names(site) == ["study 2"]
    assert [holds(site, attempt) for attempt in make.attempts] == [False, True]


def test_a_making_gives_up_after_some_tries(site: Site) -> None:
    """And says that it may be tried again."""

    def always(_n: int) -> None:
        raise Retry

    make = Make(always)

    with pytest.raises(Retry):
        site.runtime.make(make)

    assert len(make.attempts) == TRIES
    assert not any(holds(site, attempt) for attempt in make.attempts)


def test_shares_stay_when_the_commit_went_through_although_it_seemed_to_fail(site: Site) -> None:
    """The claim stands already, so it cannot be voided, and the record stays readable."""
    make = CutOff()

    with pytest.raises(Unavailable):
        site.runtime.make(make)

    assert names(site) == ["study 1"]
    assert claims(site) == {make.attempts[0].id: False}
    assert holds(site, make.attempts[0])


def test_shares_of_the_outbox_are_destroyed_after_the_commit(site: Site) -> None:
    """The row goes too; the worker finds nothing left to do."""
    make = Make()
    site.runtime.make(make)
    share = make.attempts[0].shares[0].id

    with site.runtime.transaction() as session:
        values = {"id": uuid4(), "share_ids": [str(share)], "written_at": site.runtime.collaborators.now()}
        session.execute(insert(Outbox).values(values))

    assert not holds(site, make.attempts[0])
    with site.runtime.transaction() as session:
        assert session.scalars(select(Outbox)).all() == []


def test_a_part_that_does_not_answer_is_named(site: Site) -> None:
    """To the operator; the web tells nobody which."""
    assert site.runtime.failing_parts() == []

    with site.runtime.keystore_engine.begin() as connection:
        connection.execute(text("DROP TABLE floor"))
    for file in (site.settings.data / "custody").iterdir():
        file.unlink()

    assert "custody" in site.runtime.failing_parts()
