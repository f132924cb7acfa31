"""The names of a town as they are said."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from knowledge.gazetteer import Gazetteer, read_gazetteer
from knowledge.glossary import glossary
from knowledge.text import clean, is_kana, katakana_to_hiragana

_BRACKETED = re.compile(r"(?P<surface>[^()]*[㐀-鿿々][^()]*)\((?P<reading>[ぁ-ゖァ-ヺー]+)\)")


@dataclass(frozen=True, slots=True)
class SpokenName:
    """A place or product and how it is read here."""

    surface: str  # as guides write it
    reading: str  # hiragana


def spoken_names(
    gazetteer: Gazetteer, readings: Mapping[str, str] | None = None
) -> tuple[SpokenName, ...]:
    """Return the names of a gazetteer that have a reading, longest first.

    `readings` are those of a glossary. An entry of the gazetteer wins; one without a reading takes
    that of the glossary, or the one in its own brackets: 武甕槌大神(たけみかづちのおおかみ).
    """
    found: dict[str, str] = {}
    for surface, reading in _pairs(gazetteer, readings or {}):
        if surface and _is_said(reading):
            found.setdefault(surface, katakana_to_hiragana(reading))
    longest_first = sorted(found, key=lambda each: (-len(each), each))
    return tuple(SpokenName(each, found[each]) for each in longest_first)


def names_of_town(folder: Path) -> tuple[SpokenName, ...]:
    """Read the names of the town in `folder` from its gazetteer and glossary."""
    return spoken_names(read_gazetteer(folder / "gazetteer.toml"), glossary(folder).readings)


def _pairs(gazetteer: Gazetteer, readings: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for entry in gazetteer.entries:
        if entry.reading:
            yield clean(entry.name), clean(entry.reading)
    for surface, reading in (*gazetteer.readings, *readings.items()):
        yield clean(surface), clean(reading)
    for entry in gazetteer.entries:
        if given := _BRACKETED.fullmatch(clean(entry.name)):
            yield given["surface"].strip(), given["reading"]


def _is_said(reading: str) -> bool:
    return bool(reading) and all(map(is_kana, reading))
