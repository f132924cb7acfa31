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


class _Fault(Exception):
    """Why a form cannot be taken; the words stand under ``events-desk.fault``."""


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
) -> Plan | str:
    """The plan that a form describes, or the key of what is wrong with it.

    `before`: what stood there; an event that has begun may keep the time at which it did.
    """
    try:
        return _read(fields, town, zone, now, before)
    except _Fault as fault:
        return str(fault)


def _read(
    fields: Mapping[str, str],
    town: TownPack,
    zone: ZoneInfo,
    now: datetime,
    before: Plan | None,
) -> Plan:
    words = {name: _words(fields, name, most) for name, most in WORDED.items()}
    if not words["title"]:
        raise _Fault("title")
    if not words["text"]:
        raise _Fault("text")
    starts, ends = (_moment(fields.get(each, ""), zone) for each in ("starts", "ends"))
    if starts is None or ends is None:
        raise _Fault("times")
    if ends <= starts:
        raise _Fault("order")
    if starts <= now and (before is None or before.starts_at != starts):
        raise _Fault("past")
    until = _moment(fields.get("reply_until", ""), zone)
    if until is not None and until > starts:
        raise _Fault("reply-until")
    online = read_link(fields.get("online", ""))
    if online is False:
        raise _Fault("online")
    if not words["place"] and online is None:
        raise _Fault("where")
    gate = fields.get("gate") or None
    if gate is not None and town.gate(gate) is None:
        raise _Fault("gate")
    capacity = _count(fields.get("capacity", ""), 1, MAX_CAPACITY, "capacity")
    companions = _count(fields.get("companions", ""), 0, MAX_COMPANIONS, "companions") or 0
    if capacity is not None and capacity <= companions:
        raise _Fault("companions")
    return Plan(
        **words,
        starts_at=starts,
        ends_at=ends,
        online=online,
        gate=gate,
        capacity=capacity,
        companions=companions,
        reply_until=until,
        reminders=_reminders(fields, before),
    )


def _words(fields: Mapping[str, str], name: str, most: int) -> Words:
    found = read_words(fields, name, most)
    if isinstance(found, str):
        raise _Fault("japanese" if found == "ja" and not fields.get(f"{name}-ja") else "long")
    return found


def _moment(text: str, zone: ZoneInfo) -> datetime | None:
    """What a field of type ``datetime-local`` says, on the town's clock."""
    if not text:
        return None
    try:
        wall = datetime.fromisoformat(text)
    except ValueError as error:
        raise _Fault("times") from error
    if wall.tzinfo is not None:
        raise _Fault("times")
    moment = moment_of(wall, zone)
    if moment is None:
        raise _Fault("skipped")
    return moment


def _count(text: str, least: int, most: int, fault: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()) or not least <= int(text[:6]) <= most:
        raise _Fault(fault)
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
