"""Uploaded XLSForms: an ordinary instrument out of a sheet, or every flaw at its row and column."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from defusedxml.ElementTree import fromstring

from app.errors import Invalid
from app.forms.layout import from_xlsform
from app.forms.reading import read_answers
from app.forms.workbook import MOST_BYTES, MOST_INFLATED, MOST_MARKS
from app.forms.xform import Made, Options
from app.forms.xlsform import XlsForm, read_xlsform
from app.studies.answers import validate
from app.studies.fields import LANGUAGES
from app.studies.policy import StudyPolicy
from tests.filling import filled
from tests.unit.forms.sheets import Sheets, choice, question, smallest, spoken, workbook

POLICY = StudyPolicy(collects_identities=True)
ANSWERS: dict[str, Any] = {
    "source_type": {"value": "first_hand_interview"},
    "consent_given": {"value": True},
    "consent_mode": {"value": "verbal_witnessed"},
    "consent_scopes": {"value": ["team_analysis"]},
    "consent_comprehension": {"value": "teach_back_passed"},
    "confidentiality_limits_explained": {"value": True},
    "withdrawal_preference": {"value": "erase_all"},
    "age_status": {"value": "adult"},
    "threat_disclosed": {"value": "none"},
    "third_parties_named": {"value": False},
    "account": {"value": "We left at night.\nNobody saw us."},
    "joined": {"value": "2014-H1"},
    "motive": {"status": "declined"},
    "relatives": {"value": [{"relative_name": "Amal"}, {"relative_name": "Sami"}]},
}


@pytest.fixture(scope="module")
def form() -> XlsForm:
    """The smallest form, read."""
    return read_xlsform(workbook(smallest()))


@pytest.fixture(scope="module")
def made(form: XlsForm) -> Made:
    """The same as phones load it."""
    return from_xlsform(form, POLICY, Options(form.form_id, "1", form.title))


def flaws(raw: bytes) -> set[str]:
    """Where a workbook is refused."""
    with pytest.raises(Invalid) as refused:
        read_xlsform(raw)
    return {flaw.pointer for flaw in refused.value.flaws}


def row_of(sheets: Sheets, name: str) -> int:
    """The number of a question's row in its sheet."""
    return next(number for number, row in enumerate(sheets["survey"], 2) if row.get("name") == name)


def test_fields_come_with_class_compartment_and_rule(form: XlsForm) -> None:
    """A question becomes a field as its columns say, and conditions, choices and members with it."""
    fields = form.instrument.fields
    assert (fields["account"].type, fields["account"].class_, fields["account"].rule) == ("text", "narrative", "redact")
    assert (fields["legal_name"].compartment, fields["legal_name"].roster) == ("identity", "persons")
    assert fields["motive"].release["map"] == {"money": "gain", "faith": "belief"}
    assert fields["motive"].condition[0].names == {"public_account"}
    assert [member.name for member in fields["relatives"].members] == ["relative_name"]
    assert fields["consent_given"].must_be
    assert form.left_out == ("deviceid",)


def test_a_submission_to_it_is_read_and_passes(form: XlsForm, made: Made) -> None:
    """What is filled in comes back exactly, and is valid for the instrument."""
    found = read_answers(form.instrument, made.mapping, filled(made.xml, made.mapping, ANSWERS))
    assert found == ANSWERS
    assert validate(form.instrument, found, policy=POLICY).values["motive"] == {"status": "declined"}


def test_the_authors_layout_stays(made: Made) -> None:
    """Notes, appearances, constraints and recordings stand where their author put them."""
    text = made.xml.decode()
    assert "/data/story/please" in text
    assert 'appearance="multiline"' in text
    assert made.mapping.binary == ("story/voice",)
    model = fromstring(made.xml)
    year = model.find(".//{*}bind[@nodeset='/data/story/birth_year']")
    assert year is not None
    assert year.attrib["constraint"] == "(. >= 1900 and . <= 2099) and (. < 2020)"


def test_the_phones_identity_is_not_asked(made: Made) -> None:
    """A row that would note the device is left out of what phones load."""
    assert b"deviceid" not in made.xml


def _without(row: dict[str, Any], *columns: str) -> None:
    for column in [each for each in row if each in columns or each.partition("::")[0] in columns]:
        del row[column]


Change = Callable[[Sheets], str]


def _no_class(sheets: Sheets) -> str:
    sheets["survey"][row_of(sheets, "account") - 2].pop("testimony::class")
    return f"/survey/{row_of(sheets, 'account')}/testimony::class"


def _no_arabic(sheets: Sheets) -> str:
    sheets["survey"][row_of(sheets, "account") - 2].pop("label::العربية (ar)")
    return f"/survey/{row_of(sheets, 'account')}/label::ar"


def _direct_in_research(sheets: Sheets) -> str:
    sheets["survey"][row_of(sheets, "legal_name") - 2]["testimony::compartment"] = "research"
    return f"/survey/{row_of(sheets, 'legal_name')}/name"


def _released_raw(sheets: Sheets) -> str:
    sheets["survey"][row_of(sheets, "account") - 2]["testimony::release"] = "as_is"
    return f"/survey/{row_of(sheets, 'account')}/testimony::release"


def _consent_late(sheets: Sheets) -> str:
    sheets["survey"].insert(1, question("text", "early", "narrative", "research", "redact"))
    return "/survey/3/name"


def _no_core(sheets: Sheets) -> str:
    del sheets["survey"][row_of(sheets, "threat_disclosed") - 2]
    return "/survey"


def _odd_condition(sheets: Sheets) -> str:
    sheets["survey"][row_of(sheets, "motive") - 2]["relevant"] = "${birth_year} > 1990"
    return f"/survey/{row_of(sheets, 'motive')}/relevant"


def _position(sheets: Sheets) -> str:
    sheets["survey"].insert(-1, question("geopoint", "place", "quasi", "research", "drop"))
    return f"/survey/{row_of(sheets, 'place')}/type"


def _look_up(sheets: Sheets) -> str:
    sheets["survey"].insert(-1, {"type": "calculate", "name": "found", "calculation": "pulldata('a', 'b', 'c', 'd')"})
    return f"/survey/{row_of(sheets, 'found')}/calculation"


def _other_app(sheets: Sheets) -> str:
    sheets["survey"][row_of(sheets, "account") - 2]["appearance"] = "ex:org.evil.app()"
    return f"/survey/{row_of(sheets, 'account')}/appearance"


def _elsewhere(sheets: Sheets) -> str:
    sheets["settings"][0]["submission_url"] = "https://evil.example"
    return "/settings/1/submission_url"


def _own_key(sheets: Sheets) -> str:
    sheets["settings"][0]["public_key"] = "MIIB"
    return "/settings/1/public_key"


def _media(sheets: Sheets) -> str:
    sheets["survey"][2]["media::image"] = "https://evil.example/pixel.png"
    return "/survey/1/media::image"


def _other_choices(sheets: Sheets) -> str:
    sheets["choices"].append(choice("age_status", "child"))
    return f"/survey/{row_of(sheets, 'age_status')}/type"


def _no_list(sheets: Sheets) -> str:
    sheets["survey"][row_of(sheets, "motive") - 2]["type"] = "select_one nowhere"
    return f"/survey/{row_of(sheets, 'motive')}/type"


def _from_file(sheets: Sheets) -> str:
    sheets["survey"][row_of(sheets, "motive") - 2]["type"] = "select_one_from_file people.csv"
    return f"/survey/{row_of(sheets, 'motive')}/type"


def _twice(sheets: Sheets) -> str:
    sheets["survey"].insert(-1, question("text", "account", "narrative", "research", "redact"))
    return f"/survey/{len(sheets['survey'])}/name"


def _unfinished(sheets: Sheets) -> str:
    sheets["survey"].pop()
    return "/survey"


def _no_title(sheets: Sheets) -> str:
    sheets["settings"][0].pop("testimony::title::Türkçe (tr)")
    return "/settings/2/testimony::title::tr"


def _bad_rule(sheets: Sheets) -> str:
    sheets["survey"][row_of(sheets, "motive") - 2]["testimony::release"] = '{"rule": '
    return f"/survey/{row_of(sheets, 'motive')}/testimony::release"


def _wide_repeat(sheets: Sheets) -> str:
    sheets["survey"].insert(0, {"type": "begin_repeat", "name": "again"} | spoken("label", "Again"))
    return "/survey/2/type"


@pytest.mark.parametrize(
    "change",
    [
        _no_class, _no_arabic, _direct_in_research, _released_raw, _consent_late, _no_core, _odd_condition, _position,
        _look_up, _other_app, _elsewhere, _own_key, _media, _other_choices, _no_list, _from_file, _twice, _unfinished,
        _no_title, _bad_rule, _wide_repeat,
    ],
)  # fmt: skip
def test_flaws_are_told_where_they_stand(change: Change) -> None:
    """What is missing, unsafe or would leave the phone is refused, with sheet, row and column."""
    sheets = smallest()
    pointer = change(sheets)
    assert pointer in flaws(workbook(sheets))


def test_every_flaw_at_once() -> None:
    """An author learns of everything wrong in one go."""
    sheets = smallest()
    wanted = {change(sheets) for change in (_no_class, _no_arabic, _look_up, _elsewhere)}
    assert wanted <= flaws(workbook(sheets))


def test_no_flaw_repeats_what_a_cell_holds() -> None:
    """Texts of a refusal are fixed."""
    sheets = smallest()
    sheets["survey"][3]["type"] = "canary-7F3K"
    sheets["survey"][4]["testimony::class"] = "canary-7F3K"
    with pytest.raises(Invalid) as refused:
        read_xlsform(workbook(sheets))
    assert "canary" not in str(refused.value.flaws)


def test_a_wrong_reference_is_told_at_its_row() -> None:
    """What pyxform cannot make a form of is refused at the author's row, not at one of ours."""
    sheets = smallest()
    row = row_of(sheets, "birth_year")
    sheets["survey"][row - 2]["constraint"] = ". < ${nowhere}"
    form = read_xlsform(workbook(sheets))
    with pytest.raises(Invalid) as refused:
        from_xlsform(form, POLICY, Options(form.form_id, "1", form.title))
    assert [flaw.pointer for flaw in refused.value.flaws] in ([f"/survey/{row}"], ["/survey"])


def changed(name: str, content: bytes) -> bytes:
    """A workbook with one part added or in the place of another."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook(smallest()))) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for each in old.namelist():
            if each != name:
                new.writestr(each, old.read(each))
        new.writestr(name, content)
    return out.getvalue()


BOMB = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>'
LINKED = (
    b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r" '
    b'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/image" '
    b'Target="https://evil.example/a.png" TargetMode="External"/></Relationships>'
)
FORMULA = (
    b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">'
    b'<c r="A1" t="inlineStr"><is><t>type</t></is></c></row><row r="2"><c r="A2"><f>WEBSERVICE("https://evil")</f>'
    b"<v>1</v></c></row></sheetData></worksheet>"
)


def numbered(index: str) -> bytes:
    """A sheet with one cell that names a shared text."""
    sheet = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">'
    return f'{sheet}<c r="A1" t="s"><v>{index}</v></c></row></sheetData></worksheet>'.encode()


@pytest.mark.parametrize(
    ("raw", "pointer"),
    [
        pytest.param(b"", "", id="empty"),
        pytest.param(b"PK\x03\x04 and no more", "", id="cut"),
        pytest.param(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "", id="old-format"),
        pytest.param(bytes(MOST_BYTES + 1), "", id="large"),
        pytest.param(changed("xl/worksheets/sheet1.xml", b" " * (MOST_INFLATED + 1)), "", id="zip-bomb"),
        pytest.param(changed("xl/worksheets/sheet1.xml", BOMB), "", id="entities"),
        pytest.param(changed("xl/worksheets/sheet1.xml", b"<w>" + b"<c/>" * MOST_MARKS), "", id="elements"),
        pytest.param(changed("xl/worksheets/sheet1.xml", numbered("²")), "/survey", id="digit-that-is-no-number"),
        pytest.param(changed("xl/worksheets/sheet1.xml", numbered("9" * 5000)), "/survey", id="endless-number"),
        pytest.param(changed("xl/vbaProject.bin", b"x"), "", id="macro"),
        pytest.param(changed("xl/externalLinks/externalLink1.xml", b"<a/>"), "", id="external-link"),
        pytest.param(changed("xl/worksheets/_rels/sheet1.xml.rels", LINKED), "", id="picture-elsewhere"),
        pytest.param(changed("xl/worksheets/sheet1.xml", FORMULA), "/survey/2/type", id="formula"),
    ],
)
def test_hostile_workbooks(raw: bytes, pointer: str) -> None:
    """Bombs, entities, macros, links and formulas are refused before anything of them is used."""
    assert pointer in flaws(raw)


def test_languages_are_the_projects() -> None:
    """A text in a sixth language would be shown to nobody: its column is refused."""
    sheets = smallest()
    sheets["survey"][1]["label::Español (es)"] = "Hola"
    assert "es" not in LANGUAGES
    assert "/survey/1/label::Español (es)" in flaws(workbook(sheets))
