"""Events in a chat: the list, one event with one's own reply, a seat, a file for the calendar."""

import re
from typing import Final

from bots import texts
from bots.conversation.desk import Desk
from bots.conversation.messages import Button, Document, Incoming, Reply
from bots.conversation.wording import sample_note
from bots.event_words import EventWords
from core import events
from core.database import transaction
from core.errors import NotFound
from core.events import LIVE, NotTaken, ReplyState, Standing, View, words_in
from core.events.telling import zone_of
from core.identity import Account

MAX_BUTTONS: Final = 10
"""Events that a message offers; the page has them all."""

_ACTION: Final = re.compile(r"event:(\d{1,15})(?::(come|no|file))?(?::(\d))?")

Rows = tuple[tuple[Button, ...], ...]


class Eventing:
    """The desk for events."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._words = EventWords(desk.town, desk.address)

    async def any(self) -> bool:
        """Whether the town has events to come, so that menus name them."""
        return await self._desk.events.open()

    async def menu(self, language: str) -> Rows:
        """The row that a greeting has while there are events."""
        if not await self.any():
            return ()
        return ((Button(texts.say("events.nav.events", language), action="events"),),)

    async def list(self, incoming: Incoming, account: Account) -> Reply:
        """/events: what is to come, the next first; and the way to one's own calendar."""
        language, town = account.locale, self._desk.town
        if (incoming.action or "").startswith("events:feed"):
            return await self._feed(incoming, account)
        seen = await self._desk.events.upcoming()
        if not seen:
            none = ("events.list.none", "events.list.none_next")
            return Reply(text="\n".join(texts.say(each, language) for each in none))
        zone = await self._zone(account)
        lines = [self._line(each, language, zone) for each in seen[:MAX_BUTTONS]]
        title = texts.say("events.list.chat", language, town=town.town.name.get(language))
        buttons = [
            (Button(self._words.title(each.event, language), action=f"event:{each.event.id}"),)
            for each in seen[:MAX_BUTTONS]
        ]
        page = Button(texts.say("events.list.page", language), url=f"{self._desk.address}/events")
        return Reply(
            text="\n\n".join((title, *lines)),
            footnote=sample_note(town, language),
            buttons=(
                *buttons,
                (Button(texts.say("events.feed.title", language), action="events:feed"), page),
            ),
        )

    async def _feed(self, incoming: Incoming, account: Account) -> Reply:
        """An address for a calendar app: explained, made, or withdrawn."""
        language, member, now = account.locale, account.member_id, self._desk.clock()
        what = (incoming.action or "").removeprefix("events:feed").removeprefix(":")
        parts = [texts.say("events.feed.title", language)]
        async with transaction(self._desk.sessions) as session:
            if what == "new":
                secret = await events.make_feed(session, member, now=now)
                parts.append(f"{self._desk.address}/calendar/{secret}.ics")
                parts.append(texts.say("events.feed.once", language))
            elif what == "off":
                await events.withdraw_feed(session, member, now=now)
                parts.append(texts.say("events.feed.withdrawn", language))
            since = await events.feed_since(session, member)
        parts.append(texts.say("events.feed.text", language))
        make = Button(
            texts.say("events.feed.again" if since else "events.feed.make", language),
            action="events:feed:new",
        )
        withdraw = Button(texts.say("events.feed.withdraw", language), action="events:feed:off")
        rows = ((make,), (withdraw,)) if since else ((make,),)
        return Reply(text="\n\n".join(parts), buttons=(*rows, self._all(language)), private=True)

    def _line(self, view: View, language: str, zone: str | None) -> str:
        when = self._words.when(view.event, language, zone).replace("\n", "\n　")
        return texts.say(
            "events.list.line",
            language,
            title=self._words.title(view.event, language),
            when=when,
            seats=self._words.seats(view, language),
        )

    async def _zone(self, account: Account) -> str | None:
        async with transaction(self._desk.sessions) as session:
            return await zone_of(session, account.member_id)

    async def event(self, incoming: Incoming, account: Account) -> Reply:
        """The buttons of events: see one, come (with so many), do not come, take the file."""
        found = _ACTION.fullmatch(incoming.action or "")
        if found is None:
            return await self.list(incoming, account)
        number, what, more = int(found[1]), found[2], int(found[3] or 0)
        try:
            match what:
                case "come":
                    return await self._come(number, account, more)
                case "no":
                    return await self._decline(number, account)
                case "file":
                    return await self._file(number, account)
                case _:
                    return await self._show(number, account)
        except NotFound:
            gone = texts.say("events.why.gone", account.locale)
            return Reply(text=gone, buttons=(self._all(account.locale),), failed=True)

    # One event

    async def _show(self, number: int, account: Account) -> Reply:
        language = account.locale
        view = await self._desk.events.view(number, account.member_id)
        zone = await self._zone(account)
        return Reply(
            text="\n\n".join(part for part in self._parts(view, language, zone) if part),
            footnote=sample_note(self._desk.town, language),
            buttons=self._buttons(view, language),
            private=True,  # it says what this person replied, and where to meet
        )

    def _parts(self, view: View, language: str, zone: str | None) -> tuple[str, ...]:
        words, event, now = self._words, view.event, self._desk.clock()
        closed = words.closed(event, language, now)
        mine = words.reply(view.reply, view.line, language, zone, over=now >= event.plan.starts_at)
        said = "" if view.reply is None and closed else mine
        return (
            words.title(event, language),
            words_in(event.plan.text, language),
            self._facts(view, language, zone),
            closed,
            said if event.is_open else "",
            self._link(view, language),
            self._notes(view, language),
        )

    def _facts(self, view: View, language: str, zone: str | None) -> str:
        words, plan = self._words, view.event.plan
        facts = {
            "when": words.when(view.event, language, zone),
            "where": words.where(view.event, language),
            "who": words.who(view.event, language),
        }
        if view.event.takes_replies(self._desk.clock()):
            facts["seats"] = words.seats(view, language)
            facts["until"] = words.moments(view.event.replies_end, language, zone)
        if plan.contact:
            facts["contact"] = words_in(plan.contact, language)
        if plan.reply_until is None:
            facts.pop("until", None)
        return "\n".join(self._words.fact(name, said, language) for name, said in facts.items())

    def _link(self, view: View, language: str) -> str:
        if view.link is not None:
            return self._words.fact("link", view.link, language)
        shown_later = view.event.plan.online and view.event.takes_replies(self._desk.clock())
        if not shown_later or (view.reply and view.reply.has_seat):
            return ""
        return texts.say("events.fact.link_hidden", language)

    @staticmethod
    def _notes(view: View, language: str) -> str:
        if not view.notes:
            return ""
        lines = (texts.say("events.notes.title", language), words_in(view.event.notes, language))
        return "\n".join((*lines, view.event.notes_link or "")).rstrip()

    def _buttons(self, view: View, language: str) -> Rows:
        event, reply, now = view.event, view.reply, self._desk.clock()
        live = reply is not None and reply.state in LIVE
        rows: list[tuple[Button, ...]] = []
        begun = now >= event.plan.starts_at
        if event.is_open and not begun:
            if event.takes_replies(now) or live:
                rows.extend(self._ways_to_come(view, language))
            if live:
                rows.append((self._button("withdraw", f"event:{event.id}:no", language),))
            elif reply is None and event.takes_replies(now):
                rows.append((self._button("no", f"event:{event.id}:no", language),))
        if live and not (event.is_open and begun):
            rows.append((self._button("file", f"event:{event.id}:file", language),))
        if view.standing is Standing.NO and not live:
            rows.append((Button(texts.say("events.list.join", language), action="join"),))
        page = Button(texts.say("events.list.page", language), url=self._words.page(event))
        return (*rows, (page,), self._all(language))

    def _ways_to_come(self, view: View, language: str) -> Rows:
        """A button for each number of people, in rows of three."""
        event, reply = view.event, view.reply
        full = view.left == 0 and not (reply and reply.has_seat)
        key = "wait" if full else "come"
        if reply is not None and reply.state is ReplyState.OFFERED:
            key = "take"
        buttons = []
        for more in range(event.plan.companions + 1):
            if _is_said(reply, more):
                continue
            many = event.plan.companions > 0 and key != "take"
            label = texts.say(
                f"events.do.{key}_more" if many and more else f"events.do.{key}",
                language,
                people=more + 1,
            )
            if key == "take":
                more = reply.companions if reply else 0  # noqa: PLW2901 - what they asked for
            buttons.append(Button(label, action=f"event:{event.id}:come:{more}"))
            if key == "take":
                break
        return tuple(tuple(buttons[start : start + 2]) for start in range(0, len(buttons), 2))

    @staticmethod
    def _button(key: str, action: str, language: str) -> Button:
        return Button(texts.say(f"events.do.{key}", language), action=action)

    @staticmethod
    def _all(language: str) -> tuple[Button, ...]:
        return (Button(texts.say("events.list.all", language), action="events"),)

    # Replies

    async def _come(self, number: int, account: Account, more: int) -> Reply:
        said = await self._desk.events.come(number, account, more)
        if isinstance(said, NotTaken):
            return await self._refused(number, account, said)
        self._desk.wake()
        return await self._show(number, account)

    async def _decline(self, number: int, account: Account) -> Reply:
        said = await self._desk.events.decline(number, account)
        if isinstance(said, NotTaken):
            return await self._refused(number, account, said)
        self._desk.wake()  # somebody in line may have been told of the seat
        return await self._show(number, account)

    async def _refused(self, number: int, account: Account, said: NotTaken) -> Reply:
        language = account.locale
        async with transaction(self._desk.sessions) as session:
            event = await events.get(session, number)
        rows: Rows = ((Button(texts.say("events.list.more", language), action=f"event:{number}"),),)
        if said.reason is events.Refusal.NOT_ENTITLED:
            rows = ((Button(texts.say("events.list.join", language), action="join"),), *rows)
        return Reply(
            text=self._words.refused(event, said.reason, language),
            buttons=rows,
            private=True,
            failed=True,
        )

    async def _file(self, number: int, account: Account) -> Reply:
        language = account.locale
        view = await self._desk.events.view(number, account.member_id)
        content = self._words.file(
            view.event, view.reply, view.link, language, now=self._desk.clock()
        )
        title = self._words.title(view.event, language)
        return Reply(
            text=texts.say("events.file.sent", language, title=title),
            buttons=(self._all(language),),
            document=Document(f"event-{number}.ics", content, "text/calendar"),
            private=True,
        )


def _is_said(reply: events.Reply | None, more: int) -> bool:
    """Whether this is what they have said already."""
    return (
        reply is not None
        and reply.state in {ReplyState.COMING, ReplyState.WAITING}
        and reply.companions == more
    )
