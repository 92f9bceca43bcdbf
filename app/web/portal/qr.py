"""QR codes as inline SVG, without a style attribute and without asking anybody."""

from __future__ import annotations

import segno
from markupsafe import Markup

__all__ = ["qr"]


def qr(text: str, *, error: str = "m") -> Markup:
    """The picture of a text, for a phone to scan; ``error`` is how much of it may be damaged (l, m, q, h)."""
    # segno writes numbers only: nothing of the text stands in the markup.
    return Markup(segno.make(text, error=error, micro=False).svg_inline(svgclass="qr", lineclass=None, omitsize=True))  # noqa: S704
