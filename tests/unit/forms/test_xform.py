"""XForms made of instruments: what phones are shown, and that JavaRosa, the engine of Collect and Tella, takes them."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import pyxform.validators.odk_validate as odk
from defusedxml.ElementTree import fromstring

from app.crypto.form_keys import new_form_key
from app.errors import Invalid
from app.forms.expressions import CONSENT
from app.forms.layout import from_xlsform
from app.forms.texts import LANGUAGE_NAMES
from app.forms.xform import Made, Options, from_instrument
from app.forms.xlsform import read_xlsform
from app.studies.instrument import bundled
from app.studies.policy import StudyPolicy
from tests.deploy.files import program
from tests.unit.forms.sheets import smallest, workbook

X = "{http://www.w3.org/2002/xforms}"
FULL = StudyPolicy(collects_identities=True, extensions=frozenset("CDEFGH"))
ALL = Options("interview", "2026112201", "Interview", attachments=("audio", "image", "file"))
JAR = Path(odk.__file__).parent / "bin" / "ODK_Validate.jar"
AGAIN = """
import hashlib
from tests.unit.forms.test_xform import form
print(hashlib.sha256(form().xml).hexdigest())
"""


@cache
def form() -> Made:
    """The shipped questionnaire with everything that a study can ask."""
    return from_instrument(bundled(), FULL, ALL)


@cache
def tree() -> ET.Element:
    """The same as a tree."""
    made: ET.Element = fromstring(form().xml)
    return made


def bind(path: str) -> dict[str, str]:
    """What a form says of the element at a path."""
    found = tree().find(f".//{X}bind[@nodeset='/data/{path}']")
    assert found is not None, path
    return found.attrib


@pytest.mark.slow
def test_javarosa_takes_both_kinds(tmp_path: Path) -> None:
    """A form of an instrument and one of an uploaded XLSForm are valid to the engine that phones run."""
    java = program("java")
    sheet = read_xlsform(workbook(smallest()))
    uploaded = from_xlsform(sheet, FULL, Options(sheet.form_id, "1", sheet.title, new_form_key()[1]))
    for name, made in (("made.xml", form()), ("uploaded.xml", uploaded)):
        (tmp_path / name).write_bytes(made.xml)
    names = [str(tmp_path / name) for name in ("made.xml", "uploaded.xml")]
    told = subprocess.run(
        [java, "-Xmx256m", "-Djava.awt.headless=true", "-jar", str(JAR), *names],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr


def test_the_same_bytes_again() -> None:
    """Another process with other hashes makes the same bytes: phones compare their MD5."""
    told = subprocess.run(
        [sys.executable, "-c", AGAIN],
        env={"PYTHONHASHSEED": "7", "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == hashlib.sha256(form().xml).hexdigest()


def test_every_text_in_every_language() -> None:
    """Each of the five languages has the same texts; none is empty."""
    spoken = {
        each.attrib["lang"]: {text.attrib["id"]: "".join(text.itertext()).strip() for text in each}
        for each in tree().iter(f"{X}translation")
    }
    assert set(spoken) == set(LANGUAGE_NAMES.values())
    assert len({frozenset(texts) for texts in spoken.values()}) == 1
    assert all(text for texts in spoken.values() for text in texts.values())


def test_consent_comes_first_and_blocks() -> None:
    """The first questions are those of consent, and everything after them is asked only once it stands."""
    paths = [each.attrib["ref"] for each in tree().iter() if each.tag in {f"{X}input", f"{X}select1", f"{X}select"}]
    first = [path.rpartition("/")[2] for path in paths[: len(CONSENT)]]
    assert tuple(first) == CONSENT
    for section in ("section-A", "section-G", "section-attachments"):
        assert "/data/section-consent/consent_given  = 'true'" in bind(section)["relevant"]
    assert bind("section-consent/consent_given")["constraint"] == ". = 'true'"
    assert bind("section-consent/consent_comprehension")["constraint"] == ". != 'not_done'"


def test_a_needed_answer_or_its_reason() -> None:
    """A question that may be declined is not forced; the question why there is no answer is, with the sentinels."""
    asked, why = bind("section-D/gender"), bind("section-D/gender-why")
    assert "required" not in asked
    assert why["required"] == "true()"
    assert why["relevant"].strip() == "/data/section-D/gender  = ''"
    offered = tree().find(f".//{X}instance[@id='list-why']")
    assert offered is not None
    assert [each.text for each in offered.iter(f"{X}name")] == ["declined", "not_asked", "unknown"]


def test_conditions_and_types() -> None:
    """A condition of the instrument is the form's; days, years and files have their types and limits."""
    assert "!= ''" in bind("section-A/interpreter_ref")["relevant"]
    assert bind("section-A/interview_date")["type"] == "date"
    assert bind("section-D/birth_year") | {"type": "int"} == bind("section-D/birth_year")
    assert bind("section-A/interview_language")["constraint"].startswith("regex(., '^[a-z]{2,3}")
    assert bind("section-attachments/attachment-each/attachment-audio")["type"] == "binary"


def test_nothing_is_fetched_and_nothing_noted() -> None:
    """No form loads media or other files, asks for the phone's identity, or sends itself elsewhere."""
    text = form().xml.decode()
    assert "jr://" not in text
    assert set(re.findall(r'jr:preload(?:Params)?="([^"]*)"', text)) == {"uid"}
    assert "action=" not in text
    for word in ("deviceid", "phonenumber", "username", "geopoint", 'jr:preload="timestamp"'):
        assert word not in text


def test_a_study_sees_only_what_its_policy_asks() -> None:
    """Without identities no name is asked, and minors are no choice where the study takes none."""
    bare = from_instrument(bundled(), StudyPolicy(), ALL)
    assert "legal_name" not in bare.mapping.fields
    assert b"minor_with_safeguards" not in bare.xml
    assert "legal_name" in form().mapping.fields


def test_the_key_stands_in_the_form() -> None:
    """An encrypted form names the public key on one line, in base64, and no address to send to."""
    public = new_form_key()[1]
    made = from_instrument(bundled(), StudyPolicy(), Options("interview", "1", "Interview", public))
    submission = fromstring(made.xml).find(f".//{X}submission")
    assert submission is not None
    assert dict(submission.attrib) == {"base64RsaPublicKey": base64.b64encode(public).decode()}


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        (Options("9form", "1", "T"), "/form_id"),
        (Options("a/b", "1", "T"), "/form_id"),
        (Options("form", "", "T"), "/version"),
        (Options("form", "1", " "), "/title"),
        (Options("form", "1", "${legal_name}"), "/title"),
        (Options("form", "1", "T", attachments=("film",)), "/attachments"),
    ],
)
def test_options_out_of_form(options: Options, pointer: str) -> None:
    """A name, version or title that would break the form is refused."""
    with pytest.raises(Invalid) as refused:
        from_instrument(bundled(), StudyPolicy(), options)
    assert [flaw.pointer for flaw in refused.value.flaws] == [pointer]
