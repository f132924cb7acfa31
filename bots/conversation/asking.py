"""Questions to the mascot: asked, remembered for a few turns, answered with source and date."""

from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bots import texts
from bots.conversation.desk import Desk
from bots.conversation.feedback import Feedback
from bots.conversation.hearing import Hearing, wants_it_said
from bots.conversation.messages import Incoming, Reply
from bots.conversation.unspoken import Unspoken
from bots.conversation.wording import Wording
from bots.voice.languages import answered_in
from core.identity import Account
from core.town import TownPack
from knowledge.answer import Answer, AnswerKind, Turn
from knowledge.language import Language
from knowledge.voice.port import Heard

TURNS = 4
FORGET_AFTER = timedelta(minutes=30)
MAX_CONVERSATIONS = 5_000


class Memory:
    """The last few turns of each conversation, in memory only and not for long."""

    def __init__(self) -> None:
        self._turns: OrderedDict[str, tuple[datetime, deque[Turn]]] = OrderedDict()

    def of(self, thread: str, now: datetime) -> tuple[Turn, ...]:
        at, turns = self._turns.get(thread, (now, deque()))
        return tuple(turns) if now - at <= FORGET_AFTER else ()

    def add(self, thread: str, turn: Turn, now: datetime) -> None:
        turns = deque(self.of(thread, now), maxlen=TURNS)
        turns.append(turn)
        self._turns.pop(thread, None)
        self._turns[thread] = (now, turns)
        if len(self._turns) > MAX_CONVERSATIONS:
            self._turns.popitem(last=False)

    def drop(self, thread: str, question: str) -> None:
        """Forget the last turn, if it was this question: it was never asked."""
        at, turns = self._turns.get(thread, (None, deque[Turn]()))
        if at is not None and turns and turns[-1].question == question:
            self._turns[thread] = (at, deque(list(turns)[:-1], maxlen=TURNS))


class Asking:
    """The mascot's desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._memory = Memory()
        self._wording = Wording(desk.town)
        self.feedback = Feedback(desk.learning)
        self._hearing = Hearing(desk.clock)
        self._unspoken = Unspoken()

    async def ask(self, incoming: Incoming, account: Account) -> Reply:
        """/ask, or a plain question."""
        if not incoming.text.strip():
            return Reply(text=texts.say("chat.ask.how", account.locale))
        return await self._answer(incoming, account, incoming.text)

    async def example(self, incoming: Incoming, account: Account) -> Reply:
        """The button with a ready question."""
        number = (incoming.action or "").partition(":")[2]
        examples = self._desk.town.persona.examples
        if not (number.isascii() and number.isdigit() and 0 < int(number) <= len(examples)):
            return Reply(text=texts.say("errors.old-button", account.locale))
        question = examples[int(number) - 1].get(account.locale)
        return await self._answer(incoming, account, question)

    async def about(self, incoming: Incoming, account: Account) -> Reply:
        """The button with a sight that our last answer offered."""
        number = (incoming.action or "").partition(":")[2]
        turns = self._memory.of(_thread(incoming), self._desk.clock())
        options = turns[-1].answer.options if turns else ()
        if not number.isdecimal() or int(number) >= len(options):
            return Reply(text=texts.say("errors.old-button", account.locale))
        return await self._answer(incoming, account, options[int(number)])

    async def stream(self, incoming: Incoming, account: Account) -> AsyncIterator[str | Reply]:
        """The answer in pieces as they are known to be right, then the whole reply."""
        thread, now = _thread(incoming), self._desk.clock()
        turns = self._memory.of(thread, now)
        with self._desk.meters.question() as asked:
            async for piece in self._desk.guide.stream(
                incoming.text,
                language=Language(account.locale),
                turns=turns,
                now=self._now(),
            ):
                if isinstance(piece, Answer):
                    asked.outcome = _key(piece.kind)
                    self._memory.add(thread, Turn(incoming.text, piece), now)
                    self._report(piece)
                    yield await self._worded(piece, incoming.text, incoming, account)
                else:
                    yield piece.text

    async def _answer(self, incoming: Incoming, account: Account, question: str) -> Reply:
        thread, now = _thread(incoming), self._desk.clock()
        turns = self._memory.of(thread, now)
        with self._desk.meters.question() as asked:
            answer = await self._desk.guide.ask(
                question,
                language=Language(account.locale),
                turns=turns,
                now=self._now(),
            )
            asked.outcome = _key(answer.kind)
        self._memory.add(thread, Turn(question, answer), now)
        self._report(answer)
        return await self._worded(answer, question, incoming, account)

    async def _worded(
        self, answer: Answer, question: str, incoming: Incoming, account: Account
    ) -> Reply:
        """The answer in words, aloud for who wants that, and with what was heard."""
        reply = self._wording.word(answer, account.locale)
        reply = await self.feedback.attend(reply, answer, question, incoming, account)
        spoke = incoming.heard is not None
        reply = replace(reply, aloud=wants_it_said(account, spoke=spoke))
        if incoming.heard is None:
            return reply
        reply = self._hearing.shown(reply, incoming.heard, account)
        return self._explained(reply, incoming, account)

    def _explained(self, reply: Reply, incoming: Incoming, account: Account) -> Reply:
        """Why nothing will be heard, for who waits for it; the page says so at its button."""
        mute = self._desk.speaks() and not self._desk.speaks_in(account.locale)
        if incoming.platform == "web" or not (mute and reply.aloud and reply.spoken):
            return reply
        return self._unspoken.noted(
            reply, member=account.member_id, language=account.locale, today=self._now().date()
        )

    # What was said aloud

    async def heard(self, incoming: Incoming, account: Account) -> Reply:
        """A button under what was heard: another reading of it, or none of them."""
        found = self._hearing.pressed(incoming.action or "", account)
        if found is None:
            return _gone(account)
        asked, which = found
        others = asked.heard.alternatives
        if which != "no" and not (which.isdecimal() and int(which) < len(others)):
            return _gone(account)
        account = in_the_language(asked.heard, account, self._desk.town)
        self._memory.drop(_thread(incoming), asked.heard.text)
        await self.feedback.take_back(asked.heard.text, account)
        if which == "no":
            return self._hearing.ask_to_write(_thread(incoming), incoming, account)
        reply = await self._answer(incoming, account, others[int(which)])
        return replace(reply, aloud=wants_it_said(account, spoke=True), language=account.locale)

    def takes(self, incoming: Incoming) -> bool:
        """Whether this is the question that somebody whom we misheard was asked to write.

        Only what comes next can be it: whatever comes first, nothing after it is.
        """
        return self._hearing.takes(_thread(incoming))

    def _now(self) -> datetime:
        return self._desk.clock().astimezone(ZoneInfo(self._desk.town.town.timezone))

    def _report(self, answer: Answer) -> None:
        self._desk.tell(f"chat.happening.asked-{_key(answer.kind)}")


def in_the_language(heard: Heard, account: Account, town: TownPack) -> Account:
    """The account as if it read what it spoke, for this answer."""
    language = answered_in(heard.language, account.locale, town.town.languages)
    return replace(account, locale=language)


def _gone(account: Account) -> Reply:
    words = texts.say("voice.heard.gone", account.locale)
    return Reply(words, private=True, language=account.locale)


def _key(kind: AnswerKind) -> str:
    return kind.value.replace("_", "-")


def _thread(incoming: Incoming) -> str:
    return f"{incoming.platform}:{incoming.thread or incoming.account}:{incoming.account}"
