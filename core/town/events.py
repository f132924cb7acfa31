"""What a town pack says of events: when and where, who may come, and who is reminded."""

from datetime import datetime
from functools import partial
from typing import Annotated, Final, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, HttpUrl, StringConstraints, model_validator

from core.town.words import Language, Localised, Slug, Table, printable

MAX_TEXT = 1_000

Paragraph = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_TEXT, strip_whitespace=True),
    AfterValidator(partial(printable, also="\n")),
]


class Prose(Localised):
    """Words of several lines by language; Japanese is always there."""

    root: dict[Language, Paragraph]


YEARS: Final = range(2000, 2101)
"""In which an event may be."""


def _wall_clock(moment: datetime) -> datetime:
    if moment.year not in YEARS:
        raise ValueError(f"choose a year from {YEARS[0]} to {YEARS[-1]}")
    if moment.tzinfo is not None:
        raise ValueError("write the town's own time without an offset, such as 2027-05-15T14:00:00")
    return moment


def _https(url: HttpUrl) -> HttpUrl:
    if url.scheme != "https":
        raise ValueError("use an https address")
    return url


LocalTime = Annotated[datetime, AfterValidator(_wall_clock)]
"""A moment on the town's clock, without an offset."""

OnlineLink = Annotated[HttpUrl, Field(max_length=500), AfterValidator(_https)]

ReminderHours = Annotated[tuple[Annotated[int, Field(ge=1, le=336)], ...], Field(max_length=4)]
"""How many hours before the beginning those who come are reminded; at most two weeks."""


class Event(Table):
    """``[[events]]``: a meeting in the town or online, to which people say whether they come."""

    name: Slug
    title: Localised
    text: Prose
    starts: LocalTime
    ends: LocalTime
    place: Localised | None = None
    online: OnlineLink | None = None
    """Where to meet online; shown only to those who come and may."""
    gate: Slug | None = None
    """Who may come; none: everybody who talks to us."""
    capacity: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """How many people, companions included; none: any number."""
    companions: Annotated[int, Field(ge=0, le=9)] = 0
    """How many others one member may bring."""
    reply_until: LocalTime | None = None
    """Until when somebody may say that they come; none: until it begins."""
    reminder_hours: ReminderHours = (24, 1)
    contact: Localised | None = None
    """Whom to ask."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.ends <= self.starts:
            raise ValueError("ends is not after starts; correct one of the two")
        if self.place is None and self.online is None:
            raise ValueError("say where: write place, online or both")
        if self.reply_until is not None and self.reply_until > self.starts:
            raise ValueError("reply_until is after starts; choose an earlier time")
        return self


def moment_of(wall: datetime, zone: ZoneInfo) -> datetime | None:
    """A time on the town's clock as a moment; `None` if the clock skips it that day.

    What the clock shows twice, when summer time ends, is taken as the first of the two.
    """
    moment = wall.replace(tzinfo=zone, fold=0)
    shown = datetime.fromtimestamp(moment.timestamp(), zone)
    return moment if shown.replace(tzinfo=None) == wall else None
