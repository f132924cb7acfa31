"""Guards: what recognisers write that nobody said.

Whisper, which was trained on subtitles, thanks for watching when it hears nothing; told the names
of a town, it recites them over any noise; and on hard sounds it repeats itself without end.
"""

import re
import unicodedata
import zlib
from typing import Final

MOST_COMPRESSED: Final = 2.2
"""Times that a text may shrink; speech shrinks less, a loop more."""
FASTEST: Final = {"ja": 14.0, "zh": 14.0, "ko": 14.0}
"""Characters a second that somebody may say; what is written in letters needs more."""
FASTEST_IN_LETTERS: Final = 24.0
_SHORTEST: Final = 1.0  # seconds; how fast shorter ones were said cannot be told

_TWICE: Final = re.compile(
    r"(.{4,}?)([?!？！。.]?)(?:\W*\1){1,2}\W*(.*)", re.IGNORECASE | re.DOTALL
)
_ANNOTATION: Final = re.compile(r"\[[^\]]*\]|\([^)]*\)|（[^）]*）|【[^】]*】|[♪♫*]+")
_SEPARATORS: Final = re.compile(r"[\s\u3000-\u3002!-/:-@\[-`{-~・「」『』…]+")
_INVENTIONS: Final = re.compile(
    "(?:(?:最後まで|字幕|本日は|本日も)?(?:ご)?視聴(?:いただき|頂き|してくれて|して頂き)?(?:まして)?"
    "(?:誠に|本当に)?ありがとうございま(?:した|す)|チャンネル登録.*お願い.*|高評価.*お願い.*"
    "|次の動画でお会いしましょう|(?:では)?また次(?:回|の動画)で?(?:お会いしましょう)?"
    "|(?:thankyou|thanks)(?:somuch|verymuch)?(?:forwatching|forviewing)(?:thisvideo|myvideo)?"
    "|.*(?:likeandsubscribe|subscribeto(?:my|our|the)channel)|pleasesubscribe|you"
    "|.*amara(?:\\.?org).*|(?:subtitles?|transcri(?:bed|ption)|captions?)by.*"
    "|.*(?:点赞|點贊|按讚|點讚).*(?:订阅|訂閱).*|.*明镜与点点.*|.*明鏡.*點點.*|谢谢(?:大家)?(?:观看|收看)"
    "|謝謝(?:大家)?(?:觀看|收看)|(?:中文)?字幕(?:志[愿願]者|[製制]作|by|由).*|[优優][优優][独獨]播[剧劇][场場].*"
    "|(?:오늘도)?(?:영상)?시청(?:해주셔서|해 주셔서)?(?:고맙|감사)(?:합니다|드립니다).*"
    "|.*구독.*좋아요.*|.*좋아요.*구독.*|mbc뉴스.*|.*자막제공.*)"
)


def worded(text: str) -> str:
    """Return a transcript without what it says of sounds (「(音楽)」, "[Music]", ♪)."""
    return re.sub(r"\s+", " ", _ANNOTATION.sub(" ", text)).strip(" -–—")


def once(text: str) -> str:
    """Return what a transcript says two or three times over, and perhaps begins to say again.

    Whisper fills the silence at the end of a short window so. More often is a loop: `loops`.
    """
    said = _TWICE.fullmatch(text)
    if said is None or not said[1].casefold().startswith(said[3].casefold()):
        return text
    return said[1] + said[2]


def loops(text: str, *, seconds: float, language: str) -> bool:
    """Whether a transcript repeats itself, or is longer than anybody speaks."""
    encoded = text.encode()
    if len(encoded) > MOST_COMPRESSED * len(zlib.compress(encoded)):
        return True
    fastest = FASTEST.get(language, FASTEST_IN_LETTERS)
    return len(_bare(text)) > fastest * max(seconds, _SHORTEST)


def recites(text: str, prompt: str) -> bool:
    """Whether a transcript is nothing but two or more of the words that the prompt held."""
    names = re.split("[、。]", prompt)
    rest = _bare(text)
    count = 0
    for name in sorted(map(_bare, names), key=len, reverse=True):
        if name:
            rest, times = re.subn(re.escape(name), "", rest)
            count += times
    return not rest and count > 1


def invented(text: str) -> bool:
    """Whether a transcript is one of those that silence is known to be heard as."""
    bare = _bare(text)
    return not bare or _INVENTIONS.fullmatch(bare) is not None


def _bare(text: str) -> str:
    """Letters and digits alone, so that punctuation makes no difference."""
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", text)).casefold()
