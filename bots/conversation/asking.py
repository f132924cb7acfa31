"""Questions to the mascot: asked, remembered for a few turns, answered with source and date."""

from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bots import texts
from bots.conversation.desk import Desk, sample_note
from bots.conversation.messages import Incoming, Reply
from bots.conversation.quoting import Quoting
from core.identity import Account
from knowledge.answer import Answer, AnswerKind, Turn
from knowledge.language import Language

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


class Asking:
    """The mascot's desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._memory = Memory()
        self._quoting = Quoting(desk.town.folder)

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

    async def stream(self, incoming: Incoming, account: Account) -> AsyncIterator[str | Reply]:
        """The answer in pieces as they are known to be right, then the whole reply."""
        thread, now = _thread(incoming), self._desk.clock()
        turns = self._memory.of(thread, now)
        async for piece in self._desk.guide.stream(
            incoming.text,
            language=Language(account.locale),
            turns=turns,
            now=self._now(),
        ):
            if isinstance(piece, Answer):
                self._memory.add(thread, Turn(incoming.text, piece), now)
                self._report(piece)
                yield self.word(piece, account.locale)
            else:
                yield piece.text

    async def _answer(self, incoming: Incoming, account: Account, question: str) -> Reply:
        thread, now = _thread(incoming), self._desk.clock()
        turns = self._memory.of(thread, now)
        answer = await self._desk.guide.ask(
            question,
            language=Language(account.locale),
            turns=turns,
            now=self._now(),
        )
        self._memory.add(thread, Turn(question, answer), now)
        self._report(answer)
        return self.word(answer, account.locale)

    def _now(self) -> datetime:
        return self._desk.clock().astimezone(ZoneInfo(self._desk.town.town.timezone))

    def _report(self, answer: Answer) -> None:
        self._desk.tell(f"chat.happening.asked-{_key(answer.kind)}")

    # Answers in words

    def word(self, answer: Answer, language: str) -> Reply:
        """An answer as people read it, in the reader's language."""
        if answer.kind is AnswerKind.ANSWERED:
            return self._answered(answer, language)
        if answer.kind is AnswerKind.EMERGENCY:
            return self._emergency(answer, language)
        if answer.kind is AnswerKind.GREETING:
            return Reply(text=self._desk.town.persona.greeting.get(language))
        if answer.kind is AnswerKind.FAREWELL:
            return Reply(text=self._desk.town.persona.closing.get(language))
        text = texts.say(f"chat.answer.{_key(answer.kind)}", language)
        if answer.kind is AnswerKind.UNKNOWN:
            text = self._desk.town.persona.unknown.get(language) + "\n\n" + text
        if answer.kind in {AnswerKind.UNKNOWN, AnswerKind.OFF_TOPIC, AnswerKind.PERSONAL}:
            text += "\n" + "\n".join(self._contacts(language))
        return Reply(text=text, footnote=self._note(language))

    def _answered(self, answer: Answer, language: str) -> Reply:
        quoted = self._quoting.extracts(answer.extracts, language)
        opening = self._desk.town.persona.opening.get(language)
        text, quotes = "\n\n".join((opening, *quoted.paragraphs)), quoted.quotes
        if answer.written is not None:
            text, quotes = answer.written, ()
        return Reply(
            text=text,
            quotes=quotes,
            sources=self._quoting.sources(answer.extracts, language),
            footnote=self._note(language),
        )

    def _emergency(self, answer: Answer, language: str) -> Reply:
        kind = answer.emergency.value.replace("_", "-") if answer.emergency else "both"
        parts = [texts.say(f"chat.emergency.{kind}", language)]
        if answer.extracts:
            parts.append(texts.say("chat.emergency.places", language))
            parts.extend(self._quoting.facts(answer.extracts, language))
        return Reply(
            text="\n".join(parts),
            sources=self._quoting.sources(answer.extracts, language),
            buttons=(),
        )

    def _contacts(self, language: str) -> list[str]:
        lines = []
        for contact in self._desk.town.contacts:
            details = [contact.phone, contact.hours.get(language) if contact.hours else None]
            shown = " ".join(each for each in details if each)
            lines.append(f"・{contact.title.get(language)} {shown}".rstrip())
        return lines

    def _note(self, language: str) -> str:

        return sample_note(self._desk.town, language)


def _key(kind: AnswerKind) -> str:
    return kind.value.replace("_", "-")


def _thread(incoming: Incoming) -> str:
    return f"{incoming.platform}:{incoming.thread or incoming.account}:{incoming.account}"
