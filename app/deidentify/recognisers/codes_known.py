"""The record's own codes, compared by their letters and digits only."""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.deidentify.document import Document
from app.deidentify.normalise import fold
from app.deidentify.spans import Kind, Level, Span

_SIGNS = re.compile(r"\W+|_")
_SHORT = 4


def search(document: Document, codes: tuple[str, ...]) -> Iterator[Span]:
    """Every place where a known code stands, whatever separates its parts."""
    for code in codes:
        bare = _SIGNS.sub("", fold(code))
        if len(bare) >= _SHORT:
            pattern = r"[\W_]{0,3}".join(map(re.escape, bare))
            for m in re.finditer(rf"(?<!\w){pattern}(?!\w)", document.text, re.IGNORECASE):
                yield Span(m.start(), m.end(), Kind.CODE, Level.DIRECT, 1.0, "known_code")
