"""The names of a town as they are said."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SpokenName:
    """A place or product and how it is read here."""

    surface: str  # as guides write it
    reading: str  # hiragana
