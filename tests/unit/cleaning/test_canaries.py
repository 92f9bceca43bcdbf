"""What a file hides, searched for in its clean copy: by bytes, and by the programs that forensics use."""

from __future__ import annotations

import io
import json
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import mutagen
import pypdfium2
import pytest
from PIL import Image

from app.cleaning import cleaner, office
from app.cleaning.cleaner import cleaning
from app.errors import CannotBeCleaned
from tests import attachments
from tests.deploy.files import program

KINDS: dict[str, Callable[[], bytes]] = {
    "image/jpeg": attachments.photograph,
    "image/png": attachments.drawing,
    "application/pdf": attachments.document,
    "audio/mpeg": attachments.mp3,
    "audio/aac": attachments.mp4,
    "audio/wav": attachments.wav,
    "audio/flac": attachments.flac,
    "audio/ogg": attachments.opus,
}
# What exiftool tells of the coding and of the file on its own disk.
ABOUT_THE_CODING = ("ExifTool", "System", "File", "JFIF", "PNG", "MPEG", "RIFF", "FLAC", "Opus", "Composite")


def clean(content: bytes) -> tuple[str, bytes]:
    """Type and content of a clean copy; what comes in comes in three pieces."""
    third = len(content) // 3
    with cleaning([content[:third], content[third : 2 * third], content[2 * third :]]) as copy:
        return copy.media_type, b"".join(copy.pieces())


@cache
def cleaned(kind: str) -> tuple[str, bytes]:
    """The clean copy of a file of this kind."""
    return clean(KINDS[kind]())


@pytest.mark.parametrize("kind", KINDS)
def test_no_hidden_word_survives(kind: str) -> None:
    """Every place that a format has for words is empty in the copy, which is of the type that is told."""
    before = KINDS[kind]()

    told, after = cleaned(kind)

    assert attachments.CANARY.encode() in before
    assert told == kind
    assert attachments.CANARY.encode() not in after


@pytest.mark.parametrize("kind", KINDS)
def test_a_clean_copy_is_clean_again(kind: str) -> None:
    """A copy is a whole file of its type: cleaning it finds nothing but what is there."""
    _, once = cleaned(kind)
    told, again = clean(once)

    assert told == kind
    if kind.startswith("audio/"):
        assert again == once


@pytest.mark.parametrize("kind", KINDS)
def test_a_forensic_tool_finds_nothing(kind: str, tmp_path: Path) -> None:
    """How pixels and samples are coded is all that exiftool has to tell."""
    exiftool = program("exiftool")
    (tmp_path / "copy").write_bytes(cleaned(kind)[1])

    told = subprocess.run([exiftool, "-j", "-G", "-a", tmp_path / "copy"], capture_output=True, check=False).stdout

    tags: dict[str, Any] = json.loads(told)[0]
    left = {name: value for name, value in tags.items() if name.partition(":")[0] not in ABOUT_THE_CODING}
    left = {name: value for name, value in left.items() if value != ""}
    if kind == "application/pdf":  # written by us, today
        assert left.pop("PDF:Creator") == "PDFium"
        left = {name: value for name, value in left.items() if not name.startswith("PDF:")}
    left = {name: value for name, value in left.items() if name != "SourceFile"}
    assert left == {}


def test_a_photograph_is_upright_without_its_place() -> None:
    """What the orientation said is done to the pixels; nothing else is left of the EXIF, no thumbnail, no place."""
    _, content = cleaned("image/jpeg")

    with Image.open(io.BytesIO(content)) as image:
        assert image.size == (64, 96)
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        assert dict(image.getexif()) == {}


@pytest.mark.parametrize("coding", ["PNG", "WEBP"])
def test_nothing_lies_below_what_is_transparent(coding: str) -> None:
    """A face that was erased to transparency is still in the file; the copy shows white there, and holds white."""
    file, picture = io.BytesIO(), Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    picture.putpixel((0, 0), (0, 0, 255, 255))
    picture.save(file, coding, **({"lossless": True, "exact": True} if coding == "WEBP" else {}))

    _, content = clean(file.getvalue())

    with Image.open(io.BytesIO(content)) as image:
        shown = image.getpixel((7, 7))
    assert isinstance(shown, tuple)
    assert len(shown) == 3
    assert min(shown) > 250


def test_an_animation_becomes_its_first_picture() -> None:
    """What is shown later, and what comes after it, stays behind."""
    file, later = io.BytesIO(), Image.new("RGB", (8, 8), "red")
    Image.new("RGB", (8, 8), "blue").save(file, "GIF", save_all=True, append_images=[later])

    told, content = clean(file.getvalue())

    with Image.open(io.BytesIO(content)) as image:
        assert (told, getattr(image, "n_frames", 1)) == ("image/png", 1)
        assert image.convert("RGB").getpixel((0, 0)) == (0, 0, 255)


def test_a_document_is_only_what_one_sees() -> None:
    """Pages are pictures: no text to select, no attachment, no metadata."""
    _, content = cleaned("application/pdf")

    with pypdfium2.PdfDocument(content) as pdf:
        assert len(pdf) == 1
        assert pdf.count_attachments() == 0
        assert pdf[0].get_textpage().get_text_bounded() == ""
        told = pdf.get_metadata_dict()
        assert {name for name, value in told.items() if value} <= {"Creator", "CreationDate"}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.startswith("audio/")])
def test_a_recording_has_no_tags(kind: str) -> None:
    """mutagen, which reads every kind of tag, reads none."""
    told = mutagen.File(io.BytesIO(cleaned(kind)[1]))

    assert not (told and told.tags)
    assert not getattr(told, "pictures", [])


def test_every_frame_of_a_recording_stays() -> None:
    """What is heard is the same: only what lies between, before and behind the frames is gone."""
    assert cleaned("audio/mpeg")[1] == attachments.mp3_frame() * 10
    assert cleaned("audio/aac")[1].count(attachments.AAC_FRAME) == 8
    assert cleaned("audio/wav")[1].endswith(bytes(3200))


def test_an_office_file_keeps_its_text_and_loses_its_history() -> None:
    """Author, deleted sentence and comments are gone; what one reads stays."""
    program("mat2")
    program("bwrap")
    if not cleaner._sandbox():
        pytest.skip("bubblewrap may not make namespaces here")

    told, content = clean(attachments.office())

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    assert told.endswith("wordprocessingml.document")
    assert b"What stays." in members["word/document.xml"]
    assert all(attachments.CANARY.encode() not in each for each in members.values())


PARTS = "http://schemas.openxmlformats.org/package/2006/relationships"
IMAGE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/image"
TELLING = {
    "hidden text": ("word/footnotes.xml", "<f><r><rPr><vanish/></rPr><t>x</t></r></f>"),
    "a picture fetched from elsewhere": (
        "word/_rels/document.xml.rels",
        f'<Relationships xmlns="{PARTS}"><Relationship Type="{IMAGE}" TargetMode="External"/></Relationships>',
    ),
    "another document": ("word/embeddings/other.docx", "PK"),
    "a hidden sheet": ("xl/workbook.xml", '<workbook><sheets><sheet name="a" state="veryHidden"/></sheets></workbook>'),
    "a hidden row": ("xl/worksheets/sheet1.xml", '<worksheet><row r="1" hidden="1"/></worksheet>'),
    "a slide that is not shown": ("ppt/slides/slide1.xml", '<sld show="0"/>'),
}


@pytest.mark.parametrize("what", TELLING)
def test_an_office_file_that_hides_or_fetches_something_is_no_clean_copy(what: str) -> None:
    """Whoever approves it would not see it; whoever opens it would tell another server so."""
    name, content = TELLING[what]
    made = {"word/document.xml": "<document><hyperlink/><vanish val='0'/></document>", "word/styles.xml": "<vanish/>"}

    assert not office.left_over(_archive(made))
    assert office.left_over(_archive(made | {name: content}))


def _archive(members: dict[str, str]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A machine without Debian's programs."""
    cleaner._sandbox.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))
    yield
    cleaner._sandbox.cache_clear()


@pytest.mark.usefixtures("bare")
def test_office_files_are_refused_without_their_cleaner() -> None:
    """Nothing else cleans them well enough."""
    with pytest.raises(CannotBeCleaned, match="mat2"):
        clean(attachments.office())


@pytest.mark.usefixtures("bare")
def test_everything_else_needs_no_program_of_debians() -> None:
    """The wheels are enough; without bubblewrap the process is locked in by its own limits."""
    assert attachments.CANARY.encode() not in clean(attachments.photograph())[1]
