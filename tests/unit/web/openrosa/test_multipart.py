"""Multipart bodies: handed on piece by piece, and refused when they are not what they should be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from app.errors import Malformed, WrongMediaType
from app.web.openrosa.multipart import MOST_PARTS, Part, checked_name, read_parts

TYPE = "multipart/form-data; boundary=xyz"
HEAD = b'Content-Disposition: form-data; name="a"; filename="a.jpg"'


@dataclass
class Kept:
    """Keeps what comes, for the test to look at."""

    part: Part
    content: bytearray = field(default_factory=bytearray)
    end: str = ""

    def write(self, piece: bytes) -> None:
        """Keep some bytes."""
        self.content += piece

    def finish(self) -> None:
        """Note the end."""
        self.end += "whole"

    def abandon(self) -> None:
        """Note the other end."""
        self.end += "abandoned"


def read(body: bytes, kind: str = TYPE, step: int = 1 << 16) -> list[Kept]:
    """Read a body that comes in pieces of so many bytes."""
    parts: list[Kept] = []

    def take(part: Part) -> Kept:
        parts.append(Kept(part))
        return parts[-1]

    read_parts((body[at : at + step] for at in range(0, len(body), step)), kind, take)
    return parts


def one(content: bytes, head: bytes = HEAD) -> bytes:
    """A body of one part."""
    return b"--xyz\r\n" + head + b"\r\n\r\n" + content + b"\r\n--xyz--\r\n"


@pytest.mark.parametrize("step", [1, 2, 7, 64, 4096])
def test_however_it_is_cut(step: int) -> None:
    """Contents that look like boundaries are contents, wherever a piece ends."""
    contents = [b"plain", b"", b"\r\n--xy", b"--xyz--", b"\r\n\r\n--xyz ", b"\r\n-" * 50]
    body = b"".join(b"--xyz\r\n" + HEAD + b"\r\n\r\n" + content + b"\r\n" for content in contents) + b"--xyz--"

    parts = read(body, step=step)

    assert [bytes(part.content) for part in parts] == contents
    assert {part.end for part in parts} == {"whole"}
    assert parts[0].part == Part("a", "a.jpg")


def test_what_follows_the_end_is_not_read() -> None:
    """After the last boundary nothing counts, and an endless rest is not waited for."""

    def endless() -> Iterator[bytes]:
        yield one(b"x")
        pytest.fail("read on after the end")

    read_parts(endless(), TYPE, Kept)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(one(b"x" * 100)[:-10], id="cut before the end"),
        pytest.param(b"--xyz\r\n" + HEAD, id="cut in a header"),
        pytest.param(b"--abc\r\n" + HEAD + b"\r\n\r\nx\r\n--abc--", id="another boundary"),
        pytest.param(b"x" * 1000, id="no boundary"),
        pytest.param(b"\r\n" * 1000, id="blank lines alone"),
        pytest.param(b"--xyzx" * 1000, id="a boundary that never ends"),
        pytest.param(one(b"x", b"X: y"), id="no disposition"),
        pytest.param(one(b"x", b"Content-Disposition: attachment; name=a"), id="another disposition"),
        pytest.param(one(b"x", b"Content-Disposition: form-data"), id="no name"),
        pytest.param(one(b"x", HEAD + b"\r\n" + HEAD), id="a header twice"),
        pytest.param(one(b"x", HEAD + b"\r\nContent-Transfer-Encoding: base64"), id="another encoding"),
        pytest.param(one(b"x", HEAD + b"\r\n" + b"\r\n".join(b"X-%d: y" % n for n in range(8))), id="many headers"),
        pytest.param(one(b"x", HEAD + b"\r\nX: " + b"y" * 5000), id="a long header"),
        pytest.param(one(b"x", b"Content-Disposition: form-data; name=a; filename=../../etc/passwd"), id="a path"),
        pytest.param(one(b"x", b'Content-Disposition: form-data; name="\xff"'), id="no UTF-8"),
    ],
)
@pytest.mark.parametrize("step", [1, 4096])
def test_what_is_refused(body: bytes, step: int) -> None:
    """Whatever breaks the format or a limit."""
    with pytest.raises(Malformed):
        read(body, step=step)


def test_a_part_that_is_cut_is_abandoned() -> None:
    """So nothing is taken for whole that is not."""
    kept = Kept(Part("", None))

    with pytest.raises(Malformed):
        read_parts([one(b"x" * 100)[:-20]], TYPE, lambda _part: kept)

    assert kept.end == "abandoned"


def test_ten_thousand_parts() -> None:
    """There is an end to how many are read."""
    body = b"".join(b"--xyz\r\n" + HEAD + b"\r\n\r\n\r\n" for _ in range(10_000)) + b"--xyz--"
    seen = 0

    def take(part: Part) -> Kept:
        nonlocal seen
        seen += 1
        return Kept(part)

    with pytest.raises(Malformed):
        read_parts([body], TYPE, take)
    assert seen == MOST_PARTS


def test_as_many_as_may_be() -> None:
    """A thousand are read."""
    body = b"".join(b"--xyz\r\n" + HEAD + b"\r\n\r\n\r\n" for _ in range(MOST_PARTS)) + b"--xyz--"

    assert len(read(body)) == MOST_PARTS


@pytest.mark.parametrize(
    "kind",
    ["", "text/xml", "application/x-www-form-urlencoded", "multipart/mixed; boundary=xyz"],
)
def test_another_media_type(kind: str) -> None:
    """It says so."""
    with pytest.raises(WrongMediaType):
        read(one(b"x"), kind)


@pytest.mark.parametrize(
    "boundary",
    [
        pytest.param("", id="empty"),
        pytest.param("x" * 71, id="long"),
        pytest.param('"x "', id="blank at its end"),
        pytest.param('"x\u00e9"', id="not ASCII"),
        pytest.param('"x<y"', id="not allowed"),
    ],
)
def test_a_boundary_that_is_none(boundary: str) -> None:
    """RFC 2046 says what it may be."""
    with pytest.raises(Malformed):
        read(one(b"x"), f"multipart/form-data; boundary={boundary}")


@pytest.mark.parametrize("name", ["a.jpg", "a b.jpg", "\u0635\u0648\u062a 1.m4a", "..a", "x" * 255])
def test_a_name(name: str) -> None:
    """Letters of any script, blanks, dots."""
    assert checked_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"),
        pytest.param(".", id="dot"),
        pytest.param("..", id="dots"),
        pytest.param("a/b", id="slash"),
        pytest.param("a\\b", id="backslash"),
        pytest.param("a\0b", id="NUL"),
        pytest.param("a\nb", id="line"),
        pytest.param("a\u202egpj.exe", id="turned"),
        pytest.param("a\u2066b", id="isolate"),
        pytest.param("a\ud800b", id="surrogate"),
        pytest.param("a\u2028b", id="separator"),
        pytest.param("x" * 256, id="long"),
        pytest.param("\u0635" * 128, id="long in bytes"),
    ],
)
def test_a_name_that_is_none(name: str) -> None:
    """Paths, and what shows itself as something else."""
    with pytest.raises(Malformed):
        checked_name(name)
