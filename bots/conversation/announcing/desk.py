"""What staff pressed or wrote about announcements, and the use case of core that answers it."""

from typing import Final

from bots.conversation.announcing.faults import TooLong, begin_again, fault, old
from bots.conversation.announcing.following import Following
from bots.conversation.announcing.reading import words_of
from bots.conversation.announcing.sending import Sending
from bots.conversation.announcing.steps import Row, Step, Steps, say
from bots.conversation.announcing.writing import VERBS, Writing
from bots.conversation.desk import Desk
from bots.conversation.messages import Button, ChatKind, Incoming, Reply
from core import announcements, unfinished
from core.announcements import (
    AnnouncementState,
    Audience,
    Kind,
)
from core.announcements.nouns import OVER
from core.database import reading, transaction
from core.errors import BadAnnouncement, NotAllowed, NotFound
from core.identity import Account

RECENT: Final = 3
LABEL: Final = 30  # characters of a heading in a button


class Announcing:
    """The announcements desk, for staff."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._steps = Steps(desk)
        self._following = Following(desk, self._steps)
        self._sending = Sending(desk, self._steps, self._following)
        self._writing = Writing(desk, self._steps, self._following, self._sending)

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
        return await self._writing.put(what, detail, number, incoming, account)

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
            place = {"confirm": 1, "send": 2}.get(verb)
            until = detail.split(":")[place : place + 1] if place else []
            return fault(error, number, account, until="".join(until))

    async def _act(
        self, verb: str, number: int, detail: str, incoming: Incoming, account: Account
    ) -> Reply:
        if verb in {*VERBS, "test", "confirm"} and await self._is_over(number):
            return old(account)
        if verb in VERBS:
            return await self._writing.act(verb, number, detail, incoming, account)
        match verb:
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
                await self._writing.check_length(session, number, account)
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
