from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, make_url, select, update

from app.crypto.secrets import Secret
from app.custody.file import FileCustody
from app.db import make_engine
from app.errors import (
    Conflict,
    CustodyUnavailable,
    KeystoreUnavailable,
    NotFound,
    RecordDead,
    RecordFrozen,
    ShareGone,
    StaleKeyVersion,
    StaleRoster,
    TamperedShare,
)
from app.keystore import queries
from app.keystore.models import RecordState, kk, share
from app.keystore.rotation import rotate
from app.keystore.service import Floor, Keystore
from tests.clock import Clock
from tests.integration.keystore.factories import FLOOR, STUDY, Stored, add, make_share, store


def twin(keystore: Keystore) -> Keystore:
    """Another process's keystore on the same database."""
    return Keystore(keystore.engine, keystore.custody, keystore.deployment, keystore.clock)


def test_what_was_put_is_read(keystore: Keystore) -> None:
    """Every share comes back with its value, also in another process."""
    stored = store(keystore)

    assert keystore.get(stored.ids, floor=FLOOR) == stored.values
    assert twin(keystore).get(stored.ids, floor=FLOOR) == stored.values
    assert keystore.idem(stored.record) == stored.idem
    assert keystore.state(stored.record) is RecordState.LIVE
    assert keystore.share_ids(stored.record) == sorted(stored.ids)


def test_nothing_rests_in_clear(keystore: Keystore, keystore_engine: Engine) -> None:
    """No stored column holds a share, an idem or the key version itself."""
    stored = store(keystore)

    with keystore_engine.begin() as connection:
        resting = b"".join(connection.scalars(select(share.c.value))) + b"".join(
            connection.scalars(select(kk.c.wrapped))
        )
        key = keystore.keys.current(connection).key
    for secret in (*stored.values.values(), stored.idem, key):
        assert secret.reveal() not in resting


def test_destroyed_shares_are_gone(keystore: Keystore) -> None:
    """One destroyed share refuses every get that names it; the others stay readable; destroying twice is no error."""
    stored = store(keystore)
    work = stored.of("work")

    keystore.destroy([work])
    keystore.destroy([work, uuid4()])

    with pytest.raises(ShareGone):
        keystore.get(stored.ids, floor=FLOOR)
    rest = [key for key in stored.ids if key != work]
    assert set(keystore.get(rest, floor=FLOOR)) == set(rest)


def test_a_share_ends_at_its_second(keystore: Keystore, clock: Clock) -> None:
    """A share with an expiry is read until then and not at that moment."""
    stored = store(keystore)
    brief = make_share("disclosure", clock.now + timedelta(minutes=60))
    add(keystore, stored.record, brief)

    clock.advance(minutes=60, microseconds=-1)
    assert keystore.get([brief.id], floor=FLOOR) == {brief.id: brief.value}

    clock.advance(microseconds=1)
    with pytest.raises(ShareGone):
        keystore.get([brief.id], floor=FLOOR)


def test_expired_shares_are_destroyed(keystore: Keystore, clock: Clock) -> None:
    """The sweep takes what is over and nothing else, and says how many."""
    stored = store(keystore)
    past, future = (make_share("disclosure", clock.now.replace(minute=minute)) for minute in (10, 20))
    add(keystore, stored.record, past)
    add(keystore, stored.record, future)

    clock.now = clock.now.replace(minute=15)

    assert keystore.destroy_expired() == 1
    assert keystore.destroy_expired() == 0
    assert set(keystore.share_ids()) == {*stored.ids, future.id}


def test_a_frozen_record_serves_only_moves(keystore: Keystore) -> None:
    """Frozen refuses get and put, except while grants are moved, and still gives its idem."""
    stored = store(keystore)

    keystore.freeze([stored.record])

    with pytest.raises(RecordFrozen):
        keystore.get(stored.ids, floor=FLOOR)
    with pytest.raises(RecordFrozen):
        add(keystore, stored.record, make_share())
    moved = make_share()
    add(keystore, stored.record, moved, moving=True)
    assert keystore.get([moved.id, *stored.ids], floor=FLOOR, moving=True) == {moved.id: moved.value} | stored.values
    assert keystore.idem(stored.record) == stored.idem


def test_one_frozen_record_refuses_the_whole_get(keystore: Keystore) -> None:
    """A get over two records gives nothing if one of them is frozen."""
    open_record, frozen = store(keystore), store(keystore)
    keystore.freeze([frozen.record])

    with pytest.raises(RecordFrozen):
        keystore.get([*open_record.ids, *frozen.ids], floor=FLOOR)


def test_a_thawed_record_serves_again(keystore: Keystore) -> None:
    """Freezing and thawing are repeatable and lose nothing."""
    stored = store(keystore)
    for _ in range(2):
        keystore.freeze([stored.record, stored.record])
        assert keystore.state(stored.record) is RecordState.FROZEN
    for _ in range(2):
        keystore.thaw([stored.record])

    assert keystore.get(stored.ids, floor=FLOOR) == stored.values


def test_freezing_precedes_the_first_share(keystore: Keystore) -> None:
    """A record frozen before its intake arrives takes nothing."""
    record = uuid4()

    keystore.freeze([record])

    with pytest.raises(RecordFrozen):
        store(keystore, record=record)


def test_an_erased_record_is_final(keystore: Keystore) -> None:
    """After a kill nothing is read, added, thawed, frozen back to life or moved."""
    stored = store(keystore)
    keystore.freeze([stored.record])

    keystore.kill(stored.record, None)
    keystore.kill(stored.record, None)
    keystore.freeze([stored.record])

    assert keystore.state(stored.record) is RecordState.DEAD
    assert keystore.share_ids(stored.record) == []
    with pytest.raises(ShareGone):
        keystore.get(stored.ids, floor=FLOOR, moving=True)
    for verb in (
        lambda: add(keystore, stored.record, make_share(), moving=True),
        lambda: store(keystore, record=stored.record),
        lambda: keystore.idem(stored.record),
        lambda: keystore.thaw([stored.record]),
        lambda: keystore.revive(stored.record),
    ):
        with pytest.raises(RecordDead):
            verb()


def test_a_share_put_back_after_the_erasure_opens_nothing(keystore: Keystore, keystore_engine: Engine) -> None:
    """A row that somebody re-inserts by hand is refused by the record's state."""
    stored = store(keystore)
    with keystore_engine.begin() as connection:
        row = dict(connection.execute(select(share).where(share.c.id == stored.ids[0])).mappings().one())
    keystore.kill(stored.record, None)

    with keystore_engine.begin() as connection:
        queries.add_shares(connection, [row])

    with pytest.raises(RecordDead):
        keystore.get([stored.ids[0]], floor=FLOOR)


def test_erased_scopes_stay_dead(keystore: Keystore) -> None:
    """Some scopes die for good, one kill after the other; the rest lives again."""
    stored = store(keystore)
    keystore.freeze([stored.record])

    keystore.kill(stored.record, ["work", "source"])
    keystore.kill(stored.record, ["identity.g", "identity.a"])
    keystore.revive(stored.record)

    for scope in ("work", "identity.a"):
        with pytest.raises(RecordDead):
            add(keystore, stored.record, make_share(scope))
        with pytest.raises(ShareGone):
            keystore.get([stored.of(scope)], floor=FLOOR)
    kept = {stored.of("protection"), stored.of("research.1")}
    assert set(keystore.get(list(kept), floor=FLOOR)) == kept
    assert set(keystore.share_ids(stored.record)) == kept
    assert keystore.idem(stored.record) == stored.idem
    add(keystore, stored.record, make_share("research.2"))


def test_an_erasure_is_noted_for_an_unknown_record(keystore: Keystore) -> None:
    """A dead list replayed on an old copy also refuses what arrives later."""
    whole, partly = uuid4(), uuid4()

    keystore.kill(whole, None)
    keystore.kill(partly, ["source"])

    for record in (whole, partly):
        with pytest.raises(RecordDead):
            store(keystore, record=record)


@pytest.mark.parametrize("verb", ["thaw", "revive", "put", "idem"])
def test_an_unknown_record_is_refused(keystore: Keystore, verb: str) -> None:
    """Nothing but an intake, a freeze or an erasure makes a record."""
    record = uuid4()
    verbs: dict[str, tuple[type[Exception], Callable[[], object]]] = {
        "thaw": (NotFound, lambda: keystore.thaw([record])),
        "revive": (NotFound, lambda: keystore.revive(record)),
        "put": (NotFound, lambda: add(keystore, record, make_share())),
        "idem": (ShareGone, lambda: keystore.idem(record)),
    }

    error, act = verbs[verb]
    with pytest.raises(error):
        act()
    assert keystore.state(record) is None


def test_thawing_is_all_or_none(keystore: Keystore) -> None:
    """One dead record among several thaws none."""
    frozen, dead = store(keystore, record=UUID(int=1)), store(keystore, record=UUID(int=2))
    keystore.freeze([frozen.record])
    keystore.kill(dead.record, None)

    with pytest.raises(RecordDead):
        keystore.thaw([frozen.record, dead.record])

    assert keystore.state(frozen.record) is RecordState.FROZEN


def test_older_rosters_are_refused(keystore: Keystore) -> None:
    """A put or get by a newer roster raises the floor of its study alone; an older one is refused then."""
    stored = store(keystore, floor=Floor(STUDY, 3))

    for verb in (
        lambda: keystore.get(stored.ids, floor=Floor(STUDY, 2)),
        lambda: add(keystore, stored.record, make_share(), floor=Floor(STUDY, 2)),
    ):
        with pytest.raises(StaleRoster):
            verb()
    keystore.get(stored.ids, floor=Floor(STUDY, 5))
    with pytest.raises(StaleRoster):
        add(keystore, stored.record, make_share(), floor=Floor(STUDY, 4))
    assert keystore.floor(STUDY) == 5
    assert keystore.floor(uuid4()) == 0


def test_a_floor_never_sinks(keystore: Keystore) -> None:
    """Raising to a lower version changes nothing."""
    for version in (4, 2, 3):
        keystore.raise_floor(STUDY, version)

    assert keystore.floor(STUDY) == 4


def test_a_refused_put_does_not_raise_the_floor(keystore: Keystore) -> None:
    """A put is one transaction: what it refuses leaves nothing behind."""
    stored = store(keystore)
    keystore.freeze([stored.record])

    with pytest.raises(RecordFrozen):
        add(keystore, stored.record, make_share(), floor=Floor(STUDY, 9))

    assert keystore.floor(STUDY) == 1


def test_a_put_stores_all_or_nothing(keystore: Keystore) -> None:
    """One taken share id refuses the whole put, its record included."""
    taken = store(keystore).shares[0]
    fresh, record = make_share(), uuid4()

    with pytest.raises(Conflict):
        keystore.put(attempt=uuid4(), record=record, shares=[fresh, taken], floor=FLOOR, idem=Secret.random())

    assert keystore.state(record) is None
    with pytest.raises(ShareGone):
        keystore.get([fresh.id], floor=FLOOR)


def test_a_record_keeps_its_idem(keystore: Keystore, tmp_path: Path) -> None:
    """A second attempt brings the same idem, also after a rotation; another one is refused."""
    stored = store(keystore)

    for _ in range(2):
        keystore.put(attempt=uuid4(), record=stored.record, shares=[make_share()], floor=FLOOR, idem=stored.idem)
        rotate(keystore, tmp_path)
    with pytest.raises(Conflict):
        keystore.put(attempt=uuid4(), record=stored.record, shares=[], floor=FLOOR, idem=Secret.random())

    assert keystore.idem(stored.record) == stored.idem


def test_a_put_may_hold_no_share(keystore: Keystore) -> None:
    """A record can be made before it has grants."""
    record = uuid4()

    keystore.put(attempt=uuid4(), record=record, shares=[], floor=FLOOR, idem=Secret.random())

    assert keystore.get([], floor=FLOOR) == {}
    assert keystore.state(record) is RecordState.LIVE


def test_a_rotation_between_sealing_and_storing_is_met_by_sealing_again(keystore: Keystore, tmp_path: Path) -> None:
    """Another process rotates after this one learned the key version: the put is sealed anew and lands."""
    store(keystore)
    rotate(twin(keystore), tmp_path)

    stored = store(keystore)

    assert twin(keystore).get(stored.ids, floor=FLOOR) == stored.values
    with keystore.transaction() as connection:
        assert queries.count_below(connection, 2) == 0


def test_a_put_gives_up_when_versions_never_stand_still(keystore: Keystore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A put whose version is always retired by the time it stores says so instead of trying for ever."""
    version = keystore._current()
    monkeypatch.setattr(keystore.keys, "remembered", lambda: type(version)(99, version.key))

    with pytest.raises(StaleKeyVersion):
        store(keystore)


def test_a_reader_forgets_the_version_that_a_rotation_retired(keystore: Keystore, tmp_path: Path) -> None:
    """After a get that sees a newer version, no process remembers the destroyed one."""
    stored = store(keystore)
    other = twin(keystore)
    store(other)
    rotate(keystore, tmp_path)

    assert other.get(stored.ids, floor=FLOOR) == stored.values

    known = other.keys.remembered()
    assert known is None or known.n == 2


def test_a_changed_value_is_noticed(keystore: Keystore, keystore_engine: Engine) -> None:
    """A share's row moved to another id, or one bit flipped, opens nothing."""
    stored = store(keystore)
    one, two = stored.ids[:2]
    with keystore_engine.begin() as connection:
        blob = connection.scalars(select(share.c.value).where(share.c.id == two)).one()
        connection.execute(update(share).where(share.c.id == one).values(value=blob))

    with pytest.raises(TamperedShare):
        keystore.get([one], floor=FLOOR)


def test_another_deployment_opens_nothing(keystore: Keystore) -> None:
    """Key versions are bound to the deployment's id."""
    stored = store(keystore)
    stranger = Keystore(keystore.engine, keystore.custody, uuid4(), keystore.clock)

    with pytest.raises(Exception, match="integrity"):
        stranger.get(stored.ids, floor=FLOOR)


def test_without_custody_nothing_opens(keystore: Keystore, custody: FileCustody) -> None:
    """A copy of the database alone, in a process that has not unwrapped the version, serves nothing."""
    stored = store(keystore)
    custody.destroy("kk-1")

    with pytest.raises(CustodyUnavailable):
        twin(keystore).get(stored.ids, floor=FLOOR)


def test_initialising_twice_keeps_the_first_version(keystore: Keystore) -> None:
    """The second call changes nothing."""
    stored = store(keystore)

    twin(keystore).initialise()

    assert twin(keystore).get(stored.ids, floor=FLOOR) == stored.values


def test_a_keystore_without_a_version_takes_nothing(
    keystore_engine: Engine, custody: FileCustody, deployment: UUID, clock: Clock
) -> None:
    """Before it is initialised a put is refused."""
    with pytest.raises(KeystoreUnavailable):
        store(Keystore(keystore_engine, custody, deployment, clock))


def test_a_database_that_fails_is_unavailable(
    custody: FileCustody, deployment: UUID, clock: Clock, tmp_path: Path
) -> None:
    """The database's own errors do not leave the keystore."""
    engine = make_engine(f"sqlite:///{tmp_path / 'empty.sqlite'}", journal="delete")

    with pytest.raises(KeystoreUnavailable):
        Keystore(engine, custody, deployment, clock).floor(STUDY)
    engine.dispose()


def test_attempts_are_listed_by_age(keystore: Keystore, clock: Clock) -> None:
    """The sweeper sees each attempt older than a moment once, and can leave out what it has seen."""
    start = clock.now
    old = store(keystore)
    clock.advance(hours=1)
    middle = store(keystore)
    clock.advance(hours=1)
    store(keystore)

    assert keystore.stale_attempts(start) == []
    assert keystore.stale_attempts(clock.now) == sorted([old.attempt, middle.attempt])
    assert keystore.stale_attempts(clock.now, since=start.replace(minute=30)) == [middle.attempt]


def test_an_attempt_is_destroyed_whole(keystore: Keystore) -> None:
    """Exactly the shares of that attempt go."""
    kept, swept = store(keystore), store(keystore)

    assert keystore.destroy_attempt(swept.attempt) == len(swept.ids)
    assert keystore.destroy_attempt(swept.attempt) == 0

    assert keystore.share_ids() == sorted(kept.ids)


def test_sixteen_threads_put_at_once(keystore: Keystore) -> None:
    """Every put of sixteen threads lands, whole and readable."""
    stored: list[Stored] = []
    threads = [
        threading.Thread(target=lambda: stored.extend(store(keystore) for _ in range(6)), name=str(n))
        for n in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(stored) == 96
    for item in stored:
        assert keystore.get(item.ids, floor=FLOOR) == item.values


def test_puts_and_erasures_of_one_record_leave_no_share(keystore: Keystore) -> None:
    """Whatever the order of puts and a kill, the erased record has no share in the end."""
    record, idem = uuid4(), Secret.random()
    keystore.put(attempt=uuid4(), record=record, shares=[], floor=FLOOR, idem=idem)
    refused = threading.Event()

    def put_until_refused() -> None:
        try:
            while True:
                add(keystore, record, make_share())
        except RecordDead:
            refused.set()

    threads = [threading.Thread(target=put_until_refused) for _ in range(4)]
    for thread in threads:
        thread.start()
    keystore.kill(record, None)
    for thread in threads:
        thread.join(timeout=30)

    assert refused.is_set()
    assert keystore.share_ids(record) == []


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_destroyed_share_is_not_left_in_the_file(keystore: Keystore, keystore_url: str) -> None:
    """SQLite overwrites what it deletes: the sealed bytes of a destroyed share are nowhere in the file."""
    path = Path(make_url(keystore_url).database or "")
    stored = [store(keystore) for _ in range(40)]
    with keystore.transaction() as connection:
        blobs = list(connection.scalars(select(share.c.value)))
    assert all(blob in path.read_bytes() for blob in blobs)

    for item in stored:
        keystore.kill(item.record, None)

    content = path.read_bytes()
    assert not [blob for blob in blobs if blob in content]
    assert not path.with_name(path.name + "-journal").exists()
