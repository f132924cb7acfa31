"""A town with perks, members with cards, and windows with clerks."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from core import identity
from core.access import decide
from core.database import Sessions, transaction
from core.perks import Desk, Desks, Pass, PassKeys, Perks, Verdict
from core.testing import FakeEvidence, SetClock
from core.town import Facility, Perk, TownPack

NOON = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)  # 12:00 in Asia/Tokyo
KEYS = PassKeys.in_memory(now=NOON)
CARD = "resident-card"
_requests = itertools.count()


def perk(name: str = "cave", **rules: Any) -> Perk:
    """One use a year by card, unless `rules` say otherwise."""
    return Perk.model_validate(
        {
            "name": name,
            "title": {"ja": name},
            "gate": "residents",
            "facilities": ["akiyoshido"],
            "legal_note": {"ja": "見本です。"},
            "value_yen": 1300,
            **rules,
        }
    )


def town_with(town: TownPack, *perks: Perk) -> TownPack:
    facilities = tuple(
        Facility.model_validate({"name": each, "title": {"ja": each}})
        for each in ("akiyoshido", "museum")
    )
    return town.model_copy(update={"perks": perks, "facilities": facilities})


class World:
    """One town, running on a clock that stands still."""

    def __init__(self, town: TownPack, sessions: Sessions, *perks: Perk) -> None:
        self.town = town_with(town, *(perks or (perk(),)))
        self.sessions = sessions
        self.clock = SetClock(NOON)
        self.chain = FakeEvidence()
        self.perks = self.again()
        self.desks = Desks(self.town, sessions, self.clock)

    def again(self, *perks: Perk, keys: PassKeys = KEYS) -> Perks:
        """The same town after a restart, or after its pack has changed."""
        if perks:
            self.town = town_with(self.town, *perks)
        self.perks = Perks(
            self.town,
            self.sessions,
            self.chain,
            partial(decide, town=self.town),
            keys,
            self.clock,
            secret="a secret of the tests",
            patience=timedelta(seconds=0.2),
        )
        return self.perks

    async def member(self, name: str, *cards: int, platform: str = "telegram") -> int:
        async with transaction(self.sessions) as session:
            account = await identity.account(session, platform, name, locale="ja", now=self.clock())
        if cards:
            self.chain.give(account.member_id, *cards)
        return account.member_id

    async def desk(self, facility: str = "akiyoshido") -> Desk:
        return (await self.desks.make(facility, f"{facility} 窓口", by="staff")).desk

    async def shown(self, member: int, perk: str = "cave", **how: Any) -> Pass:
        """The pass on a member's card."""
        shown = await self.perks.issue(member, perk, **how)
        assert isinstance(shown, Pass), shown
        return shown

    async def visit(self, member: int, desk: Desk, perk: str = "cave") -> Verdict:
        """A member shows their card, and the clerk scans it."""
        return await self.scan((await self.shown(member, perk)).text, desk)

    async def scan(self, text: str, desk: Desk, request: str | None = None) -> Verdict:
        return await self.perks.redeem(text, desk, request_id=request or f"r{next(_requests)}")

    def pass_by(self, **time: float) -> None:
        self.clock.advance(timedelta(**time))


def days(first: datetime, count: int) -> Iterator[datetime]:
    return (first + timedelta(days=each) for each in range(count))
