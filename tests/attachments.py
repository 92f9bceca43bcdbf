"""Attachments for tests, each with canaries wherever a file can hide something; what must show is MARK-free."""

from __future__ import annotations

import io
import struct
import zipfile

import pypdfium2
from PIL import Image

CANARY = "CANARY"


def canary(place: str) -> str:
    """A word that must be nowhere in a clean copy."""
    return CANARY + place


def photograph() -> bytes:
    """A JPEG on its side, taken at a place, with a thumbnail, a comment and XMP."""
    image = Image.linear_gradient("L").convert("RGB").resize((96, 64))
    exif = Image.Exif()
    exif[0x010E], exif[0x010F], exif[0x0112] = canary("DESCRIPTION"), canary("CAMERA"), 6
    exif.get_ifd(0x8825).update({1: "N", 2: (36.0, 12.0, 7.0), 3: "E", 4: (37.0, 9.0, 42.0), 29: canary("DAY")})
    file = io.BytesIO()
    xmp = f'<x:xmpmeta xmlns:x="adobe:ns:meta/">{canary("XMP")}</x:xmpmeta>'.encode()
    image.save(file, "JPEG", exif=exif, comment=canary("COMMENT").encode(), xmp=xmp)
    return file.getvalue() + canary("AFTER").encode()


def drawing() -> bytes:
    """A PNG with transparency and text chunks."""
    from PIL.PngImagePlugin import PngInfo

    info, file = PngInfo(), io.BytesIO()
    info.add_text("Author", canary("AUTHOR"))
    info.add_itxt("XML:com.adobe.xmp", canary("XMP"), zip=True)
    Image.new("RGBA", (20, 10), (10, 20, 30, 128)).save(file, "PNG", pnginfo=info)
    return file.getvalue()


def document() -> bytes:
    """A PDF whose page shows a picture, with text that nobody sees, metadata and an attachment."""
    file = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(file, "PDF", title=canary("TITLE"), author=canary("AUTHOR"))
    out = io.BytesIO()
    with pypdfium2.PdfDocument(file.getvalue()) as pdf:
        pdf.new_attachment(canary("ATTACHED") + ".txt").set_data(canary("CONTENT").encode())
        pdf.save(out)
    return out.getvalue() + f"\n% {canary('AFTER')}\n".encode()


def _id3(*frames: tuple[bytes, bytes]) -> bytes:
    body = b"".join(name + len(content).to_bytes(4, "big") + b"\0\0" + content for name, content in frames)
    size = len(body)
    return b"ID3\x03\0\0" + bytes(size >> shift & 127 for shift in (21, 14, 7, 0)) + body


def mp3_frame() -> bytes:
    """Silence: MPEG-1 layer III, 64 kbit/s, 44.1 kHz, one channel."""
    return b"\xff\xfb\x50\xc0" + bytes(204)


def mp3() -> bytes:
    """Tags before (with a picture) and after, an encoder's notes, and ten frames of silence."""
    picture = b"\0image/jpeg\0\x03\0" + photograph()
    tags = _id3((b"TIT2", b"\0" + canary("TITLE").encode()), (b"APIC", picture))
    notes = b"\xff\xfb\x50\xc0" + bytes(17) + b"Info" + bytes(120) + canary("ENCODER").encode()
    ape = canary("APE").encode() + b"APETAGEX" + struct.pack("<IIII8x", 2000, 32 + 9, 1, 0)
    last = b"TAG" + canary("OLD").encode().ljust(125, b"\0")
    return tags + notes.ljust(208, b"\0") + mp3_frame() * 10 + ape + last


def box(name: str, *parts: bytes) -> bytes:
    """A box of an MP4."""
    body = b"".join(parts)
    return struct.pack(">I4s", len(body) + 8, name.encode()) + body


AAC_FRAME = b"\x21\x10\x04\x60\x8c\x1c" + bytes(4)


def _descriptor(tag: int, body: bytes) -> bytes:
    return bytes((tag, len(body))) + body


def mp4(*, handler: bytes = b"soun", frames: int = 8) -> bytes:
    """AAC in an MP4 of a phone: a place in ``udta``, a name in the handler, tags, and what no table names."""
    data = AAC_FRAME * frames
    head = box("ftyp", b"M4A \0\0\0\0isom") + box("free", canary("FREE").encode())
    start = len(head) + 8
    specific = _descriptor(5, bytes.fromhex("1208"))
    decoder = _descriptor(4, b"\x40\x15" + bytes(11) + specific)
    esds = box("esds", bytes(4), _descriptor(3, b"\0\1\0" + decoder + _descriptor(6, b"\2")))
    entry = box("mp4a", bytes(6) + b"\0\1" + bytes(20), esds)
    table = box(
        "stbl",
        box("stsd", struct.pack(">II", 0, 1), entry),
        box("stsz", struct.pack(">III", 0, len(AAC_FRAME), frames)),
        box("stsc", struct.pack(">IIIII", 0, 1, 1, frames, 1)),
        box("stco", struct.pack(">III", 0, 1, start)),
    )
    named = box("hdlr", bytes(8) + handler + bytes(12) + canary("HANDLER").encode() + b"\0")
    place = box("udta", box("loci", canary("PLACE").encode()), box("meta", canary("META").encode()))
    track = box("trak", box("mdia", named, box("minf", table)))
    media = box("mdat", data + canary("UNNAMED").encode())
    return head + media + box("moov", track, place)


def wav() -> bytes:
    """A WAV with a broadcaster's chunk and a list of names."""
    form = struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16)
    chunks = [
        (b"bext", canary("BEXT").encode()),
        (b"fmt ", form),
        (b"data", bytes(3200)),
        (b"LIST", canary("LIST").encode()),
    ]
    body = b"".join(name + len(part).to_bytes(4, "little") + part + bytes(len(part) % 2) for name, part in chunks)
    return b"RIFF" + (len(body) + 4).to_bytes(4, "little") + b"WAVE" + body


def flac() -> bytes:
    """A FLAC with comments and a picture; its one frame is no sound, which nobody plays here."""
    info = bytes.fromhex("1000100000000000000f0ac442f0000000000000") + bytes(14)
    blocks = [(0, info), (4, canary("VENDOR").encode()), (6, photograph()), (0x81, canary("PADDING").encode())]
    head = b"".join(bytes((kind,)) + len(part).to_bytes(3, "big") + part for kind, part in blocks)
    return b"fLaC" + head + b"\xff\xf8" + bytes(500) + b"TAG" + canary("OLD").encode().ljust(125, b"\0")


def opus() -> bytes:
    """An Opus recording with comments, a picture among them, and bytes that hide behind them."""
    from mutagen.ogg import OggPage

    comments = [f"TITLE={canary('TITLE')}".encode(), f"METADATA_BLOCK_PICTURE={canary('PICTURE')}".encode()]
    listed = b"".join(len(each).to_bytes(4, "little") + each for each in comments)
    tags = b"OpusTags" + struct.pack("<I", 6) + canary("")[:6].encode() + struct.pack("<I", len(comments)) + listed
    head = b"OpusHead\x01\x01" + struct.pack("<HIhB", 312, 48000, 0, 0)
    pages = [*OggPage.from_packets([head]), *OggPage.from_packets([tags + b"\x01" + canary("HIDDEN").encode()], 1)]
    pages += OggPage.from_packets([b"\xf8\xff\xfe"] * 20, 2)
    pages[0].first = pages[-1].last = True
    pages[-1].position = 20 * 960
    for page in pages:
        page.serial = 77
    return canary("").encode().join(page.write() for page in pages)


def office() -> bytes:
    """A text document with an author, a deleted sentence, a comment and a thumbnail."""
    word = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    content = "http://schemas.openxmlformats.org/package/2006/content-types"
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml"
    relation = "http://schemas.openxmlformats.org/package/2006/relationships"
    package = "application/vnd.openxmlformats-package"
    deleted = (
        f'<w:del w:id="1" w:author="{canary("EDITOR")}"><w:r><w:delText>{canary("DELETED")}</w:delText></w:r></w:del>'
    )
    members = {
        "[Content_Types].xml": f'<Types xmlns="{content}"><Default Extension="xml" ContentType="application/xml"/>'
        f'<Default Extension="rels" ContentType="{package}.relationships+xml"/>'
        f'<Override PartName="/word/document.xml" ContentType="{kind}.document.main+xml"/>'
        f'<Override PartName="/docProps/core.xml" ContentType="{package}.core-properties+xml"/>'
        f'<Override PartName="/word/comments.xml" ContentType="{kind}.comments+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{relation}"><Relationship Id="r1" Target="word/document.xml" Type='
        '"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"/></Relationships>',
        "docProps/core.xml": '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/'
        f'core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:creator>{canary("AUTHOR")}</dc:creator>'
        "</cp:coreProperties>",
        "word/document.xml": f"<w:document {word}><w:body><w:p><w:r><w:t>What stays.</w:t></w:r>{deleted}</w:p>"
        "</w:body></w:document>",
        "word/comments.xml": f'<w:comments {word}><w:comment w:id="0" w:author="{canary("READER")}"/></w:comments>',
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, '<?xml version="1.0"?>' + text)
    return file.getvalue()
