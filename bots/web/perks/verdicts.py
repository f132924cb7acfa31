"""The verdict at a ticket window as its page shows it: colour, word, reason, what is left."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from bots import texts
from bots.perk_words import PerkWords
from core.perks import Reason, Source, Synced, Verdict
from core.town import TownPack

UNDECIDED: Final = frozenset(
    {Reason.WRONG_CODE, Reason.TOO_MANY_TRIES, Reason.NOT_YET, Reason.UNREACHABLE}
)
"""Neither yes nor no: something else should be tried first. Shown in yellow."""


class VerdictWords:
    """What a clerk reads. It says nothing of who the member is."""

    def __init__(self, town: TownPack, words: PerkWords) -> None:
        self._town = town
        self._words = words

    def shown(self, verdict: Verdict, language: str, now: datetime) -> Mapping[str, object]:
        """For the page's script: all text, nothing to calculate."""
        colour = "yes" if verdict.ok else "warn" if verdict.reason in UNDECIDED else "no"
        return {
            "colour": colour,
            "word": texts.say(f"desk.verdict.{colour}", language),
            "perk": verdict.title.get(language) if verdict.title else "",
            "reason": self._reason(verdict, language, now),
            "facts": self._facts(verdict, language) if verdict.ok else [],
            "undo": verdict.redemption_id if verdict.undo_until else None,
            "booked": verdict.ok,
            "again": verdict.reason is Reason.REENTRY,
        }

    def _reason(self, verdict: Verdict, language: str, now: datetime) -> str:
        key = verdict.reason.value
        if verdict.reason is Reason.USED_UP and verdict.before:
            key = "used-up-before"
        values = {
            "before": self._words.use(verdict.before, language, now) if verdict.before else "",
            "next": self._words.moment(verdict.next_at, language, now) if verdict.next_at else "",
            "where": self._where(verdict, language),
        }
        parts = [texts.say(f"desk.reason.{key}", language, **values)]
        if verdict.ok and verdict.source is Source.LAST_KNOWN and verdict.known_at:
            known = self._words.moment(verdict.known_at, language, now)
            parts.append(texts.say("desk.reason.last-known", language, known=known))
        if verdict.reason is Reason.USED_UP and verdict.next_at:
            again = self._words.day(verdict.next_at, language)
            parts.append(texts.say("desk.reason.next", language, next=again))
        return "\n".join(parts)

    def _where(self, verdict: Verdict, language: str) -> str:
        perk = self._town.perk(verdict.perk) if verdict.perk else None
        return self._words.where(perk, language) if perk else ""

    def _facts(self, verdict: Verdict, language: str) -> list[str]:
        facts = []
        if verdict.left is not None:
            facts.append(texts.say("desk.verdict.left", language, left=verdict.left))
        elif verdict.uses is None:
            facts.append(texts.say("desk.verdict.left_unlimited", language))
        if verdict.value_yen is not None:
            yen = f"{verdict.value_yen:,}"
            facts.append(texts.say("desk.verdict.value", language, yen=yen))
        perk = self._town.perk(verdict.perk) if verdict.perk else None
        if perk is not None and perk.legal_class != "perk":
            facts.append(texts.say(f"perks.class.{perk.legal_class}", language))
        return facts

    def synced(self, answer: Synced, language: str) -> Mapping[str, object]:
        """What became of a scan that was taken without signal."""
        perk = self._town.perk(answer.perk) if answer.perk else None
        return {
            "id": answer.client_id,
            "ok": answer.ok,
            "number": answer.redemption_id,
            "perk": perk.title.get(language) if perk else "",
            "reason": "" if answer.ok else texts.say("desk.reason.conflict", language),
        }
