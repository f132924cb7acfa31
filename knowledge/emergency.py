"""Emergencies: telling distress now from an ordinary question that shares its words.

Promises both ways: words of distress always come before any other answer, and neither 山焼き nor
「火事の歴史」 nor "Where is an emergency hospital?" raises an alarm. A phrase that only a person in
distress says is enough by itself (倒れた, call an ambulance). A mere noun (火事, ambulance) counts
only where the message says little else.
"""

import re
from enum import StrEnum

from knowledge.lexicon import lexicon
from knowledge.text import clean


class EmergencyKind(StrEnum):
    """Whom to call: 119 for fire and ambulance, 110 for the police."""

    FIRE_OR_AMBULANCE = "fire_or_ambulance"
    POLICE = "police"
    BOTH = "both"


_FILLER = re.compile(
    r"[\W_]+|です|だ|よ|が|を|に|で|は|の|へ|番|おねがい|お願い|します|ください|下さい|早く|はやく|すぐ|急いで|今|いま|"
    r"大変|たいへん|呼んで|よんで|きて|来て|起き|発生|あった|ありました|した|しました|ました|どうしよう|どうすれば|いい|"
    r"\b(?:a|an|the|there|is|there's|it's|please|quick|quickly|now|call|i|me|my|have|had|need|here|"
    r"we|are|am|in|big|oh|god|no|get|got|we're|i'm|send|hurt)\b|"
    r"요|이|가|를|을|에|빨리|지금|났|있|어|주세요|请|請|快|有|了|发生|發生|啊|我"
)
_ASKS_ABOUT = re.compile(
    r"歴史|由来|件数|統計|とは|何の番号|保険|訓練|ときは|時は|場合|したら|予防|いつの|昔|伝説|展示|博物館|映画|"
    r"history|insurance|statistic|prevent|in case of|what if|if i|if someone|if there|museum|movie|"
    r"역사|경우|하면|예방|历史|歷史|如果|万一|萬一|预防|預防",
    re.IGNORECASE,
)


def emergency(question: str) -> EmergencyKind | None:
    """Tell whether the writer is in distress now, and whom they need."""
    shown = clean(question).casefold()
    if _ASKS_ABOUT.search(shown):
        return None
    found = [
        EmergencyKind(name)
        for name, (sure, likely) in lexicon().emergencies.items()
        if sure.search(shown) or _bare(shown, likely)
    ]
    if not found:
        return None
    return found[0] if len(set(found)) == 1 else EmergencyKind.BOTH


def _bare(shown: str, likely: frozenset[str]) -> bool:
    """Whether the message is hardly more than one of the words."""
    for word in likely:
        if word in shown and not shown.endswith(("は?", "とは?", "とは")):
            rest = shown.replace(word, " ")
            if not _FILLER.sub("", rest).strip():
                return True
    return False
