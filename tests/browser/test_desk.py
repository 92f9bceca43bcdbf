"""The redaction desk in a browser: by keyboard alone, without scripts, in Arabic, in two tabs, without a connection."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from statistics import median
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from app.review.edits import occurrences
from app.web.portal.assets import asset
from tests.browser.browsing import PHONE, submit
from tests.browser.interviews import interview
from tests.serving import Served
from tests.system import StudyPlace

Browse = Callable[..., Page]
TEXT = "joining_account"
WORDS = 10_000
# Steps with Tab until a thing has the focus; a page with more has lost its order.
MOST_TABS = 60
# Milliseconds from a key to the painted page. It is under 50 on a quiet machine; tests share theirs.
FLUID = 150


@pytest.fixture
def record(portal: Served, study: StudyPlace) -> UUID:
    """A record that waits for a redactor."""
    return portal.drafted(study)


def take(browse: Browse, study: StudyPlace, **options: Any) -> Page:
    """A tab with the next record of the queue on the desk."""
    page = browse("redactor", study, path=f"/studies/{study.id}/queue")
    submit(page, "Take the next one")
    return page if not options else browse("redactor", study, path=path_of(page), **options)


def path_of(page: Page) -> str:
    """The address of a page without its host."""
    return "/" + page.url.split("/", 3)[3]


def start(page: Page) -> None:
    """Put the focus on the first passage."""
    page.locator("[data-do=start]").click()


def press(page: Page, *keys: str) -> None:
    """Press keys one after the other."""
    for key in keys:
        page.keyboard.press(key)


def tab_to(page: Page, selector: str) -> None:
    """Go on with Tab until a thing has the focus."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    pytest.fail(f"Tab does not lead to {selector}")


def saved(page: Page) -> None:
    """Wait until everything is saved."""
    expect(page.locator("[data-save=saved]")).to_be_visible()
    expect(page.locator("#save")).to_have_attribute("data-now", "saved")


def current(page: Page) -> str:
    """The passage that has the focus."""
    return str(page.evaluate("document.activeElement.textContent"))


def spans(portal: Served, study: StudyPlace, record: UUID, text: str = TEXT) -> list[dict[str, Any]]:
    """The spans that the server keeps."""
    return list(draft(portal, study, record)["texts"][text]["spans"])


def draft(portal: Served, study: StudyPlace, record: UUID) -> dict[str, Any]:
    """The draft that the server keeps."""
    with portal.signed_in("redactor", study) as client:
        return dict(client.review.source(study.id, record)["draft"])


def source_text(portal: Served, study: StudyPlace, record: UUID) -> str:
    """The first text as it came in."""
    with portal.signed_in("redactor", study) as client:
        return str(client.review.source(study.id, record)["values"][TEXT]["value"])


def shown_clean(page: Page) -> dict[str, str]:
    """The clean texts as the desk shows them, without ends of lines."""
    return dict(
        page.evaluate(
            """() => Object.fromEntries([...document.querySelectorAll(".desk-text")].map(section => [
              section.dataset.text,
              [...section.querySelectorAll(".clean")].map(side => side.textContent).join(""),
            ]))"""
        )
    )


def test_an_interview_is_redacted_by_keyboard_alone(portal: Served, study: StudyPlace, browse: Browse) -> None:
    """Of real size, from the queue to the finish; another person approves it, a third one reads it."""
    body = portal.body(study)
    body["answers"][TEXT] = {"value": interview(WORDS)}
    record = portal.drafted(study, body=body)
    page = browse("redactor", study, path=f"/studies/{study.id}/queue")
    tab_to(page, "form.next button")
    with page.expect_navigation():
        press(page, "Enter")
    tab_to(page, "[data-do=start]")
    press(page, "Enter", "ArrowRight", "ArrowRight")
    kept = current(page)
    press(page, "x")
    if page.locator("#why").is_visible():
        press(page, "1")
    press(page, "End", "o", "n", "Shift+ArrowRight", "m", "Home", "e")
    tab_to(page, "[data-rating]")
    press(page, "Space")
    tab_to(page, "#live-note")
    page.keyboard.type("Mind the number of the house.")
    tab_to(page, "#finish button")
    with page.expect_navigation():
        press(page, "Enter")
    assert page.url.endswith("/queue?notice=finished")

    page = browse("approver", study, path=f"/studies/{study.id}/queue")
    submit(page, "Take the next one")
    expect(page.get_by_text("Mind the number of the house.")).to_be_visible()
    page.locator("[name=doubts]").check()
    submit(page, "Approve and release")
    page = browse("researcher", study, path=f"/studies/{study.id}/releases/{record}")
    released = page.locator("main").inner_text()

    assert kept in released
    assert "[CUT: distinctive event]" in released
    assert not re.search(r"\b(?:Haddad|Mansour|Barakat)\b", released)


def test_a_long_interview_stays_fluid(portal: Served, study: StudyPlace, browse: Browse) -> None:
    """A key repaints the passage it touches and nothing else, and the page is painted soon after."""
    body = portal.body(study)
    body["answers"][TEXT] = {"value": interview(WORDS)}
    portal.drafted(study, body=body)
    page = take(browse, study)
    assert page.locator(".source [role=button]").count() > 700
    page.evaluate(
        """() => {
          window.times = []; window.repainted = 0;
          addEventListener("keydown", () => {
            const begin = performance.now(), channel = new MessageChannel();
            channel.port1.onmessage = () => times.push(performance.now() - begin);
            requestAnimationFrame(() => channel.port2.postMessage(0));
          }, true);
          new MutationObserver(found => { repainted += found.filter(each => each.target.matches(".source")).length; })
            .observe(document.getElementById("texts"), {childList: true, subtree: true});
        }"""
    )
    start(page)
    press(page, *["ArrowRight"] * 20)
    assert page.evaluate("repainted") == 0
    press(page, *["l", "u", "Shift+ArrowRight", "u", "i", "u", "ArrowRight"] * 5)

    assert page.evaluate("repainted") <= 2 * 6 * 5
    assert median(page.evaluate("times")) < FLUID


def test_the_live_clean_text_is_the_servers(portal: Served, study: StudyPlace, browse: Browse, record: UUID) -> None:
    """After every kind of change, labels and all."""
    page = take(browse, study)
    start(page)
    press(
        page, "ArrowRight", "ArrowRight", "x", "ArrowRight", "l", "ArrowRight", "Shift+ArrowRight", "End", "s", "Home"
    )
    press(page, "o", "e", "n", "ArrowRight", "Shift+ArrowRight", "d")
    saved(page)
    texts = draft(portal, study, record)["texts"]

    assert shown_clean(page) == {name: text["clean"].replace("\n", "") for name, text in texts.items()}
    assert page.locator(".label.unsure").count() == 0


def test_every_verb_has_its_key(portal: Served, study: StudyPlace, browse: Browse, record: UUID) -> None:
    """Types, risk, edges by words and letters, splitting, removing, and undoing each of them."""
    page = take(browse, study)
    text, before = source_text(portal, study, record), spans(portal, study, record)

    def kept() -> list[dict[str, Any]]:
        saved(page)
        return spans(portal, study, record)

    def surfaces() -> list[str]:
        return [text[each["start"] : each["end"]] for each in kept()]

    start(page)
    press(page, "ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight")
    assert current(page) == "Wexborough"
    for key, kind in (("c", "CODE"), ("o", "ORG"), ("t", "DEM"), ("q", "QUANTITY"), ("m", "MISC"), ("l", "LOC")):
        press(page, key)
        expect(page.locator("#kind")).to_have_value(kind)
    press(page, "Shift+ArrowRight")
    assert "Wexborough, nights" in surfaces()
    press(page, "Shift+ArrowUp", "g", "Shift+ArrowLeft", "g")
    assert "in Wexborough, night" in surfaces()
    press(page, "s")
    assert {"in", "Wexborough, night"} <= set(surfaces())
    press(page, "i")
    assert next(each for each in kept() if text[each["start"] : each["end"]] == "in")["level"] == "direct"
    press(page, *["u"] * 12)
    assert [{**each, "level": "", "why": ""} for each in kept() if each["accepted"]] == [
        {**each, "level": "", "why": ""} for each in before
    ]
    press(page, *["r"] * 12)
    assert {"in", "Wexborough, night"} <= set(surfaces())


def test_a_direct_identifier_needs_a_reason(portal: Served, study: StudyPlace, browse: Browse, record: UUID) -> None:
    """A number gives it, Escape leaves it as it was; shrinking asks for what comes into the open."""
    page = take(browse, study)
    start(page)
    name = current(page)
    press(page, "x")
    expect(page.locator("#why")).to_be_visible()
    press(page, "Escape")
    assert current(page) == name
    press(page, "Shift+ArrowLeft")
    expect(page.locator("#why")).to_be_visible()
    press(page, "3")
    assert current(page) == name.split()[0]
    saved(page)
    first, second, rest = spans(portal, study, record)[:3]

    assert [first["accepted"], second["accepted"], rest["accepted"]] == [True, False, True]
    assert second["why"] == "A title or a role without a name"


def test_words_are_chosen_with_the_mouse(portal: Served, study: StudyPlace, browse: Browse, record: UUID) -> None:
    """A double click chooses a word, a button masks it."""
    page = take(browse, study)
    page.evaluate(
        """() => {
          const walker = document.createTreeWalker(document.querySelector(".source"), NodeFilter.SHOW_TEXT);
          for (let node = walker.nextNode(); node; node = walker.nextNode()) {
            const at = node.data.indexOf("deliveries");
            if (at < 0) continue;
            getSelection().setBaseAndExtent(node, at, node, at + "deliveries ".length);
            return;
          }
        }"""
    )
    expect(page.locator("#picked")).to_have_text("deliveries")
    page.locator("[data-add=DEM]").click()
    saved(page)
    text = source_text(portal, study, record)

    assert "deliveries" in [text[each["start"] : each["end"]] for each in spans(portal, study, record)]
    expect(page.locator("#picking")).to_be_hidden()


def test_words_are_masked_everywhere(portal: Served, study: StudyPlace, browse: Browse, record: UUID) -> None:
    """In every text of the record, and undone at once."""
    page = take(browse, study)
    page.get_by_label("Words to mask", exact=True).locator("visible=true").fill("my  Brother")
    page.get_by_role("button", name="Mask everywhere").click()
    saved(page)
    assert not any("my brother" in text["clean"] for text in draft(portal, study, record)["texts"].values())
    page.get_by_role("button", name="Undo").click()
    saved(page)
    assert any("my brother" in text["clean"] for text in draft(portal, study, record)["texts"].values())


def test_a_doubt_leads_to_its_place_in_the_source(study: StudyPlace, browse: Browse, record: UUID) -> None:
    """And a key masks it, which settles it."""
    del record
    page = take(browse, study)
    doubt = page.locator("#doubts button").first
    words, count = str(doubt.locator("bdi").text_content()), page.locator("#doubts button").count()
    doubt.click()
    expect(page.locator("#picked")).to_have_text(words)
    page.locator("[data-add=LOC]").click()
    expect(page.locator("#surface")).to_have_text(words)
    expect(page.locator("#doubts button")).to_have_count(count - 1)


def test_decisions_survive_a_reload(study: StudyPlace, browse: Browse, record: UUID) -> None:
    """Saved as one works, without a button."""
    del record
    page = take(browse, study)
    start(page)
    press(page, "ArrowRight", "ArrowRight", "x")
    page.locator("[data-rating][value=medium]").locator("visible=true").check()
    page.locator("#live-note").fill("The van.")
    saved(page)
    page.reload()

    expect(page.locator(".source mark").nth(2)).to_have_class(re.compile("kept"))
    expect(page.locator(".desk-app [data-rating][value=medium]")).to_be_checked()
    expect(page.locator("#live-note")).to_have_value("The van.")


def test_two_tabs_lose_nothing(portal: Served, study: StudyPlace, browse: Browse, record: UUID) -> None:
    """Who saves second is told, sees the own decisions still, and puts them on top of the others."""
    first = take(browse, study)
    second = browse("redactor", study, path=path_of(first))
    start(first)
    press(first, "ArrowRight", "ArrowRight", "x")
    saved(first)
    start(second)
    press(second, "End", "o")
    expect(second.locator("#conflict")).to_be_visible()
    expect(second.locator(".source mark").last).to_have_class(re.compile("kind-ORG"))
    second.get_by_role("button", name="Put my changes on top of it").click()
    saved(second)

    expect(second.locator(".source mark").nth(2)).to_have_class(re.compile("kept"))
    texts = draft(portal, study, record)["texts"]
    assert not texts[TEXT]["spans"][2]["accepted"]
    last = second.locator(".desk-text").filter(has=second.locator("mark")).last.get_attribute("data-text")
    assert texts[str(last)]["spans"][-1]["kind"] == "ORG"


def test_without_a_connection_nothing_is_lost(portal: Served, study: StudyPlace, browse: Browse, record: UUID) -> None:
    """The desk says so, keeps the decisions, and saves them once it can."""
    page = take(browse, study)
    start(page)
    page.context.set_offline(True)
    press(page, "ArrowRight", "ArrowRight", "x")
    expect(page.locator("[data-save=offline]")).to_be_visible()
    expect(page.locator(".source mark").nth(2)).to_have_class(re.compile("kept"))
    page.context.set_offline(False)
    saved(page)

    assert not spans(portal, study, record)[2]["accepted"]


def test_a_session_that_ended_loses_nothing(portal: Served, study: StudyPlace, browse: Browse, record: UUID) -> None:
    """Once signed in again in another tab, the desk goes on by itself."""
    page = take(browse, study)
    start(page)
    cookies = page.context.cookies()
    page.context.clear_cookies(name="__Host-session")
    press(page, "ArrowRight", "ArrowRight", "x")
    expect(page.locator("[data-save=signed-out]")).to_be_visible()
    page.context.add_cookies([each for each in cookies if each["name"] == "__Host-session"])  # type: ignore[misc]
    page.evaluate("dispatchEvent(new Event('focus'))")
    saved(page)

    assert not spans(portal, study, record)[2]["accepted"]


def test_an_arabic_record(
    portal: Served, study: StudyPlace, browse: Browse, check_page: Callable[[Page], None]
) -> None:
    """Arrows follow the writing, a new label keeps its direction, and the texts agree; in an Arabic interface too."""
    record = portal.drafted(study, body=portal.body(study, 2))
    page = take(browse, study, locale="ar")
    assert page.locator("html").get_attribute("dir") == "rtl"
    start(page)
    names = page.locator(".source [role=button]").all_inner_texts()
    press(page, "ArrowLeft")
    assert current(page) == names[1]
    press(page, "ArrowRight", "n", "Shift+ArrowLeft")
    picked = page.locator("#picked").inner_text()
    press(page, "o")
    saved(page)
    texts = draft(portal, study, record)["texts"]

    assert len(picked.split()) == 2
    assert shown_clean(page) == {name: text["clean"].replace("\n", "") for name, text in texts.items()}
    assert page.locator(".source").first.evaluate("side => getComputedStyle(side).direction") == "rtl"
    check_page(page)


def test_characters_beyond_the_first_plane(portal: Served, study: StudyPlace, browse: Browse) -> None:
    """Code points on the server, two units each in the script."""
    body = portal.body(study)
    body["answers"][TEXT] = {"value": "😀😀 My friend Farid Haddad came. 😀 Then they fell 🦊 😀 and zzyzx left."}
    record = portal.drafted(study, body=body)
    page = take(browse, study)
    page.get_by_label("Words to mask", exact=True).locator("visible=true").fill("zzyzx")
    page.get_by_role("button", name="Mask everywhere").click()
    saved(page)
    clean = draft(portal, study, record)["texts"][TEXT]["clean"]

    assert re.search(r"😀 Then they fell 🦊 😀 and \[PERSON-\d\d\] left\.$", clean)
    assert shown_clean(page)[TEXT] == clean


def test_script_and_server_find_the_same_words(study: StudyPlace, browse: Browse, record: UUID) -> None:
    """One rule in two languages."""
    del record
    page = take(browse, study)
    texts = [
        ("Farid told Farida and FARID's son, a-Farid", "farid"),
        ("Abu\n Yunus, abu yunus", "Abu Yunus"),
        ("قال فراس لأم سليم وفراس ذهب افتراس", "فراس"),
        ("خالدٌ وخالد ولخالد بخالدية", "خالد"),
        ("Kobani'ye KOBANI Kobanili", "Kobani"),
        ("a.b a+b (a+b) [x]", "a+b"),
        ("naïve cafe\u0301 café", "cafe"),
        ("Straße STRASSE strasse", "straße"),
        ("", "x"),
    ]
    found = page.evaluate(
        """async ([address, texts]) => {
          const { occurrences } = await import(address);
          return texts.map(([text, words]) => occurrences(text, words));
        }""",
        [asset("desk-text.js"), texts],
    )

    assert found == [[list(at) for at in occurrences(text, words)] for text, words in texts]


def test_what_is_decided_while_it_saves_is_saved_before_the_finish(
    study: StudyPlace, browse: Browse, record: UUID
) -> None:
    """One save after the other: a finish that is asked for meanwhile waits for both, and meets no conflict."""
    del record
    page = take(browse, study)
    desk = path_of(page)
    page.evaluate(
        """() => {
          const real = window.fetch;
          window.fetch = async (...asked) => {
            await new Promise(go => setTimeout(go, 1000));
            return real(...asked);
          };
        }"""
    )
    start(page)
    press(page, "ArrowRight", "l")
    expect(page.locator("#save")).to_have_attribute("data-now", "saving")
    page.get_by_label("High: somebody").locator("visible=true").check()
    submit(page, "Finish: to the approvers")

    assert page.url.endswith("/queue?notice=finished")
    page.goto(desk)
    assert json.loads(page.locator("#desk").get_attribute("data-state") or "")["rating"] == "high"


def test_the_desk_is_accessible(
    study: StudyPlace, browse: Browse, record: UUID, check_page: Callable[[Page], None]
) -> None:
    """As it opens, while it asks, with words chosen, and with the list of keys."""
    del record
    page = take(browse, study)
    check_page(page)
    start(page)
    press(page, "x")
    check_page(page)
    press(page, "Escape", "n")
    check_page(page)
    page.locator("[data-do=keys]").click()
    check_page(page)


def test_the_forms_without_scripts_are_accessible(
    study: StudyPlace, browse: Browse, record: UUID, check_page: Callable[[Page], None]
) -> None:
    """As whoever has no scripts sees them; the judge itself is a script."""
    del record
    page = take(browse, study)
    page.evaluate(
        """() => {
          for (const part of document.querySelectorAll("[data-without-script]")) part.hidden = false;
          for (const part of document.querySelectorAll("[data-with-script]")) part.hidden = true;
        }"""
    )
    check_page(page)


def test_on_a_phone(
    portal: Served, study: StudyPlace, browse: Browse, record: UUID, check_page: Callable[[Page], None]
) -> None:
    """A tap opens what there is to do, and the passage stays in sight."""
    page = take(browse, study, width=PHONE, dark=True)
    passage = page.locator(".source [role=button]").nth(7)
    passage.click()
    box, sheet = passage.bounding_box(), page.locator("#current").bounding_box()
    assert box is not None
    assert sheet is not None
    assert box["y"] + box["height"] <= sheet["y"]
    page.locator("[data-do=reject]").click()
    if page.locator("#why").is_visible():
        page.locator("[data-why]").first.click()
    saved(page)

    assert (
        len(
            [
                each
                for text in draft(portal, study, record)["texts"].values()
                for each in text["spans"]
                if not each["accepted"]
            ]
        )
        == 1
    )
    check_page(page)


def test_without_scripts(portal: Served, study: StudyPlace, browse: Browse, record: UUID) -> None:
    """The same verbs by forms: keep with a reason, words everywhere, the risk, finish."""
    page = take(browse, study, javascript=False)
    page.locator("fieldset.plain-span").first.get_by_label("Keep in the text").check()
    submit(page, "Save these decisions")
    expect(page.get_by_role("alert")).to_contain_text("without a reason")
    page.locator("fieldset.plain-span").first.get_by_role("combobox", name="Why it may stay").fill("a public figure")
    submit(page, "Save these decisions")
    page.get_by_label("Words to mask", exact=True).locator("visible=true").fill("my brother")
    submit(page, "Mask")
    page.get_by_label("High: somebody").locator("visible=true").check()
    submit(page, "Save")
    kept = draft(portal, study, record)
    submit(page, "Finish: to the approvers")

    assert page.url.endswith("/queue?notice=finished")
    assert kept["texts"][TEXT]["spans"][0]["why"] == "a public figure"
    assert not any("my brother" in text["clean"] for text in kept["texts"].values())
    assert json.dumps(kept).count("Sameer Rahmanov") == 1
