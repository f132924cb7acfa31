"""Pace: at most twenty messages a minute into one group, answers to people counted.

The pump keeps the pace of the bot as a whole; this limit is of each group or channel alone.
https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
"""

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final

A_MINUTE: Final = 60.0  # seconds
MOST: Final = 20
MAX_GROUPS: Final = 1_000


class GroupPace:
    """When we last wrote into each group. In memory: another process counts for itself."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._written: OrderedDict[int, deque[float]] = OrderedDict()

    def has_room(self, chat: int) -> bool:
        """Whether one more message may go into this chat now. Private chats have no such limit."""
        if chat > 0:
            return True
        since = self._clock() - A_MINUTE
        return sum(moment > since for moment in self._written.get(chat, ())) < MOST

    def wait(self, chat: int) -> float:
        """Seconds until one more message may go into this chat."""
        if self.has_room(chat):
            return 0.0
        return max(0.0, self._written[chat][0] + A_MINUTE - self._clock())

    def count(self, chat: int) -> None:
        """Something was written there."""
        if chat > 0:
            return
        self._written.setdefault(chat, deque(maxlen=MOST)).append(self._clock())
        self._written.move_to_end(chat)
        if len(self._written) > MAX_GROUPS:
            self._written.popitem(last=False)
