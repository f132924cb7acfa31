"""A picture decoded within bounds and encoded anew (Pillow).

JPEG, or PNG where it is see-through or was drawn rather than photographed.
"""

import io
import threading
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageCms, ImageOps

from core.announcements.nouns import Fault
from core.errors import BadPicture

MAX_PIXELS: Final = 20_000_000  # of a JPEG as uploaded, which is decoded no larger than needed
MAX_WHOLE_PIXELS: Final = 8_000_000  # of the others, which are decoded whole
MAX_SIDE: Final = 1_280  # as kept
MAX_KEPT_BYTES: Final = 500_000
FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF")
"""What is read. Others need a decoder that has seen fewer hostile files."""

_ONE_AT_A_TIME: Final = threading.Semaphore()


@dataclass(frozen=True, slots=True)
class Encoded:
    """A picture as we send it."""

    content: bytes
    media_type: str
    width: int
    height: int


def encode(content: bytes) -> Encoded:
    """Decode, turn upright, shrink and encode.

    Raises `BadPicture`: `Fault.FORMAT` if it is no picture that we read, `Fault.SIZE` if it has
    too many pixels. One picture at a time is decoded in a process: each takes up to a hundred MB.
    """
    try:
        with _ONE_AT_A_TIME:
            return _encode(content)
    except BadPicture:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadPicture(Fault.SIZE) from error
    except Exception as error:  # of a broken file a decoder may raise anything, even struct.error
        raise BadPicture(Fault.FORMAT) from error


def _encode(content: bytes) -> Encoded:
    with Image.open(io.BytesIO(content), formats=FORMATS) as opened:
        most = MAX_PIXELS if opened.format == "JPEG" else MAX_WHOLE_PIXELS
        if opened.width * opened.height > most:
            raise BadPicture(Fault.SIZE)
        see_through = opened.has_transparency_data
        few_colours = opened.format in {"PNG", "GIF"}
        opened.draft("RGB", (MAX_SIDE, MAX_SIDE))  # a JPEG is decoded no larger than needed
        upright = _in_srgb(ImageOps.exif_transpose(opened))
        plain = upright.convert("RGBA" if see_through else "RGB")
    plain.thumbnail((MAX_SIDE, MAX_SIDE))
    plain.info.clear()  # comments, profiles and the rest would be written out again
    if see_through or few_colours:
        kept = _png(plain)
        if len(kept) <= MAX_KEPT_BYTES:
            return Encoded(kept, "image/png", plain.width, plain.height)
        if see_through:
            white = Image.new("RGB", plain.size, "white")
            white.paste(plain, mask=plain.getchannel("A"))
            plain = white
    return _jpeg(plain)


def _in_srgb(picture: Image.Image) -> Image.Image:
    """In the colours that every screen takes for granted; a broken profile is passed over."""
    profile = picture.info.get("icc_profile")
    if not profile or picture.mode not in {"RGB", "RGBA"}:
        return picture
    try:
        given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        shown = ImageCms.profileToProfile(picture, given, ImageCms.createProfile("sRGB"))
    except (ImageCms.PyCMSError, OSError):
        return picture
    return shown or picture


def _png(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()


def _jpeg(picture: Image.Image) -> Encoded:
    """The best quality that fits; then smaller."""
    while True:
        for quality in (85, 75, 60, 45):
            out = io.BytesIO()
            picture.save(out, "JPEG", quality=quality, optimize=True, progressive=True)
            if out.tell() <= MAX_KEPT_BYTES:
                return Encoded(out.getvalue(), "image/jpeg", picture.width, picture.height)
        picture = picture.resize((picture.width * 3 // 4, picture.height * 3 // 4))
