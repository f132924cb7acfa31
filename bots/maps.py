"""A place on the map, from what people copy: coordinates, or the address of a map.

* RFC 5870, ``geo:34.2333,131.3``
* the addresses that map sites make for "share", which name latitude and longitude
"""

import re
from typing import Final
from urllib.parse import unquote

MAX_TEXT: Final = 2_000
NORTH: Final = 90
EAST: Final = 180

_DECIMAL: Final = r"[-+]?\d{1,3}(?:\.\d{1,15})?"
_PAIR: Final = rf"(?P<latitude>{_DECIMAL})\s*(?:,|%2C|\s)\s*(?P<longitude>{_DECIMAL})"
_FORMS: Final = tuple(
    re.compile(each, re.IGNORECASE)
    for each in (
        rf"!3d(?P<latitude>{_DECIMAL})!4d(?P<longitude>{_DECIMAL})",  # the pin, not the view
        rf"[?&#]mlat=(?P<latitude>{_DECIMAL})&(?:amp;)?mlon=(?P<longitude>{_DECIMAL})",
        rf"[?&#]lat=(?P<latitude>{_DECIMAL})&(?:amp;)?(?:lon|lng)=(?P<longitude>{_DECIMAL})",
        rf"[?&](?:q|ll|sll|query|destination|center|coordinate|daddr)=(?:loc:)?{_PAIR}",
        rf"@{_PAIR},",
        rf"#(?:map=)?\d{{1,2}}(?:\.\d+)?/(?P<latitude>{_DECIMAL})/(?P<longitude>{_DECIMAL})",
        rf"\Ageo:{_PAIR}",
        rf"\A\(?{_PAIR}\)?\Z",
    )
)
_DEGREES: Final = re.compile(
    r"(?P<d1>\d{1,2})[°度]\s*(?P<m1>\d{1,2})[′'分]\s*(?:(?P<s1>\d{1,2}(?:\.\d+)?)(?:″|\"|''|秒))?"
    r"\s*(?P<ns>[NS北南])?[,、\s]*"
    r"(?P<d2>\d{1,3})[°度]\s*(?P<m2>\d{1,2})[′'分]\s*(?:(?P<s2>\d{1,2}(?:\.\d+)?)(?:″|\"|''|秒))?"
    r"\s*(?P<ew>[EW東西])?",
    re.IGNORECASE,
)


def read_place(text: str) -> tuple[float, float] | None:
    """Latitude and longitude (WGS 84, degrees), or `None` if the text names no place on earth."""
    shown = unquote(text.strip()[:MAX_TEXT])
    for form in _FORMS:
        if found := form.search(shown):
            return _on_earth(float(found["latitude"]), float(found["longitude"]))
    if found := _DEGREES.search(shown.replace("北緯", "").replace("東経", " ")):
        latitude, longitude = (
            float(found[f"d{part}"]) + float(found[f"m{part}"]) / 60
            + float(found[f"s{part}"] or 0) / 3600
            for part in "12"
        )  # fmt: skip
        south, west = found["ns"] in {"S", "s", "南"}, found["ew"] in {"W", "w", "西"}
        return _on_earth(-latitude if south else latitude, -longitude if west else longitude)
    return None


def _on_earth(latitude: float, longitude: float) -> tuple[float, float] | None:
    if abs(latitude) > NORTH or abs(longitude) > EAST:
        return None
    return round(latitude, 6), round(longitude, 6)
