"""The desk without a browser: what it shows, what its script sends, and its forms for whoever has no scripts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, select, update

from app.access import Role
from app.cases.models import Pack, Record
from app.cases.queries import Status
from tests.functional.portal.desks import TEXT, at, change, on_the_desk, row, state_of
from tests.functional.portal.visitor import Seen, Visitor
from tests.system import StudyPlace, System

Visit = Callable[..., Visitor]


@pytest.fixture
def record(shared: System, study: StudyPlace) -> UUID:
    """A record that the redactor works on."""
    return on_the_desk(shared, study)


@pytest.fixture
def visitor(visit: Visit, study: StudyPlace) -> Visitor:
    """The redactor."""
    return visit("redactor", study)


def source(shared: System, study: StudyPlace, record: UUID) -> dict[str, Any]:
    """The draft as the API tells it."""
    with shared.signed_in("redactor", study) as client:
        return dict(client.review.source(study.id, record))


def first_text(page: Seen) -> dict[str, Any]:
    """The first text of the desk's state."""
    text: dict[str, Any] = state_of(page)["texts"][0]
    return text


def surface(text: dict[str, Any], span: list[Any]) -> str:
    """What a span covers."""
    whole = str(text["text"])
    return whole[span[0] : span[1]]


def clean(text: dict[str, Any], labels: list[str]) -> str:
    """What a script makes of a text, its spans and their labels."""
    made, before = "", 0
    for span, label in zip([span for span in text["spans"] if span[6]], labels, strict=True):
        made, before = made + text["text"][before : span[0]] + label, span[1]
    return made + str(text["text"][before:])


def test_the_source_is_shown_with_its_spans(visitor: Visitor, study: StudyPlace, record: UUID) -> None:
    """Each marked, numbered, and told in words for whoever hears the page."""
    page = visitor.get(at(study, record, "desk"))
    spans = first_text(page)["spans"]
    marks = [found for tag, found in page.reader.attributes if tag == "mark"]

    assert page.status == 200
    assert len(marks) == len(spans) > 5
    assert marks[0]["class"] == f"span kind-{spans[0][2]} {spans[0][3]}"
    assert "Beginning of passage 1, Person · identifies directly · masked:" in page.words


def test_title_and_address_hold_no_testimony(visitor: Visitor, study: StudyPlace, record: UUID) -> None:
    """Only the case's code."""
    page = visitor.get(at(study, record, "desk"))
    title = re.search(r"<title>(.*?)</title>", page.text)

    assert title is not None
    assert re.fullmatch(r"Redaction of [A-Z0-9]{4}-[A-Z0-9]{4} · Testimony", title[1])


def test_testimony_keeps_its_language_and_direction(visit: Visit, shared: System, study: StudyPlace) -> None:
    """In a page of another language."""
    record = on_the_desk(shared, study, body=shared.body(study, 2))
    page = visit("redactor", study).get(at(study, record, "desk"))
    texts = [found for _, found in page.reader.attributes if found.get("class") == "testimony"]

    assert ("div", {"class": "testimony", "dir": "auto", "lang": "ar-SY"}) in page.reader.attributes
    assert all(found["dir"] == "auto" for found in texts)


def test_answers_stand_beside_what_is_released_of_them(visitor: Visitor, study: StudyPlace, record: UUID) -> None:
    """A birth year becomes a span of ages."""
    words = visitor.get(at(study, record, "desk")).words
    assert "Year of birth 1992 18-24" in words


def test_labels_come_back_from_a_save(visitor: Visitor, shared: System, study: StudyPlace, record: UUID) -> None:
    """Text, spans and labels together give the clean text that the server keeps."""
    path = at(study, record, "desk")
    text = first_text(visitor.get(path))
    last = next(span for span in reversed(text["spans"]) if span[3] == "quasi")
    gone, come = [last[:2]], [row(last, accepted=False)]
    answer = change(visitor, path, 1, {TEXT: {"gone": gone, "come": come}}).answer.json()
    text["spans"][text["spans"].index(last)][6] = False

    assert answer["version"] == 2
    kept = source(shared, study, record)["draft"]["texts"][TEXT]["clean"]
    assert clean(text, answer["texts"][TEXT]["labels"]) == kept
    assert surface(text, last) in kept


def test_offsets_count_code_points(visit: Visit, shared: System, study: StudyPlace) -> None:
    """Characters beyond the first plane count once."""
    body = shared.body(study)
    body["answers"][TEXT] = {"value": "😀😀 My friend Farid Haddad came. 😀 Then zzyzx 😀 left."}
    record = on_the_desk(shared, study, body=body)
    visitor, path = visit("redactor", study), at(study, record, "desk")
    text = first_text(visitor.get(path))
    start = text["text"].index("zzyzx")
    come = [row([start, start + 5, "LOC", "quasi", 1, "person", True, ""])]
    change(visitor, path, 1, {TEXT: {"gone": [], "come": come}})
    kept = source(shared, study, record)["draft"]["texts"][TEXT]["clean"]

    assert "😀 Then [PLACE-01] 😀 left." in kept
    assert "Farid" not in kept


def test_a_direct_identifier_stays_only_with_a_reason(
    visitor: Visitor, shared: System, study: StudyPlace, record: UUID
) -> None:
    """Nothing is saved without one."""
    path = at(study, record, "desk")
    direct = next(span for span in first_text(visitor.get(path))["spans"] if span[3] == "direct")

    def keep(why: str) -> Seen:
        return change(visitor, path, 1, {TEXT: {"gone": [direct[:2]], "come": [row(direct, accepted=False, why=why)]}})

    assert keep("").status == 422
    assert source(shared, study, record)["version"] == 1
    assert keep("a public figure").status == 200
    assert source(shared, study, record)["draft"]["texts"][TEXT]["spans"][0]["why"] == "a public figure"


def test_an_older_version_saves_nothing(visitor: Visitor, study: StudyPlace, record: UUID) -> None:
    """Neither by script nor by form; the form shows the record as it is now."""
    path = at(study, record, "desk")
    assert change(visitor, path, 1, {}, note="first").status == 200
    assert change(visitor, path, 1, {}, note="second").status == 409
    refused = visitor.submit(f"{path}/residual", {"version": 1, "rating": "high", "note": "third"})

    assert refused.status == 409
    assert "Somebody saved a newer draft; read it again." in refused.words
    assert state_of(visitor.get(path))["note"] == "first"


def test_only_the_newest_edit_and_the_machines_draft_are_kept(
    visitor: Visitor, shared: System, study: StudyPlace, record: UUID
) -> None:
    """A desk saves every few seconds."""
    path = at(study, record, "desk")
    for version in range(1, 5):
        assert change(visitor, path, version, {}, note=f"note {version}").status == 200
    with shared.runtime.transaction() as session:
        stored = select(Pack.version).where(Pack.record_id == record, Pack.compartment == "source")
        assert sorted(session.scalars(stored)) == [0, 1, 5]


def test_the_state_can_be_read_again(visitor: Visitor, study: StudyPlace, record: UUID) -> None:
    """With a token for forms: after a conflict, or a new session."""
    path = at(study, record, "desk")
    page = visitor.get(path)
    state = visitor.get(f"{path}/state").answer.json()

    assert state.pop("token") == page.form(f"{path}/finish").fields["form_token"]
    assert state == state_of(page)


def test_a_form_decides_without_scripts(visitor: Visitor, shared: System, study: StudyPlace, record: UUID) -> None:
    """Mask or keep, another type, a reason."""
    path = at(study, record, "desk")
    text = first_text(visitor.get(path))
    fields: list[tuple[str, Any]] = [("version", 1), ("text", TEXT), ("part", 1)]
    for span in text["spans"]:
        key = f"{span[0]}-{span[1]}"
        fields += [("span", key), (f"decision-{key}", "mask"), (f"kind-{key}", span[2]), (f"why-{key}", "")]
    first, second = (f"{span[0]}-{span[1]}" for span in text["spans"][:2])
    changed = {f"decision-{first}": "keep", f"why-{first}": "a public figure", f"kind-{second}": "ORG"}
    saved = visitor.submit(f"{path}/answers", [(name, changed.get(name, value)) for name, value in fields])
    kept = source(shared, study, record)["draft"]["texts"][TEXT]

    assert saved.to == f"{path}?text={TEXT}&part=1&notice=saved"
    assert kept["clean"].startswith(f"My name is {surface(text, text['spans'][0])}, but over there I was [ORG-01]")
    assert visitor.follow(saved).status == 200


def test_a_refused_form_keeps_what_was_entered(visitor: Visitor, study: StudyPlace, record: UUID) -> None:
    """A reason is missing; the choice is still there."""
    path = at(study, record, "desk")
    span = first_text(visitor.get(path))["spans"][0]
    key = f"{span[0]}-{span[1]}"
    fields = {"version": 1, "text": TEXT, "part": 1, "span": key}
    refused = visitor.submit(f"{path}/answers", fields | {f"decision-{key}": "keep", f"kind-{key}": "ORG"})
    checked = [found for _, found in refused.reader.attributes if found.get("name") == f"decision-{key}"]

    assert refused.status == 422
    assert "A direct identifier is left without a reason." in refused.words
    assert ["checked" in found for found in checked] == [False, True]


def test_words_are_masked_everywhere_without_scripts(
    visitor: Visitor, shared: System, study: StudyPlace, record: UUID
) -> None:
    """Wherever they stand in the record; words that do not are refused."""
    path = at(study, record, "desk")
    visitor.get(path)
    form = {"version": 1, "text": TEXT, "kind": "LOC", "level": "quasi", "everywhere": "on"}
    saved = visitor.submit(f"{path}/words", form | {"words": "my  brother"})
    assert saved.to == f"{path}?text={TEXT}&notice=saved"
    texts = source(shared, study, record)["draft"]["texts"]
    assert not any("my brother" in text["clean"] for text in texts.values())

    refused = visitor.submit(f"{path}/words", form | {"version": 2, "words": "zzyzx"})
    assert refused.status == 422
    assert "These words do not stand unmasked in the text." in refused.words


def test_the_risk_that_is_left_is_kept_with_the_draft(visitor: Visitor, study: StudyPlace, record: UUID) -> None:
    """Rating and note; another rating than those is refused."""
    path = at(study, record, "desk")
    visitor.get(path)
    assert visitor.submit(f"{path}/residual", {"version": 1, "rating": "medium", "note": "the bus"}).to
    assert visitor.submit(f"{path}/residual", {"version": 2, "rating": "none", "note": ""}).status == 422
    state = state_of(visitor.get(path))
    assert (state["rating"], state["note"]) == ("medium", "the bus")


def test_finishing_hands_it_on(visitor: Visitor, shared: System, study: StudyPlace, record: UUID) -> None:
    """To the approvers; the desk then only shows it."""
    path = at(study, record, "desk")
    visitor.get(path)
    assert visitor.submit(f"{path}/finish", {"version": 7}).status == 409
    assert visitor.submit(f"{path}/finish", {"version": 1}).to == f"/studies/{study.id}/queue?notice=finished"

    page = visitor.get(path)
    assert "its draft is not yours to change now" in page.words
    assert f"{path}/finish" not in [form.action for form in page.forms]
    assert change(visitor, path, 1, {}).status == 409
    with shared.runtime.transaction() as session:
        assert session.get_one(Record, record).status == Status.FINISHED


def test_a_failed_record_is_drafted_by_hand(visitor: Visitor, shared: System, study: StudyPlace) -> None:
    """Nothing is marked; the first words that are masked make the draft."""
    record = on_the_desk(shared, study)
    with shared.runtime.transaction() as session:
        session.execute(update(Record).where(Record.id == record).values(status=Status.FAILED, draft_version=0))
        session.execute(delete(Pack).where(Pack.record_id == record, Pack.version == 1))
    path = at(study, record, "desk")
    page = visitor.get(path)
    assert "The machine made no draft." in page.words
    assert first_text(page)["spans"] == []
    assert visitor.submit(f"{path}/finish", {"version": 0}).status == 409

    form = {"version": 0, "text": TEXT, "kind": "LOC", "level": "quasi", "words": "Wexborough"}
    assert visitor.submit(f"{path}/words", form).to
    assert "deliveries in [PLACE-01]" in source(shared, study, record)["draft"]["texts"][TEXT]["clean"]


def test_a_comment_stays_while_one_answers_it(visit: Visit, shared: System, study: StudyPlace) -> None:
    """What the approver wrote is on the desk, also after the next save."""
    record = shared.finished(study)
    with shared.signed_in("approver", study) as client:
        client.review.take(study.id)
        client.review.send_back(study.id, record, "Mind the blue bus.")
    visitor, path = visit("redactor", study), at(study, record, "desk")

    assert "Mind the blue bus." in visitor.get(path).words
    assert change(visitor, path, 2, {}, note="done").status == 200
    assert "Mind the blue bus." in visitor.get(path).words


def test_nobody_else_reaches_the_desk(visit: Visit, shared: System, study: StudyPlace, record: UUID) -> None:
    """Another redactor and an approver find nothing; the other roles may not."""
    other = shared.person(f"second.{study['redactor'].name}")
    lead = shared.actor(study["lead"])
    shared.admit(study.id, lead, other, frozenset({Role.REDACTOR}), shared.actor(other).unlocked().fingerprint)
    path = at(study, record, "desk")
    seen = {role: visit(role, study).get(path).status for role in ("approver", "researcher", "lead", "auditor")}

    assert seen == {"approver": 404, "researcher": 403, "lead": 403, "auditor": 403}
    assert visit(other).get(path).status == 404
    assert visit("approver", study).submit(f"{path}/changes", {"changes": "{}"}).status == 403


def test_a_save_needs_the_forms_token(visitor: Visitor, study: StudyPlace, record: UUID) -> None:
    """Another site cannot decide anything."""
    body = json.dumps({"version": 1, "texts": {}, "rating": "", "note": "x"})
    refused = visitor.submit(at(study, record, "desk", "changes"), {"changes": body, "form_token": "wrong"})
    assert refused.status == 403


@pytest.mark.parametrize(
    "body",
    ["", "{", "[]", '{"version": 1}', '{"version": 1, "texts": {"x": {}}, "rating": "", "note": ""}'],
)
def test_what_no_desk_sends_is_refused(visitor: Visitor, study: StudyPlace, record: UUID, body: str) -> None:
    """Strictly read."""
    visitor.get(at(study, record, "desk"))
    assert visitor.submit(at(study, record, "desk", "changes"), {"changes": body}).status in {400, 422}
