"""The steps of an announcement in chat: each says where one is, and leads on, back and out."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from bots import texts
from bots.conversation.announcing.times import minutes_of, moment_in
from bots.conversation.desk import Desk
from bots.conversation.messages import Button, Incoming, Reply
from bots.fitting import unfit
from bots.notices import render_for
from bots.zones import area_name
from core import announcements, unfinished
from core.announcements import (
    MAX_BODY,
    MAX_HEADING,
    MAX_LINKS,
    Announcement,
    Audience,
    KeptPicture,
    Kind,
    Outgoing,
    Preview,
    Segment,
)
from core.announcements.delivery.matter import dressed
from core.announcements.schedule import start_of
from core.database import reading, transaction
from core.errors import NotFound
from core.identity import Account
from core.town.words import FALLBACKS

Row = tuple[Button, ...]

TOWN: Final = "-"  # in a button: the whole town, or no topic; no gate and no topic is called so
MORNING, EVENING = time(9, 0), time(18, 0)
HOUR: Final = timedelta(hours=1)


class Step(StrEnum):
    """Where somebody is in writing an announcement."""

    WORDS = "words"
    LANGUAGES = "languages"
    PICTURE = "picture"
    LINK = "link"
    AUDIENCE = "audience"
    PREVIEW = "preview"
    TIME = "time"


ORDER: Final = tuple(Step)
TYPED: Final = {Step.PICTURE: "picture", Step.LINK: "link", Step.TIME: "time"}
"""Steps at which the next message is theirs."""


class Steps:
    """Shows the steps of one draft."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def show(
        self,
        step: Step,
        number: int,
        incoming: Incoming,
        account: Account,
        note: str = "",
        *,
        until: str = "",
    ) -> Reply:
        """One step, with what is known by now; and remember what the next message will be.

        `until`: the deadline that the step of the time keeps, as buttons carry it.
        """
        async with reading(self._desk.sessions) as session:
            draft = await announcements.progress(session, number)
        waits = f"{TYPED[step]}:{until}" if until else TYPED.get(step)
        await self.wait_for(waits, number, incoming, account)
        match step:
            case Step.WORDS:
                return self.words(draft.id, account.locale)
            case Step.LANGUAGES:
                reply = self._languages(draft, account.locale)
            case Step.PICTURE:
                reply = await self._picture(draft, incoming, account.locale)
            case Step.LINK:
                reply = self._link(draft, incoming, account.locale)
            case Step.AUDIENCE:
                reply = self._audience(draft, account.locale)
            case Step.PREVIEW:
                reply = await self._preview(draft, account.locale)
            case Step.TIME:
                reply = self._time(draft, incoming, account.locale, until)
        return replace(reply, text=f"{note}\n\n{reply.text}") if note else reply

    async def wait_for(
        self, what: str | None, number: int | None, incoming: Incoming, account: Account
    ) -> None:
        """What the next message of this account means; in a group nothing is waited for."""
        if incoming.chat.value != "private":
            return
        async with transaction(self._desk.sessions) as session:
            if what is None:
                await unfinished.settle(session, account.id)
                return
            now = self._desk.clock()
            await unfinished.await_next(session, account.id, what, draft=number, now=now)

    # The steps

    def words(self, number: int | None, language: str) -> Reply:
        asked = say("words.ask", language, heading=MAX_HEADING, body=f"{MAX_BODY:,}")
        rows: list[Row] = []
        if number is not None:
            rows.append((button("next", f"announce:go:{number}:languages", language),))
        rows.append((quit_button(number, language),))
        return self._step(Step.WORDS, asked, rows, language)

    def _languages(self, draft: Announcement, language: str) -> Reply:
        buttons = []
        for each in self._desk.town.town.languages:
            if each == "ja":
                continue
            key = "languages.written" if each in draft.texts else "languages.write"
            label = say(key, language, name=texts.say("chat.language.name", each))
            buttons.append(Button(label, action=f"announce:words:{draft.id}:{each}"))
        rewrite = button("words.rewrite", f"announce:words:{draft.id}:ja", language)
        rows = [*_pairs(buttons), (rewrite,), *_onwards(draft.id, Step.LANGUAGES, language)]
        asked = say("languages.ask", language)
        return self._step(Step.LANGUAGES, asked, rows, language, quote=_text(draft))

    async def _picture(self, draft: Announcement, incoming: Incoming, language: str) -> Reply:
        lines: list[str] = []
        rows: list[Row] = []
        kept = await self.picture(draft)
        if kept is not None:
            lines.append(say("picture.has", language, words=_in(kept.descriptions, language)))
            rows.append((button("picture.remove", f"announce:nopicture:{draft.id}", language),))
        if incoming.has_forms:
            lines.append(say("picture.ask-form", language))
            rows.append((button("picture.choose", f"announce:photo:{draft.id}", language),))
        else:
            lines.append(say("picture.ask", language))
        rows += _onwards(draft.id, Step.PICTURE, language, skip=kept is None)
        return self._step(Step.PICTURE, "\n\n".join(lines), rows, language)

    def _link(self, draft: Announcement, incoming: Incoming, language: str) -> Reply:
        lines = [say("link.ask", language, most=MAX_LINKS)]
        rows: list[Row] = []
        if draft.extras.links:
            lines.append(
                "\n".join(
                    [
                        say("link.has", language),
                        *(
                            f"・{_in(each.label, language)} {each.url}"
                            for each in draft.extras.links
                        ),
                    ]
                )
            )
            rows.append((button("link.remove", f"announce:nolinks:{draft.id}", language),))
        if incoming.has_forms:
            rows.append((button("link.add", f"announce:link:{draft.id}", language),))
        place = draft.extras.location
        if place is not None:
            lines.append(say("place.has", language, title=_in(place.title, language)))
            rows.append((button("place.remove", f"announce:noplace:{draft.id}", language),))
        else:
            rows.append((button("place.add", f"announce:place:{draft.id}", language),))
        bare = not draft.extras.links and place is None
        rows += _onwards(draft.id, Step.LINK, language, skip=bare)
        return self._step(Step.LINK, "\n\n".join(lines), rows, language)

    def _audience(self, draft: Announcement, language: str) -> Reply:
        start = f"announce:to:{draft.id}"
        town = self._desk.town
        choices = []
        for gate in town.gates:
            if self._desk.places(gate.name):
                room = gate.title.get(language)
                label = say("audience.room", language, room=room)
                choices.append(Button(label, action=f"{start}:room:{gate.name}"))
        if self._desk.places(None):
            choices.append(button("audience.town", f"{start}:room:{TOWN}", language))
        for topic in town.announcements.topics:
            label = say("audience.topic", language, topic=topic.title.get(language))
            choices.append(Button(label, action=f"{start}:topic:{topic.name}"))
        choices.append(button("audience.everybody", f"{start}:topic:{TOWN}", language))
        for gate in town.gates:
            label = say("audience.inside", language, room=gate.title.get(language))
            choices.append(Button(label, action=f"{start}:inside:{gate.name}"))
        asked = f"{say('audience.ask', language)}\n{say('audience.finer', language)}"
        rows = _onwards(draft.id, Step.AUDIENCE, language, leads_on=False)
        reply = self._step(Step.AUDIENCE, asked, rows, language, quote=_text(draft))
        label = say("audience.menu", language)
        return replace(reply, menu=tuple(choices), menu_label=label)

    async def _preview(self, draft: Announcement, language: str) -> Reply:
        found = await self.weigh(draft.id)
        shown = await self.outgoing(draft, language)
        async with reading(self._desk.sessions) as session:
            long = await self.too_long(session, draft, language)
        change = button("preview.change-audience", f"announce:go:{draft.id}:audience", language)
        leave = _onwards(draft.id, Step.PREVIEW, language, leads_on=False)
        unreachable = [
            say("preview.unreachable", language, platform=_platform(each, language), count=f"{n:,}")
            for each, n in found.unreachable.items()
        ]
        if not found.people and not found.recipients:
            nobody = "\n".join([say("preview.nobody", language), *unreachable])
            return self._step(Step.PREVIEW, nobody, [(change,), *leave], language)
        comma = say("preview.comma", language)
        platforms = comma.join(
            say(
                "preview.platform",
                language,
                platform=_platform(platform, language),
                count=f"{count:,}",
            )
            for platform, count in found.recipients.items()
        )
        audience = self.audience_name(draft.audience, language)
        lines = [
            say("preview.shown", language),
            say(
                "preview.reach",
                language,
                audience=audience,
                people=f"{found.people:,}",
                platforms=platforms,
            ),
            *unreachable,
        ]
        if len(draft.texts) > 1:
            names = comma.join(texts.say("chat.language.name", each) for each in draft.texts)
            lines.append(say("preview.languages", language, languages=names))
        ends = self._desk.clock() + found.finishes_in
        lines.append(say("preview.finish", language, time=self.when(ends, language)))
        if found.needs_second:
            lines.append(say("preview.second", language))
        test = button("preview.test", f"announce:test:{draft.id}", language)
        onwards = button("preview.to-time", f"announce:go:{draft.id}:time", language)
        if long:
            lines += long
            onwards = button("preview.shorten", f"announce:go:{draft.id}:languages", language)
        where = (button("area.narrow", f"announce:area:{draft.id}", language),)
        narrowing = [where] if draft.kind is Kind.DIRECT else []
        rows = [(onwards, test), (change,), *narrowing, *leave]
        reply = self._step(Step.PREVIEW, "\n".join(lines), rows, language)
        return replace(reply, preview=shown)

    def _time(self, draft: Announcement, incoming: Incoming, language: str, until: str) -> Reply:
        town, now = self._desk.town.town, self._desk.clock()
        asked = say("time.ask", language, town=town.name.get(language))
        send, kept = f"announce:confirm:{draft.id}", f":{until}" if until else ""
        tomorrow = now.astimezone(ZoneInfo(town.timezone)).date() + timedelta(days=1)
        quick: list[Button] = [
            button("time.hour", f"{send}:{minutes_of(now + HOUR)}{kept}", language)
        ]
        for clock in (MORNING, EVENING):
            at = start_of(tomorrow, clock, zone=town.timezone).at
            label = say("time.tomorrow", language, time=clock.strftime("%-H:%M"))
            quick.append(Button(label, action=f"{send}:{minutes_of(at)}{kept}"))
        rows: list[Row] = [(button("time.now", f"{send}:now{kept}", language),), tuple(quick)]
        if incoming.has_forms:
            rows.append((button("time.type", f"announce:type:{draft.id}{kept}", language),))
        if (deadline := moment_in(until)) is not None:
            asked += "\n" + say("deadline.until", language, when=self.when(deadline, language))
            rows.append((button("deadline.remove", f"announce:go:{draft.id}:time", language),))
        rows += _onwards(draft.id, Step.TIME, language, leads_on=False)
        return self._step(Step.TIME, asked, rows, language)

    # What is known of a draft

    async def weigh(self, number: int) -> Preview:
        """How many it would reach, and when it would be over."""
        desk = self._desk
        async with reading(desk.sessions) as session:
            return await announcements.preview(
                session,
                number,
                town=desk.town,
                rates=desk.rates(),
                now=desk.clock(),
                platforms=desk.platforms(),
            )

    async def too_long(
        self, session: AsyncSession, draft: Announcement, language: str
    ) -> list[str]:
        """Where the words are more than one message, a sentence a language."""
        desk = self._desk
        found = await unfit(session, desk.town, draft, platforms=desk.platforms())
        return [
            say(
                "fault.long",
                language,
                platform=_platform(each.platform, language),
                name=texts.say("chat.language.name", each.language),
            )
            for each in found
        ]

    async def picture(self, draft: Announcement) -> KeptPicture | None:
        if draft.extras.picture is None:
            return None
        try:
            async with reading(self._desk.sessions) as session:
                return await announcements.picture(session, draft.extras.picture)
        except NotFound:
            return None

    async def outgoing(self, draft: Announcement, language: str) -> Outgoing:
        """Exactly what somebody who reads `language` would receive."""
        render = render_for(self._desk.town)
        message = render(draft.kind, draft.texts, language, draft.audience.topic)
        return dressed(message, draft.extras, await self.picture(draft))

    def audience_name(self, audience: Audience, language: str) -> str:
        """Whom it is for, in words."""
        named = self._named(audience, language)
        if audience.segment.everybody:
            return named
        if audience.segment == Segment(areas=audience.segment.areas):
            areas = [area_name(each, language) for each in audience.segment.areas]
            where = say("preview.comma", language).join(areas)
            return say("whom.in-area", language, audience=named, area=where)
        return say("whom.narrowed", language, audience=named)

    def _named(self, audience: Audience, language: str) -> str:
        town = self._desk.town
        gate = town.gate(audience.gate) if audience.gate else None
        room = gate.title.get(language) if gate else (audience.gate or "")
        topic = town.topic(audience.topic) if audience.topic else None
        if audience.kind is Kind.ROOM:
            key = "whom.room" if audience.gate else "whom.town"
        elif audience.gate is not None:
            key = "whom.inside"
        else:
            key = "whom.topic" if topic else "whom.everybody"
        title = topic.title.get(language) if topic else ""
        return say(key, language, room=room, topic=title)

    def when(self, moment: datetime, language: str) -> str:
        """A moment on the town's clock; the day is named unless it is today."""
        zone = ZoneInfo(self._desk.town.town.timezone)
        local, today = moment.astimezone(zone), self._desk.clock().astimezone(zone).date()
        shown = local.strftime("%-H:%M")
        if local.date() == today:
            return shown
        return say("date.moment", language, month=local.month, day=local.day, time=shown)

    def _step(
        self, step: Step, text: str, rows: list[Row], language: str, *, quote: str = ""
    ) -> Reply:
        number = ORDER.index(step) + 1
        name = say(f"step.{step.value}", language)
        head = say("head", language, number=number, total=len(ORDER), step=name)
        quotes = (quote,) if quote else ()
        return Reply(f"{head}\n\n{text}", quotes=quotes, buttons=tuple(rows), private=True)


def say(key: str, language: str, **values: object) -> str:
    return texts.say(f"announce-chat.{key}", language, **values)


def _platform(name: str, language: str) -> str:
    return texts.say(f"chat.platform.{name}", language)


def button(key: str, action: str, language: str) -> Button:
    return Button(say(key, language), action=action)


def quit_button(number: int | None, language: str) -> Button:
    action = "announce:quit" if number is None else f"announce:quit:{number}"
    return button("quit", action, language)


def _onwards(
    number: int, step: Step, language: str, *, skip: bool = False, leads_on: bool = True
) -> list[Row]:
    """The last rows of a step: on, back, out."""
    place = ORDER.index(step)
    rows: list[Row] = []
    if leads_on:
        key, following = "skip" if skip else "next", ORDER[place + 1]
        rows.append((button(key, f"announce:go:{number}:{following.value}", language),))
    before = ORDER[place - 1]
    back = button("back", f"announce:go:{number}:{before.value}", language)
    return [*rows, (back, quit_button(number, language))]


def _pairs(buttons: list[Button]) -> list[Row]:
    return [tuple(buttons[start : start + 2]) for start in range(0, len(buttons), 2)]


def _text(draft: Announcement) -> str:
    text = draft.texts.get("ja", {})
    return f"{draft.heading}\n{text.get('body', '')}"


def _in(words: Mapping[str, str], language: str) -> str:
    chosen = (language, *FALLBACKS.get(language, ()), "ja")
    return next((words[each] for each in chosen if each in words), "")
