"""Why nobody hears an answer: said once a day to who asked aloud, never with every answer.

Kept in memory only: after a start it may be said once more.
"""

from collections import OrderedDict
from dataclasses import replace
from datetime import date
from typing import Final

from bots import texts
from bots.conversation.messages import Reply

REMEMBERED: Final = 5_000


class Unspoken:
    """Who was told today that answers in a language come in writing only."""

    def __init__(self) -> None:
        self._told: OrderedDict[tuple[int, str], date] = OrderedDict()

    def noted(self, reply: Reply, *, member: int, language: str, today: date) -> Reply:
        """The answer with that sentence under it, where it was not said today.

        `language` is that of the answer, `today` the day in the town.
        """
        if self._told.get((member, language)) == today:
            return reply
        self._told.pop((member, language), None)  # the newest last
        self._told[member, language] = today
        if len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
        words = texts.say("voice.unspoken", language)
        return replace(reply, footnote="\n".join(filter(None, (reply.footnote, words))))
