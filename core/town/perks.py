"""What a town pack says of perks: where they are used, how often, and what they are worth."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from core.town.words import Localised, Slug, Table

Yen = Annotated[int, Field(ge=0, le=10_000_000)]


class Facility(Table):
    """``[[facilities]]``: a ticket window, a bath, a shop, a taxi."""

    name: Slug
    title: Localised


class Price(Table):
    """What one use is worth from a day on."""

    since: date
    yen: Yen


class Perk(Table):
    """``[[perks]]``: what a member may use, where, and how often."""

    name: Slug
    title: Localised
    gate: Slug | None = None
    """Who may use it; none: everybody who talks to the bot (a coupon)."""
    visitors: Literal["anybody", "chat"] = "anybody"
    """Without a gate: whoever opens a browser (and another one, and another), or only who is known
    by a chat account."""
    facilities: Annotated[tuple[Slug, ...], Field(min_length=1, max_length=100)]
    uses: Annotated[int, Field(ge=1, le=10_000)] = 1
    """How many times in each period."""
    unlimited: bool = False
    """Any number of times; `uses` then says nothing."""
    per: Literal["day", "month", "year", "ever"] = "year"
    year_starts: Annotated[str, StringConstraints(pattern=r"^(0[1-9]|1[0-2])$")] = "01"
    """With ``per = "year"``: the month with which a year begins; ``04`` is the 年度."""
    counted_by: Literal["token", "person", "both"] = "token"
    """Whose uses are counted; ``both``: either count ends it."""
    reentry_minutes: Annotated[int, Field(ge=0, le=1_440)] = 0
    """For so long after a use the same person may come in again without a new use."""
    reentries: Annotated[int, Field(ge=1, le=100)] = 3
    """So many times; the next time is a new use."""
    value_yen: Yen | None = None
    prices: Annotated[tuple[Price, ...], Field(max_length=100)] = ()
    """What a use is worth by day; where none has begun, `value_yen`."""
    cost_yen: Yen | None = None
    """What a use costs the town, for the figures; none: its value."""
    valid_from: date | None = None
    valid_until: date | None = None
    when_unreachable: Literal["last-known", "refuse"] = "last-known"
    """At the desk, while nobody can tell who holds the card now: by the last complete reading, or
    no."""
    last_known_hours: Annotated[int, Field(ge=1, le=720)] = 72
    """How old that reading may be."""
    legal_class: Literal["perk", "coupon", "ticket", "prepaid"] = "perk"
    """What it is in law, as the town has had it checked; ``prepaid``: 前払式支払手段."""
    legal_note: Localised

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise ValueError("valid_until is before valid_from; swap them")
        if self.gate is not None and "visitors" in self.model_fields_set:
            raise ValueError("visitors goes with perks without a gate; remove one of the two")
        days = [price.since for price in self.prices]
        if days != sorted(set(days)):
            raise ValueError("prices begin on different days, the earliest first")
        return self

    @property
    def worth_money(self) -> bool:
        """Whether a use is worth something on some day."""
        return bool(self.value_yen) or any(price.yen for price in self.prices)

    def yen_on(self, day: date) -> int | None:
        """What one use is worth on a day of the town's calendar."""
        begun = [price.yen for price in self.prices if price.since <= day]
        return begun[-1] if begun else self.value_yen
