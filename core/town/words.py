"""What the tables of a town pack are made of: names, lines, and words in several languages."""

from typing import Annotated, Literal
from unicodedata import category

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    RootModel,
    StringConstraints,
    field_validator,
)

FALLBACKS: dict[str, tuple["Language", ...]] = {
    "ja-easy": ("ja",),
    "zh-Hant": ("zh-Hans", "en", "ja"),
    "zh-Hans": ("zh-Hant", "en", "ja"),
    "ko": ("en", "ja"),
    "en": ("ja",),
}

UNPRINTED = frozenset({"Cc", "Zl", "Zp"})
"""General categories of Unicode: controls, line and paragraph separators."""

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,40}$")]


def printable(text: str, *, also: str = "") -> str:
    """Refuses control characters and line breaks, except those in `also`. Raises `ValueError`."""
    if any(category(each) in UNPRINTED and each not in also for each in text):
        raise ValueError("take out line breaks, tabs and other control characters")
    return text


Line = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, strip_whitespace=True),
    AfterValidator(printable),
]
Language = Literal["ja", "ja-easy", "en", "zh-Hant", "zh-Hans", "ko"]


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Localised(RootModel[dict[Language, Line]]):
    """The same words by language; Japanese is always there."""

    model_config = ConfigDict(frozen=True)

    @field_validator("root")
    @classmethod
    def _japanese_first(cls, value: dict[Language, str]) -> dict[Language, str]:
        if "ja" not in value:
            raise ValueError("write the Japanese words too (ja = …)")
        return value

    def get(self, language: str) -> str:
        """The words in `language`, or in the nearest language that there is."""
        words: dict[str, str] = {str(key): text for key, text in self.root.items()}
        candidates = (language, *FALLBACKS.get(language, ("en",)))
        return next((words[each] for each in candidates if each in words), words["ja"])
