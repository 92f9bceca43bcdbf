"""Forms of pages are read strictly, and never shown."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Malformed, WrongMediaType
from app.web.portal.forms import MOST_FIELDS, Form

HEADERS = {"content-type": "application/x-www-form-urlencoded; charset=UTF-8"}
# What a browser can send: no NUL, no lone surrogate, line ends as CR LF.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=20)


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=10))
def test_reads_what_a_browser_sends(fields: list[tuple[str, str]]) -> None:
    """Every field comes back, in order."""
    form = Form.read(HEADERS, urlencode(fields).encode())
    assert list(form.fields) == fields
    assert all(form.all(name) == [value for key, value in fields if key == name] for name, _ in fields)


@pytest.mark.parametrize(
    "raw",
    [b"a=%00", b"a%00=1", b"a=%ff", b"a=\xc3\xa4", b"&".join([b"a=1"] * (MOST_FIELDS + 1))],
    ids=["nul", "nul in a name", "not utf-8", "not ascii", "too many"],
)
def test_refuses_what_no_browser_sends(raw: bytes) -> None:
    """NUL, broken UTF-8 and endless fields are malformed."""
    with pytest.raises(Malformed):
        Form.read(HEADERS, raw)


def test_refuses_other_media_types() -> None:
    """JSON is no form."""
    with pytest.raises(WrongMediaType):
        Form.read({"content-type": "application/json"}, b"{}")


def test_files_stay_in_memory_beside_the_fields() -> None:
    """A form with a file: fields as ever, the file's bytes under its field's name."""
    raw = (
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xc3\xa4\r\n'
        b'--x\r\nContent-Disposition: form-data; name="f"; filename="f.bin"\r\n\r\n\x00\xff\r\n--x--\r\n'
    )
    form = Form.read({"content-type": "multipart/form-data; boundary=x"}, raw)
    assert form.fields == (("a", "ä"),)
    assert form.files == {"f": b"\x00\xff"}


@pytest.mark.parametrize("text", [b"\x00", b"\xff"], ids=["nul", "not utf-8"])
def test_fields_beside_files_are_as_strict(text: bytes) -> None:
    """NUL and broken UTF-8 are malformed there too."""
    raw = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + text + b"\r\n--x--\r\n"
    with pytest.raises(Malformed):
        Form.read({"content-type": "multipart/form-data; boundary=x"}, raw)


def test_absent_field_is_empty() -> None:
    """As a browser sends an empty field."""
    form = Form.read(HEADERS, b"a=1")
    assert (form.text("b"), form.line("b"), form.all("b"), "b" in form) == ("", "", [], False)


def test_a_line_has_no_line_ends() -> None:
    """Pasted names come with blanks and line ends."""
    assert Form.read(HEADERS, b"name=+Ann%0D%0A+Lee+").line("name") == "Ann Lee"


def test_never_shows_what_it_holds() -> None:
    """A form may hold a password."""
    assert "secret" not in repr(Form([("password", "secret")]))
