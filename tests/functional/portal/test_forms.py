"""Pages of forms for other apps: made by one person, published by another, and the phones that load them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.functional.portal.visitor import Seen, Visitor
from tests.system import StudyPlace, System
from tests.unit.forms.sheets import Sheets, smallest, workbook

Visit = Callable[..., Visitor]
BOUNDARY = "testimony"
SECRET = re.compile(r'<p class="secret[^"]*"[^>]*>([^<]+)</p>')


@pytest.fixture(scope="module")
def place(shared: System) -> StudyPlace:
    """A study that these tests share."""
    return shared.study("Forms on pages", prefix="fp.")


def make(visitor: Visitor, place: StudyPlace, **form: Any) -> Seen:
    """Make a form of the shipped questionnaire."""
    page = visitor.get(f"/studies/{place.id}/forms/new")
    chosen = re.search(r'<option value="([0-9a-f-]{36})"', page.text)
    assert chosen is not None
    wish = {"instrument": chosen[1], "form_id": "interview", "title": "Notes", "plaintext_policy": "reject"}
    return visitor.submit(f"/studies/{place.id}/forms", wish | form)


def upload(visitor: Visitor, place: StudyPlace, sheets: Sheets) -> Seen:
    """Send a workbook as a browser does."""
    visitor.get(f"/studies/{place.id}/forms/new")
    fields = {"form_token": visitor.form_token, "plaintext_policy": "reject", "encrypted": "on"}
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode()
        for name, text in fields.items()
    ]
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="workbook"; filename="form.xlsx"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    body = b"".join([*parts, head.encode(), workbook(sheets), f"\r\n--{BOUNDARY}--\r\n".encode()])
    headers = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
    return Seen(visitor.http.post(f"/studies/{place.id}/forms/xlsform", content=body, headers=headers))


def test_one_makes_and_another_publishes(visit: Visit, place: StudyPlace) -> None:
    """A lead makes the form and cannot publish it; an approver does; closed, it can lose its key."""
    lead = visit("lead", place)
    made = make(lead, place, encrypted="on", attachments="audio")
    address = made.to.partition("?")[0]
    page = lead.get(address)
    assert "You made this form; somebody else publishes it." in page.words
    assert "encrypted" in page.words
    assert lead.submit(f"{address}/publication").status == 403

    assert visit("approver", place).submit(f"{address}/publication").to == f"{address}?notice=published"

    assert lead.submit(f"{address}/closing").to == f"{address}?notice=form-closed"
    assert lead.submit(f"{address}/key").to == f"{address}?notice=form-key-destroyed"
    assert "opens nowhere" in lead.get(address).words


def test_the_file_is_what_phones_load(visit: Visit, place: StudyPlace) -> None:
    """The XML comes as a file with the form's name."""
    lead = visit("lead", place)
    address = make(lead, place).to.partition("?")[0]
    answer = lead.http.get(f"{address}/xform")
    assert answer.headers["content-disposition"].startswith('attachment; filename="interview-')
    assert answer.content.startswith(b"<?xml")


def test_flaws_are_told_beside_what_was_entered(visit: Visit, place: StudyPlace) -> None:
    """A name that no form may have is refused, and the page comes back with it."""
    seen = make(visit("lead", place), place, form_id="9 lives")
    assert seen.status == 422
    assert "/form_id" in seen.words
    assert "9 lives" in seen.text


def test_a_workbook_becomes_a_questionnaire_and_a_form(visit: Visit, place: StudyPlace) -> None:
    """An upload is a draft of both; a refused one is told by sheet, row and column."""
    lead = visit("lead", place)
    done = upload(lead, place, smallest())
    assert "notice=form-drafted" in done.to
    assert "small-form" in lead.get(f"/studies/{place.id}/instruments").words
    sheets = smallest()
    sheets["survey"][-2]["type"] = "geopoint"
    refused = upload(lead, place, sheets)
    assert refused.status == 422
    assert f"/survey/{len(sheets['survey'])}/type" in refused.words


def test_a_form_needs_its_token_with_a_file_too(visit: Visit, place: StudyPlace) -> None:
    """Another site cannot send a workbook in somebody's name."""
    lead = visit("lead", place)
    lead.get(f"/studies/{place.id}/forms/new")
    assert upload_with(lead, place, "x").status == 403


def upload_with(visitor: Visitor, place: StudyPlace, token: str) -> Seen:
    """Send a form with a token of another's making."""
    body = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="form_token"\r\n\r\n{token}\r\n--{BOUNDARY}--\r\n'
    headers = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
    return Seen(visitor.http.post(f"/studies/{place.id}/forms/xlsform", content=body.encode(), headers=headers))


@pytest.mark.parametrize(("kind", "secrets"), [("odk", 1), ("basic", 3), ("test", 1)])
def test_a_phone_is_shown_once(visit: Visit, shared: System, place: StudyPlace, kind: str, secrets: int) -> None:
    """Server, and for other apps user name and password, stand there this once, with a picture for Collect."""
    admin = visit(shared.admin)
    form = {"name": place["interviewer"].name, "study": str(place.id), "kind": kind}
    seen = admin.submit("/admin/devices", form)
    found = SECRET.findall(seen.text)
    assert len(found) == secrets
    assert found[0].startswith(f"{shared.settings.origin}/v1/")
    assert 'class="qr"' in seen.text
    assert found[-1] not in admin.get("/admin/devices").text
