"""Accent: where the pitch of a Japanese place name falls.

A compound name takes its accent from its last part: みねし↓やくしょ, とうきょう↓えき, あきよしだい
without a fall. The rules are those of common Japanese (NHK 日本語発音アクセント新辞典, appendix); a
town says its own name differently at times, and nobody is misunderstood for it.
"""

import re
from typing import Final

_MORA: Final = re.compile("[ァ-ヺー][ァィゥェォャュョヮ]?")

# The end of a name, its sound, and which mora from the end is the last high one.
_ENDINGS: Final = (
    ("駅", "エキ", 3), ("市役所", "シヤクショ", 3), ("町役場", "チョーヤクバ", 3), ("市", "シ", 2),
    ("町", "マチ", 3), ("町", "チョー", 3), ("村", "ムラ", 3), ("県", "ケン", 3),
    ("神社", "ジンジャ", 3), ("神宮", "ジングー", 4), ("温泉", "オンセン", 4),
    ("公園", "コーエン", 4), ("空港", "クーコー", 4), ("館", "カン", 3),
    ("センター", "センター", 4), ("山", "サン", 3), ("山", "ザン", 3), ("島", "シマ", 3),
    ("池", "イケ", 3), ("滝", "タキ", 3), ("湖", "コ", 2), ("IC", "アイシー", 2),
    ("ダム", "ダム", 2),
)  # fmt: skip


def accented(surface: str, said: str) -> int:
    """Return the mora after which the pitch falls, 0 where it does not.

    `said` is the name in katakana as it sounds.
    """
    morae = _MORA.findall(said)
    for written, sound, back in _ENDINGS:
        if surface.endswith(written) and said.endswith(sound) and len(morae) > back:
            return _moved(morae, len(morae) - back + 1)
    return 0


def _moved(morae: list[str], at: int) -> int:
    """Move a fall from a mora that cannot carry it to the one before."""
    while at > 1 and morae[at - 1] in {"ー", "ン", "ッ"}:
        at -= 1
    return at
