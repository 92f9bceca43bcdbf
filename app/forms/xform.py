"""A form as phones load it: bytes of an XForm with all languages of its instrument, and the mapping of its elements.

The same instrument, policy and options give the same bytes. Consent comes first: before it stands nothing is asked.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import fromstring

from app.errors import Flaw, Invalid
from app.forms.expressions import CONSENT, CONSENTED
from app.forms.mapping import FormMapping, Place
from app.forms.questions import Questions
from app.forms.rows import Sheet
from app.forms.texts import LANGUAGE_NAMES, text
from app.studies.fields import Field
from app.studies.instrument import Instrument
from app.studies.policy import StudyPolicy

__all__ = ["ATTACHMENTS", "BINARY", "Made", "Options", "from_instrument", "rendered"]

# Questions of these types hold a file, and their elements its name.
BINARY: Final = frozenset({"audio", "image", "video", "file"})
ATTACHMENTS: Final = ("audio", "image", "file")
PROMPT: Final = "testimony-prompt"
FORM_ID: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}", re.ASCII)
VERSION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
MAX_TITLE: Final = 120
ROW: Final = re.compile(r"\[row : (\d+)\]")
XFORMS: Final = "{http://www.w3.org/2002/xforms}"
HEADING: Final = b'<?xml version="1.0" encoding="utf-8"?>\n'


@dataclass(frozen=True, slots=True)
class Options:
    """What a form is called on phones, the key it is sealed to, and the kinds of files that it asks for."""

    form_id: str
    version: str
    title: str
    public_key: bytes | None = None
    attachments: tuple[str, ...] = ()

    def settings(self) -> dict[str, Any]:
        """As pyxform takes them.

        Raises:
            Invalid: every flaw; pointers are names of options.
        """
        flaws = []
        if FORM_ID.fullmatch(self.form_id) is None:
            flaws.append(Flaw("/form_id", "Give up to 64 letters a-z, digits, dots, dashes and underscores."))
        if VERSION.fullmatch(self.version) is None:
            flaws.append(Flaw("/version", "Give up to 64 letters a-z, digits, dots, dashes and underscores."))
        if not 0 < len(self.title.strip()) <= MAX_TITLE or not self.title.isprintable() or "${" in self.title:
            flaws.append(Flaw("/title", f"Give a line of 1 to {MAX_TITLE} characters."))
        if not set(self.attachments) <= set(ATTACHMENTS):
            flaws.append(Flaw("/attachments", f"Give some of: {', '.join(ATTACHMENTS)}."))
        if flaws:
            raise Invalid(flaws)
        found = {"form_id": self.form_id, "form_title": self.title.strip(), "version": self.version}
        key = {"public_key": base64.b64encode(self.public_key).decode("ascii")} if self.public_key else {}
        return found | {"default_language": LANGUAGE_NAMES["en"]} | key


@dataclass(frozen=True, slots=True)
class Made:
    """The bytes that phones load, and how their submissions are read."""

    xml: bytes
    mapping: FormMapping


def from_instrument(instrument: Instrument, policy: StudyPolicy, options: Options) -> Made:
    """Make the form of an instrument, as a study with this policy asks it.

    Raises:
        Invalid: an option is out of form.
    """
    settings = options.settings()
    sheet = Sheet()
    questions = Questions(sheet, instrument, policy)
    _consent(sheet, questions, instrument)
    sheet.add("note", PROMPT, instrument.prompt, relevant=CONSENTED)
    for section in instrument.sections:
        rest = [field for field in section.fields if field.name not in CONSENT and questions.asks(field)]
        if rest:
            _section(sheet, questions, section.id, dict(section.title), rest)
    if options.attachments:
        _attachments(sheet, options.attachments)
    return rendered(sheet.workbook(settings), questions.places)


def _consent(sheet: Sheet, questions: Questions, instrument: Instrument) -> None:
    title = next(each.title for each in instrument.sections if any(one.name == "consent_given" for one in each.fields))
    sheet.add("begin_group", "section-consent", title)
    for name in CONSENT:
        questions.add(instrument.fields[name])
    sheet.end("group")


def _section(sheet: Sheet, questions: Questions, letter: str, title: dict[str, str], fields: list[Field]) -> None:
    sheet.add("begin_group", f"section-{letter}", title, relevant=CONSENTED)
    for field in fields:
        questions.add(field)
    sheet.end("group")


def _attachments(sheet: Sheet, kinds: tuple[str, ...]) -> None:
    sheet.add("begin_group", "section-attachments", text("attachments"), relevant=CONSENTED)
    sheet.add("begin_repeat", "attachment-each", text("attachments"))
    for kind in sorted(kinds, key=ATTACHMENTS.index):
        sheet.add(kind, f"attachment-{kind}", text(kind))
    sheet.end("repeat")
    sheet.end("group")


def rendered(workbook: dict[str, list[dict[str, Any]]], places: Mapping[str, Place]) -> Made:
    """Let pyxform make the XForm, and find where its elements stand.

    Raises:
        Invalid: pyxform cannot make a form of it; the pointer names the row of the survey, from 2, if it is known.
    """
    # It reads spreadsheets too, and takes a third of the time that every process needs to start.
    from pyxform.errors import PyXFormError  # noqa: PLC0415
    from pyxform.xls2xform import convert  # noqa: PLC0415

    try:
        made = convert(workbook, validate=False, form_name="data").xform
        tree = fromstring(made, forbid_dtd=True)
    except PyXFormError as refused:
        row = ROW.search(str(refused))
        raise Invalid([Flaw(f"/survey/{row[1]}" if row else "/survey", "No form can be made of this.")]) from None
    paths = _paths(tree)
    binary = tuple(paths[row["name"]] for row in workbook["survey"] if row["type"].split()[0] in BINARY)
    mapped = {name: _located(place, paths) for name, place in places.items()}
    used = {path for place in mapped.values() for path in _used(place)} | set(binary)
    body = made.partition("?>")[2].lstrip() if made.startswith("<?xml") else made
    ignored = frozenset(path for path in paths.values() if path not in used)
    return Made(HEADING + body.encode(), FormMapping(mapped, binary, ignored))


def _paths(tree: Element) -> dict[str, str]:
    """The path of every element of the primary instance by its name; what repeats stands there once."""
    model = tree.find(f".//{XFORMS}model")
    instance = None if model is None else model.find(f"{XFORMS}instance")
    if instance is None or len(instance) != 1:
        raise Invalid([Flaw("/survey", "No form can be made of this.")])
    return dict(_walk(instance[0], ""))


def _walk(parent: Element, prefix: str) -> Iterator[tuple[str, str]]:
    for child in parent:
        name = child.tag.rpartition("}")[2]
        if not prefix and name == "meta":
            continue
        yield name, prefix + name
        yield from _walk(child, f"{prefix}{name}/")


def _located(place: Place, paths: Mapping[str, str]) -> Place:
    """The same place with paths for names; members stay below their group."""
    group = paths[place.group] if place.group else ""
    return replace(
        place,
        at=paths[place.at] if place.at else "",
        why=paths[place.why] if place.why else "",
        half=paths[place.half] if place.half else "",
        group=group,
        members={name: paths[each].removeprefix(f"{group}/") for name, each in place.members.items()},
    )


def _used(place: Place) -> Iterator[str]:
    yield from (path for path in (place.at, place.why, place.half, place.group) if path)
    yield from (f"{place.group}/{path}" for path in place.members.values())
