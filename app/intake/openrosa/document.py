"""The XML that a phone sends: read without entities or DTDs, within bounds, and what it says of itself.

Names are compared without their namespaces: clients write the same elements under several.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID, uuid5
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, canonicalize

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from app.errors import BodyTooLarge, Malformed

__all__ = ["LARGEST", "Document", "children", "client_uuid", "local", "read", "text"]

LARGEST: Final = 2 << 20
DEEPEST, MOST_ELEMENTS, MOST_ATTRIBUTES, MOST_SPACES = 32, 50_000, 32, 32
# What a form or an instance may be called; an instance's name begins with its kind, as in ``uuid:``.
ID = re.compile(r"[^\x00-\x20\x7f]{1,200}")
ENCRYPTED_SPACES = frozenset(
    {"http://www.opendatakit.org/xforms/encrypted", "http://opendatakit.org/submissions/encrypted"}
)


@dataclass(frozen=True, slots=True)
class Document:
    """A submission's XML: its bytes as sent, the same in canonical form, and what its root and meta element say."""

    raw: bytes = field(repr=False)
    canonical: bytes = field(repr=False)
    root: Element = field(repr=False)
    form: str = field(repr=False)
    version: str = field(repr=False)
    instance: str | None = field(repr=False)
    deprecated: str | None = field(repr=False)
    encrypted: bool


def read(raw: bytes) -> Document:
    """Read a submission.

    Raises:
        BodyTooLarge: more bytes than an interview has.
        Malformed: it is no XML, has a DTD, nests too deeply, or does not say which form it is of.
    """
    if len(raw) > LARGEST:
        raise BodyTooLarge
    root = _parse(raw)
    meta = next(children(root, "meta"), None)
    form = _id(root.get("id"))
    if form is None:
        raise Malformed("The form does not say which one it is.")
    return Document(
        raw=raw,
        # C14N 2.0 (W3C) without comments.
        canonical=canonicalize(raw, with_comments=False).encode(),
        root=root,
        form=form,
        version=root.get("version", ""),
        instance=_id(text(meta, "instanceID") or root.get("instanceID")),
        deprecated=_id(text(meta, "deprecatedID")),
        encrypted=_says_encrypted(root),
    )


def client_uuid(study: UUID, form: str, instance: str) -> UUID:
    """The id under which a submission is known: of one study, form and instance there is one."""
    return uuid5(study, f"{form}\n{instance}")


def children(element: Element, name: str) -> Iterator[Element]:
    """The elements of this name right below another one, in whatever namespace."""
    return (child for child in element if local(child) == name)


def local(element: Element) -> str:
    """An element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def text(element: Element | None, name: str) -> str | None:
    """The text of the first element of this name right below another one; None if it has none or is missing."""
    found = None if element is None else next(children(element, name), None)
    return ((found.text or "").strip() or None) if found is not None else None


def _says_encrypted(root: Element) -> bool:
    space = root.tag.rpartition("}")[0].lstrip("{")
    named = next(children(root, "base64EncryptedKey"), None) is not None
    return root.get("encrypted") == "yes" or space in ENCRYPTED_SPACES or named


def _id(said: str | None) -> str | None:
    if said is None or not said.strip():
        return None
    if ID.fullmatch(said.strip()) is None:
        raise Malformed
    return said.strip()


def _parse(raw: bytes) -> Element:
    parser = DefusedXMLParser(target=_Bounded(), forbid_dtd=True, forbid_entities=True, forbid_external=True)
    try:
        parser.feed(raw)
        root: Element = parser.close()
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise Malformed("The form's XML is not well formed.") from None
    return root


class _Bounded(TreeBuilder):
    """Builds a tree of bounded depth and size."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0
        self._count = 0
        self._spaces = 0

    def start_ns(self, _prefix: str, _uri: str) -> None:
        """A namespace is declared; looking names up among many of them takes quadratic time."""
        self._spaces += 1
        if self._spaces > MOST_SPACES:
            raise Malformed

    def start(self, tag: str, attrs: dict[Any, Any], /) -> Element:
        """An element begins."""
        self._depth += 1
        self._count += 1
        if self._depth > DEEPEST or self._count > MOST_ELEMENTS or len(attrs) > MOST_ATTRIBUTES:
            raise Malformed
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> Element:
        """An element ends."""
        self._depth -= 1
        return super().end(tag)
