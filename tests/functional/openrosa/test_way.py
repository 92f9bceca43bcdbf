"""From a phone with ODK's app, over real TLS, to a release with its text redacted."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from app.client import Problem
from app.operations.audit import Verification
from tests.collect import Collect, enrolled, fill, publish, seal
from tests.functional.openrosa.test_submission import case_of
from tests.serving import Served

VOICE = {"voice.m4a": b"\0\0\0\x18ftypM4A " + bytes(range(256)) * 300}


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """One is enough: what differs between databases is tested with the table."""
    made = Served(tmp_path / "data", "sqlite")
    yield made
    made.close()


def release_all(served: Served) -> None:
    """Let everything that waits be redacted, finished and released."""
    served.redact_all()
    place = served.first()
    with served.signed_in("redactor") as client, suppress(Problem):
        while True:
            record = UUID(client.review.take(place.id)["record"])
            client.review.finish(place.id, record, version=client.review.source(place.id, record)["version"])
    with served.signed_in("approver") as client, suppress(Problem):
        while True:
            record = UUID(client.review.take(place.id)["record"])
            shown = client.review.preview(place.id, record)
            client.review.release(place.id, record, digest=shown["digest"], doubts=len(shown["doubts"]))


def released(served: Served, who: str) -> dict[UUID, str]:
    """What somebody reads of the releases: the account of how the speaker left."""
    place = served.first()
    with served.signed_in(who) as client:
        rows = client.research.releases(place.id)
        return {
            UUID(row["record"]): client.research.release(place.id, row["record"])["values"]["exit_account"]["value"]
            for row in rows
        }


def test_plain_split_retried_edited_and_encrypted(served: Served) -> None:
    """Every way in ends in a release whose text names nobody; an edited one gives way to its edit."""
    place = served.first()
    plain, sealed = (
        publish(served, place, name, encrypted=name == "sealed", attachments=("audio",)) for name in ("plain", "sealed")
    )
    answers = served.body(place)["answers"]
    context = ssl.create_default_context(cafile=str(served.certificate))
    with httpx.Client(base_url=served.url, verify=context, trust_env=False, timeout=60) as http:
        collect = Collect(http, enrolled(served, place))
        assert collect.head().status_code == 204
        first = fill(plain, answers, files=list(VOICE))
        case = case_of(collect.post_split(first.xml, VOICE)[-1])
        assert case_of(collect.post(first.xml, VOICE)) == case
        secret = fill(sealed, answers, files=list(VOICE))
        envelope = seal(secret, VOICE)
        assert case_of(collect.post_split(envelope.xml, envelope.parts)[-1]) != case
        release_all(served)
        before = released(served, "researcher")
        edited = first.edited()
        assert case_of(collect.post(edited.xml)) == case
    hidden = released(served, "researcher")
    release_all(served)
    after = released(served, "researcher")

    everything = released(served, "approver")
    [old], [new] = before.keys() - hidden.keys(), after.keys() - hidden.keys()
    with served.signed_in("researcher") as client, pytest.raises(Problem) as refused:
        client.research.release(place.id, old)
    with served.signed_in("approver") as client, pytest.raises(Problem) as not_drawn:
        client.research.draw_sample(place.id, old)

    assert (len(before), len(hidden), len(after)) == (2, 1, 2)
    assert hidden.keys() < before.keys()
    assert old != new
    assert everything.keys() == {old} | after.keys()
    assert (refused.value.status, not_drawn.value.status) == (404, 409)
    assert not [text for text in after.values() if "Hanan" in text or "07700 900856" in text]
    assert all("onions" in text for text in after.values())
    assert [finding.what for finding in Verification(served.runtime, deep=True).findings()] == []
