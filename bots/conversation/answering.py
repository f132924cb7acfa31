"""Staff answer from chat, in one line: see what waits, write, look, confirm, undo."""

import asyncio
import re
from typing import Final

from bots import texts
from bots.conversation.desk import Desk
from bots.conversation.messages import Button, Incoming, Reply
from core import questions
from core.database import transaction
from core.errors import NotAllowed
from core.identity import Account
from core.questions import Cluster, ClusterState, Fact, Filter, Taken

LISTED: Final = 8
_NUMBERED: Final = re.compile(r"[#＃]?\s*([0-9０-９]{1,15})(?:[\s:：.、]+(.*))?", re.DOTALL)


class Answering:
    """The queue's desk, for staff. Its words are in Japanese and English, as the console's."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._learning = desk.learning

    async def answer(self, incoming: Incoming, account: Account) -> Reply:
        """/answer: what waits; with a number, that; with a number and a line, an answer to it."""
        self._staff_only(incoming)
        language = account.locale
        text = incoming.text.strip()
        if not text:
            return await self._list(language)
        found = _NUMBERED.fullmatch(text)
        if found is None:
            return _say("how", language)
        cluster, line = await self._cluster(int(found[1])), (found[2] or "").strip()
        if not line:
            return self._show(cluster, language)
        if cluster.state is not ClusterState.OPEN:
            return await self._decided(cluster, language)
        asked = await self._asked(cluster)
        if asked is None:
            return _say("alone", language)
        try:
            wording = self._learning.wording(line, asked)
        except ValueError:
            return _say("long", language, count=questions.MAX_ANSWER)
        fact = await self._learning.draft(cluster.id, wording, by=author_of(incoming))
        return await self._preview(fact, cluster, language)

    async def action(self, incoming: Incoming, account: Account) -> Reply:
        """The buttons of the queue."""
        self._staff_only(incoming)
        language, by = account.locale, author_of(incoming)
        match (incoming.action or "").split(":")[1:]:
            case ["list"]:
                return await self._list(language)
            case ["show", number] if _is_number(number):
                return self._show(await self._cluster(int(number)), language)
            case ["yes", number] if _is_number(number):
                return await self._confirm(int(number), by, language)
            case ["undo", number] if _is_number(number):
                done = await self._learning.withdraw(int(number), by=by)
                return self._withdrawn(int(number), language) if done else _say("late", language)
            case ["again", number] if _is_number(number):
                return self._outcome(await self._learning.restore(int(number), by=by), language)
            case ["drop" | "back" as step, number] if _is_number(number):
                return await self._drop(int(number), by, language, dropping=step == "drop")
            case _:
                return Reply(texts.say("errors.old-button", language), private=True)

    async def _list(self, language: str) -> Reply:
        async with transaction(self._desk.sessions) as session:
            rows, total = await questions.listed(session, Filter())
        if not rows:
            return _say("none", language)
        lines = [
            texts.say(
                "console.answer.line",
                language,
                number=each.id,
                count=each.count,
                text=_short(each.questions[0].text),
            )
            for each in rows[:LISTED]
        ]
        head = texts.say("console.answer.waiting", language, count=total)
        how = texts.say("console.answer.how", language)
        buttons = [Button(f"#{each.id}", action=f"answer:show:{each.id}") for each in rows[:LISTED]]
        rows_of = tuple(tuple(buttons[start : start + 4]) for start in range(0, len(buttons), 4))
        return Reply("\n\n".join((head, "\n".join(lines), how)), buttons=rows_of, private=True)

    async def _cluster(self, number: int) -> Cluster:
        async with transaction(self._desk.sessions) as session:
            return await questions.cluster(session, number)

    async def _asked(self, cluster: Cluster) -> str | None:
        """The first wording that says by itself what it is about: the fact's, if confirmed."""
        for each in cluster.questions:
            if await asyncio.to_thread(self._learning.stands_alone, each.text, each.language):
                return each.text
        return None

    def _show(self, cluster: Cluster, language: str) -> Reply:
        state = texts.say(f"console.questions.state.{cluster.state.value}", language)
        head = texts.say(
            "console.answer.shown",
            language,
            number=cluster.id,
            state=state,
            count=cluster.count,
            wanting=cluster.wanting,
        )
        parts = [head]
        buttons: list[tuple[Button, ...]] = []
        if cluster.state is ClusterState.OPEN:
            parts.append(texts.say("console.answer.how-this", language, number=cluster.id))
            label = texts.say("console.answer.drop", language)
            buttons.append((Button(label, action=f"answer:drop:{cluster.id}"),))
        elif cluster.state is ClusterState.DISMISSED:
            label = texts.say("console.answer.back", language)
            buttons.append((Button(label, action=f"answer:back:{cluster.id}"),))
        elif cluster.fact is not None:
            label = texts.say("console.answer.undo", language)
            buttons.append((Button(label, action=f"answer:undo:{cluster.fact}"),))
        quotes = tuple(each.text for each in cluster.questions[:5])
        return Reply("\n\n".join(parts), quotes=quotes, buttons=tuple(buttons), private=True)

    async def _decided(self, cluster: Cluster, language: str) -> Reply:
        return self._outcome(Taken(cluster.decided_by or "", cluster.fact), language)

    async def _preview(self, fact: Fact, cluster: Cluster, language: str) -> Reply:
        (written,) = fact.answers
        said = await self._learning.preview(fact, written)
        head = texts.say(
            "console.answer.sure",
            language,
            number=cluster.id,
            question=fact.question,
            wanting=cluster.wanting,
            review=fact.review_by.isoformat(),
        )
        return Reply(
            f"{head}\n\n{said.text}",
            quotes=said.quotes,
            sources=said.sources,
            buttons=(
                (
                    Button(
                        texts.say("console.answer.yes", language), action=f"answer:yes:{fact.id}"
                    ),
                    Button(
                        texts.say("console.answer.no", language),
                        action=f"answer:show:{cluster.id}",
                    ),
                ),
            ),
            private=True,
        )

    async def _confirm(self, number: int, by: str, language: str) -> Reply:
        return self._outcome(await self._learning.confirm(number, by=by), language)

    def _outcome(self, outcome: questions.Confirmed | Taken, language: str) -> Reply:
        if isinstance(outcome, Taken):
            key = "taken" if outcome.fact is not None else "dropped-already"
            return _say(key, language, by=outcome.by or "?")
        undo = Button(
            texts.say("console.answer.undo", language), action=f"answer:undo:{outcome.fact.id}"
        )
        more = Button(texts.say("console.answer.more", language), action="answer:list")
        said = texts.say("console.answer.done", language, told=outcome.told)
        return Reply(said, buttons=((undo, more),), private=True)

    def _withdrawn(self, number: int, language: str) -> Reply:
        label = texts.say("console.answer.again", language)
        return Reply(
            texts.say("console.answer.withdrawn", language),
            buttons=((Button(label, action=f"answer:again:{number}"),),),
            private=True,
        )

    async def _drop(self, number: int, by: str, language: str, *, dropping: bool) -> Reply:
        now = self._desk.clock()
        async with transaction(self._desk.sessions) as session:
            if dropping:
                done = await questions.dismiss(session, number, reason="", by=by, now=now)
            else:
                done = await questions.reopen(session, number, by=by, now=now)
        if not done:
            return _say("late", language)
        key, step = ("dropped", "back") if dropping else ("reopened", "show")
        label = texts.say(f"console.answer.{'back' if dropping else 'look'}", language)
        return Reply(
            texts.say(f"console.answer.{key}", language),
            buttons=((Button(label, action=f"answer:{step}:{number}"),),),
            private=True,
        )

    def _staff_only(self, incoming: Incoming) -> None:
        vouched = incoming.staff is not None
        if not vouched and not self._desk.is_staff(incoming.platform, incoming.account):
            raise NotAllowed("answering is for staff")


def author_of(incoming: Incoming) -> str:
    """Who answers, as the records name them."""
    if incoming.staff is not None:
        return f"staff:{incoming.staff}"
    return f"{incoming.platform}:{incoming.account}"


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 15  # noqa: PLR2004


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:79]}…"  # noqa: PLR2004


def _say(key: str, language: str, **values: object) -> Reply:
    return Reply(texts.say(f"console.answer.{key}", language, **values), private=True)
