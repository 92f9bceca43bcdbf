"""Office files, by Debian's mat2: no author, history, comments, thumbnails; pictures inside without their metadata.

Runs only where nothing but a private folder in memory can be written and nothing of the service can be read: see
``sandbox``. Unlike an image or a PDF a clean copy keeps its text as text: somebody must read it.
"""

from __future__ import annotations

import io
import re
import subprocess
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from app.cleaning.base import BROKEN, DOCUMENT, TOO_LARGE, UNKNOWN, Cleaned, Refused

__all__ = ["clean", "left_over"]

OPEN_XML = "application/vnd.openxmlformats-officedocument."
OPEN_DOCUMENT = "application/vnd.oasis.opendocument."
# What a member of the archive, or its own statement, tells about the whole.
BY_MEMBER = {
    "word/document.xml": (OPEN_XML + "wordprocessingml.document", "docx"),
    "xl/workbook.xml": (OPEN_XML + "spreadsheetml.sheet", "xlsx"),
    "ppt/presentation.xml": (OPEN_XML + "presentationml.presentation", "pptx"),
}
BY_STATEMENT = {
    OPEN_DOCUMENT + "text": "odt",
    OPEN_DOCUMENT + "spreadsheet": "ods",
    OPEN_DOCUMENT + "presentation": "odp",
}
STATEMENT = "mimetype"
# Members that must be gone, and those that may stay without any text in them.
MUST_GO = (
    *("customXml/", "docProps/custom", "docProps/thumbnail", "Thumbnails/", "word/comments", "word/people", "vba"),
    *("/embeddings/", "/activeX/", "externalLinks/"),
)
# A link waits until it is clicked; anything else that lies elsewhere is fetched when somebody opens the file.
LINKS = frozenset({"a", "hyperlink"})
# What a reader does not see, by element and attribute, and which values of it say so.
NO, YES = frozenset({"0", "false"}), frozenset({"1", "true"})
HIDING = {
    "sheet": ("state", frozenset({"hidden", "veryHidden"})),
    "row": ("hidden", YES),
    "col": ("hidden", YES),
    "sld": ("show", NO),
    "hidden-text": ("", frozenset({""})),
    "hidden-paragraph": ("", frozenset({""})),
}
MUST_BE_EMPTY = frozenset({"docProps/core.xml", "docProps/app.xml", "meta.xml"})
TEXT = re.compile(rb">\s*[^<\s]")
MOST_BYTES = 64 << 20
# Beside the document before and after, all of it lies in the folder in memory while mat2 works.
MOST_UNPACKED = 320 << 20
MOST_MEMBERS = 5_000
SECONDS = 90


def clean(content: bytes) -> Cleaned:
    """The same document without what it tells of its making; Refused if it is none, or if mat2 does not take it."""
    if len(content) > MOST_BYTES:
        raise Refused(TOO_LARGE)
    try:
        media_type, ending = _kind(content)
        made = _by_mat2(content, ending)
        if _kind(made) != (media_type, ending) or left_over(made):
            raise Refused(BROKEN)
    except (zipfile.BadZipFile, zlib.error, OSError, NotImplementedError, RuntimeError, subprocess.SubprocessError):
        raise Refused(BROKEN) from None
    except (ParseError, DefusedXmlException, LookupError, ValueError):
        raise Refused(BROKEN) from None
    return Cleaned(media_type, ending, DOCUMENT, [made])


def _kind(content: bytes) -> tuple[str, str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
        if len(members) > MOST_MEMBERS or sum(member.file_size for member in members) > MOST_UNPACKED:
            raise Refused(TOO_LARGE)
        names = {member.filename for member in members}
        for name, kind in BY_MEMBER.items():
            if name in names:
                return kind
        with archive.open(STATEMENT) if STATEMENT in names else io.BytesIO() as statement:
            told = statement.read(200).decode("ascii", "replace").strip()
    if told not in BY_STATEMENT:
        raise Refused(UNKNOWN)
    return told, BY_STATEMENT[told]


def _by_mat2(content: bytes, ending: str) -> bytes:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        file = Path(folder) / f"document.{ending}"
        file.write_bytes(content)
        command = ["mat2", "--inplace", "--no-sandbox", "--unknown-members", "omit", str(file)]
        subprocess.run(command, capture_output=True, timeout=SECONDS, check=True)  # noqa: S603  fixed but for the ending
        return file.read_bytes()


def left_over(content: bytes) -> bool:
    """Whether something is in a document that tells of its making, that nobody sees, or that is fetched."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        held = [member.filename for member in archive.infolist() if member.file_size]
        emptied = [archive.read(name) for name in MUST_BE_EMPTY.intersection(held)]
        told = any(_tells(element) for name in held for element in _elements(archive, name))
    return told or any(mark in name for name in held for mark in MUST_GO) or any(TEXT.search(body) for body in emptied)


def _elements(archive: zipfile.ZipFile, name: str) -> Iterator[Element]:
    """Every element of a member that is XML; of Word's styles none, because by themselves they hide nothing."""
    if name.endswith((".xml", ".rels")) and name != "word/styles.xml":
        yield from fromstring(archive.read(name)).iter()


def _tells(element: Element) -> bool:
    """Whether it hides something, or has something fetched from elsewhere."""
    name = _local(element.tag)
    said = {_local(key): value for key, value in element.attrib.items()}
    attribute, values = HIDING.get(name, ("", frozenset()))
    hides = said.get(attribute, "") in values or (name == "vanish" and said.get("val") not in NO)
    away = said.get("TargetMode") == "External" or "://" in said.get("href", "")
    return hides or (away and name not in LINKS and said.get("Type", "").rpartition("/")[2] not in LINKS)


def _local(name: str) -> str:
    return name.rpartition("}")[2]
