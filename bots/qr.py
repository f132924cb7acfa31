"""QR codes (ISO/IEC 18004): inline SVG for pages, PNG for chats."""

import io
from typing import Final

import segno
from markupsafe import Markup

QUIET: Final = 4  # modules around the code, as the standard asks
SCALE: Final = 12  # pixels a module: a phone's camera reads it from the screen of another


def svg(text: str, *, title: str = "") -> Markup:
    """The code as SVG that grows with its box. It carries no style, which our policy forbids."""
    made = segno.make(text, error="m", micro=False).svg_inline(
        border=QUIET, omitsize=True, title=title or None, svgclass=None, lineclass=None
    )
    # Made by segno; `title` is escaped by it.
    return Markup(made)  # noqa: S704


def png(text: str) -> bytes:
    """The code as a picture."""
    picture = io.BytesIO()
    segno.make(text, error="m", micro=False).save(picture, kind="png", scale=SCALE, border=QUIET)
    return picture.getvalue()
