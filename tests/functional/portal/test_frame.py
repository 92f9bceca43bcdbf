"""What stands around every page: headers, cookies, forms that only their own session sends."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from app.crypto.tokens import TOKEN
from tests.functional.portal.crawl import crawl
from tests.functional.portal.visitor import SESSION, Seen, Visitor
from tests.system import System

Visit = Callable[..., Visitor]
ROLES = ("interviewer", "redactor", "approver", "researcher", "lead", "guardian", "auditor", "admin")
OPEN = ("/sign-in", "/forgotten", "/invitations", "/withdraw", "/nowhere")
POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "media-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
}


@pytest.fixture(scope="module")
def pages(shared: System, visit: Visit) -> dict[str, dict[str, Seen]]:
    """Every page that each role reaches, and what is open to everybody, in a study with a record at each stage."""
    study = shared.first()
    released = shared.released(study)
    shared.finished(study)
    taken = shared.drafted(study)
    with shared.signed_in("redactor") as client:
        assert client.review.take(study.id)["record"] == str(taken)
    shared.drafted(study)
    withdrawn, begun = shared.submit(study)["case"], shared.submit(study)["case"]
    with shared.signed_in("guardian") as client:
        client.cases.withdraw(study.id, withdrawn)
        client.cases.erase(study.id, begun)
        client.disclosures.ask(study.id, released, scope="identity", fields=["legal_name"], reason="danger")
    found = {role: crawl(visit(role)) for role in ROLES}
    found["nobody"] = crawl(visit(None), *OPEN)
    assert f"/studies/{study.id}/releases/{released}" in found["researcher"]
    return found


def _shown(pages: dict[str, dict[str, Seen]]) -> list[tuple[str, Seen]]:
    every = [(f"{who} {path}", seen) for who, found in pages.items() for path, seen in found.items()]
    return [(name, seen) for name, seen in every if seen.answer.headers.get("content-type", "").startswith("text/html")]


def test_no_link_leads_nowhere(pages: dict[str, dict[str, Seen]]) -> None:
    """Whatever a page offers, whoever it offers it to may open."""
    dead = [
        (who, path, seen.status)
        for who, found in pages.items()
        for path, seen in found.items()
        if seen.status not in {200, 303} and path != "/nowhere"
    ]

    assert dead == []


def test_every_page_has_the_strict_policy(pages: dict[str, dict[str, Seen]]) -> None:
    """Nothing inline, nothing from elsewhere, no frame around it, and no string that becomes a script."""
    for name, seen in _shown(pages):
        assert set(seen.answer.headers["content-security-policy"].split("; ")) == POLICY, name


def test_no_page_is_kept_or_told_of(pages: dict[str, dict[str, Seen]]) -> None:
    """Browsers and proxies keep no page, and no other site learns of an address."""
    for name, seen in _shown(pages):
        headers = seen.answer.headers
        assert headers["cache-control"] == "no-store", name
        assert headers["referrer-policy"] == "no-referrer", name
        assert headers["x-frame-options"] == "DENY", name
        assert headers["x-content-type-options"] == "nosniff", name
        assert headers["strict-transport-security"] == "max-age=63072000; includeSubDomains", name
        assert headers["cross-origin-opener-policy"] == "same-origin", name
        assert "cookie" in headers["vary"], name


def test_only_files_are_kept(visit: Visit) -> None:
    """Style sheets and scripts carry their content's digest in the address, so they are kept for good.

    Under the address of another version the file of this one comes, too, but nobody keeps it.
    """
    visitor = visit(None)
    files = [found["href"] for tag, found in visitor.get("/sign-in").reader.attributes if tag == "link"]

    assert files
    for path in files:
        seen = visitor.get(path)
        assert seen.status == 200
        assert seen.answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert "set-cookie" not in seen.answer.headers
        other = visitor.get("/static/0123456789abcdef/" + path.rpartition("/")[2])
        assert other.status == 200
        assert other.answer.headers["cache-control"] == "no-store"


def test_nothing_is_inline_or_from_elsewhere(pages: dict[str, dict[str, Seen]]) -> None:
    """No style attribute, no handler, no script in the page, no address of another site."""
    for name, seen in _shown(pages):
        for tag, found in seen.reader.attributes:
            handlers = [key for key in found if key == "style" or key.startswith("on")]
            assert not handlers, f"{name}: <{tag}> {handlers}"
            assert tag != "style", name
            assert tag != "script" or found.get("src", "").startswith("/static/"), name
            for key in ("src", "href", "action"):
                assert found.get(key, "/").startswith(("/", "#")), f"{name}: {found[key]}"
                assert not found.get(key, "/").startswith("//"), f"{name}: {found[key]}"


def test_every_form_carries_its_token(pages: dict[str, dict[str, Seen]]) -> None:
    """Every form that changes something; those that look something up send nothing secret."""
    for name, seen in _shown(pages):
        for form in seen.forms:
            assert form.method in {"get", "dialog"} or form.fields.get("form_token"), f"{name}: {form.action}"
            assert form.method == "post" or "form_token" not in form.fields, f"{name}: {form.action}"


def test_every_page_has_one_heading_and_no_gap(pages: dict[str, dict[str, Seen]]) -> None:
    """One first-level heading, no level left out on the way down, a title, a language and a direction."""
    for name, seen in _shown(pages):
        levels = [level for level, _ in seen.reader.headings]
        assert levels.count(1) == 1, name
        assert all(deeper - level <= 1 for level, deeper in pairwise(levels)), f"{name}: {seen.reader.headings}"
        assert ("html", {"lang": "en", "dir": "ltr"}) in seen.reader.attributes, name


def test_no_address_holds_a_token(pages: dict[str, dict[str, Seen]]) -> None:
    """What stands in the address bar, the history and the log of a proxy opens nothing."""
    for name, seen in _shown(pages):
        for address in (name, *seen.links, *(form.action for form in seen.forms)):
            assert not TOKEN.search(address), name


@pytest.fixture
def target(shared: System, visit: Visit) -> Visitor:
    """Somebody who may change something."""
    return visit(shared.who("lead"), fresh=True)


FORM = "/account/sessions/end"


def test_form_without_its_token_is_refused(target: Visitor) -> None:
    """Neither none, nor an empty one, nor a guess: 403, and nothing has changed."""
    for token in ("", "A" * 43, "ä"):
        refused = target.submit(FORM, {"form_token": token})
        assert refused.status == 403
        assert "This form is too old" in refused.words
    assert target.http.post(FORM, content="", headers={"content-type": "application/x-www-form-urlencoded"}).is_error

    assert target.get("/account").status == 200


def test_token_of_another_session_is_refused(target: Visitor, visit: Visit) -> None:
    """Neither somebody else's, nor one's own of another session, nor that of the visit before signing in."""
    other, again, before = visit("guardian"), visit("lead", fresh=True), visit(None)
    other.get("/account")
    again.get("/account")
    before.get("/sign-in")

    for token in (other.form_token, again.form_token, before.form_token):
        assert target.submit(FORM, {"form_token": token}).status == 403
    visit_cookie = before.http.cookies.get("__Host-visit")
    target.hold("__Host-visit", str(visit_cookie))
    assert target.submit(FORM, {"form_token": before.form_token}).status == 403

    assert target.get("/account").status == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_form_from_another_site_is_refused(target: Visitor, site: str) -> None:
    """Even with the right token: the browser says where it comes from."""
    target.get("/account")

    assert target.submit(FORM, (), **{"sec-fetch-site": site}).status == 403
    assert target.get("/account").status == 200


@pytest.mark.parametrize(
    ("media_type", "status"),
    [("application/json", 415), ("text/plain", 415), ("", 415), ("multipart/form-data; boundary=x", 400)],
)
def test_only_forms_are_read(target: Visitor, media_type: str, status: int) -> None:
    """The token counts in a form, of either kind, and nowhere else."""
    target.get("/account")
    content = f"form_token={target.form_token}"

    assert target.http.post(FORM, content=content, headers={"content-type": media_type}).status_code == status


def test_bearer_tokens_open_no_page(visit: Visit) -> None:
    """Pages take the cookie only, the API the header only: neither works in the other's place."""
    signed_in, nobody = visit("lead"), visit(None)
    token = str(signed_in.session)

    assert nobody.get("/account", authorization=f"Bearer {token}").status == 303
    assert signed_in.http.get("/v1/users/me").status_code == 401


def test_sign_in_form_of_a_visit_works_beside_a_session(visit: Visit) -> None:
    """Whoever follows a link from elsewhere sees the sign-in although a session lives; its form is not refused."""
    visitor = visit(None)
    visitor.get("/sign-in")
    visitor.hold(SESSION, str(visit("lead", fresh=True).session))

    assert visitor.submit("/sign-in", {"name": "x", "password": "y", "code": "000000"}).status == 401


def test_unknown_address_is_a_page_for_browsers_only(visit: Visit) -> None:
    """Programs get a problem, and every address of the API stays one of programs."""
    visitor = visit("lead")

    assert "There is nothing here for you." in visitor.get("/no/such").words
    assert visitor.get("/no/such", accept="*/*").answer.headers["content-type"] == "application/problem+json"
    assert visitor.get("/v1/no/such").answer.headers["content-type"] == "application/problem+json"


def test_language_changes_on_the_answer_to_a_form_too(visit: Visit) -> None:
    """Such a page cannot be opened again: the choice leads to the first page, not where only forms are taken."""
    visitor = visit(None)
    visitor.get("/sign-in")
    answered = visitor.submit("/sign-in", {"name": "nobody", "password": "x", "code": "000000"})
    assert answered.status == 401
    assert answered.form("/language").fields["back"] == "/"
