"""Renaming labels, and the digest that a release must name."""

from __future__ import annotations

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.access import Actor, ActorKind
from app.cases.drafts import Draft, DraftText
from app.cases.models import Record
from app.cases.queries import Status
from app.errors import Conflict, DigestDiffers, Invalid
from app.review import policies

DIGEST = bytes(range(32))
NUMBERS = st.integers(0, 9999).map("{:02}".format)
PERSONS = NUMBERS.map("PERSON-{}".format)


def draft(text: str, other: str = "") -> Draft:
    """A draft with this clean text."""
    return Draft({"one": DraftText((), text), "two": DraftText((), other)}, {})


@given(st.sets(PERSONS, min_size=1, max_size=5), st.data())
def test_a_renaming_changes_every_mention_and_nothing_else(labels: set[str], data: st.DataObject) -> None:
    """A person keeps one label over all texts, and two people never share one."""
    old = sorted(labels)
    new = data.draw(st.lists(PERSONS, min_size=len(old), max_size=len(old), unique=True))
    sentence = "With [{}] and [{}: 2015], PERSON-01."

    found = policies.rename(
        draft(" ".join(sentence.format(label, label) for label in old), f"[{old[0]}]"),
        dict(zip(old, new, strict=True)),
    )

    assert found == {"one": " ".join(sentence.format(label, label) for label in new), "two": f"[{new[0]}]"}


@pytest.mark.parametrize(
    "renaming",
    [
        {"PERSON-01": "PERSON-02"},
        {"PERSON-01": "PERSON-03", "PERSON-02": "PERSON-03"},
        {"PERSON-01": "PLACE-01"},
        {"PERSON-01": "Omar"},
        {"PERSON-01": "PERSON-1"},
        {"PERSON-01": "PERSON-01]"},
        {"PERSON-07": "PERSON-08"},
        {"person-01": "person-03"},
    ],
)
def test_a_renaming_that_is_more_than_one_is_refused(renaming: dict[str, str]) -> None:
    """Joining two people, changing the kind, writing words, or a label that is not there."""
    with pytest.raises(Invalid):
        policies.rename(draft("[PERSON-01] met [PERSON-02]."), renaming)


def test_labels_may_change_places() -> None:
    """Both are renamed at once."""
    renaming = {"PERSON-01": "PERSON-02", "PERSON-02": "PERSON-01"}

    assert policies.rename(draft("[PERSON-01], [PERSON-02]"), renaming)["one"] == "[PERSON-02], [PERSON-01]"


@given(st.dictionaries(PERSONS, PERSONS, max_size=4), st.dictionaries(PERSONS, PERSONS, max_size=4))
def test_the_digest_names_draft_and_renaming(one: dict[str, str], other: dict[str, str]) -> None:
    """Another renaming is another digest; the order of its pairs is none."""
    backwards = dict(reversed(one.items()))

    assert policies.release_digest(DIGEST, one) == policies.release_digest(DIGEST, backwards)
    assert (policies.release_digest(DIGEST, one) == policies.release_digest(DIGEST, other)) == (one == other)
    assert policies.release_digest(bytes(32), one) != policies.release_digest(DIGEST, one)


def test_what_was_not_shown_is_not_released() -> None:
    """Neither an unfinished draft nor another digest."""
    policies.check_digest(Record(draft_digest=DIGEST), {}, policies.release_digest(DIGEST, {}))

    for record in (Record(draft_digest=None), Record(draft_digest=bytes(32))):
        with pytest.raises(DigestDiffers):
            policies.check_digest(record, {}, policies.release_digest(DIGEST, {}))


@pytest.mark.parametrize("scopes", [[], ["recontact", "aggregate_statistics"]])
def test_without_a_reader_there_is_no_release(scopes: list[str]) -> None:
    """Consent to be counted is no consent to be read."""
    with pytest.raises(Conflict):
        policies.check_consented(scopes)


@pytest.mark.parametrize("scope", sorted(policies.READING_SCOPES))
def test_one_reader_is_enough(scope: str) -> None:
    """The library then shows it to those only."""
    policies.check_consented([scope, "recontact"])


@pytest.mark.parametrize(
    "changed",
    [{"status": Status.FINISHED}, {"status": Status.RELEASED}, {"redactor_id": uuid4()}, {"draft_version": 4}],
)
def test_a_draft_is_edited_by_its_redactor_in_its_newest_version(changed: dict[str, object]) -> None:
    """Anything else is a conflict, not an overwrite."""
    me = Actor(ActorKind.USER, uuid4())
    sound: dict[str, object] = {"status": Status.DRAFTED, "redactor_id": me.id, "draft_version": 3}
    policies.check_editable(me, Record(**sound), 3)

    with pytest.raises(Conflict):
        policies.check_editable(me, Record(**sound | changed), 3)
