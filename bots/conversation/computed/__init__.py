"""Computed answers in words."""

from functools import singledispatch

from knowledge.computed import Computed


@singledispatch
def word(computed: Computed, language: str) -> str:
    """Say a computed answer; each kind of result registers its own words."""
    raise NotImplementedError(f"no words for {type(computed).__name__}")


# Each of these registers its words with `word`, which therefore stands before them.
from bots.conversation.computed import hours_and_fees, travel  # noqa: E402

__all__ = ["hours_and_fees", "travel", "word"]
