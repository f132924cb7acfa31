"""The last steps before an announcement leaves: a test to oneself, the last look, the word."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from bots.conversation.announcing.following import Following
from bots.conversation.announcing.steps import Row, Step, Steps, button, say
from bots.conversation.announcing.times import minutes_of, moment_in
from bots.conversation.desk import Desk
from bots.conversation.messages import Button, ChatKind, Incoming, Reply
from core import announcements
from core.announcements import AnnouncementState, Fault
from core.database import reading, transaction
from core.errors import BadAnnouncement
from core.identity import Account

SOON: Final = (1, 3, 24)
"""Hours after the start that are offered as a deadline."""


class Sending:
    """Tries out, confirms and sends one draft."""

    def __init__(self, desk: Desk, steps: Steps, following: Following) -> None:
        self._desk = desk
        self._steps = steps
        self._following = following

    async def test(self, number: int, incoming: Incoming, account: Account) -> Reply:
        """One message in each language that was written, to the one who writes it."""
        async with reading(self._desk.sessions) as session:
            draft = await announcements.progress(session, number)
        arrived = 0
        for language in draft.texts:
            message = await self._steps.outgoing(draft, language)
            arrived += await self._desk.try_out(incoming.platform, incoming.account, message)
        key = "preview.tested" if arrived else "preview.not-tested"
        note = say(key, account.locale, count=arrived)
        reply = await self._steps.show(Step.PREVIEW, number, incoming, account, note)
        return replace(reply, preview=None)

    async def confirm(self, number: int, times: str, incoming: Incoming, account: Account) -> Reply:
        """The last look: what, to whom, when. A time that is written now is another one.

        `times`: the start, and after a colon the deadline, as buttons carry them. Raises
        `BadAnnouncement` for a deadline that comes before the start.
        """
        when, _, until = times.partition(":")
        language, start_at, deadline = account.locale, moment_in(when), moment_in(until)
        if deadline is not None and deadline <= (start_at or self._desk.clock()):
            raise BadAnnouncement(Fault.DEADLINE)
        found = await self._steps.weigh(number)
        draft = found.announcement
        typed = "time" if deadline is None else f"until:{times}"
        waits = typed if draft.state is AnnouncementState.DRAFT else None
        await self._steps.wait_for(waits, number, incoming, account)
        if waits is None:
            return self._following.show(draft, language)
        if await self._too_long(number, account):
            return await self._steps.show(Step.PREVIEW, number, incoming, account)
        at = self._steps.when(start_at, language) if start_at else say("confirm.now", language)
        lines = [
            say(
                "confirm.what",
                language,
                heading=draft.heading,
                audience=self._steps.audience_name(draft.audience, language),
                people=f"{found.people:,}",
                when=at,
            )
        ]
        if deadline is not None:
            ends = self._steps.when(deadline, language)
            lines.append(say("deadline.until", language, when=ends))
            if incoming.chat is ChatKind.PRIVATE:
                lines.append(say("deadline.typed", language))
        if found.needs_second:
            lines.append(say("preview.second", language))
        lines.append(say("confirm.sure", language))
        send = Button(
            say("confirm.plan" if start_at else "confirm.send", language),
            action=f"announce:send:{number}:{when}:{draft.revision}:{until}",
        )
        limit: Row = (button("deadline.add", f"announce:until:{number}:{when}", language),)
        kept = ""
        if deadline is not None:
            kept = f":{until}"
            limit = (
                button("deadline.change", f"announce:until:{number}:{times}", language),
                button("deadline.remove", f"announce:confirm:{number}:{when}", language),
            )
        back = Button(say("back", language), action=f"announce:go:{number}:time{kept}")
        leave = Button(say("quit", language), action=f"announce:quit:{number}")
        return Reply("\n".join(lines), buttons=((send,), limit, (back, leave)), private=True)

    async def ask_deadline(
        self, number: int, times: str, incoming: Incoming, account: Account
    ) -> Reply:
        """After which moment nothing should leave any more. `times` as in `confirm`."""
        async with reading(self._desk.sessions) as session:
            draft = await announcements.progress(session, number)
        if draft.state is not AnnouncementState.DRAFT:
            await self._steps.wait_for(None, number, incoming, account)
            return self._following.show(draft, account.locale)
        await self._steps.wait_for(f"until:{times}", number, incoming, account)
        when = times.partition(":")[0]
        language, begins = account.locale, moment_in(when) or self._desk.clock()
        offered = tuple(
            Button(
                say("deadline.hours", language, hours=hours),
                action=f"announce:confirm:{number}:{when}:"
                f"{minutes_of(begins + timedelta(hours=hours))}",
            )
            for hours in SOON
        )
        back = button("back", f"announce:confirm:{number}:{times}", language)
        asked = say("deadline.ask", language, town=self._desk.town.town.name.get(language))
        return Reply(asked, buttons=(offered, (back,)), private=True)

    async def send(self, number: int, detail: str, incoming: Incoming, account: Account) -> Reply:
        when, revision, until = [*detail.split(":"), "", ""][:3]
        if await self._too_long(number, account):
            return await self._steps.show(Step.PREVIEW, number, incoming, account)
        async with reading(self._desk.sessions) as session:
            counted = await announcements.count_audience(
                session,
                number,
                town=self._desk.town,
                now=self._desk.clock(),
                platforms=self._desk.platforms(),
            )
        async with transaction(self._desk.sessions) as session:
            draft = await announcements.progress(session, number)
            if draft.state is AnnouncementState.DRAFT and revision != str(draft.revision):
                sent = None  # somebody has rewritten it since it was looked at
            else:
                sent = await announcements.confirm(
                    session,
                    number,
                    town=self._desk.town,
                    by=self._desk.author(incoming),
                    now=self._desk.clock(),
                    start_at=moment_in(when),
                    deadline=moment_in(until),
                    counted=counted,
                    platforms=self._desk.platforms(),
                )
        if sent is None:
            note = say("confirm.changed", account.locale)
            return await self._steps.show(Step.PREVIEW, number, incoming, account, note)
        await self._steps.wait_for(None, None, incoming, account)
        self._desk.wake()
        if sent.state is AnnouncementState.SENDING:
            self._desk.tell("chat.happening.announced", count=sent.total)
        return self._following.show(sent, account.locale)

    async def _too_long(self, number: int, account: Account) -> bool:
        """Whether it is a draft that is more than one message somewhere; the preview says where."""
        async with reading(self._desk.sessions) as session:
            draft = await announcements.progress(session, number)
            long = await self._steps.too_long(session, draft, account.locale)
        return bool(long) and draft.state is AnnouncementState.DRAFT
