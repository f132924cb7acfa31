"""Pinyin in the alphabet of Kokoro v1.0, whose Chinese was trained on IPA with arrows for tones.

The sounds are those of misaki 0.9.4 (`misaki/zh.py` and `misaki/transcription.py`, Apache-2.0 and
MIT, after Lin, The Sounds of Chinese); its program needs packages that are not kept any longer.
"""

import re
from collections.abc import Sequence
from typing import Final

from knowledge.voice.names import SpokenName
from knowledge.voice.speaking.mandarin.characters import simplified
from knowledge.voice.speaking.mandarin.numerals import in_words
from knowledge.voice.speaking.mandarin.readings import Readings
from knowledge.voice.speaking.phonemes import english_phonemes

_INITIALS: Final = {
    "b": "p", "c": "ʦʰ", "ch": "ꭧʰ", "d": "t", "f": "f", "g": "k", "h": "x", "j": "ʨ", "k": "kʰ",
    "l": "l", "m": "m", "n": "n", "p": "pʰ", "q": "ʨʰ", "r": "ɻ", "s": "s", "sh": "ʂ", "t": "tʰ",
    "x": "ɕ", "z": "ʦ", "zh": "ꭧ",
}  # fmt: skip
_FINALS: Final = {
    "a": "a0", "ai": "ai0", "an": "a0n", "ang": "a0ŋ", "ao": "au0", "e": "ɤ0", "ei": "ei0",
    "en": "ə0n", "eng": "ə0ŋ", "i": "i0", "ia": "ja0", "ian": "jɛ0n", "iang": "ja0ŋ",
    "iao": "jau0", "ie": "je0", "in": "i0n", "iou": "jou0", "ing": "i0ŋ", "iong": "jʊ0ŋ",
    "ong": "ʊ0ŋ", "ou": "ou0", "u": "u0", "uei": "wei0", "ua": "wa0", "uai": "wai0", "uan": "wa0n",
    "uen": "wə0n", "uang": "wa0ŋ", "ueng": "wə0ŋ", "uo": "wo0", "o": "wo0", "ü": "y0",
    "üe": "ɥe0", "üan": "ɥɛ0n", "ün": "y0n",
}  # fmt: skip
_WHOLE: Final = {
    "er": "ɚ0", "o": "ɔ0", "yo": "jɔ0", "ê": "ɛ0", "m": "m0", "n": "n0", "ng": "ŋ0", "hm": "hm0",
    "hng": "hŋ0",
}  # fmt: skip
_HISSED: Final = frozenset({"z", "c", "s", "zh", "ch", "sh", "r"})
_TONES: Final = {"1": "→", "2": "↗", "3": "↓", "4": "↘", "5": ""}
_SHORT: Final = {"iu": "iou", "ui": "uei", "un": "uen"}
_AFTER_J: Final = frozenset({"j", "q", "x"})
_SYLLABLE: Final = re.compile("(zh|ch|sh|[bpmfdtnlgkhjqxrzcs]?)([a-zêü]+)([1-5])")
_MARKS: Final = {
    "，": ",", "、": ",", ",": ",", "。": ".", ".": ".", "！": "!", "!": "!", "？": "?", "?": "?",
    "；": ",", ";": ",", "：": ",", ":": ",",
}  # fmt: skip
_LATIN: Final = "[A-Za-zÀ-ɏ][A-Za-zÀ-ɏ'’.&-]*"
_RUN: Final = re.compile(
    f"(?P<hanzi>[㐀-鿿豈-﫿〇]+)|(?P<latin>{_LATIN}(?: +{_LATIN})*)"
    f"|(?P<mark>[{re.escape(''.join(_MARKS))}])"
)


class MandarinPhonemes:
    """What Kokoro is given to say for Chinese, in either script."""

    def __init__(self, names: Sequence[SpokenName] = ()) -> None:
        """Load the dictionaries. Raises `VoiceMissing`."""
        self._names = tuple(names)
        own = (simplified(each.surface) for each in names)
        self._readings = Readings([each for each in own if re.fullmatch("[㐀-鿿]{2,12}", each)])

    def __call__(self, sentence: str) -> str:
        """Return the phonemes of a sentence in spoken form; the empty text if it has none."""
        said: list[str] = []
        for run in _RUN.finditer(in_words(simplified(sentence))):
            if run["mark"]:
                if said:
                    said[-1] += _MARKS[run["mark"]]
            elif run["latin"]:
                said.append(english_phonemes(run["latin"], self._names))
            else:
                words = self._readings.read(run["hanzi"])
                said += ["".join(map(ipa, word.syllables)) for word in words]
        return " ".join(filter(None, said))


def ipa(syllable: str) -> str:
    """Return how Kokoro writes a syllable of pinyin, such as ``zhong1``; nothing for others."""
    found = _SYLLABLE.fullmatch(syllable)
    if found is None:
        return ""
    initial, final, tone = found.groups()
    sounds = _WHOLE.get(initial + final) or _parted(initial, final)
    return sounds.replace("0", _TONES[tone])


def _parted(initial: str, final: str) -> str:
    if not initial:
        initial, final = "", _without_half_vowel(final)
    elif initial in _AFTER_J and final.startswith("u"):
        final = "ü" + final[1:]
    final = _SHORT.get(final, final)
    if initial in _HISSED and final == "i":
        return _INITIALS[initial] + "ɨ0"
    return _INITIALS.get(initial, "") + _FINALS.get(final, "")


def _without_half_vowel(final: str) -> str:
    """Write yan as ian, wo as uo, yuan as üan."""
    if final.startswith("yu"):
        return "ü" + final[2:]
    if final.startswith("y"):
        return final[1:] if final[1:2] == "i" else "i" + final[1:]
    if final.startswith("w"):
        return final[1:] if final[1:2] == "u" else "u" + final[1:]
    return final
