"""How many blocks of logs an endpoint gives at once: learnt from its refusals, kept over restarts.

Limits seen in the field are 5, 50, 1,000, 2,000 and 10,000 blocks, or 10,000 results at any range,
and hardly two endpoints say so in the same words. So: start wide, take the number that a refusal
names, else halve; grow slowly afterwards, between what was granted and what was refused.
"""

import re

from core.chain.values import PageMemory

START, WIDEST = 10_000, 200_000
GROW_AFTER = 8
"""So many full pages in a row before a wider one is tried."""

NARROWEST_GUESS = 64
"""Silence alone never narrows further: it is rather an outage than a limit."""

_HINT = re.compile(
    r"(?:\[|range )\s*(0x[0-9a-f]+|\d+)\s*[,-]\s*(0x[0-9a-f]+|\d+)(?:\s*\]|\b)", re.IGNORECASE
)
_NUMBER = re.compile(
    r"(?<![\w.])(\d{1,3}(?:,\d{3})+|\d+)\s*(k)?\b(?!\s*(?:k\s+)?(?:results?|logs?|s\b|sec|ms\b|%))",
    re.IGNORECASE,
)
_LOGS = re.compile(
    r"results|logs? (?:cap|limit|matched)|response size|too many logs", re.IGNORECASE
)


def named_blocks(words: str, asked: int) -> int | None:
    """The number of blocks that a refusal of `asked` blocks suggests, if it names one."""
    if hint := _HINT.search(words):
        low, high = (int(each, 0) for each in hint.groups())
        if 1 <= high - low + 1 < asked:
            return high - low + 1
    numbers = [
        int(digits.replace(",", "")) * (1_000 if thousand else 1)
        for digits, thousand in _NUMBER.findall(words[:1000])
        if len(digits) <= 9  # noqa: PLR2004 - no page is that wide
    ]
    return max((number for number in numbers if 1 <= number < asked), default=None)


class PageSize:
    """The page of one endpoint, in blocks."""

    def __init__(self, memory: PageMemory, key: str) -> None:
        self._memory, self._key = memory, key
        remembered = memory.get(key)
        self.blocks = min(max(remembered or START, 1), WIDEST)
        self._granted = remembered or 0  # the widest page that was given
        self._refused = WIDEST + 1  # the narrowest that was refused for its range
        self._streak = 0
        self._refusals = 0  # one after another

    def granted(self, blocks: int) -> None:
        """A page of so many blocks came."""
        self._refusals = 0
        if blocks < self.blocks:
            return  # the end of what was asked for says nothing about the limit
        self._streak += 1
        if blocks < self._granted:
            self.blocks = min(self._granted, blocks * 2)  # back to what used to work
        elif self._streak >= GROW_AFTER:
            self._streak = 0
            self.blocks = self._wider(blocks)
        self._granted = max(self._granted, blocks)
        if self._memory.get(self._key) != blocks:
            self._memory.set(self._key, blocks)

    def refused(self, blocks: int, words: str) -> None:
        """A page of so many blocks was refused in these words."""
        self._streak = 0
        self._refusals += 1
        named = named_blocks(words, blocks)
        if self._refusals > 1 and named:  # the number that was taken last time was another one
            named = min(named, blocks // 2)
        dense = _LOGS.search(words) is not None
        if not dense:
            self._refused = min(self._refused, blocks, (named or blocks) + 1)
            self._granted = min(self._granted, self._refused - 1)
        self.blocks = max(1, named or blocks // 2)
        if dense:
            self._granted = min(self._granted, self.blocks)

    def silent(self, blocks: int) -> None:
        """Nothing usable came for so many blocks, without a word why."""
        self._streak = 0
        self.blocks = max(min(NARROWEST_GUESS, blocks), blocks // 2)

    def _wider(self, blocks: int) -> int:
        wider = min(blocks + max(1, blocks // 2), WIDEST)
        if wider < self._refused:
            return wider
        middle = (blocks + self._refused) // 2
        return middle if middle - blocks > blocks // 20 else blocks
