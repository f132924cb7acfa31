"""While nobody can tell who holds a card: what the perk says, and never more than that."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select

from core.access import decide
from core.access.evidence import Evidence
from core.chain.values import Finality
from core.credentials import Credential
from core.database import Sessions, transaction
from core.holdings import Holding
from core.perks import Closed, PassKeys, Perks, Reason, Source
from core.tables import RedemptionRow
from core.town import TownPack
from tests.core.perks.world import CARD, KEYS, World, perk


async def refused(world: World, member: int, name: str = "cave") -> Reason:
    closed = await world.perks.issue(member, name)
    assert isinstance(closed, Closed)
    return closed.reason


async def test_the_last_complete_reading_lets_a_holder_in_and_the_verdict_says_so(
    world: World,
) -> None:
    hana, desk = await world.member("hana", 1), await world.desk()
    await world.perks.catalogue(hana)
    read_at = world.clock()
    world.pass_by(hours=5)
    world.chain.away = True
    taken = await world.visit(hana, desk)
    assert (taken.ok, taken.source, taken.known_at) == (True, Source.LAST_KNOWN, read_at)
    async with transaction(world.sessions) as session:
        row = (await session.scalars(select(RedemptionRow))).one()
    assert (row.source, row.known_at) == ("last-known", read_at)


async def test_the_last_reading_is_good_for_as_long_as_the_perk_says(
    town: TownPack, lite: Sessions
) -> None:
    world = World(town, lite, perk(last_known_hours=3))
    hana = await world.member("hana", 1)
    await world.perks.catalogue(hana)
    world.chain.away = True
    world.pass_by(hours=3)
    await world.shown(hana)
    world.pass_by(seconds=1)
    assert await refused(world, hana) is Reason.UNREACHABLE


async def test_a_perk_that_refuses_without_a_reading_refuses_at_the_desk(
    town: TownPack, lite: Sessions
) -> None:
    world = World(town, lite, perk(when_unreachable="refuse"))
    hana, desk = await world.member("hana", 1), await world.desk()
    shown = await world.shown(hana)
    world.chain.away = True
    assert (await world.scan(shown.text, desk)).reason is Reason.UNREACHABLE
    world.pass_by(minutes=5)
    assert await refused(world, hana) is Reason.UNREACHABLE


async def test_who_was_never_read_is_not_let_in_during_an_outage(world: World) -> None:
    hana = await world.member("hana", 1)
    world.chain.away = True
    assert await refused(world, hana) is Reason.UNREACHABLE


async def test_a_reading_that_said_no_takes_the_last_yes_back(world: World) -> None:
    hana, ken = await world.member("hana", 1), await world.member("ken")
    await world.perks.catalogue(hana)
    world.chain.give(ken, 1)
    await world.perks.catalogue(hana)
    world.chain.away = True
    world.pass_by(minutes=5)
    assert await refused(world, hana) is Reason.UNREACHABLE


async def test_a_card_seen_with_its_buyer_is_no_longer_known_as_the_sellers(
    world: World,
) -> None:
    hana, ken = await world.member("hana", 1), await world.member("ken")
    desk = await world.desk()
    await world.perks.catalogue(hana)
    world.chain.give(ken, 1)
    await world.perks.catalogue(ken)
    world.chain.away = True
    world.pass_by(minutes=5)
    assert await refused(world, hana) is Reason.UNREACHABLE
    assert (await world.visit(ken, desk)).ok


async def test_a_use_during_an_outage_is_counted_like_any_other(world: World) -> None:
    hana, desk = await world.member("hana", 1), await world.desk()
    spare = await world.shown(hana, lifetime=timedelta(minutes=5))
    world.chain.away = True
    assert (await world.visit(hana, desk)).ok
    assert (await world.scan(spare.text, desk)).reason is Reason.USED_UP


async def test_the_catalogue_says_on_what_it_rests(world: World) -> None:
    hana = await world.member("hana", 1)
    (online,) = await world.perks.catalogue(hana)
    assert (online.open, online.source) == (True, Source.ONLINE)
    world.chain.away = True
    (known,) = await world.perks.catalogue(hana)
    assert (known.open, known.source, known.known_at) == (
        True,
        Source.LAST_KNOWN,
        world.clock(),
    )


class SlowEvidence:
    """A node that takes its time."""

    async def of(self, member_id: int, *, finality: Finality) -> Evidence:
        import asyncio

        await asyncio.Event().wait()
        raise AssertionError((member_id, finality))


class SetEvidence:
    """Evidence as it is set."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence

    async def of(self, member_id: int, *, finality: Finality) -> Evidence:  # noqa: ARG002
        return self.evidence


def perks_on(world: World, reader: Any, keys: PassKeys = KEYS, **how: Any) -> Perks:
    patience = timedelta(seconds=0.05)
    secret = "a secret of the tests"
    world.perks = Perks(
        world.town,
        world.sessions,
        reader,
        how.get("judge", partial(decide, town=world.town)),
        keys,
        world.clock,
        secret=secret,
        patience=patience,
    )
    return world.perks


async def test_a_node_that_does_not_answer_in_time_is_an_outage_not_a_wait(world: World) -> None:
    hana, desk = await world.member("hana", 1), await world.desk()
    shown = await world.shown(hana)
    perks_on(world, SlowEvidence())
    taken = await world.scan(shown.text, desk)
    assert (taken.ok, taken.source) == (True, Source.LAST_KNOWN)


async def test_a_balance_without_numbers_cannot_be_counted_by_card(world: World) -> None:
    hana = await world.member("hana")
    perks_on(world, SetEvidence(Evidence((Holding(CARD, "0x1", 1, 1),))))
    assert await refused(world, hana) is Reason.UNREACHABLE


@pytest.mark.parametrize("later", [{7: 1}, {}], ids=["a card joins", "no card joins"])
async def test_who_belongs_without_a_card_is_counted_as_a_person_and_once(
    world: World, later: dict[int, int]
) -> None:
    """A purchaser without a wallet uses the perk, and links a wallet afterwards."""
    from core.access.decision import Admitted

    hana, desk = await world.member("hana"), await world.desk()
    code = (Credential(1, "purchase", world.clock(), None),)

    def everybody(gate: Any, _: Evidence) -> Admitted:
        return Admitted(gate.name)

    perks_on(world, SetEvidence(Evidence(credentials=code)), judge=everybody)
    assert (await world.visit(hana, desk)).ok
    held = (Holding(CARD, "0x1", len(later), 1, later),)
    perks_on(world, SetEvidence(Evidence(held, code)), judge=everybody)
    assert await refused(world, hana) is Reason.USED_UP
