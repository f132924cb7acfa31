"""Events as iCalendar (RFC 5545), for a file and for a calendar that is looked up again and again.

Times are written in UTC: each reader's calendar shows them on its own clock, and no change of
daylight saving can shift them. UID stays for the life of an event and SEQUENCE rises with every
change (RFC 5546, 2.1.4), so that a newer file replaces the older entry; CANCEL takes it away.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal
from unicodedata import category

if TYPE_CHECKING:
    from icalendar import Event as Component

PRODID: Final = "-//Kankei//Events//JA"
REFRESH: Final = timedelta(hours=1)

Method = Literal["PUBLISH", "CANCEL"]
Status = Literal["CONFIRMED", "TENTATIVE", "CANCELLED"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One event in words of one language. `link` only for those who may have it."""

    uid: str
    sequence: int
    starts_at: datetime
    ends_at: datetime
    changed_at: datetime
    status: Status
    summary: str
    description: str
    location: str
    page: str
    link: str | None = None


def calendar(
    entries: Sequence[Entry],
    *,
    method: Method,
    name: str,
    organizer: tuple[str, str],
    now: datetime,
    feed: bool = False,
) -> bytes:
    """A calendar of `entries`. `organizer` is a name and an address (any URI, RFC 5545 3.3.3)."""
    from icalendar import Calendar, vDuration  # for files alone

    name, organizer = _line(name), (_line(organizer[0]), organizer[1])
    found = Calendar()
    found.add("prodid", PRODID)
    found.add("version", "2.0")
    found.add("method", method)
    if feed:  # RFC 7986, and the older names that calendars know
        found.add("name", name)
        found.add("x-wr-calname", name)
        found.add("refresh-interval", vDuration(REFRESH), parameters={"VALUE": "DURATION"})
    for entry in entries:
        found.add_component(_component(entry, organizer, now))
    return bytes(found.to_ical())


def _component(entry: Entry, organizer: tuple[str, str], now: datetime) -> "Component":
    from icalendar import Event as Component
    from icalendar import vCalAddress, vText, vUri

    found = Component()
    found.add("uid", entry.uid)
    found.add("dtstamp", now.astimezone(UTC).replace(microsecond=0))
    found.add("last-modified", entry.changed_at.astimezone(UTC).replace(microsecond=0))
    found.add("sequence", entry.sequence)
    found.add("dtstart", entry.starts_at.astimezone(UTC))
    found.add("dtend", entry.ends_at.astimezone(UTC))
    found.add("status", entry.status)
    found.add("summary", _line(entry.summary))
    found.add("description", _lines(entry.description))
    if entry.location:
        found.add("location", _line(entry.location))
    found.add("url", vUri(entry.page))
    if entry.link is not None:
        found.add("conference", vUri(entry.link), parameters={"VALUE": "URI", "FEATURE": "VIDEO"})
    address = vCalAddress(organizer[1])
    address.params["CN"] = vText(organizer[0])
    found.add("organizer", address)
    return found


def _lines(text: str) -> str:
    """Words of several lines: what a TEXT value may hold (RFC 5545, 3.3.11), line breaks as LF."""
    unified = "\n".join(text.splitlines())
    return "".join(each for each in unified if each == "\n" or category(each) != "Cc")


def _line(text: str) -> str:
    """Words of one line."""
    return " ".join(_lines(text).split("\n"))
