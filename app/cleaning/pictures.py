"""Images, drawn anew pixel by pixel: nothing of the old file but what one sees is in the new one.

So there is no EXIF, thumbnail, place, comment, XMP, color profile, second picture or animation. An orientation is
applied, colors are brought to sRGB. What is transparent is drawn on white: a file keeps the colors below, and whoever
erased a face with such a brush did not mean to hand them on.
"""

from __future__ import annotations

import io
import warnings

from PIL import AvifImagePlugin, Image, ImageCms, ImageOps, MpoImagePlugin, UnidentifiedImageError, WebPImagePlugin

from app.cleaning.base import BROKEN, IMAGE, TOO_LARGE, Cleaned, Refused

__all__ = ["clean"]

# All of them now, because nothing can be opened once the process is locked in.
Image.preinit()
PLUGINS = (AvifImagePlugin, MpoImagePlugin, WebPImagePlugin)
FORMATS = ("AVIF", "GIF", "JPEG", "PNG", "WEBP")
PHOTOGRAPHS = frozenset({"AVIF", "JPEG", "MPO", "WEBP"})
MOST_PIXELS = 64_000_000
MOST_BYTES = 128 << 20
QUALITY = 90
# Transparent, and with one byte for each of red, green, blue.
WITH_ALPHA = frozenset({"RGBA", "LA", "PA", "La", "RGBa"})


def clean(content: bytes) -> Cleaned:
    """Draw the first picture of a file anew: a photograph as JPEG, anything else as PNG; Refused if it cannot be."""
    if len(content) > MOST_BYTES:
        raise Refused(TOO_LARGE)
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    try:
        with warnings.catch_warnings(action="error", category=Image.DecompressionBombWarning):
            return _clean(content)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Refused(TOO_LARGE) from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, ArithmeticError, LookupError):
        raise Refused(BROKEN) from None


def _clean(content: bytes) -> Cleaned:
    with Image.open(io.BytesIO(content), formats=FORMATS) as image:
        photograph = image.format in PHOTOGRAPHS
        image.seek(0)
        drawn = _drawn(image)
    file = io.BytesIO()
    if photograph:
        drawn.save(file, "JPEG", quality=QUALITY)
        cleaned = Cleaned("image/jpeg", "jpg", IMAGE, [file.getbuffer()])
    else:
        drawn.save(file, "PNG")
        cleaned = Cleaned("image/png", "png", IMAGE, [file.getbuffer()])
    return cleaned


def _drawn(image: Image.Image) -> Image.Image:
    """Only the pixels, upright and in plain colors."""
    profile = image.info.get("icc_profile")
    upright = ImageOps.exif_transpose(image)
    mode = "RGBA" if image.mode in WITH_ALPHA or "transparency" in image.info else "RGB"
    plain = _to_srgb(upright, profile, mode) or upright.convert(mode)
    drawn = Image.new("RGB", plain.size, "white")
    drawn.paste(plain, mask=plain.getchannel("A") if mode == "RGBA" else None)
    return drawn


def _to_srgb(image: Image.Image, profile: bytes | None, mode: str) -> Image.Image | None:
    """The image with the colors that its profile means; None where there is no profile, or none that can be used."""
    if not profile or image.mode not in {"RGB", "RGBA", "CMYK"}:
        return None
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode=mode)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
