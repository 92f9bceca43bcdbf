"""PDF, page by page as images: what one sees on paper, and nothing else.

Text, hidden layers, metadata, attachments, scripts, forms and earlier versions stay behind. A covered name is covered
for good; a name that can be read stays readable: somebody must look.
"""

from __future__ import annotations

import ctypes
import io

import pypdfium2
from PIL import Image

from app.cleaning.base import BROKEN, DOCUMENT, TOO_LARGE, Cleaned, Refused

__all__ = ["clean"]

POINTS_PER_INCH = 72
DOTS_PER_INCH = 150
MOST_PAGES = 300
MOST_PIXELS = 40_000_000
MOST_BYTES = 256 << 20
QUALITY = 85

# Now, because nothing can be opened once the process is locked in. Under systemd's
# MemoryDenyWriteExecute whatever a library calls back needs a file in memory; this makes room for that of all pages.
Image.preinit()
_CALLED_BACK = ctypes.CFUNCTYPE(None)
_room = [_CALLED_BACK(_CALLED_BACK) for _ in range(2 * MOST_PAGES)]
del _room


def clean(content: bytes) -> Cleaned:
    """Draw every page; Refused if one cannot be drawn."""
    if len(content) > MOST_BYTES:
        raise Refused(TOO_LARGE)
    file = io.BytesIO()
    try:
        with pypdfium2.PdfDocument(content) as old, pypdfium2.PdfDocument.new() as new:
            if not 0 < len(old) <= MOST_PAGES:
                raise Refused(TOO_LARGE if len(old) else BROKEN)
            for page in old:
                _draw(page, new)
            new.save(file)
    except (pypdfium2.PdfiumError, OSError, ValueError):
        raise Refused(BROKEN) from None
    return Cleaned("application/pdf", "pdf", DOCUMENT, [file.getbuffer()])


def _draw(page: pypdfium2.PdfPage, document: pypdfium2.PdfDocument) -> None:
    width, height = page.get_size()
    scale = DOTS_PER_INCH / POINTS_PER_INCH
    if not 0 < width * height * scale * scale <= MOST_PIXELS:
        raise Refused(TOO_LARGE)
    bitmap = page.render(scale=scale)
    jpeg = io.BytesIO()
    bitmap.to_pil().convert("RGB").save(jpeg, "JPEG", quality=QUALITY)
    bitmap.close()
    page.close()
    image = pypdfium2.PdfImage.new(document)
    image.load_jpeg(jpeg, inline=True, autoclose=True)
    image.set_matrix(pypdfium2.PdfMatrix().scale(width, height))
    drawn = document.new_page(width, height)
    drawn.insert_obj(image)
    drawn.gen_content()
    drawn.close()
