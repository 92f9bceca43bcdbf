from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from app.access import Actor, ActorKind
from app.audit import service
from app.audit.demands import DEMANDS
from app.audit.entries import canonical, message
from app.audit.ids import event_id, id_at
from app.collaborators import Collaborators
from app.custody.file import FileCustody
from app.keystore.service import Keystore
from tests.people import NO_FILES, create_pepper

DEPLOYMENT = UUID(int=7)
DETAILS = st.dictionaries(
    st.text("abcdefghijklmnopqrstuvwxyz_.", min_size=1),
    st.one_of(
        st.text(),
        st.integers(min_value=0, max_value=2**53 - 1),
        st.none(),
        st.lists(st.text()),
        st.dictionaries(st.text("abc.09-"), st.text()),
    ),
)
ROW: dict[str, Any] = {
    "id": UUID(int=1),
    "at": datetime(2030, 1, 2, tzinfo=UTC),
    "action": "record.accepted",
    "actor_kind": "user",
    "actor_id": UUID(int=2),
    "study_id": UUID(int=3),
    "case_id": UUID(int=4),
    "record_id": UUID(int=5),
    "details": {"count": 1},
    "key_id": "event-1",
}


@given(DETAILS)
def test_details_arecanonical_json(details: dict[str, Any]) -> None:
    """The fast encoder writes what RFC 8785 says, of everything that details may hold."""
    assert canonical(details) == rfc8785.dumps(details)


@pytest.mark.parametrize("name", sorted(ROW))
def test_every_column_is_part_of_the_bytes(name: str) -> None:
    """Two events that differ in one column differ in their bytes, and none can be mistaken for its neighbour."""
    changed: dict[str, Any] = {
        "at": datetime(2030, 1, 2, 0, 0, 0, 1, tzinfo=UTC),
        "details": {"count": 2},
        "action": "record.erased",
        "actor_kind": "device",
        "key_id": None,
    }

    assert message(DEPLOYMENT, {**ROW, name: changed.get(name)} if name != "id" else {**ROW, "id": UUID(int=9)}) != (
        message(DEPLOYMENT, ROW)
    )


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param({"action": "\udcff"}, id="surrogate"),
        pytest.param({"at": datetime(1, 1, 1, tzinfo=UTC)}, id="long-ago"),
        pytest.param({"details": [float("nan"), "\ud800"]}, id="no-json"),
    ],
)
def test_odd_rows_have_bytes_too(odd: dict[str, Any]) -> None:
    """Whatever somebody put into a row is found out by its check and does not stop who looks."""
    assert message(DEPLOYMENT, {**ROW, **odd})


def test_ids_are_ordered_and_of_version_7() -> None:
    """Made one after the other, from many threads too, ids grow; their time is the clock's."""
    began = time.time()
    with ThreadPoolExecutor(4) as pool:
        made = [key for batch in pool.map(lambda _: [event_id() for _ in range(500)], range(4)) for key in batch]
    alone = [event_id() for _ in range(500)]

    assert len(set(made + alone)) == 2_500
    assert alone == sorted(alone)
    assert max(made) < alone[0]
    assert {key.version for key in alone} == {7}
    assert {key.variant for key in alone} == {"specified in RFC 4122"}
    assert id_at(began - 1) < alone[0] < id_at(time.time() + 60)


def test_a_clock_set_back_makes_no_earlier_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's clock goes back an hour: the next id is still the largest."""
    before = event_id()
    monkeypatch.setattr(time, "time_ns", lambda: 0)

    assert event_id() > before


def test_an_event_of_a_change_is_refused_without_its_digests(
    custody: FileCustody, keystore: Keystore, deployment: UUID
) -> None:
    """Forgetting to say what was changed fails the act, for every kind in the table."""
    create_pepper(custody)
    collaborators = Collaborators(deployment, custody, keystore, lambda: datetime(2030, 1, 2, tzinfo=UTC), NO_FILES)

    for action, demanded in DEMANDS.items():
        with pytest.raises(ValueError, match=re.escape("carries what it changed")):
            service.row(collaborators, Actor(ActorKind.OPERATOR), action)
        carried: dict[str, Any] = dict.fromkeys(demanded, 1)
        assert service.row(collaborators, Actor(ActorKind.OPERATOR), action, **carried)["mac"]
