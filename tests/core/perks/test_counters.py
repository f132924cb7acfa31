"""Counting: exactly as many uses as allowed, whoever scans at the same moment, on each database."""

import asyncio
import itertools
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from core.database import Sessions, transaction
from core.perks import Closed, Desk, Pass, Reason, Token, Verdict, counters
from core.perks.standing import Standing
from core.tables import RedemptionRow, UseRow
from core.town import TownPack
from tests.core.perks.world import World, perk

_cards = itertools.count(1)


async def at_once(world: World, texts: list[str], desks: list[Desk]) -> list[Verdict]:
    return await asyncio.gather(
        *(world.scan(text, desks[each % len(desks)]) for each, text in enumerate(texts))
    )


async def test_of_two_scans_of_one_pass_at_two_desks_one_wins(
    town: TownPack, sessions: Sessions
) -> None:
    world = World(town, sessions)
    hana = await world.member("hana", 1)
    desks = [await world.desk(), await world.desk()]
    shown = await world.shown(hana)
    verdicts = await at_once(world, [shown.text] * 2, desks)
    assert Counter(each.reason for each in verdicts) == {Reason.OK: 1, Reason.PASS_USED: 1}


async def test_of_many_passes_of_one_card_at_once_as_many_are_taken_as_it_has_uses(
    town: TownPack, sessions: Sessions
) -> None:
    world = World(town, sessions, perk(uses=3))
    hana = await world.member("hana", 1)
    desks = [await world.desk(), await world.desk()]
    texts = [(await world.shown(hana)).text for _ in range(12)]
    verdicts = await at_once(world, texts, desks)
    assert Counter(each.reason for each in verdicts) == {Reason.OK: 3, Reason.USED_UP: 9}
    assert sorted(each.left for each in verdicts if each.ok and each.left is not None) == [0, 1, 2]


async def test_a_person_at_two_desks_with_two_cards_has_the_uses_of_one_person(
    town: TownPack, sessions: Sessions
) -> None:
    world = World(town, sessions, perk(counted_by="person", uses=2))
    hana = await world.member("hana", 1, 2)
    desks = [await world.desk(), await world.desk()]
    texts = [(await world.shown(hana)).text for _ in range(8)]
    verdicts = await at_once(world, texts, desks)
    assert sum(each.ok for each in verdicts) == 2


async def test_the_same_request_sent_many_times_at_once_is_one_redemption(
    town: TownPack, sessions: Sessions
) -> None:
    world = World(town, sessions, perk(unlimited=True))
    hana, desk = await world.member("hana", 1), await world.desk()
    shown = await world.shown(hana)
    verdicts = await asyncio.gather(*(world.scan(shown.text, desk, "tap") for _ in range(6)))
    assert {each.redemption_id for each in verdicts} == {verdicts[0].redemption_id}
    assert all(each.ok for each in verdicts)


@pytest.mark.parametrize("sessions", ["postgresql"], indirect=True)
@pytest.mark.parametrize("counted_by", ["token", "person", "both"])
async def test_a_use_made_between_counting_and_taking_is_never_overlooked(
    town: TownPack, sessions: Sessions, counted_by: str
) -> None:
    """A transaction that counted before another one committed takes no slot beyond the last."""
    world = World(town, sessions, perk(counted_by=counted_by))
    hana, desk = await world.member("hana", 1), await world.desk()
    shown = await world.shown(hana)
    (cave,) = world.town.perks
    entitled = Standing(Reason.OK, (Token("resident-card", 1),))

    async def too_late() -> None:
        async with transaction(sessions) as session:
            counted = await world.perks._reckon(session, cave, hana, entitled, world.clock())
            assert counted.left.left == 1
            taken = (await world.scan(shown.text, desk)).redemption_id
            assert taken is not None
            slots = counted.slots
            await counters.take(
                session, cave.name, counted.period, slots, redemption_id=taken, ends_at=None
            )

    with pytest.raises(IntegrityError):
        await too_late()


class Model:
    """The plain truth: a set of redemptions a card and a person, and nothing else."""

    def __init__(self, uses: int, counted_by: str) -> None:
        self.uses, self.counted_by = uses, counted_by
        self.taken: dict[int, tuple[int, int]] = {}  # redemption → card, person

    def free(self, card: int, person: int) -> int:
        by_card = self.uses - sum(each[0] == card for each in self.taken.values())
        by_person = self.uses - sum(each[1] == person for each in self.taken.values())
        match self.counted_by:
            case "token":
                return by_card
            case "person":
                return by_person
            case _:
                return min(by_card, by_person)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("scan"), st.integers(0, 1), st.integers(1, 5)),  # member, at once
        st.tuples(st.just("undo"), st.integers(0, 9), st.just(0)),
        st.tuples(st.just("sell"), st.integers(0, 1), st.just(0)),  # the card goes to member
    ),
    min_size=1,
    max_size=7,
)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS, uses=st.integers(1, 4), counted_by=st.sampled_from(["token", "person", "both"]))
async def test_counts_agree_with_a_plain_model_under_scans_undos_and_sales(
    town: TownPack,
    sessions: Sessions,
    steps: list[tuple[str, int, int]],
    uses: int,
    counted_by: str,
) -> None:
    card = next(_cards)
    name = f"p{card}"  # the database is the same for every example
    world = World(town, sessions, perk(name, uses=uses, counted_by=counted_by))
    members = [await world.member(f"{name}{each}") for each in range(2)]
    desks = [await world.desk(), await world.desk()]
    holder = 0
    world.chain.give(members[0], card)
    model = Model(uses, counted_by)
    for what, number, count in steps:
        world.pass_by(seconds=1)
        if what == "sell":
            holder = number
            world.chain.give(members[number], card)
        elif what == "undo" and model.taken:
            redemption = sorted(model.taken)[number % len(model.taken)]
            await world.perks.undo(redemption, "staff", reason="間違い")
            del model.taken[redemption]
        elif what == "scan" and holder == number:
            await scan_at_once(world, model, members[number], desks, name, card, count)
    async with transaction(sessions) as session:
        slots = await session.scalars(select(UseRow.slot).where(UseRow.perk == name))
        assert all(1 <= slot <= uses for slot in slots)
        booked = await session.scalar(
            select(func.count(RedemptionRow.id)).where(
                RedemptionRow.perk == name, RedemptionRow.undone_at.is_(None)
            )
        )
    assert booked == len(model.taken)


async def scan_at_once(
    world: World, model: Model, member: int, desks: list[Desk], perk: str, card: int, count: int
) -> None:
    """`count` passes of one member, each scanned at the same moment; the model follows."""
    free = model.free(card, member)
    shown = [await world.perks.issue(member, perk) for _ in range(count)]
    if free <= 0:
        assert all(isinstance(each, Closed) for each in shown)
        return
    texts = [each.text for each in shown if isinstance(each, Pass)]
    assert len(texts) == count
    verdicts = await at_once(world, texts, desks)
    taken = [each.redemption_id for each in verdicts if each.ok]
    assert len(taken) == min(count, free)
    model.taken.update({each: (card, member) for each in taken if each is not None})


@pytest.mark.parametrize(
    ("per", "year_starts", "before", "after"),
    [
        pytest.param(
            "day", "01", "2026-11-22T14:59:59", "2026-11-22T15:00:00", id="midnight in Tokyo"
        ),
        pytest.param("month", "01", "2026-11-30T14:59:59", "2026-11-30T15:00:00", id="a new month"),
        pytest.param("year", "01", "2026-12-31T14:59:59", "2026-12-31T15:00:00", id="new year"),
        pytest.param("year", "04", "2027-03-31T14:59:59", "2027-03-31T15:00:00", id="年度"),
    ],
)
async def test_uses_begin_anew_at_the_towns_midnight(
    town: TownPack, lite: Sessions, per: str, year_starts: str, before: str, after: str
) -> None:
    world = World(town, lite, perk(per=per, year_starts=year_starts))
    world.clock.now = datetime.fromisoformat(before).replace(tzinfo=UTC)
    hana, desk = await world.member("hana", 1), await world.desk()
    spare = await world.shown(hana, lifetime=timedelta(minutes=5))
    assert (await world.visit(hana, desk)).ok
    refused = await world.perks.issue(hana, "cave")
    assert isinstance(refused, Closed)
    assert refused.next_at == datetime.fromisoformat(after).replace(tzinfo=UTC)
    world.clock.now = datetime.fromisoformat(after).replace(tzinfo=UTC)
    assert (await world.scan(spare.text, desk)).ok


async def test_the_new_year_is_not_the_new_business_year(town: TownPack, lite: Sessions) -> None:
    world = World(town, lite, perk(year_starts="04"))
    hana, desk = await world.member("hana", 1), await world.desk()
    assert (await world.visit(hana, desk)).ok
    world.clock.now = datetime(2027, 1, 5, tzinfo=UTC)
    assert isinstance(await world.perks.issue(hana, "cave"), Closed)
