"""A form's XML: what it says of itself, and what is refused before anything looks into it."""

from __future__ import annotations

from uuid import UUID, uuid5

import pytest

from app.errors import BodyTooLarge, Malformed
from app.intake.openrosa.document import DEEPEST, LARGEST, MOST_ELEMENTS, client_uuid, read

ORX = 'xmlns:orx="http://openrosa.org/xforms"'


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(
            f'<data id="f" version="1" {ORX}><orx:meta><orx:instanceID>uuid:1</orx:instanceID></orx:meta></data>',
            id="prefix",
        ),
        pytest.param('<data id="f" version="1"><meta><instanceID>uuid:1</instanceID></meta></data>', id="none"),
        pytest.param('<x:f xmlns:x="urn:x" id="f" version="1" instanceID="uuid:1"/>', id="attribute"),
        pytest.param('<data id=" f " version="1"><meta><instanceID>\n uuid:1 </instanceID></meta></data>', id="blanks"),
        pytest.param(
            '<?xml version="1.0" encoding="utf-8"?><!-- c --><data id="f" version="1">'
            "<meta><instanceID>uuid:1</instanceID></meta></data>",
            id="declaration",
        ),
    ],
)
def test_what_it_says_of_itself(raw: str) -> None:
    """Form, version and instance, in every spelling of the clients."""
    read_ = read(raw.encode())

    assert (read_.form, read_.version, read_.instance, read_.deprecated) == ("f", "1", "uuid:1", None)
    assert read_.encrypted is False


@pytest.mark.parametrize(
    "root",
    [
        '<data id="f" encrypted="yes"/>',
        '<data xmlns="http://www.opendatakit.org/xforms/encrypted" id="f"/>',
        '<data id="f"><base64EncryptedKey>x</base64EncryptedKey></data>',
    ],
    ids=["attribute", "namespace", "key"],
)
def test_what_says_that_it_is_encrypted(root: str) -> None:
    """One sign is enough: what claims it must be it."""
    assert read(root.encode()).encrypted is True


def test_the_same_in_other_words() -> None:
    """Quotes, order of attributes, declarations, comments and empty elements make no other form."""
    one = b"<?xml version='1.0'?><data id='f' version='1'><a></a><!-- x --></data>"
    two = b'<data version="1" id="f"><a/></data>'

    assert read(one).canonical == read(two).canonical
    assert read(one).canonical != read(two.replace(b"<a/>", b"<a>1</a>")).canonical


LAUGHS = b"<!DOCTYPE d [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>]><data id='f'>&b;</data>"
MANY_SPACES = b" ".join(b"xmlns:a%d='u%d'" % (n, n) for n in range(100))
MANY_ATTRIBUTES = b" ".join(b"a%d='1'" % n for n in range(100))


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{}", id="JSON"),
        pytest.param(b"<data id='f'>", id="cut"),
        pytest.param(LAUGHS, id="entities"),
        pytest.param(b"<!DOCTYPE data SYSTEM 'file:///etc/passwd'><data id='f'/>", id="DTD"),
        pytest.param(b"<data id='f'>&x;</data>", id="unknown entity"),
        pytest.param(b"<data/>", id="no form"),
        pytest.param(b"<data id=' '/>", id="blank form"),
        pytest.param(b"<data id='a b'/>", id="blank within"),
        pytest.param(b"<data id='" + b"x" * 201 + b"'/>", id="long form"),
        pytest.param(b"<data id='f'>" + b"<a>" * DEEPEST + b"</a>" * DEEPEST + b"</data>", id="deep"),
        pytest.param(b"<data id='f'>" + b"<a/>" * MOST_ELEMENTS + b"</data>", id="many elements"),
        pytest.param(b"<data id='f' " + MANY_SPACES + b"/>", id="many namespaces"),
        pytest.param(b"<data id='f' " + MANY_ATTRIBUTES + b"/>", id="many attributes"),
        pytest.param(b"<data id='f'><o:meta/></data>", id="unknown prefix"),
        pytest.param(b"<?xml version='1.0' encoding='klingon'?><data id='f'/>", id="unknown encoding"),
        pytest.param(b"<data id='f'>\xff</data>", id="no UTF-8"),
        pytest.param(b"<data id='f'>\0</data>", id="NUL"),
        pytest.param(b"<data id='f'/><data id='f'/>", id="two roots"),
        pytest.param(b" <?xml version='1.0'?><data id='f'/>", id="late declaration"),
    ],
)
def test_what_is_refused(raw: bytes) -> None:
    """Anything but bounded XML that says which form it is of."""
    with pytest.raises(Malformed):
        read(raw)


def test_what_is_too_large() -> None:
    """An interview is smaller."""
    with pytest.raises(BodyTooLarge):
        read(b"<data id='f'>" + b"x" * LARGEST)


def test_the_id_of_a_submission() -> None:
    """It is made of study, form and instance as the protocol says."""
    study = UUID(int=7)

    assert client_uuid(study, "f", "uuid:1") == uuid5(study, "f\nuuid:1")
