"""Perks in words: what is left, how often, until when, and why not; for chats and pages alike."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from bots import texts
from core.access import GrantState
from core.access.roster import Inside
from core.perks import Closed, Left, Offer, Reason, Token, Use
from core.town import Localised, Perk, ProofRule, TierRule, TokenRule, TownPack, leaves


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
        if perk.counted_by == "person" and perk.per == "ever":
            return texts.say("perks.rule.person-ever", language, uses=perk.uses)
        often = texts.say(f"perks.rule.{_span(perk)}", language, uses=perk.uses, month=month)
        if perk.counted_by == "both":
            return texts.say("perks.rule.both", language, often=often)
        counted = texts.say(f"perks.rule.{perk.counted_by}", language)
        return texts.say("perks.rule.both_parts", language, often=often, counted=counted)

    def span(self, perk: Perk, language: str) -> str:
        """The period that is counted: today, this month, this year; none where there is none."""
        if perk.per == "ever":
            return ""
        return texts.say(f"perks.left.{_span(perk)}", language)

    def left(self, left: Left, language: str) -> str:
        if left.left is None:
            return texts.say("perks.left.unlimited", language)
        if left.left == 0:
            return texts.say("perks.left.none", language)
        return texts.say("perks.left.many", language, left=left.left)

    def why(self, refused: Offer | Closed, language: str) -> str:
        """Why a perk cannot be used now, and from when on it can."""
        perk = self._town.perk(refused.perk) if isinstance(refused, Closed) else refused.perk
        code = self.code(perk) if perk and refused.reason is Reason.NOT_ENTITLED else None
        if code is not None:
            return texts.say("perks.why.code", language, code=code.get(language))
        key = f"perks.why.{refused.reason.value}"
        text = texts.say(key if texts.knows(key) else "perks.why.other", language)
        if refused.next_at is not None and refused.reason in {Reason.USED_UP, Reason.NOT_BEGUN}:
            again = self.day(refused.next_at, language)
            text += " " + texts.say("perks.left.again", language, date=again)
        return text

    def code(self, perk: Perk) -> Localised | None:
        """What a claim code is called, where codes alone open a perk."""
        gate = self._town.gate(perk.gate) if perk.gate else None
        parts = list(leaves(gate.rule)) if gate else []
        proofs = [self._town.proof(each.proof) for each in parts if isinstance(each, ProofRule)]
        codes = [each for each in proofs if each is not None and each.method == "code"]
        return codes[0].title if codes and len(codes) == len(parts) else None

    def who(self, perk: Perk, language: str) -> str:
        """Who may use it, in plain words; by the room where there are several."""
        if perk.gate is None:
            return texts.say("perks.list.who_all", language)
        gate = self._town.gate(perk.gate)
        if gate is None or len(self._town.gates) == 1:
            return texts.say("perks.list.who_members", language)
        return texts.say("perks.list.who_gate", language, room=gate.title.get(language))

    def token(self, token: Token, language: str) -> str:
        """A card by its kind and number."""
        found = self._town.collection(token.collection)
        kind = found.title.get(language) if found else token.collection
        return texts.say("perks.token.heading", language, collection=kind, id=token.token_id)


def cards_of(offers: Iterable[Offer]) -> list[Token]:
    """The cards whose uses are counted, in the order of their numbers."""
    found = {token for offer in offers if offer.left for token in offer.left.tokens}
    return sorted(found, key=lambda each: (each.collection, each.token_id))


def lost_card(offers: Iterable[Offer], doors: Iterable[Inside]) -> Inside | None:
    """The door that a card had opened for somebody who holds none now; the one that closes last."""
    mine = [each for each in offers if each.perk.gate]
    refused = any(each.reason is Reason.NOT_ENTITLED for each in mine)
    if not refused or any(each.left for each in mine):
        return None
    by_card = [door for door in doors if any(_is_card(each.leaf) for each in door.by)]
    return max(by_card, key=lambda door: (stays_until(door) is not None, door.since), default=None)


def stays_until(door: Inside) -> datetime | None:
    """Until when a door that is to close stays open."""
    return door.leave_at if door.state is GrantState.LEAVING else None


def _is_card(leaf: object) -> bool:
    return isinstance(leaf, TokenRule | TierRule)


def _span(perk: Perk) -> str:
    """The key of a perk's period; a year that begins in another month than January is a 年度."""
    fiscal = perk.per == "year" and perk.year_starts != "01"
    return "fiscal-year" if fiscal else perk.per
