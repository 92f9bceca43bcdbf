"""Forms of a study on both databases: two people, versions that never change, keys that open, go, and stay gone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.access import Actor
from app.crypto.form_keys import new_form_key
from app.crypto.sealed import Sealed
from app.errors import Conflict, CustodyUnavailable, Forbidden, Gone, Invalid, NotFound, OwnWork, Tampered
from app.forms import keys, queries, service
from app.forms.drafting import Drafting, Uploading, Wish
from app.forms.models import CLOSED, DRAFT, PUBLISHED, Form, FormKey
from app.forms.queries import FormView
from app.forms.xlsform import read_xlsform
from app.operations import form_keys
from app.studies import instruments
from tests.clock import Clock
from tests.databases import KINDS, Kind
from tests.system import Mold, StudyPlace, System
from tests.unit.forms.sheets import smallest, workbook

PLAIN = Wish("interview", "Interview", encrypted=False)
SEALED = Wish("sealed", "Interview")


@pytest.fixture(
    scope="module",
    params=[pytest.param(kind, marks=[pytest.mark.postgres] * (kind == "postgresql")) for kind in KINDS],
)
def system(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, mold: Callable[[Kind], Mold]
) -> Iterator[System]:
    """One on each database for the whole module; each test has forms of its own names."""
    system = System(tmp_path_factory.mktemp("forms") / "data", request.param, Clock(), mold=mold(request.param))
    yield system
    system.close()


@pytest.fixture(scope="module")
def study(system: System) -> StudyPlace:
    """The study that the tests share, with a questionnaire of few questions."""
    place, parts = system.first(), system.collaborators
    lead, approver = system.acting("lead"), system.acting("approver")
    definition = read_xlsform(workbook(smallest())).definition
    with system.runtime.transaction() as session:
        key, _ = instruments.draft(session, parts, lead, place.id, definition)
        instruments.publish(session, parts, approver, place.id, key)
    return place


def small(system: System, study: StudyPlace) -> UUID:
    """The questionnaire of few questions."""
    with system.runtime.glance() as session:
        return instruments.published(session, study.id, "small-form", "1.0.0")[0]


def draft(system: System, study: StudyPlace, wish: Wish) -> UUID:
    """A lead's draft."""
    lead = system.acting("lead")
    return system.runtime.run(Drafting(system.collaborators, lead, study.id, small(system, study), wish))


def publish(system: System, study: StudyPlace, form: UUID, actor: Actor | None = None) -> None:
    """Let an approver publish it."""
    approver = actor or system.acting("approver")
    with system.runtime.transaction() as session:
        service.publish(session, system.collaborators, approver, study.id, form)


def close(system: System, study: StudyPlace, form: UUID, *, destroy: bool = False) -> None:
    """Let a lead close it, and destroy its key."""
    lead = system.acting("lead")
    with system.runtime.transaction() as session:
        service.close(session, system.collaborators, lead, study.id, form)
        if destroy:
            service.destroy_key(session, system.collaborators, lead, study.id, form)


def seen(system: System, study: StudyPlace, form: UUID) -> FormView:
    """The form as it is now."""
    with system.runtime.glance() as session:
        return queries.one(session, system.acting("lead"), study.id, form)


def opened(system: System, view: FormView) -> bytes:
    """The private key."""
    with system.runtime.glance() as session:
        return service.private_key(session, system.collaborators, view).reveal()


def test_two_people_publish(system: System, study: StudyPlace) -> None:
    """A lead drafts, an approver publishes; nobody alone, nobody twice."""
    form = draft(system, study, PLAIN)
    approver = system.acting("approver")
    assert seen(system, study, form).status == DRAFT
    with pytest.raises(Forbidden):
        publish(system, study, form, system.acting("lead"))
    with pytest.raises(Forbidden):
        system.runtime.run(Drafting(system.collaborators, approver, study.id, small(system, study), PLAIN))
    with system.runtime.transaction() as session:
        session.execute(update(Form).where(Form.id == form).values(drafted_by=approver.user()))
    with pytest.raises(OwnWork):
        publish(system, study, form)
    with system.runtime.transaction() as session:
        session.execute(update(Form).where(Form.id == form).values(drafted_by=study["lead"].id))
    publish(system, study, form)
    assert seen(system, study, form).status == PUBLISHED
    with pytest.raises(Conflict):
        publish(system, study, form)


def test_a_version_is_used_once(system: System, study: StudyPlace) -> None:
    """Versions rise by themselves through a day; one that was used, closed or not, takes no other content."""
    wish = replace(PLAIN, form_id="versions")
    first, second = (seen(system, study, draft(system, study, wish)) for _ in range(2))
    day = system.clock.now.strftime("%Y%m%d")
    assert (first.version, second.version) == (f"{day}01", f"{day}02")
    close(system, study, second.id)
    with pytest.raises(Conflict):
        draft(system, study, replace(wish, version=second.version))


def test_phones_are_offered_the_newest(system: System, study: StudyPlace) -> None:
    """Of a form the version that was published last is on the list; submissions to the one before are still known."""
    wish = replace(PLAIN, form_id="newest")
    old, new = (draft(system, study, wish) for _ in range(2))
    publish(system, study, old)
    system.clock.advance(minutes=1)
    publish(system, study, new)
    version = seen(system, study, old).version
    with system.runtime.glance() as session:
        offered = queries.offered(session, system.acting("interviewer"), study.id, PUBLISHED)
        assert [view.id for view in offered if view.form_id == "newest"] == [new]
        assert queries.find(session, study.id, "newest", version).status == PUBLISHED
        with pytest.raises(NotFound):
            queries.find(session, study.id, "newest", "1")


def test_the_private_key_is_the_forms_other_half(system: System, study: StudyPlace) -> None:
    """What clients seal to, the server opens with; a form without a key has none."""
    view = seen(system, study, draft(system, study, SEALED))
    private = load_der_private_key(opened(system, view), None)
    assert isinstance(private, RSAPrivateKey)
    assert private.key_size == 2048
    assert private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == view.public_key
    plain = seen(system, study, draft(system, study, PLAIN))
    with pytest.raises(NotFound):
        opened(system, plain)


def test_a_destroyed_key_stays_gone(system: System, study: StudyPlace) -> None:
    """Only a closed form's key goes; a row put back from an old copy opens nothing once custody's key was replaced."""
    kept, gone = draft(system, study, SEALED), draft(system, study, replace(SEALED, form_id="other"))
    views = {form: seen(system, study, form) for form in (kept, gone)}
    before = opened(system, views[kept])
    with system.runtime.glance() as session:
        copy: Sealed | None = session.scalar(select(FormKey.wrapped_private).where(FormKey.form_id == gone))
    lead = system.acting("lead")
    with pytest.raises(Conflict), system.runtime.transaction() as session:
        service.destroy_key(session, system.collaborators, lead, study.id, gone)
    close(system, study, gone, destroy=True)
    assert seen(system, study, gone).status == CLOSED
    with pytest.raises(Gone):
        opened(system, views[gone])
    assert form_keys.turn(system.runtime) == 2
    assert form_keys.turn(system.runtime) is None
    with system.runtime.transaction() as session:
        session.execute(update(FormKey).where(FormKey.form_id == gone).values(wrapped_private=copy, number=1))
    with pytest.raises(CustodyUnavailable):
        opened(system, views[gone])
    with system.runtime.transaction() as session:
        session.execute(update(FormKey).where(FormKey.form_id == gone).values(wrapped_private=None, number=-2))
    assert opened(system, views[kept]) == before


def test_a_key_that_is_made_while_custodys_is_replaced(system: System, study: StudyPlace) -> None:
    """The replacement waits until the new key is there, and takes it along: it opens afterwards."""
    close(system, study, draft(system, study, replace(SEALED, form_id="old")), destroy=True)
    form, (private, public) = draft(system, study, replace(PLAIN, form_id="late")), new_form_key()

    with ThreadPoolExecutor(1) as pool:
        with system.runtime.transaction() as session:
            session.add(keys.wrapped(session, system.collaborators, form, private, public))
            session.flush()
            turning = pool.submit(form_keys.turn, system.runtime)
            wait([turning], timeout=0.5)
        assert turning.result(30) is not None

    assert opened(system, seen(system, study, form)) == private.reveal()


def test_an_altered_mapping_is_not_used(system: System, study: StudyPlace) -> None:
    """Whoever writes into the database cannot have a name read as a field that researchers see."""
    form = draft(system, study, PLAIN)
    view = seen(system, study, form)
    raw = view.mapping.to_json()
    raw["fields"]["legal_name"], raw["fields"]["motive"] = raw["fields"]["motive"], raw["fields"]["legal_name"]
    with system.runtime.transaction() as session:
        session.execute(update(Form).where(Form.id == form).values(mapping=raw))
    with pytest.raises(Tampered):
        seen(system, study, form)
    with system.runtime.transaction() as session:
        session.execute(update(Form).where(Form.id == form).values(mapping=view.mapping.to_json()))


def test_an_uploaded_workbook_is_published_with_its_questionnaire(system: System, study: StudyPlace) -> None:
    """One person uploads both, another publishes both, and the same questionnaire version is taken once."""
    lead, parts = system.acting("lead"), system.collaborators
    wish = Wish("", "", encrypted=False)
    sheets = smallest()
    sheets["settings"][0]["testimony::version"] = "1.0.1"
    raw = workbook(sheets)
    form = system.runtime.run(Uploading(parts, lead, study.id, raw, wish))
    view = seen(system, study, form)
    assert (view.form_id, view.title, view.instrument_name) == ("small-form", "Notes", "small-form")
    publish(system, study, form)
    with system.runtime.glance() as session:
        assert instruments.published(session, study.id, "small-form", "1.0.1")[0] == view.instrument
    with pytest.raises(Invalid) as refused:
        system.runtime.run(Uploading(parts, lead, study.id, raw, wish))
    assert [flaw.pointer for flaw in refused.value.flaws] == ["/settings/2/testimony::version"]


def test_a_refused_workbook_leaves_nothing(system: System, study: StudyPlace) -> None:
    """Neither a questionnaire nor a form is there after a refusal."""
    sheets = smallest()
    sheets["survey"][-2]["type"] = "geopoint"
    lead = system.acting("lead")

    def held(session: Session) -> tuple[int, int]:
        return len(queries.listed(session, lead, study.id)), len(instruments.listed(session, lead, study.id))

    with system.runtime.glance() as session:
        before = held(session)
    with pytest.raises(Invalid):
        system.runtime.run(Uploading(system.collaborators, lead, study.id, workbook(sheets), PLAIN))
    with system.runtime.glance() as session:
        assert held(session) == before


def test_no_form_of_a_draft(system: System, study: StudyPlace) -> None:
    """A form is made of what somebody else has published; another study's questionnaire is not there."""
    lead = system.acting("lead")
    definition = read_definition(system, study) | {"version": "2.0.0"}
    with system.runtime.transaction() as session:
        key, _ = instruments.draft(session, system.collaborators, lead, study.id, definition)
    with pytest.raises(Conflict):
        system.runtime.run(Drafting(system.collaborators, lead, study.id, key, PLAIN))
    with pytest.raises(NotFound):
        system.runtime.run(Drafting(system.collaborators, lead, study.id, UUID(int=1), PLAIN))


def read_definition(system: System, study: StudyPlace) -> dict[str, object]:
    """The questionnaire's JSON."""
    with system.runtime.glance() as session:
        body = instruments.definition(session, system.acting("lead"), study.id, small(system, study))
    found: dict[str, object] = json.loads(body)
    return found
