"""Files that are made to break whoever opens them: refused, and the process that asked goes on."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator

import pypdfium2
import pytest

from app.cleaning import cleaner
from app.cleaning.cleaner import cleaning
from app.errors import CannotBeCleaned, Unavailable
from tests import attachments

LIMITED = """
import resource, socket
from app.cleaning import __main__ as child
child._lock(in_sandbox=False)
refused = []
for attempt in (lambda: open("/etc/passwd"), socket.socket, lambda: open("/tmp/left", "w")):
    try:
        attempt()
    except OSError:
        refused.append(True)
print(len(refused), resource.getrlimit(resource.RLIMIT_CORE)[1])
"""
HOLDING = """
import sys
from app.cleaning import cleaner
with cleaner._turn():
    print("held", flush=True)
    sys.stdin.read()
"""


def png(width: int, height: int, data: bytes) -> bytes:
    """A PNG that says how large it is."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(data)), (b"IEND", b"")]
    parts = [
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def large_pages() -> bytes:
    """A PDF whose page is two kilometers wide."""
    file = io.BytesIO()
    with pypdfium2.PdfDocument.new() as pdf:
        pdf.new_page(5_000_000, 5_000_000).close()
        pdf.save(file)
    return file.getvalue()


def bombed_office() -> bytes:
    """A document of 6,000 parts."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(6000):
            archive.writestr(f"word/{number}.xml", b"")
        archive.writestr("word/document.xml", "<a/>")
    return file.getvalue()


def misplaced() -> bytes:
    """An MP4 whose table points behind its end."""
    return attachments.mp4().replace(b"stco" + bytes(7) + b"\1", b"stco" + bytes(7) + b"\1\x7f\xff", 1)


HOSTILE = {
    "a picture of 10,000 megapixels": png(100_000, 100_000, b""),
    "a picture cut off": attachments.photograph()[:600],
    "a picture of noise": b"\xff\xd8\xff\xe0" + bytes(range(256)) * 20,
    "a page of two kilometers": large_pages(),
    "a document cut off": attachments.document()[:300],
    "a film": attachments.mp4(handler=b"vide"),
    "a recording without frames": b"ID3\x03\0\0\0\0\0\x0aTIT2" + bytes(500),
    "a recording cut off": attachments.mp4()[:-40],
    "a recording that points elsewhere": misplaced(),
    "an Ogg without sound": attachments.opus()[:60],
    "a table of samples without end": attachments.mp4(frames=1).replace(b"stsz" + bytes(4), b"stsz\0\0\0\0\0\0\0\1", 1),
    "a text": b"My brother Hassan lives in the white house.",
    "a page of a browser": b"<html><script>alert(1)</script>",
    "a program": b"\x7fELF" + bytes(200),
    "nothing": b"",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_cannot_be_cleaned_is_refused(what: str) -> None:
    """Bombs, broken files, and what is no picture, document or recording."""
    with pytest.raises(CannotBeCleaned), cleaning([HOSTILE[what]]) as copy:
        b"".join(copy.pieces())


def test_an_office_bomb_is_refused() -> None:
    """Its parts are counted before anything is unpacked; without mat2 it is refused anyway."""
    with pytest.raises(CannotBeCleaned), cleaning([bombed_office()]):
        pass


def test_a_process_that_dies_has_cleaned_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As when a parser crashes: no half copy."""
    monkeypatch.setattr(cleaner, "_command", lambda **_: [sys.executable, "-c", "import os; os.abort()"])

    with pytest.raises(CannotBeCleaned), cleaning([attachments.photograph()]):
        pass


def test_a_process_that_ends_badly_after_its_first_bytes_has_cleaned_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever stores the copy learns at its end that it is none."""
    told = 'print(\'{"type": "image/png", "ending": "png", "noun": "image"}\', flush=True); print("half"); exit(1)'
    monkeypatch.setattr(cleaner, "_command", lambda **_: [sys.executable, "-c", told])

    with cleaning([attachments.drawing()]) as copy, pytest.raises(CannotBeCleaned):
        list(copy.pieces())


def test_a_process_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that keeps a parser busy keeps nobody waiting for good."""
    monkeypatch.setattr(cleaner, "WALL_SECONDS", 0.2)
    monkeypatch.setattr(cleaner, "_command", lambda **_: [sys.executable, "-c", "import time; time.sleep(60)"])

    with pytest.raises(CannotBeCleaned), cleaning([attachments.photograph()]):
        pass


def test_one_file_at_a_time_on_a_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process of the service waits, and is told when that takes too long: memory suffices for one."""
    monkeypatch.setattr(cleaner, "WAIT_SECONDS", 0.1)
    other = [sys.executable, "-c", HOLDING]

    with subprocess.Popen(other, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holding:
        assert holding.stdout is not None
        assert holding.stdout.readline() == b"held\n"
        with pytest.raises(Unavailable), cleaning([attachments.photograph()]):
            pass
        holding.communicate(timeout=30)
    with cleaning([attachments.photograph()]) as copy:
        assert list(copy.pieces())


def test_the_process_can_open_nothing() -> None:
    """No file, no connection, no core dump: what a hostile file makes of a parser reaches no key of the service."""
    done = subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, text=True, check=False)

    assert done.stdout.split() == ["3", "0"], done.stderr


def test_the_process_is_told_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords of databases stand in the environment of the service, and stay there."""
    monkeypatch.setenv("TESTIMONY_DATABASE_URL", "postgresql://secret@host")
    told = "import os, json; print(json.dumps({'type': str('secret' in str(os.environ)), 'ending': '', 'noun': ''}))"
    monkeypatch.setattr(cleaner, "_command", lambda **_: [sys.executable, "-c", told])

    with cleaning([b"x"]) as copy:
        assert copy.media_type == "False"


def test_what_keeps_the_file_from_being_read_is_raised() -> None:
    """A piece that does not open is no broken file of the sender's."""

    def pieces() -> Iterator[bytes]:
        yield attachments.photograph()
        raise ValueError

    with pytest.raises((ValueError, CannotBeCleaned)) as raised, cleaning(pieces()) as copy:
        list(copy.pieces())

    assert raised.type is ValueError


def test_nothing_is_left_running() -> None:
    """Whoever stops reading in the middle leaves no process behind."""
    with cleaning([attachments.photograph()]) as copy:
        process = copy.process

    assert process.returncode is not None
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
