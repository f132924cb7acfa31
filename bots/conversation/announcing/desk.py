"""What staff pressed or wrote about announcements, and the use case of core that answers it."""

from dataclasses import replace
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from bots import texts
from bots.conversation.announcing.faults import TooLong, again, begin_again, fault, old
from bots.conversation.announcing.following import Following
from bots.conversation.announcing.reading import link_of, moment_of, words_of
from bots.conversation.announcing.sending import Sending
from bots.conversation.announcing.steps import TOWN, Row, Step, Steps, say
from bots.conversation.desk import Desk
from bots.conversation.messages import Button, ChatKind, Incoming, Reply
from core import announcements, unfinished
from core.announcements import (
    AnnouncementState,
    Audience,
    Extras,
    Fault,
    Kind,
    Link,
    Texts,
)
from core.announcements.nouns import OVER
from core.announcements.pictures import MAX_PICTURE_BYTES
from core.database import reading, transaction
from core.errors import BadAnnouncement, NotAllowed, NotFound
from core.identity import Account

RECENT: Final = 3
WRITING: Final = frozenset(
    {"words", "photo", "link", "type", "go", "nopicture", "nolinks", "to", "test", "confirm"}
)
"""Buttons that change a draft."""
LABEL: Final = 30  # characters of a heading in a button


class Announcing:
    """The announcements desk, for staff."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._steps = Steps(desk)
        self._following = Following(desk, self._steps)
        self._sending = Sending(desk, self._steps, self._following)

    # What comes in

    async def announce(self, incoming: Incoming, account: Account) -> Reply:
        """/announce: begin, go on, or look; with heading and text behind it, a draft at once."""
        self._staff_only(incoming)
        if incoming.text.strip():
            return await self._first_words(incoming, account, Step.AUDIENCE)
        return await self._begin(incoming, account)

    async def takes(self, incoming: Incoming, account: Account) -> bool:
        """Whether a message of staff belongs to the draft that they are writing."""
        if not self._is_staff(incoming) or incoming.chat is not ChatKind.PRIVATE:
            return False
        if incoming.upload is not None:
            return True
        async with reading(self._desk.sessions) as session:
            return await unfinished.unfinished(session, account.id) is not None

    async def written(self, incoming: Incoming, account: Account) -> Reply:
        """A message that was waited for."""
        async with reading(self._desk.sessions) as session:
            waiting = await unfinished.unfinished(session, account.id)
        if waiting is None:
            return begin_again("announce-chat.not-now", account)
        number, (what, _, detail) = waiting.announcement_id, waiting.step.partition(":")
        if what == "words" and number is None:
            return await self._first_words(incoming, account, Step.LANGUAGES)
        if number is None:
            return begin_again("announce-chat.not-now", account)
        return await self._put(what, detail, number, incoming, account)

    async def action(self, incoming: Incoming, account: Account) -> Reply:
        """A button, or a form that a button opened: then `incoming.text` is what was filled in."""
        self._staff_only(incoming)
        verb, number, detail = _parts(incoming.action or "")
        if verb == "new":
            if incoming.text.strip():
                return await self._first_words(incoming, account, Step.LANGUAGES)
            await self._steps.wait_for("words:ja", None, incoming, account)
            return self._steps.words(None, account.locale)
        if verb == "begin":
            return await self._begin(incoming, account)
        if verb == "quit":
            return await self._quit(number, incoming, account)
        if number is None:
            return old(account)
        try:
            return await self._act(verb, number, detail, incoming, account)
        except NotFound:
            return old(account)
        except BadAnnouncement as error:
            return fault(error, number, account)

    async def _act(
        self, verb: str, number: int, detail: str, incoming: Incoming, account: Account
    ) -> Reply:
        filled = bool(incoming.text.strip()) or incoming.upload is not None
        if verb in WRITING and await self._is_over(number):
            return old(account)
        match verb:
            case "words" | "photo" | "link" | "type" if filled:
                what = {"photo": "picture", "type": "time"}.get(verb, verb)
                written = detail if verb == "words" else ""  # a form brings its own picture
                return await self._put(what, written, number, incoming, account)
            case "words" if detail in texts.LANGUAGES:
                return await self._ask_words(number, detail, incoming, account)
            case "photo" | "link" | "type":
                step = {"photo": Step.PICTURE, "link": Step.LINK}.get(verb, Step.TIME)
                return await self._steps.show(step, number, incoming, account)
            case "go" if detail in {step.value for step in Step}:
                return await self._steps.show(Step(detail), number, incoming, account)
            case "nopicture":
                return await self._revise_extras(number, incoming, account, Step.PICTURE)
            case "nolinks":
                return await self._revise_extras(number, incoming, account, Step.LINK)
            case "to":
                return await self._choose(number, detail, incoming, account)
            case "test":
                return await self._sending.test(number, incoming, account)
            case "confirm":
                return await self._sending.confirm(number, detail, incoming, account)
            case "send":
                return await self._sending.send(number, detail, incoming, account)
        return await self._follow(verb, number, detail, incoming, account)

    async def _is_over(self, number: int) -> bool:
        """Whether it was cancelled or sent; buttons of earlier messages do not write it anew."""
        async with transaction(self._desk.sessions) as session:
            return (await announcements.progress(session, number)).state in OVER

    async def _follow(
        self, verb: str, number: int, detail: str, incoming: Incoming, account: Account
    ) -> Reply:
        match verb:
            case "progress":
                return await self._following.progress(number, account)
            case "pause" | "resume" | "cancel":
                return await self._following.act(verb, number, incoming, account)
            case "retract":
                sure = detail == "yes"
                return await self._following.retract(number, incoming, account, sure=sure)
            case "missed":
                draft = await self._following.missed(number, incoming, account)
                if isinstance(draft, Reply):
                    return draft
                return await self._steps.show(Step.PREVIEW, draft, incoming, account)
            case "look":
                return await self._following.look(number, account)
            case "agree" | "disagree":
                return await self._following.decide_change(
                    number, detail, incoming, account, agrees=verb == "agree"
                )
            case "approve" | "refuse":
                agrees = verb == "approve"
                return await self._following.decide(number, incoming, account, agrees=agrees)
        return old(account)

    # Beginning and giving up

    async def _begin(self, incoming: Incoming, account: Account) -> Reply:
        """Something new, the draft that was begun, or how the last ones go."""
        language, by = account.locale, self._desk.author(incoming)
        async with reading(self._desk.sessions) as session:
            last = await announcements.history(session, limit=30)
        drafts = [each for each in last if each.state is AnnouncementState.DRAFT]
        rows: list[Row] = [(Button(say("new", language), action="announce:new"),)]
        for each in [each for each in drafts if each.author == by][:RECENT]:
            label = say("resume", language, heading=_short(each.heading))
            rows.append((Button(label, action=f"announce:go:{each.id}:languages"),))
        for each in [each for each in last if each not in drafts][:RECENT]:
            label = say("recent", language, heading=_short(each.heading))
            rows.append((Button(label, action=f"announce:progress:{each.id}"),))
        if len(rows) == 1:
            await self._steps.wait_for("words:ja", None, incoming, account)
            if not incoming.has_forms:
                return self._steps.words(None, language)
        return Reply(say("start", language), buttons=tuple(rows), private=True)

    async def _first_words(self, incoming: Incoming, account: Account, then: Step) -> Reply:
        """The text makes the draft; it is in the records from now on."""
        words = words_of(incoming.text)
        try:
            async with transaction(self._desk.sessions) as session:
                number = await announcements.compose(
                    session,
                    town=self._desk.town,
                    author=self._desk.author(incoming),
                    audience=Audience(Kind.DIRECT),
                    texts={"ja": words},
                    now=self._desk.clock(),
                    platforms=self._desk.platforms(),
                )
                await self._check_length(session, number, account)
        except (BadAnnouncement, TooLong) as error:
            if incoming.command is not None:
                await self._steps.wait_for("words:ja", None, incoming, account)
            return fault(error, None, account)  # and the next message is tried again
        note = say("words.kept", account.locale)
        return await self._steps.show(then, number, incoming, account, note)

    async def _quit(self, number: int | None, incoming: Incoming, account: Account) -> Reply:
        await self._steps.wait_for(None, None, incoming, account)
        if number is not None:
            async with transaction(self._desk.sessions) as session:
                found = await announcements.progress(session, number)
                if found.state is not AnnouncementState.DRAFT:
                    return self._following.show(found, account.locale)
                by = self._desk.author(incoming)
                await announcements.cancel(session, number, by=by, now=self._desk.clock())
        return Reply(say("quitted", account.locale), private=True)

    # What is put into a draft

    async def _ask_words(
        self, number: int, written: str, incoming: Incoming, account: Account
    ) -> Reply:
        await self._steps.wait_for(f"words:{written}", number, incoming, account)
        if written == "ja":
            return self._steps.words(number, account.locale)
        name = texts.say("chat.language.name", written)
        back = Button(say("back", account.locale), action=f"announce:go:{number}:languages")
        asked = say("words.ask-language", account.locale, name=name)
        return Reply(asked, buttons=((back,),), private=True)

    async def _put(
        self, what: str, detail: str, number: int, incoming: Incoming, account: Account
    ) -> Reply:
        """Put what was written or sent where it belongs, and show the step again or the next."""
        try:
            match what:
                case "words" if detail in texts.LANGUAGES:
                    return await self._put_words(number, detail, incoming, account)
                case "picture":
                    return await self._put_picture(number, detail, incoming, account)
                case "link":
                    return await self._put_link(number, incoming, account)
                case "time":
                    return await self._put_time(number, incoming, account)
        except (BadAnnouncement, TooLong) as error:
            return fault(error, number, account)  # the same step goes on waiting
        except NotAllowed:
            await self._steps.wait_for(None, None, incoming, account)
            return await self._following.progress(number, account)
        return old(account)

    async def _put_words(
        self, number: int, written: str, incoming: Incoming, account: Account
    ) -> Reply:
        async with reading(self._desk.sessions) as session:
            before = (await announcements.progress(session, number)).texts
        new = {**before, written: words_of(incoming.text)}
        await self._revise(number, incoming, account, texts=new)
        note = say("words.kept", account.locale)
        return await self._steps.show(Step.LANGUAGES, number, incoming, account, note)

    async def _put_picture(
        self, number: int, sent: str, incoming: Incoming, account: Account
    ) -> Reply:
        """A picture, its description, or both; `sent` is the number of one that came without."""
        words, by, now = incoming.text.strip(), self._desk.author(incoming), self._desk.clock()
        if incoming.upload is not None:
            if incoming.upload.size > MAX_PICTURE_BYTES:
                raise BadAnnouncement(Fault.SIZE)
            content = await incoming.upload.read()
            async with transaction(self._desk.sessions) as session:
                sent = str(await announcements.keep_upload(session, content, by=by, now=now))
        if not sent.isdigit():
            return again("picture.again", number, Step.PICTURE, account)
        if not words:
            await self._steps.wait_for(f"picture:{sent}", number, incoming, account)
            asked = again("picture.needs-words", number, Step.PICTURE, account)
            return replace(asked, failed=False)
        async with transaction(self._desk.sessions) as session:
            await announcements.describe_picture(session, int(sent), {"ja": words})
            before = (await announcements.progress(session, number)).extras
            dressed = replace(before, picture=int(sent))
            await announcements.revise(
                session,
                number,
                town=self._desk.town,
                by=by,
                now=now,
                extras=dressed,
                platforms=self._desk.platforms(),
            )
        return await self._steps.show(Step.PICTURE, number, incoming, account)

    async def _put_link(self, number: int, incoming: Incoming, account: Account) -> Reply:
        label, url = link_of(incoming.text, say("link.label", "ja"))
        extras = await self._extras(number)
        new = replace(extras, links=(*extras.links, Link({"ja": label}, url)))
        await self._revise(number, incoming, account, extras=new)
        return await self._steps.show(Step.LINK, number, incoming, account)

    async def _put_time(self, number: int, incoming: Incoming, account: Account) -> Reply:
        town = self._desk.town.town
        now = self._desk.clock()
        start = moment_of(incoming.text, now=now, zone=town.timezone)
        if start is None:
            return again("time.unread", number, Step.TIME, account)
        if start.at <= now:
            raise BadAnnouncement(Fault.START)
        minutes = str(int(start.at.timestamp()) // 60)
        reply = await self._sending.confirm(number, minutes, incoming, account)
        if start.left_out:
            when = self._steps.when(start.at, account.locale)
            note = say("time.left-out", account.locale, when=when)
            return replace(reply, text=f"{note}\n\n{reply.text}")
        return reply

    async def _revise_extras(
        self, number: int, incoming: Incoming, account: Account, step: Step
    ) -> Reply:
        extras = await self._extras(number)
        bare = replace(extras, picture=None) if step is Step.PICTURE else replace(extras, links=())
        await self._revise(number, incoming, account, extras=bare)
        return await self._steps.show(step, number, incoming, account)

    async def _choose(
        self, number: int, detail: str, incoming: Incoming, account: Account
    ) -> Reply:
        kind, _, name = detail.partition(":")
        chosen = None if name == TOWN else name
        match kind:
            case "room":
                whom = Audience(Kind.ROOM, gate=chosen, places=self._desk.places(chosen))
            case "inside":
                whom = Audience(Kind.DIRECT, gate=chosen)
            case "topic":
                whom = Audience(Kind.DIRECT, topic=chosen)
            case _:
                return old(account)
        await self._revise(number, incoming, account, audience=whom)
        return await self._steps.show(Step.PREVIEW, number, incoming, account)

    async def _extras(self, number: int) -> Extras:
        async with reading(self._desk.sessions) as session:
            return (await announcements.progress(session, number)).extras

    async def _revise(
        self,
        number: int,
        incoming: Incoming,
        account: Account,
        *,
        audience: Audience | None = None,
        texts: Texts | None = None,
        extras: Extras | None = None,
    ) -> None:
        async with transaction(self._desk.sessions) as session:
            await announcements.revise(
                session,
                number,
                town=self._desk.town,
                by=self._desk.author(incoming),
                now=self._desk.clock(),
                audience=audience,
                texts=texts,
                extras=extras,
                platforms=self._desk.platforms(),
            )
            if texts is not None:
                await self._check_length(session, number, account)

    async def _check_length(self, session: AsyncSession, number: int, account: Account) -> None:
        """Raises `TooLong`, and nothing is kept."""
        draft = await announcements.progress(session, number)
        if long := await self._steps.too_long(session, draft, account.locale):
            raise TooLong(long[0])

    def _is_staff(self, incoming: Incoming) -> bool:
        return self._desk.is_staff(incoming.platform, incoming.account)

    def _staff_only(self, incoming: Incoming) -> None:
        if not self._is_staff(incoming):
            raise NotAllowed("announcing is for staff")


def _parts(action: str) -> tuple[str, int | None, str]:
    """Verb, number and the rest of ``announce:verb:number:rest``."""
    _, verb, number, detail = [*action.split(":", 3), "", "", ""][:4]
    whole = number.isascii() and number.isdigit() and len(number) <= 12  # noqa: PLR2004
    return verb, int(number) if whole else None, detail


def _short(heading: str) -> str:
    return heading if len(heading) <= LABEL else f"{heading[: LABEL - 1]}…"
