"""Feedback: the buttons under an answer, and what a person who got none may ask for.

What was asked is remembered for a day, in memory only, so that a thumb has something to point at;
only a thumb down, or a question that the guides leave open, goes into the records.
"""

import logging
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from bots import texts
from bots.conversation.learning import Learning
from bots.conversation.messages import Button, Incoming, Reply
from core import questions
from core.database import transaction
from core.errors import KankeiError
from core.identity import Account
from core.questions import ClusterState, Kind, Recorded
from knowledge.answer import Answer, AnswerKind

logger = logging.getLogger(__name__)

REMEMBERED: Final = 5_000
REMEMBERED_FOR: Final = timedelta(hours=24)

_QUEUED: Final = {AnswerKind.UNKNOWN: Kind.UNKNOWN, AnswerKind.OFF_TOPIC: Kind.OFF_TOPIC}
_COUNTED: Final = frozenset({AnswerKind.PERSONAL, AnswerKind.HARMFUL})


@dataclass(slots=True)
class _Answered:
    question: str
    language: str
    at: datetime
    down: dict[int, int] = field(default_factory=dict)  # question in the queue, by account


class Feedback:
    """What people say about answers."""

    def __init__(self, learning: Learning) -> None:
        self._learning = learning
        self._answered: OrderedDict[str, _Answered] = OrderedDict()
        self._kept: OrderedDict[tuple[int, str], int] = OrderedDict()  # questions in the queue

    async def attend(
        self, reply: Reply, answer: Answer, question: str, incoming: Incoming, account: Account
    ) -> Reply:
        """The reply with its buttons; what was not answered is in the queue afterwards.

        Never fails: an answer is worth more than a record of its question.
        """
        try:
            if answer.kind is AnswerKind.ANSWERED and incoming.presses_unseen:
                return replace(reply, buttons=(*reply.buttons, self._thumbs(question, account)))
            if answer.kind in _COUNTED:
                await self._learning.count_refused(answer.kind)
            elif (kind := _QUEUED.get(answer.kind)) is not None:
                recorded = await self._record(account, incoming.platform, question, kind)
                return self._noted(reply, recorded, kind, incoming, account.locale)
        except KankeiError as error:
            logger.warning("question-not-kept", extra={"reason": error.code})
        return reply

    async def _record(
        self, account: Account, platform: str, question: str, kind: Kind
    ) -> Recorded | None:
        recorded = await self._learning.record(account.id, platform, question, account.locale, kind)
        if recorded is not None:
            self._kept[account.id, question] = recorded.id
            if len(self._kept) > REMEMBERED:
                self._kept.popitem(last=False)
        return recorded

    async def take_back(self, question: str, account: Account) -> None:
        """A question that was misheard does not stay in the queue."""
        if (number := self._kept.pop((account.id, question), None)) is not None:
            async with transaction(self._learning.sessions) as session:
                await questions.retract(session, number, account.id)

    def _noted(
        self, reply: Reply, recorded: Recorded | None, kind: Kind, incoming: Incoming, language: str
    ) -> Reply:
        if recorded is None:
            return reply
        if kind is Kind.UNKNOWN:
            noted = texts.say("queue.noted", language)
            reply = replace(reply, text=f"{reply.text}\n\n{noted}")
        if not incoming.presses_unseen:
            return reply
        label = texts.say(f"queue.tell.ask-{kind.value}", language)
        return replace(
            reply, buttons=(*reply.buttons, (Button(label, action=f"tell:{recorded.id}"),))
        )

    def _thumbs(self, question: str, account: Account) -> tuple[Button, ...]:
        token = secrets.token_urlsafe(9)
        self._answered[token] = _Answered(question, account.locale, self._learning.clock())
        while len(self._answered) > REMEMBERED:
            self._answered.popitem(last=False)
        return tuple(
            Button(texts.say(f"queue.thumb.{each}", account.locale), action=f"thumb:{token}:{each}")
            for each in ("up", "down")
        )

    # Buttons

    async def thumb(self, incoming: Incoming, account: Account) -> Reply:
        """👍 or 👎. The last one counts, and pressing it twice changes nothing."""
        language = account.locale
        _, token, verdict, *_ = [*(incoming.action or "").split(":"), "", ""]
        answered = self._answered.get(token)
        if answered is None or self._learning.clock() - answered.at > REMEMBERED_FOR:
            return _said("queue.thumb.gone", language)
        if verdict == "down":
            return await self._down(answered, token, incoming, account)
        if (number := answered.down.pop(account.id, None)) is not None:
            async with transaction(self._learning.sessions) as session:
                await questions.retract(session, number, account.id)
        return _said(f"queue.thumb.thanks-{'up' if verdict == 'up' else 'undone'}", language)

    async def _down(
        self, answered: _Answered, token: str, incoming: Incoming, account: Account
    ) -> Reply:
        language = account.locale
        recorded = await self._learning.record(
            account.id, incoming.platform, answered.question, answered.language, Kind.UNHELPFUL
        )
        if recorded is None:
            return _said("queue.thumb.full", language)
        answered.down[account.id] = recorded.id
        ask = Button(texts.say("queue.tell.ask-unhelpful", language), action=f"tell:{recorded.id}")
        undo = Button(texts.say("queue.thumb.undo", language), action=f"thumb:{token}:undo")
        return replace(_said("queue.thumb.thanks-down", language), buttons=((ask,), (undo,)))

    async def tell(self, incoming: Incoming, account: Account) -> Reply:
        """«Tell me when there is an answer», or rather not."""
        language = account.locale
        _, number, no, *_ = [*(incoming.action or "").split(":"), "", ""]
        if not number.isascii() or not number.isdigit() or len(number) > 15:  # noqa: PLR2004
            return _said("errors.old-button", language)
        async with transaction(self._learning.sessions) as session:
            mine = await questions.want(session, int(number), account.id, wants=no != "no")
            if mine is None:
                return _said("queue.tell.gone", language)
            group = await questions.cluster(session, mine.cluster)
            fact = await questions.fact(session, group.fact) if group.fact else None
        if no == "no":
            return _said("queue.tell.stopped", language)
        if group.state is ClusterState.ANSWERED and fact is not None:
            return await self._learning.preview(fact, language)
        reach = f"queue.tell.reach.{incoming.platform}"
        known = reach if texts.knows(reach) else "queue.tell.reach.other"
        words = [texts.say("queue.tell.promised", language), texts.say(known, language)]
        stop = Button(texts.say("queue.tell.stop", language), action=f"tell:{number}:no")
        return Reply("\n".join(words), buttons=((stop,),), private=True)


def _said(key: str, language: str) -> Reply:
    return Reply(texts.say(key, language), private=True)
