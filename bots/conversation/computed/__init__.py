"""Computed answers in words."""

from functools import singledispatch

from knowledge.computed import Computed


@singledispatch
def word(computed: Computed, language: str) -> str:
    """Say a computed answer; each kind of result registers its own words."""
    raise NotImplementedError(f"no words for {type(computed).__name__}")
