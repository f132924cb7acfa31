"""What a member wants to hear of, and where and in what time they live: /settings.

All of it is told by the person, none of it is needed, and each can be deleted again. A button under
an announcement ends its topic with one press, and the answer offers the way back.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from bots import texts
from bots.conversation.desk import Desk
from bots.conversation.messages import Button, Incoming, Reply
from bots.zones import ABROAD, REGIONS, area_name, area_named, city, local_time, zones_of
from core import announcements, identity, mydata
from core.database import transaction
from core.identity import Account, Aloud

Row = tuple[Button, ...]

VOICE: Final = frozenset({"voice", "声", "こえ", "音声", "語音", "语音", "음성", "목소리"})
"""What may follow /settings instead of a place."""


class Preferences:
    """The desk for a member's own settings."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def settings(self, incoming: Incoming, account: Account) -> Reply:
        """/settings: how everything stands. A place behind it, such as ``Italy``, sets it."""
        if incoming.command == "settings" and (place := incoming.text.strip()):
            if place.lower() in VOICE and self._desk.speaks():
                return await self.aloud(replace(incoming, command=None), account)
            return await self._place_named(place, account)
        language = account.locale
        wanted = await self._topics(account)
        lines = [self._messages_line(account)]
        if wanted:
            comma = self._say("settings.comma", language)
            chosen = [self._title(name, language) for name, wants in wanted.items() if wants]
            named = comma.join(chosen) or self._say("settings.no-topics", language)
            lines.append(self._say("settings.topics", language, topics=named))
        lines += [self._area_line(account), self._zone_line(account)]
        if self._desk.speaks():
            lines.append(self._aloud_line(account))
        return Reply(
            "\n".join([self._say("settings.title", language), *(f"・{each}" for each in lines)]),
            footnote=self._say("settings.why", language),
            buttons=self._choices(account, topics=bool(wanted)),
            private=True,
        )

    def _choices(self, account: Account, *, topics: bool) -> tuple[Row, ...]:
        language = account.locale
        toggle = "off" if account.wants_messages else "on"
        switch = texts.say(f"chat.messages.ask-{toggle}", language)
        rows: list[Row] = []
        if topics:
            rows.append((self._button("settings.choose-topics", "topics", language),))
        rows += [
            (
                self._button("settings.choose-area", "area", language),
                self._button("settings.choose-zone", "zone", language),
            ),
            (
                self._button("settings.choose-language", "language", language),
                Button(switch, action=f"messages:{toggle}"),
            ),
        ]
        if self._desk.speaks():
            rows.append((Button(texts.say("voice.settings.choose", language), action="aloud"),))
        return tuple(rows)

    # Answers aloud

    async def aloud(self, incoming: Incoming, account: Account) -> Reply:
        """When answers are said as well as written; which one, or the choice."""
        language, chosen = account.locale, (incoming.action or "").partition(":")[2]
        if chosen in set(Aloud):
            account = replace(account, aloud=Aloud(chosen))
            async with transaction(self._desk.sessions) as session:
                await identity.set_aloud(session, account.member_id, account.aloud)
            words = texts.say("voice.settings.set", language, choice=_when(account))
            if account.aloud is not Aloud.NEVER:
                words = "\n\n".join((words, *self._unspoken(language)))
            return Reply(words, buttons=((self._back(language),),), private=True)
        rows = [
            (Button(_when(replace(account, aloud=each)), action=f"aloud:{each}"),) for each in Aloud
        ]
        words = texts.say("voice.settings.ask", language)
        words = "\n\n".join((words, *self._unspoken(language)))
        return Reply(words, buttons=(*rows, (self._back(language),)), private=True)

    def _unspoken(self, language: str) -> tuple[str, ...]:
        """That nothing will be heard in this language, where that is known."""
        if self._desk.speaks_in(language):
            return ()
        return (texts.say("voice.settings.unspoken", language),)

    def _aloud_line(self, account: Account) -> str:
        return texts.say("voice.settings.line", account.locale, choice=_when(account))

    # Topics

    async def topics(self, incoming: Incoming, account: Account) -> Reply:  # noqa: ARG002
        """The topics, each a switch."""
        language = account.locale
        wanted = await self._topics(account)
        rows: list[Row] = []
        for name, wants in wanted.items():
            shown = wants and account.wants_messages
            label = self._say(
                f"topic.{'on' if shown else 'off'}", language, topic=self._title(name, language)
            )
            rows.append((Button(label, action=f"topic:{name}:{'off' if shown else 'on'}:list"),))
        key = "topic.title" if account.wants_messages else "topic.paused"
        rows.append((self._back(language),))
        return Reply(self._say(key, language), buttons=tuple(rows), private=True)

    async def topic(self, incoming: Incoming, account: Account) -> Reply:
        """One topic on or off, from the list or from the button under an announcement."""
        _, name, switch, *where = [*(incoming.action or "").split(":"), "", ""]
        language = account.locale
        if self._desk.town.topic(name) is None or switch not in {"on", "off"}:
            return Reply(self._say("topic.gone", language), private=True)
        wants = switch == "on"
        only = wants and not account.wants_messages
        others = await self._topics(account) if only else {}
        async with transaction(self._desk.sessions) as session:
            if only:  # who had switched all off and chooses one has chosen this one alone
                await mydata.choose_messages(session, account.member_id, wants=True)
                for other in others:
                    await self._keep(session, account, other, wants=other == name)
            await self._keep(session, account, name, wants=wants)
        if "list" in where:
            now_on = account.wants_messages or wants
            return await self.topics(incoming, replace(account, wants_messages=now_on))
        title = self._title(name, language)
        if wants:
            return Reply(
                self._say("topic.wanted", language, topic=title),
                buttons=((self._open(language),),),
                private=True,
            )
        again = Button(self._say("topic.again", language), action=f"topic:{name}:on")
        return Reply(
            self._say("topic.stopped", language, topic=title),
            buttons=((again, self._open(language)),),
            private=True,
        )

    async def _keep(
        self, session: AsyncSession, account: Account, topic: str, *, wants: bool
    ) -> None:
        town = self._desk.town
        await announcements.set_topic(session, account.member_id, topic, wants=wants, town=town)

    async def _topics(self, account: Account) -> dict[str, bool]:
        async with transaction(self._desk.sessions) as session:
            return dict(await announcements.wants(session, account.member_id, town=self._desk.town))

    # Places

    async def area(self, incoming: Incoming, account: Account) -> Reply:
        """A prefecture by its region, or a country; it brings its time zone along."""
        language = account.locale
        match (incoming.action or "").split(":")[1:]:
            case ["in", region] if region in REGIONS:
                choices = self._areas(REGIONS[region], language)
                return self._asked("area.prefecture", choices, language)
            case ["in", "abroad"]:
                other = (self._button("area.other", "area:other", language),)
                choices = [*self._areas(ABROAD, language), other]
                return self._asked("area.country", choices, language)
            case ["other"]:
                return self._asked("area.how", [], language)
            case ["none"]:
                async with transaction(self._desk.sessions) as session:
                    await identity.set_area(session, account.member_id, None)
                    await identity.set_zone(session, account.member_id, None)
                return self._asked("area.forgotten", [], language)
            case [area] if identity.is_area(area):
                return await self._lives(area, account)
        regions = [
            Button(texts.say(f"areas.region.{each}", language), action=f"area:in:{each}")
            for each in (*REGIONS, "abroad")
        ]
        rows = _rows(regions, 2)
        if account.area is not None:
            rows.append((self._button("area.forget", "area:none", language),))
        return self._asked("area.ask", rows, language)

    def _areas(self, areas: Iterable[str], language: str) -> list[Row]:
        return _rows(
            [Button(area_name(each, language), action=f"area:{each}") for each in areas], 3
        )

    async def _place_named(self, text: str, account: Account) -> Reply:
        area = area_named(text[:80])
        if area is None:
            words = self._say("area.unknown", account.locale, text=text[:80])
            return Reply(words, buttons=((self._back(account.locale),),), private=True)
        return await self._lives(area, account)

    async def _lives(self, area: str, account: Account) -> Reply:
        language, now = account.locale, self._desk.clock()
        zones = zones_of(area, now)
        zone = zones[0] if len(zones) == 1 else None
        async with transaction(self._desk.sessions) as session:
            await identity.set_area(session, account.member_id, area)
            await identity.set_zone(session, account.member_id, zone)
        said = self._say("area.set", language, area=area_name(area, language))
        if zone is not None:
            told = self._say(
                "zone.set", language, place=city(zone, language), time=local_time(zone, now)
            )
            return Reply(f"{said}\n{told}", buttons=((self._back(language),),), private=True)
        asked = self._zones(replace(account, area=area, zone=None))
        return replace(asked, text=f"{said}\n\n{asked.text}")

    async def zone(self, incoming: Incoming, account: Account) -> Reply:
        """The time that somebody lives by, of those that their country has."""
        language, now = account.locale, self._desk.clock()
        wanted = (incoming.action or "").partition(":")[2]
        if wanted == "town" or wanted in identity.zones():
            zone = None if wanted == "town" else wanted
            async with transaction(self._desk.sessions) as session:
                await identity.set_zone(session, account.member_id, zone)
            shown = zone or self._desk.town.town.timezone
            told = self._say(
                "zone.set", language, place=city(shown, language), time=local_time(shown, now)
            )
            return Reply(told, buttons=((self._back(language),),), private=True)
        return self._zones(account)

    def _zones(self, account: Account) -> Reply:
        language, now = account.locale, self._desk.clock()
        zones = zones_of(account.area, now) if account.area else ()
        choices = [
            Button(
                self._say(
                    "zone.choice", language, place=city(each, language), time=local_time(each, now)
                ),
                action=f"zone:{each}",
            )
            for each in zones
        ]
        rows = [
            *_rows(choices, 2),
            (
                self._button("zone.town", "zone:town", language),
                self._button("settings.choose-area", "area", language),
            ),
        ]
        return self._asked("zone.ask", rows, language)

    # Words

    def _messages_line(self, account: Account) -> str:
        return self._say(
            f"settings.messages-{'on' if account.wants_messages else 'off'}", account.locale
        )

    def _area_line(self, account: Account) -> str:
        language = account.locale
        if account.area is None:
            return self._say("settings.no-area", language)
        return self._say("settings.area", language, area=area_name(account.area, language))

    def _zone_line(self, account: Account) -> str:
        language, now = account.locale, self._desk.clock()
        if account.zone is None:
            time = local_time(self._desk.town.town.timezone, now)
            return self._say("settings.town-zone", language, time=time)
        time = local_time(account.zone, now)
        return self._say("settings.zone", language, place=city(account.zone, language), time=time)

    def _asked(self, key: str, rows: list[Row], language: str) -> Reply:
        buttons = (*rows, (self._back(language),))
        return Reply(self._say(key, language), buttons=buttons, private=True)

    def _title(self, name: str, language: str) -> str:
        topic = self._desk.town.topic(name)
        return topic.title.get(language) if topic else name

    def _back(self, language: str) -> Button:
        return self._button("settings.back", "settings", language)

    def _open(self, language: str) -> Button:
        return self._button("settings.open", "settings", language)

    def _button(self, key: str, action: str, language: str) -> Button:
        return Button(self._say(key, language), action=action)

    def _say(self, key: str, language: str, **values: object) -> str:
        return texts.say(f"topics.{key}", language, **values)


def _when(account: Account) -> str:
    return texts.say(f"voice.settings.{account.aloud}", account.locale)


def _rows(buttons: list[Button], width: int) -> list[Row]:
    return [tuple(buttons[start : start + width]) for start in range(0, len(buttons), width)]
