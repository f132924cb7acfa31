"""What the pages on announcements say of people, audiences, times and figures."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bots import texts
from bots.web.console.announcements.form import Given
from bots.web.pages import LANGUAGE_NAMES
from bots.web.words import on, when
from bots.zones import area_name
from core.announcements import Announcement, Audience, Extras, Kind, Reach
from core.town import Gate, Proof, Tier, TownPack
from core.town.model import Topic
from knowledge.figures import Differences, differences

HOUR: Final = 3_600
DAY: Final = 86_400


def named(actor: str) -> str:
    """Who it was, as the log writes it: ``staff:hana`` is hana, ``telegram:7`` Telegram 7."""
    kind, _, name = actor.partition(":")
    if not name:
        return actor
    return name if kind == "staff" else f"{kind.capitalize()} {name}"


def whom(town: TownPack, audience: Audience, language: str) -> list[str]:
    """The audience in words, a line a condition."""

    def say(key: str, **values: object) -> str:
        return texts.say(f"announcing.to.{key}", language, **values)

    if audience.kind is not Kind.DIRECT:
        if audience.gate is None:
            return [say("board")]
        return [say("room", room=_title(town, "rooms", audience.gate, language))]
    segment, lines = audience.segment, [say("direct")]
    rooms = (audience.gate, *segment.rooms) if audience.gate else segment.rooms
    for name, values in (
        ("rooms", rooms),
        ("tiers", segment.tiers),
        ("proofs", segment.proofs),
        ("languages", segment.languages),
        ("areas", segment.areas),
    ):
        if values:
            titles = [_title(town, name, each, language) for each in values]
            lines.append(say(name, names=say("or").join(titles)))
    for name, day in (
        ("joined_since", segment.joined_since),
        ("visited_since", segment.visited_since),
    ):
        if day is not None:
            lines.append(say(name, day=on(day, language)))
    if segment.missed is not None:
        lines.append(say("missed", number=segment.missed))
    if audience.topic is not None:
        lines.append(say("topic", name=_title(town, "topics", audience.topic, language)))
    return lines if len(lines) > 1 else [*lines, say("everybody")]


@dataclass(frozen=True, slots=True)
class Timed:
    """Whom something is for, and when it leaves."""

    audience: Audience
    start_at: datetime | None
    deadline: datetime | None


def described(
    town: TownPack, extras: Extras, timed: Timed | None = None, *, language: str
) -> dict[str, list[str]]:
    """Everything but the words, by the key of what it is under ``announcing``: what it says."""

    def at(moment: datetime | None) -> list[str]:
        return [when(moment, language, town.town.timezone)] if moment else []

    place = extras.location
    found = {
        "write.picture": [f"#{extras.picture}"] if extras.picture is not None else [],
        "write.links": [f"{each.label['ja']} {each.url}" for each in extras.links],
        "write.place": [f"{place.title['ja']} ({place.latitude}, {place.longitude})"]
        if place
        else [],
        "check.how": [
            texts.say(f"announcing.check.quiet_{'wait' if extras.quiet else 'now'}", language),
            texts.say(f"announcing.check.policy_{extras.policy}", language),
        ],
    }
    if timed is None:
        return found
    times = {"check.start": at(timed.start_at), "check.deadline": at(timed.deadline)}
    return {"check.to": whom(town, timed.audience, language), **times, **found}


def _title(town: TownPack, kind: str, name: str, language: str) -> str:
    if kind == "languages":
        return LANGUAGE_NAMES.get(name, name)
    if kind == "areas":
        return area_name(name, language)
    titled: Mapping[str, Sequence[Gate | Tier | Proof | Topic]] = {
        "rooms": town.gates,
        "tiers": town.tiers,
        "proofs": town.proofs,
        "topics": town.announcements.topics,
    }
    return next((each.title.get(language) for each in titled[kind] if each.name == name), name)


def conditions(
    town: TownPack, areas: Iterable[str], language: str
) -> Mapping[str, Mapping[str, str]]:
    """What can be ticked, by the name of the condition: value to words."""
    return {
        "rooms": {each.name: each.title.get(language) for each in town.gates},
        "tiers": {each.name: each.title.get(language) for each in town.tiers},
        "proofs": {each.name: each.title.get(language) for each in town.proofs},
        "languages": {each: LANGUAGE_NAMES[each] for each in town.town.languages},
        "areas": {each: area_name(each, language) for each in areas},
    }


def span(time: timedelta, language: str) -> str:
    """A length of time as people say it: 5分, 2時間30分, 3日."""

    def say(key: str, **values: object) -> str:
        return texts.say(f"announcing.span.{key}", language, **values)

    seconds = time.total_seconds()
    if seconds <= 60:  # noqa: PLR2004
        return say("moment")
    minutes = round(seconds / 60)
    if seconds < HOUR:
        return say("minutes", minutes=minutes)
    if seconds < DAY:
        hours, minutes = divmod(minutes, 60)
        return say("hours_minutes" if minutes else "hours", hours=hours, minutes=minutes)
    days, hours = divmod(round(seconds / HOUR), 24)
    return say("days_hours" if hours else "days", days=days, hours=hours)


@dataclass(frozen=True, slots=True)
class Reached:
    """Whom it reaches and when it is done, for the page."""

    room: bool
    total: int
    recipients: Mapping[str, int]
    people: int
    span: str
    ends_at: datetime
    booked: bool  # it begins later
    waits: bool  # somebody may sleep
    needs_second: bool
    above: int
    unreachable: Mapping[str, int]  # who is only on platforms that are not open


def reached(
    town: TownPack,
    audience: Audience,
    found: Reach,
    *,
    quiet: bool,
    now: datetime,
    language: str,
    start: datetime | None = None,
) -> Reached:
    room = audience.kind is not Kind.DIRECT
    begins = max(now, start or now)
    return Reached(
        room=room,
        total=sum(found.recipients.values()),
        recipients=found.recipients,
        people=found.people,
        span=span(found.finishes_in, language),
        ends_at=begins + found.finishes_in,
        booked=begins > now,
        waits=not room and quiet and town.announcements.quiet is not None,
        needs_second=found.needs_second,
        above=town.announcements.approve_above,
        unreachable=found.unreachable,
    )


def compared(given: Given) -> dict[str, Differences]:
    """By language: the figures in which it departs from the Japanese words; only where it does.

    Nothing departs from words that are not there.
    """
    if not given.get("heading-ja") and not given.get("body-ja"):
        return {}
    original = f"{given.get('heading-ja')}\n{given.get('body-ja')}"
    found = {
        language: differences(
            original, f"{given.get(f'heading-{language}')}\n{given.get(f'body-{language}')}"
        )
        for language in given.languages
        if language != "ja" and given.get(f"body-{language}")
    }
    return {language: each for language, each in found.items() if each}


def marks(
    given: Given, languages: Iterable[str], wrong: Mapping[str, Differences]
) -> dict[str, str]:
    """By language, how far its words are: a key under ``announcing.write``."""
    found = {}
    for language in languages:
        heading, body = given.get(f"heading-{language}"), given.get(f"body-{language}")
        read = given.get(f"read-{language}") == "yes"
        machine = given.get(f"machine-{language}") == "yes"
        if not heading and not body:
            found[language] = "empty"
        elif not heading or not body:
            found[language] = "half"
        elif language in wrong and not read:
            found[language] = "wrong"
        elif machine:
            found[language] = "read" if read else "unread"
        else:
            found[language] = "own"
    return found


def unread(found: Announcement) -> list[str]:
    """Languages whose words a machine drafted and nobody has read."""
    return [code for code, text in found.texts.items() if text.get("machine") == "unread"]


def hindrance(found: Announcement) -> str:
    """Why its words cannot be sent as they are: a key under ``announcing``; empty: they can."""
    if "ja" not in found.texts:
        return "check.no_japanese"
    return "done.unread" if unread(found) else ""
