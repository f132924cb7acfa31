"""Characters as their pinyin is looked up: simplified, whatever script or country wrote them."""

from functools import cache

import opencc


def simplified(text: str) -> str:
    """Return a text in simplified characters, those that only Japan writes included: 広, 駅, 沢.

    Taiwan's 著 is told by its words: 沿著 becomes 沿着, 著名 stays.
    """
    japanese, taiwan = _steps()
    chinese = "".join(each if _is_chinese(each) else japanese.convert(each) for each in text)
    return str(taiwan.convert(chinese))


def _is_chinese(character: str) -> bool:
    """Whether a character is in use in China or Taiwan."""
    for charset in ("gb2312", "big5"):
        try:
            character.encode(charset)
        except UnicodeEncodeError:
            continue
        return True
    return False


@cache
def _steps() -> tuple[opencc.OpenCC, opencc.OpenCC]:
    return opencc.OpenCC("jp2t"), opencc.OpenCC("tw2s")
