"""Perks in words: what is left, how often, until when, and why not; for chats and pages alike."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from bots import texts
from core.perks import Closed, Left, Offer, Reason, Use
from core.town import Perk, TownPack


class PerkWords:
    """One town's perks in the reader's language. Plain text, readings in brackets."""

    def __init__(self, town: TownPack) -> None:
        self._town = town
        self._zone = ZoneInfo(town.town.timezone)

    def day(self, moment: date, language: str) -> str:
        """A day of the town's calendar."""
        local = moment.astimezone(self._zone) if isinstance(moment, datetime) else moment
        return texts.say("chat.date", language, year=local.year, month=local.month, day=local.day)

    def last_day(self, ends: datetime, language: str) -> str:
        """The last day of a period that ends at a moment, which is the next one's first."""
        return self.day(ends - timedelta(seconds=1), language)

    def clock(self, moment: datetime) -> str:
        """The time on the town's clock, such as 14:03."""
        local = moment.astimezone(self._zone)
        return f"{local.hour}:{local.minute:02}"

    def same_day(self, one: datetime, other: datetime) -> bool:
        """Whether both are one day in the town."""
        return one.astimezone(self._zone).date() == other.astimezone(self._zone).date()

    def moment(self, moment: datetime, language: str, now: datetime) -> str:
        """The time; with its day unless that is today."""
        if self.same_day(moment, now):
            return self.clock(moment)
        return f"{self.day(moment, language)} {self.clock(moment)}"

    def facility(self, name: str, language: str) -> str:
        """What people call a facility; its name in the pack if the pack has forgotten it."""
        found = self._town.facility(name)
        return found.title.get(language) if found else name

    def where(self, perk: Perk, language: str) -> str:
        between = texts.say("perks.fact.between", language)
        return between.join(self.facility(each, language) for each in perk.facilities)

    def use(self, use: Use, language: str, now: datetime) -> str:
        """Such as «14:03 秋芳洞»."""
        return texts.say(
            "perks.pass.used_at",
            language,
            time=self.moment(use.at, language, now),
            facility=self.facility(use.facility, language),
        )

    def rule(self, perk: Perk, language: str) -> str:
        """How often, and whose uses are counted."""
        if perk.unlimited:
            return texts.say("perks.rule.unlimited", language)
        month = int(perk.year_starts)
        often = texts.say(f"perks.rule.{_span(perk)}", language, uses=perk.uses, month=month)
        counted = texts.say(f"perks.rule.{perk.counted_by}", language)
        return texts.say("perks.rule.both_parts", language, often=often, counted=counted)

    def span(self, perk: Perk, language: str) -> str:
        """The period that is counted: today, this month, this year."""
        return texts.say(f"perks.left.{_span(perk)}", language)

    def left(self, left: Left, language: str) -> str:
        if left.left is None:
            return texts.say("perks.left.unlimited", language)
        if left.left == 0:
            return texts.say("perks.left.none", language)
        return texts.say("perks.left.many", language, left=left.left)

    def why(self, refused: Offer | Closed, language: str) -> str:
        """Why a perk cannot be used now, and from when on it can."""
        key = f"perks.why.{refused.reason.value}"
        text = texts.say(key if texts.knows(key) else "perks.why.other", language)
        if refused.next_at is not None and refused.reason in {Reason.USED_UP, Reason.NOT_BEGUN}:
            again = self.day(refused.next_at, language)
            text += " " + texts.say("perks.left.again", language, date=again)
        return text


def _span(perk: Perk) -> str:
    """The key of a perk's period; a year that begins in another month than January is a 年度."""
    fiscal = perk.per == "year" and perk.year_starts != "01"
    return "fiscal-year" if fiscal else perk.per
