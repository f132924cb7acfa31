"""What staff write of an event in a form, read as a plan; and a plan as a form shows it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from bots.web.pages import LANGUAGE_NAMES
from bots.web.words import is_blank, one_line
from core.events import Plan, Words
from core.town import TownPack, moment_of
from core.town.events import YEARS

MAX_TITLE: Final = 100
MAX_TEXT: Final = 1_000
MAX_PLACE: Final = 200
MAX_LINK: Final = 500
MAX_CAPACITY: Final = 10_000
MAX_COMPANIONS: Final = 9

REMINDER_CHOICES: Final = (168, 72, 48, 24, 3, 1)
"""Hours before the beginning, as boxes to tick."""

WORDED: Final[Mapping[str, int]] = {
    "title": MAX_TITLE,
    "text": MAX_TEXT,
    "place": MAX_PLACE,
    "contact": MAX_PLACE,
}
"""What is written in several languages, and how long it may be."""


Faults = dict[str, str]
"""By field, in the order of the page, what is wrong: a key under ``events-desk.fault``."""


def read_words(fields: Mapping[str, str], name: str, most: int) -> Words | str:
    """Words by language out of a form; none: empty. A text: the language that is too long.

    Japanese is needed as soon as any language is written.
    """
    several = name in {"text", "message", "notes"}
    found = {
        language: (text if several else one_line(text))
        for language in LANGUAGE_NAMES
        if not is_blank(text := fields.get(f"{name}-{language}", ""))
    }
    if found and "ja" not in found:
        return "ja"
    return next((each for each, text in found.items() if len(text) > most), found)


def read_link(text: str) -> str | Literal[False] | None:
    """An https address; `None`: nothing was written; `False`: it is no such address."""
    text = one_line(text)
    if not text:
        return None
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    fine = parts.scheme == "https" and parts.hostname and len(text) <= MAX_LINK
    return text if fine and not any(each.isspace() for each in text) else False


def read_plan(
    fields: Mapping[str, str],
    town: TownPack,
    zone: ZoneInfo,
    *,
    now: datetime,
    before: Plan | None = None,
) -> Plan | Faults:
    """The plan that a form describes, or everything that is wrong with it.

    `before`: what stood there; an event that has begun may keep the time at which it did.
    """
    faults: Faults = {}
    words = {name: _words(fields, name, most, faults) for name, most in WORDED.items()}
    starts, ends, until = _times(fields, zone, now, before, faults)
    gate = fields.get("gate") or None
    if gate is not None and town.gate(gate) is None:
        faults["gate"] = "gate"
    online = read_link(fields.get("online", ""))
    if online is False:
        faults["online"] = "online"
    elif not words["place"] and online is None and not _faulty(faults, "place"):
        faults["place-ja"] = "where"
    capacity = _count(fields, "capacity", 1, MAX_CAPACITY, faults)
    companions = _count(fields, "companions", 0, MAX_COMPANIONS, faults) or 0
    if capacity is not None and capacity <= companions:
        faults.setdefault("companions", "companions")
    if faults or starts is None or ends is None:
        return _in_order(faults)
    return Plan(
        **words,
        starts_at=starts,
        ends_at=ends,
        online=online or None,
        gate=gate,
        capacity=capacity,
        companions=companions,
        reply_until=until,
        reminders=_reminders(fields, before),
    )


def _in_order(faults: Faults) -> Faults:
    """As the fields stand on the page."""
    worded = [f"{name}-{language}" for language in LANGUAGE_NAMES for name in WORDED]
    order = (*worded, "starts", "ends", "reply_until", "gate", "online", "capacity", "companions")
    return {name: faults[name] for name in order if name in faults}


def _faulty(faults: Faults, name: str) -> bool:
    return any(each.startswith(f"{name}-") for each in faults)


def _words(fields: Mapping[str, str], name: str, most: int, faults: Faults) -> Words:
    found = read_words(fields, name, most)
    if isinstance(found, str):
        missing = found == "ja" and is_blank(fields.get(f"{name}-ja", ""))
        faults[f"{name}-{found}"] = "japanese" if missing else "long"
        return {}
    if not found and name in {"title", "text"}:
        faults[f"{name}-ja"] = name
    return found


def _times(
    fields: Mapping[str, str],
    zone: ZoneInfo,
    now: datetime,
    before: Plan | None,
    faults: Faults,
) -> tuple[datetime | None, datetime | None, datetime | None]:
    """Beginning, end and the time limit of replies, in this order and none of them gone."""
    starts, ends = (_moment(fields, each, zone, faults) for each in ("starts", "ends"))
    for name, moment in (("starts", starts), ("ends", ends)):
        if moment is None:
            faults.setdefault(name, "times")
    if starts is not None and starts <= now and (before is None or before.starts_at != starts):
        faults["starts"] = "past"
    if starts is not None and ends is not None and ends <= starts:
        faults["ends"] = "order"
    until = _moment(fields, "reply_until", zone, faults)
    if until is not None and starts is not None and until > starts:
        faults["reply_until"] = "reply-until"
    elif until is not None and until <= now and (before is None or before.reply_until != until):
        faults["reply_until"] = "until-past"
    return starts, ends, until


def _moment(
    fields: Mapping[str, str], name: str, zone: ZoneInfo, faults: Faults
) -> datetime | None:
    """What a field of type ``datetime-local`` says, on the town's clock."""
    text = fields.get(name, "")
    if not text:
        return None
    try:
        wall = datetime.fromisoformat(text)
    except ValueError:
        faults[name] = "times"
        return None
    if wall.tzinfo is not None:
        faults[name] = "times"
    elif wall.year not in YEARS:
        faults[name] = "year"
    elif (moment := moment_of(wall, zone)) is None:
        faults[name] = "skipped"
    else:
        return moment
    return None


def _count(
    fields: Mapping[str, str], name: str, least: int, most: int, faults: Faults
) -> int | None:
    text = fields.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()) or not least <= int(text[:6]) <= most:
        faults[name] = name
        return None
    return int(text)


def _reminders(fields: Mapping[str, str], before: Plan | None) -> tuple[timedelta, ...]:
    """The boxes that are ticked, and what the pack says that has no box."""
    offered = {timedelta(hours=each) for each in REMINDER_CHOICES}
    ticked = [timedelta(hours=each) for each in REMINDER_CHOICES if fields.get(f"reminder-{each}")]
    kept = [each for each in before.reminders if each not in offered] if before else []
    return tuple(sorted((*ticked, *kept), reverse=True))


def fields_of(plan: Plan, zone: ZoneInfo) -> Mapping[str, str]:
    """A plan as the form shows it."""
    fields = {
        f"{name}-{language}": text
        for name in WORDED
        for language, text in getattr(plan, name).items()
    }
    for name, moment in (
        ("starts", plan.starts_at),
        ("ends", plan.ends_at),
        ("reply_until", plan.reply_until),
    ):
        if moment is not None:
            fields[name] = f"{moment.astimezone(zone):%Y-%m-%dT%H:%M}"
    fields |= {f"reminder-{int(each.total_seconds() // 3600)}": "yes" for each in plan.reminders}
    return {
        **fields,
        "online": plan.online or "",
        "gate": plan.gate or "",
        "capacity": str(plan.capacity or ""),
        "companions": str(plan.companions),
    }
