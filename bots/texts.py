"""Every word that people read, by key and language.

The words stand in ``bots/locales/<language>/<file>.toml``; the key ``chat.rooms.none`` is the
entry ``none`` of the table ``rooms`` in ``chat.toml``. Values are filled in by ``{name}``. What is
filled in is text, never a format of its own, so a member's name cannot reach another value.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

LOCALES: Final = Path(__file__).parent / "locales"
LANGUAGES: Final = ("ja", "ja-easy", "en", "zh-Hant", "zh-Hans", "ko")

_FALLBACKS: Final[Mapping[str, tuple[str, ...]]] = {
    "ja": (),
    "ja-easy": ("ja",),
    "en": ("ja",),
    "zh-Hant": ("en", "ja"),
    "zh-Hans": ("en", "ja"),
    "ko": ("en", "ja"),
}
_PLACE: Final = re.compile(r"\{(\w+)\}")


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """All words of one language, by dotted key."""
    return {
        f"{file.stem}.{key}": text
        for file in sorted((LOCALES / language).glob("*.toml"))
        for key, text in _flatten(tomllib.loads(file.read_text(encoding="utf-8")))
    }


def _flatten(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value)


def say(key: str, language: str, **values: object) -> str:
    """The words under `key`. Raises `KeyError` for a key that no language has."""
    for candidate in (language, *_FALLBACKS[language]):
        if (template := catalogue(candidate).get(key)) is not None:
            return _PLACE.sub(lambda found: str(values[found[1]]), template)
    raise KeyError(key)


def knows(key: str) -> bool:
    """Whether there are words under `key`."""
    return key in catalogue("ja")


def nearest(tag: str | None, default: str = "ja") -> str:
    """The language of ours that is nearest to a BCP 47 tag such as ``zh-TW`` or ``en-GB``."""
    if not tag:
        return default
    folded = tag.replace("_", "-").lower()
    for language in LANGUAGES:
        if folded == language.lower():
            return language
    if folded.startswith("zh"):
        traditional = any(part in folded for part in ("hant", "tw", "hk", "mo"))
        return "zh-Hant" if traditional else "zh-Hans"
    primary = folded.split("-")[0]
    return primary if primary in {"ja", "en", "ko"} else "en"
