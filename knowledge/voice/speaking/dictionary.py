"""Dictionary: a town's names for the Japanese voices.

A user dictionary of Open JTalk (MeCab, the columns of naist-jdic) tells both voices how a name is
read: 秋芳洞 is アキヨシドー, where the rules of kanji would have シューホードー. Its entries are
proper nouns of places at a cost below every other word's, and their readings are protected from
later corrections.

A service elsewhere knows no such dictionary: for it the same names are written in kana.
"""

import csv
import hashlib
import io
import logging
import os
import re
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from knowledge.text import clean, hiragana_to_katakana, is_kana
from knowledge.voice.extras import missing
from knowledge.voice.names import SpokenName
from knowledge.voice.speaking.accent import accented

logger = logging.getLogger(__name__)

PLACE: Final = 1353
"""The context of naist-jdic for 名詞,固有名詞,地域,一般."""
COST: Final = 1
"""Below every other word's."""
CHARACTER: Final = -800
"""Added for each further character, so that a long name wins over a short one and another word."""
_LOWEST: Final = -30_000
_WIDE: Final = {code: code + 0xFEE0 for code in range(0x21, 0x7F)} | {
    ord(narrow): wide for narrow, wide in zip(" \"'-\\`~", "\u3000”’−￥‘〜", strict=True)
}
"""How the engine widens what it reads, and so how the dictionary has to be written."""
_MORA: Final = re.compile("[ァ-ヺー][ァィゥェォャュョヮ]?")
_LONG: Final = re.compile(
    "(?<=[オコソトノホモヨロゴゾドボポョ])ウ|(?<=[エケセテネヘメレゲゼデベペ])イ"
    "|(?<=[クスツヌフムユルグブプュ])ウ"
)
_SHORTEST_KANA: Final = 4


@dataclass(frozen=True, slots=True)
class Dictionary:
    """The names of one town, for voices here and elsewhere."""

    names: tuple[SpokenName, ...]

    @property
    def version(self) -> str:
        """Changes with every name and reading: part of the key under which answers are kept."""
        return _version(self)

    def table(self) -> str:
        """Return the source of the user dictionary, in CSV; a town's names come first."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        for surface, reading in _surfaces((*self.names, *_everywhere())):
            said = pronounced(reading)
            morae = len(_MORA.findall(said))
            kind = ("名詞", "固有名詞", "地域", "一般", "*", "*")
            accent = f"{accented(surface, said)}/{morae}"
            written = surface.translate(_WIDE)
            cost = max(COST + CHARACTER * (len(written) - 1), _LOWEST)
            row = (written, PLACE, PLACE, cost, *kind, written, katakana(reading), said, accent)
            writer.writerow((*row, "*"))
        return out.getvalue()

    def load(self, folder: Path) -> None:
        """Compile the names into `folder` and have every voice of this process read them so.

        The engine keeps one dictionary a process. Raises `VoiceMissing` without the engine.
        """
        try:
            import pyopenjtalk
            from pyopenjtalk.types import UserDictionaryEntry
        except ImportError as error:
            raise missing("pyopenjtalk-plus") from error
        compiled = folder / f"names-{self.version}.dic"

        def read() -> None:
            if not compiled.is_file():
                self._compile(compiled)
            pyopenjtalk.update_global_jtalk_with_user_dict(
                [UserDictionaryEntry(dic_path=str(compiled), is_reading_protected=True)]
            )

        try:
            read()
        except (RuntimeError, ValueError, OSError):
            # Cut short by a full disk or a power failure; what is made anew may fail for good.
            logger.warning("voice.dictionary_rebuilt")
            compiled.unlink(missing_ok=True)
            read()

    def _compile(self, compiled: Path) -> None:
        import pyopenjtalk

        compiled.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=compiled.parent) as scratch:
            source, built = Path(scratch, "names.csv"), Path(scratch, "names.dic")
            source.write_text(self.table(), "utf-8")
            with _silence():
                pyopenjtalk.mecab_dict_index(str(source), str(built))
            with built.open("rb+") as file:
                os.fsync(file.fileno())
            os.replace(built, compiled)  # noqa: PTH105

    def in_kana(self, text: str) -> str:
        """Write every name in hiragana, longest names first: for a voice that knows none of them.

        A name inside a longer word of kanji is left alone, but for those that names are made with.
        """
        readings = {each.surface: each.reading for each in self.names}
        if not readings:
            return text
        pattern = "|".join(map(re.escape, sorted(readings, key=len, reverse=True)))
        return re.sub(pattern, lambda found: readings[found.group()], text)


@lru_cache(maxsize=16)
def _version(dictionary: Dictionary) -> str:
    return hashlib.sha256(dictionary.table().encode()).hexdigest()[:16]


@cache
def _everywhere() -> tuple[SpokenName, ...]:
    """Return the words that every town's guides write and the engine reads wrongly."""
    text = files("knowledge.voice.speaking").joinpath("readings.toml").read_text("utf-8")
    return tuple(SpokenName(word, kana) for word, kana in tomllib.loads(text)["readings"].items())


@contextmanager
def _silence() -> Iterator[None]:
    """Keep what the compiler prints from the standard output of this process."""
    sys.stdout.flush()
    kept = os.dup(1)
    try:
        with Path(os.devnull).open("wb") as nothing:
            os.dup2(nothing.fileno(), 1)
            yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def katakana(reading: str) -> str:
    return hiragana_to_katakana(reading)


def pronounced(reading: str) -> str:
    """Return how a reading sounds, in katakana: long vowels are long, ヂ and ヅ are ジ and ズ."""
    return _LONG.sub("ー", katakana(reading)).translate(str.maketrans("ヂヅヲ", "ジズオ"))


def _surfaces(names: Sequence[SpokenName]) -> Iterator[tuple[str, str]]:
    """Yield every way in which the voices may meet a name, with its reading."""
    seen: set[str] = set()
    for each in names:
        surface = clean(each.surface)
        # Kana of a few letters are a part of other words.
        if all(map(is_kana, surface)) and len(surface) < _SHORTEST_KANA:
            continue
        for written in (surface, surface.replace(" ", "")):
            if written and written not in seen:
                seen.add(written)
                yield written, each.reading
