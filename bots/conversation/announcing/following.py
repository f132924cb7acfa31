"""How an announcement goes, and what staff may do about it: after it was confirmed."""

from collections.abc import Sequence
from dataclasses import replace

from bots import texts
from bots.conversation.announcing.steps import Row, Steps, say
from bots.conversation.desk import Desk
from bots.conversation.messages import Button, Incoming, Reply
from core import announcements
from core.announcements import Announcement, AnnouncementState, Asked, Change, Kind
from core.announcements.nouns import OVER, Terms
from core.database import reading, transaction
from core.errors import BadAnnouncement, NotAllowed
from core.identity import Account

BLOCKS = 10


class Following:
    """Progress, pause, resume, cancel, retract, and the second person's word."""

    def __init__(self, desk: Desk, steps: Steps) -> None:
        self._desk = desk
        self._steps = steps

    async def progress(self, number: int, account: Account) -> Reply:
        async with reading(self._desk.sessions) as session:
            found = await announcements.progress(session, number)
            under_way = await announcements.under_way_on(session, number)
        closed = [each for each in under_way if each not in self._desk.rates()]
        return self.show(found, account.locale, closed)

    def show(self, found: Announcement, language: str, closed: Sequence[str] = ()) -> Reply:
        """Where it stands, in numbers, with what can be done now.

        `closed`: platforms on which it waits until their door is open again.
        """
        lines = [
            say("progress.title", language, heading=found.heading),
            say(f"state.{found.state.value}", language),
        ]
        if found.state is AnnouncementState.SCHEDULED and found.start_at is not None:
            when = self._steps.when(found.start_at, language)
            lines.append(say("progress.later", language, when=when))
        if found.deadline is not None and found.state not in OVER:
            when = self._steps.when(found.deadline, language)
            lines.append(say("deadline.until", language, when=when))
        if found.total:
            settled = found.total - found.waiting
            percent = settled * 100 // found.total
            full = percent * BLOCKS // 100
            bar = "■" * full + "□" * (BLOCKS - full)
            counts = {
                name: f"{getattr(found, name):,}"
                for name in ("total", "delivered", "blocked", "failed", "unsure", "waiting")
            }
            lines += [
                say("progress.bar", language, bar=bar, percent=percent),
                say("progress.counts", language, **counts),
            ]
        lines += self._why(found, language)
        if closed and found.state is not AnnouncementState.PAUSED:
            names = [texts.say(f"chat.platform.{each}", language) for each in closed]
            platforms = say("preview.comma", language).join(names)
            lines.append(say("progress.closed", language, platforms=platforms))
        return Reply("\n".join(lines), buttons=self._choices(found, language), private=True)

    def _why(self, found: Announcement, language: str) -> list[str]:
        changed = {"amended": found.amended, "failed": found.amend_failed}
        if found.retracted_at is not None:
            left = found.delivered - found.amended - found.amend_failed
            if left > 0:
                return [say("progress.why-retracting", language, **changed, left=left)]
            return [say("progress.why-retracted", language, **changed)]
        lines = []
        if found.paused_why in {"failures", "deadline"}:
            lines.append(say(f"progress.why-{found.paused_why}", language))
        if found.amended or found.amend_failed:
            lines.append(say("progress.amended", language, **changed))
        return lines

    def _choices(self, found: Announcement, language: str) -> tuple[Row, ...]:
        def button(key: str, verb: str) -> Button:
            return Button(say(f"progress.{key}", language), action=f"announce:{verb}:{found.id}")

        rows: list[Row] = [(button("refresh", "progress"),)]
        match found.state:
            case AnnouncementState.SENDING:
                rows.append((button("pause", "pause"), button("cancel", "cancel")))
            case AnnouncementState.PAUSED:
                rows.append((button("resume", "resume"), button("cancel", "cancel")))
            case AnnouncementState.SCHEDULED | AnnouncementState.ASKED:
                rows.append((button("unplan", "cancel"),))
        arrived = found.delivered + found.unsure > 0 and found.retracted_at is None
        if arrived and found.state is not AnnouncementState.DRAFT:
            rows.append((button("retract", "retract"),))
        missed = found.kind is Kind.DIRECT and found.total > found.delivered
        if missed and found.state is AnnouncementState.DONE and arrived:
            rows.append((button("missed", "missed"),))
        return tuple(rows)

    async def act(self, verb: str, number: int, incoming: Incoming, account: Account) -> Reply:
        """Pause, resume or cancel; what cannot be done any more shows how it stands instead."""
        doings = {
            "pause": announcements.pause,
            "resume": announcements.resume,
            "cancel": announcements.cancel,
        }
        try:
            async with transaction(self._desk.sessions) as session:
                await doings[verb](
                    session, number, by=self._desk.author(incoming), now=self._desk.clock()
                )
        except NotAllowed:
            return await self.progress(number, account)
        self._desk.wake()
        return await self.progress(number, account)

    async def retract(
        self, number: int, incoming: Incoming, account: Account, *, sure: bool
    ) -> Reply:
        """Ask once more, then take it back from everybody."""
        language = account.locale
        if not sure:
            async with reading(self._desk.sessions) as session:
                found = await announcements.progress(session, number)
            asked = say("progress.retract-sure", language, heading=found.heading)
            yes = Button(
                say("progress.retract-yes", language), action=f"announce:retract:{number}:yes"
            )
            no = Button(say("progress.retract-no", language), action=f"announce:progress:{number}")
            return Reply(asked, buttons=((yes, no),), private=True)
        try:
            async with transaction(self._desk.sessions) as session:
                by = self._desk.author(incoming)
                await announcements.retract(session, number, by=by, now=self._desk.clock())
        except NotAllowed:
            return await self.progress(number, account)
        self._desk.wake()
        return await self.progress(number, account)

    async def missed(self, number: int, incoming: Incoming, account: Account) -> int | Reply:
        """A new draft for those whom it did not reach; its number."""
        try:
            async with transaction(self._desk.sessions) as session:
                by = self._desk.author(incoming)
                return await announcements.missed(session, number, by=by, now=self._desk.clock())
        except NotAllowed:
            return await self.progress(number, account)
        except BadAnnouncement as error:
            return self._over(f"fault.{error.reason}", number, account.locale)

    @staticmethod
    def _over(key: str, number: int, language: str) -> Reply:
        """A sentence that ends a way, and the page of the announcement."""
        see = Button(say("progress.refresh", language), action=f"announce:progress:{number}")
        return Reply(say(key, language), buttons=((see,),), private=True)

    # The second person

    async def look(self, number: int, account: Account) -> Reply:
        """What is to be agreed to, as it would arrive, with the two answers."""
        language = account.locale
        async with reading(self._desk.sessions) as session:
            found = await announcements.progress(session, number)
            before = await announcements.asked_before(session, number)
        if found.change is not None:
            return await self._look_at_change(found, found.change, language)
        if found.state is not AnnouncementState.ASKED:
            over = self.show(found, language)
            return Reply(
                f"{say('approval.over', language)}\n\n{over.text}",
                buttons=over.buttons,
                private=True,
            )
        weighed = await self._steps.weigh(number)
        lines = [
            say(
                "approval.look",
                language,
                author=say("sender", language, town=self._desk.town.town.name.get(language)),
                audience=self._steps.audience_name(found.audience, language),
                people=f"{weighed.people:,}",
            )
        ]
        if found.start_at is not None:
            when = self._steps.when(found.start_at, language)
            lines.append(say("approval.start", language, when=when))
        if found.deadline is not None:
            when = self._steps.when(found.deadline, language)
            lines.append(say("deadline.until", language, when=when))
        quotes: tuple[str, ...] = ()
        if before is not None:
            changed, quotes = self._since(before, found, language)
            lines += ["", changed]
        yes = Button(say("approval.approve", language), action=f"announce:approve:{number}")
        no = Button(say("approval.refuse", language), action=f"announce:refuse:{number}")
        return Reply(
            "\n".join(lines),
            quotes=quotes,
            buttons=((yes, no),),
            private=True,
            preview=await self._steps.outgoing(found, language),
        )

    def _since(
        self, before: Asked, found: Announcement, language: str
    ) -> tuple[str, tuple[str, ...]]:
        """What is other than when somebody was last asked, and the words that stood there."""
        was = [each for each in found.texts if before.texts.get(each) != found.texts[each]]
        was += [each for each in before.texts if each not in found.texts]
        names = [texts.say("chat.language.name", each) for each in was]
        whom = replace(found.audience, places=(), terms=Terms())
        others = {
            "whom": before.audience is not None and before.audience != whom,
            "time": (before.start_at, before.deadline) != (found.start_at, found.deadline),
            "extras": before.extras != found.extras,
        }
        names += [
            say(f"approval.other-{each}", language) for each, is_so in others.items() if is_so
        ]
        if not names:
            return say("approval.same", language), ()
        comma = say("preview.comma", language)
        told = say("approval.changed", language, parts=comma.join(names))
        old = [before.texts[each] for each in was if each in before.texts]
        quotes = tuple(f"{each['heading']}\n{each['body']}" for each in old)
        if not quotes:
            return told, ()
        return f"{told}\n{say('approval.stood', language)}", quotes

    async def _look_at_change(self, found: Announcement, change: Change, language: str) -> Reply:
        """Other words for what has arrived, as they would stand there."""
        asked = say("approval.look-change", language, count=f"{found.delivered:,}")
        mark = int(change.at.timestamp())
        yes = Button(
            say("approval.approve-change", language), action=f"announce:agree:{found.id}:{mark}"
        )
        no = Button(
            say("approval.refuse-change", language), action=f"announce:disagree:{found.id}:{mark}"
        )
        shown = await self._steps.outgoing(replace(found, texts=change.texts), language)
        return Reply(asked, buttons=((yes, no),), private=True, preview=shown)

    async def decide_change(
        self, number: int, mark: str, incoming: Incoming, account: Account, *, agrees: bool
    ) -> Reply:
        """Agree to other words, as they were shown, or leave it as it was sent."""
        language = account.locale
        async with reading(self._desk.sessions) as session:
            change = (await announcements.progress(session, number)).change
        if change is None or mark != str(int(change.at.timestamp())):
            return Reply(say("approval.over", language), private=True)
        by, now = self._desk.author(incoming), self._desk.clock()
        try:
            async with transaction(self._desk.sessions) as session:
                if agrees:
                    await announcements.approve_change(
                        session, number, by=by, asked_at=change.at, now=now
                    )
                else:
                    await announcements.refuse_change(session, number, by=by, now=now)
        except NotAllowed:
            return Reply(say("approval.not-own", language), private=True)
        if not agrees:
            return Reply(say("approval.refused-change", language), private=True)
        self._desk.wake()
        shown = await self.progress(number, account)
        approved = say("approval.approved", language)
        return Reply(f"{approved}\n\n{shown.text}", buttons=shown.buttons, private=True)

    async def decide(
        self, number: int, incoming: Incoming, account: Account, *, agrees: bool
    ) -> Reply:
        """Agree, or send it back. Nobody agrees to their own."""
        language = account.locale
        async with reading(self._desk.sessions) as session:
            found = await announcements.progress(session, number)
        if found.state is not AnnouncementState.ASKED:
            return self._over("approval.over", number, language)
        by, now = self._desk.author(incoming), self._desk.clock()
        try:
            if agrees:
                async with reading(self._desk.sessions) as session:
                    counted = await announcements.count_asked(session, number, now=now)
                async with transaction(self._desk.sessions) as session:
                    await announcements.approve(session, number, by=by, now=now, counted=counted)
            else:
                async with transaction(self._desk.sessions) as session:
                    await announcements.refuse(session, number, by=by, now=now)
        except NotAllowed:
            return self._over("approval.not-own", number, language)
        self._desk.wake()
        if not agrees:
            return self._over("approval.refused", number, language)
        shown = await self.progress(number, account)
        approved = say("approval.approved", language)
        return Reply(f"{approved}\n\n{shown.text}", buttons=shown.buttons, private=True)
