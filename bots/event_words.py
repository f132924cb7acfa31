"""Events in words: when on whose clock, where, for whom, what is free; in chats and on pages."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bots import texts
from bots.web.words import on
from bots.zones import zone_name
from core.announcements import Outgoing
from core.events import (
    Entry,
    Event,
    Refusal,
    Reply,
    ReplyState,
    View,
    Words,
    calendar,
    words_in,
)
from core.town import TownPack

NOTICE: Final = "event-"
"""How the keys of notices about events begin."""


class EventWords:
    """One town's events in the reader's language. Plain text, readings in brackets."""

    def __init__(self, town: TownPack, address: str = "") -> None:
        """`address` is that of the web pages, without a trailing slash."""
        self._town = town
        self._address = address
        self._zone = ZoneInfo(town.town.timezone)

    # When

    def clock(self, moment: datetime, language: str, zone: ZoneInfo | None = None) -> str:
        """A moment with its day, on the town's clock or another."""
        local = moment.astimezone(zone or self._zone)
        return f"{self._day(local, language)} {_time(local)}"

    def _day(self, local: datetime, language: str) -> str:
        weekday = texts.say(f"events.weekday.{local.isoweekday()}", language)
        date = on(local.date(), language)
        return texts.say("events.when.day", language, date=date, weekday=weekday)

    def span(
        self, starts: datetime, ends: datetime, language: str, zone: ZoneInfo | None = None
    ) -> str:
        """From when to when, on the town's clock or another."""
        first, last = (each.astimezone(zone or self._zone) for each in (starts, ends))
        values = {"day": self._day(first, language), "start": _time(first), "end": _time(last)}
        if first.date() == last.date():
            return texts.say("events.when.span", language, **values)
        values["last"] = self._day(last, language)
        return texts.say("events.when.days", language, **values)

    def times(
        self, starts: datetime, ends: datetime, language: str, zone: str | None = None
    ) -> str:
        """On the reader's own clock and on the town's, a line each; one, where they agree."""
        own = _zone(zone)
        if own is None or _same_clock(own, self._zone, starts, ends):
            return self.span(starts, ends, language)
        lines = (
            (f"events.when.{whose}", each) for whose, each in (("own", own), ("town", self._zone))
        )
        return "\n".join(
            texts.say(
                key,
                language,
                zone=zone_name(each.key, language),
                when=self.span(starts, ends, language, each),
            )
            for key, each in lines
        )

    def when(self, event: Event, language: str, zone: str | None = None) -> str:
        return self.times(event.plan.starts_at, event.plan.ends_at, language, zone)

    def moments(self, moment: datetime, language: str, zone: str | None = None) -> str:
        """A time limit, on the reader's own clock where that is another."""
        own = _zone(zone)
        if own is None or _same_clock(own, self._zone, moment, moment):
            return self.clock(moment, language)
        when, named = self.clock(moment, language, own), zone_name(own.key, language)
        return texts.say("events.when.at", language, when=when, zone=named)

    # What, where, for whom

    @staticmethod
    def fact(name: str, said: str, language: str) -> str:
        """One line of an event in a chat, such as ``場所：秋芳洞``."""
        named = texts.say(f"events.fact.{name}", language)
        return texts.say("events.fact.line", language, name=named, said=said)

    def title(self, event: Event, language: str) -> str:
        return words_in(event.plan.title, language)

    def text(self, event: Event, language: str) -> str:
        return words_in(event.plan.text, language)

    def contact(self, event: Event, language: str) -> str:
        return words_in(event.plan.contact, language)

    def notes(self, event: Event, language: str) -> str:
        return words_in(event.notes, language)

    def where(self, event: Event, language: str) -> str:
        return self._where(event.plan.place, event.plan.online is not None, language)

    @staticmethod
    def _where(place: Words, online: bool, language: str) -> str:
        named = words_in(place, language)
        if not named:
            return texts.say("events.fact.online", language)
        return texts.say("events.fact.both", language, place=named) if online else named

    def who(self, event: Event, language: str) -> str:
        gate = self._town.gate(event.plan.gate) if event.plan.gate else None
        if event.plan.gate is None:
            return texts.say("events.fact.everybody", language)
        return gate.title.get(language) if gate else event.plan.gate

    def seats(self, view: View, language: str) -> str:
        if view.left is None:
            return texts.say("events.fact.unlimited", language)
        seated = view.reply is not None and view.reply.has_seat
        key = "left" if view.left else "full_yours" if seated else "full"
        capacity = view.event.plan.capacity
        return texts.say(f"events.fact.{key}", language, left=view.left, capacity=capacity)

    # Replies

    def closed(self, event: Event, language: str, now: datetime) -> str:
        """Why nobody can reply any more; empty while they can."""
        if not event.is_open:
            return texts.say("events.state.cancelled", language)
        for key, end in (
            ("over", event.plan.ends_at),
            ("begun", event.plan.starts_at),
            ("closed", event.replies_end),
        ):
            if now >= end:
                return texts.say(f"events.state.{key}", language)
        return ""

    def reply(
        self,
        reply: Reply | None,
        line: int | None,
        language: str,
        zone: str | None = None,
        *,
        over: bool = False,
    ) -> str:
        """How somebody stands with an event; `over`: it has begun, no seat is given any more."""
        if reply is None:
            return texts.say("events.state.none", language)
        if over and reply.state in {ReplyState.WAITING, ReplyState.OFFERED}:
            return texts.say("events.state.no-seat", language)
        state = reply.state.value
        if reply.state is ReplyState.COMING and reply.companions:
            state = "coming_more"
        until = self.moments(reply.offer_until, language, zone) if reply.offer_until else ""
        said = texts.say(
            f"events.state.{state}",
            language,
            number=reply.number,
            people=reply.party,
            until=until,
            line=line or 1,
        )
        if reply.leave_at is None:
            return said
        leaves = self.moments(reply.leave_at, language, zone)
        return "\n".join((said, texts.say("events.state.leaving", language, until=leaves)))

    def refused(self, event: Event, reason: Refusal, language: str) -> str:
        return texts.say(f"events.why.{reason.value}", language, room=self.who(event, language))

    # Calendars

    def page(self, event: Event) -> str:
        return f"{self._address}/events/{event.id}"

    def entry(self, event: Event, reply: Reply | None, link: str | None, language: str) -> Entry:
        """What a calendar says of an event; `link` only for those who may have it."""
        title = self.title(event, language)
        waiting = reply is not None and reply.state is not ReplyState.COMING
        status = "CANCELLED" if not event.is_open else "TENTATIVE" if waiting else "CONFIRMED"
        if status != "CONFIRMED":
            key = "cancelled" if status == "CANCELLED" else "waiting"
            title = texts.say(f"events.file.{key}", language, title=title)
        lines = [words_in(event.plan.text, language)]
        if reply is not None and not waiting:
            lines.append(texts.say("events.file.number", language, number=reply.number))
        if link is not None:
            lines.append(texts.say("events.file.link", language, link=link))
        lines.append(texts.say("events.file.page", language, page=self.page(event)))
        return Entry(
            uid=event.uid,
            sequence=event.sequence,
            starts_at=event.plan.starts_at,
            ends_at=event.plan.ends_at,
            changed_at=event.changed_at,
            status=status,  # type: ignore[arg-type]
            summary=title,
            description="\n\n".join(lines),
            location=self.where(event, language),
            page=self.page(event),
            link=link,
        )

    def file(
        self, event: Event, reply: Reply | None, link: str | None, language: str, *, now: datetime
    ) -> bytes:
        """One event as a calendar file; of one that was called off, the file takes it away."""
        return calendar(
            [self.entry(event, reply, link, language)],
            method="PUBLISH" if event.is_open else "CANCEL",
            name=self.calendar_name(language),
            organizer=self.organizer(language),
            now=now,
        )

    def calendar_name(self, language: str) -> str:
        return texts.say("events.file.calendar", language, town=self._town.town.name.get(language))

    def organizer(self, language: str) -> tuple[str, str]:
        """Who invites: the town's name and its official page."""
        sender = self._town.announcements.sender.get(language)
        return sender, str(self._town.town.official_url)

    # Notices

    def notice(self, stored: Mapping[str, Any], language: str) -> Outgoing:
        """A notice of `core.events.telling` in the reader's words."""
        key = f"events.notice.{str(stored['key']).removeprefix(NOTICE)}"
        values: Mapping[str, str] = stored["values"]
        zone = values.get("zone")
        starts, ends = (datetime.fromisoformat(values[each]) for each in ("starts", "ends"))
        until = values.get("until")
        link = values.get("link")
        said = {
            "title": words_in(_unflat(values, "title"), language),
            "when": self.times(starts, ends, language, zone),
            "where": self._where(_unflat(values, "place"), "online" in values, language),
            "words": words_in(_unflat(values, "words"), language),
            "until": self.moments(datetime.fromisoformat(until), language, zone) if until else "",
            "link": texts.say("events.notice.link", language, link=link) if link else "",
            "number": values.get("number", ""),
            "ahead": _ahead(int(values.get("minutes", "0")), language),
        }
        button = (texts.say("events.notice.open", language), f"event:{values['event']}")
        name = self._town.town.name.get(language)
        return Outgoing(
            heading=texts.say(f"{key}.heading", language, **said),
            body=texts.say(f"{key}.body", language, **said),
            sender=self._town.announcements.sender.get(language),
            footnote=texts.say("events.notice.footnote", language, town=name),
            language=language,
            action=(button,),
        )


def _unflat(values: Mapping[str, str], name: str) -> Words:
    """Words by language out of a notice's values, such as ``title.ja``."""
    return {
        key.removeprefix(f"{name}."): text
        for key, text in values.items()
        if key.startswith(f"{name}.")
    }


def _time(local: datetime) -> str:
    return f"{local.hour}:{local.minute:02}"


def _zone(name: str | None) -> ZoneInfo | None:
    """The zone of this name; `None` for one that this machine does not know."""
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError):
        return None


def _same_clock(one: ZoneInfo, other: ZoneInfo, *moments: datetime) -> bool:
    return all(
        each.astimezone(one).utcoffset() == each.astimezone(other).utcoffset() for each in moments
    )


def _ahead(minutes: int, language: str) -> str:
    """How long before the beginning: 24 hours, 3 days, 30 minutes."""
    ahead = timedelta(minutes=minutes)
    if ahead > timedelta(hours=24) and not ahead % timedelta(days=1):
        return texts.say("events.notice.days", language, count=ahead.days)
    if not minutes % 60:
        return texts.say("events.notice.hours", language, count=minutes // 60)
    return texts.say("events.notice.minutes", language, count=minutes)
