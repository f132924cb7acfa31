"""Who comes: seats, companions, the waiting list, and who may not come any more."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from core import identity, mydata
from core.database import Sessions, transaction
from core.events import Refusal, ReplyState, Standing, answer_time
from core.identity import Account
from core.tables import ReplyRow
from core.town import TownPack
from tests.core.events.world import GATE, LINK, NOW, STARTS, World


async def test_whoever_may_come_takes_a_seat_and_gets_a_number_for_the_reception(
    world: World,
) -> None:
    event = await world.event(gate=GATE, online=LINK)
    hana, ken = await world.member("hana", 1), await world.member("ken")
    assert await world.come(event, hana) is ReplyState.COMING
    assert await world.come(event, ken) is Refusal.NOT_ENTITLED
    seen = await world.events.view(event, hana.member_id)
    assert seen.reply is not None
    assert (seen.reply.number, seen.taken) == (1, 1)
    assert "event.coming" in await world.actions()


async def test_nobody_is_refused_for_good_while_nobody_can_tell(world: World) -> None:
    event = await world.event(gate=GATE, online=LINK)
    hana, ken = await world.member("hana", 1), await world.member("ken", 2)
    await world.come(event, ken)
    world.chain.away = True
    assert await world.come(event, hana) is Refusal.CANNOT_TELL
    assert await world.come(event, ken) is ReplyState.COMING
    assert await world.link(event, ken) == LINK  # they were admitted when they took their seat
    world.chain.away = False
    assert await world.come(event, hana) is ReplyState.COMING


async def test_the_link_is_for_those_who_come_and_may(world: World) -> None:
    event = await world.event(gate=GATE, online=LINK)
    hana, ken = await world.member("hana", 1), await world.member("ken", 2)
    assert await world.link(event, hana) is None  # has not said that they come
    await world.come(event, hana)
    assert await world.link(event, hana) == LINK
    assert await world.link(event, ken) is None
    assert (await world.events.view(event)).link is None
    assert all(each.link is None for each in await world.events.upcoming(hana.member_id))
    world.chain.give(ken.member_id, 1)  # sold
    assert await world.link(event, hana) is None


async def test_companions_are_bounded_and_take_seats(world: World) -> None:
    event = await world.event(capacity=4, companions=2)
    hana, ken = await world.member("hana"), await world.member("ken")
    for too_many in (-1, 3):
        assert await world.come(event, hana, too_many) is Refusal.TOO_MANY
    assert await world.come(event, hana, 2) is ReplyState.COMING
    assert (await world.events.view(event)).left == 1
    assert await world.come(event, ken, 1) is ReplyState.WAITING
    assert await world.come(event, hana, 0) is ReplyState.COMING
    assert await world.state(event, ken) is ReplyState.OFFERED  # the freed seats went to them


async def test_more_companions_than_seats_leave_what_somebody_has(world: World) -> None:
    event = await world.event(capacity=2, companions=1)
    hana, ken = await world.member("hana"), await world.member("ken")
    await world.come(event, hana)
    await world.come(event, ken)
    assert await world.come(event, hana, 1) is Refusal.FULL
    assert await world.state(event, hana) is ReplyState.COMING


async def test_replies_end_when_the_event_says_or_begins(world: World) -> None:
    event = await world.event(reply_until=STARTS - timedelta(days=1))
    hana, ken = await world.member("hana"), await world.member("ken")
    await world.come(event, hana)
    world.at(STARTS - timedelta(hours=23))
    assert await world.come(event, ken) is Refusal.CLOSED
    assert await world.come(event, hana) is ReplyState.COMING
    assert await world.decline(event, hana) is ReplyState.DECLINED  # a seat may be given back
    assert await world.come(event, hana) is Refusal.CLOSED
    world.at(STARTS)
    assert await world.decline(event, hana) is Refusal.BEGUN
    assert await world.come(event, ken) is Refusal.BEGUN


async def test_a_seat_given_back_is_offered_to_the_first_in_line_for_a_while(world: World) -> None:
    event = await world.event(capacity=1)
    people = [await world.member(name) for name in ("hana", "ken", "mio")]
    hana, ken, mio = people
    states = [await world.come(event, each) for each in people]
    assert states == [ReplyState.COMING, ReplyState.WAITING, ReplyState.WAITING]
    seen = await world.events.view(event, mio.member_id)
    assert (seen.line, seen.waiting, seen.left) == (2, 2, 0)
    await world.decline(event, hana)
    assert await world.state(event, ken) is ReplyState.OFFERED
    assert await world.told(ken) == ["event-offered"]
    world.clock.advance(timedelta(hours=24))
    await world.events.tell()
    assert await world.state(event, ken) is ReplyState.LAPSED
    assert await world.told(ken) == ["event-offered", "event-lapsed"]
    assert await world.state(event, mio) is ReplyState.OFFERED
    assert await world.come(event, mio) is ReplyState.COMING
    assert await world.come(event, ken) is ReplyState.WAITING  # begins again at the end


async def test_an_offered_seat_is_nobody_elses(world: World) -> None:
    event = await world.event(capacity=1)
    hana, ken, mio = [await world.member(name) for name in ("hana", "ken", "mio")]
    await world.come(event, hana)
    await world.come(event, ken)
    await world.decline(event, hana)
    assert await world.come(event, mio) is ReplyState.WAITING
    assert await world.decline(event, ken) is ReplyState.DECLINED
    assert await world.state(event, mio) is ReplyState.OFFERED


async def test_a_party_that_does_not_fit_lets_a_smaller_one_pass_and_keeps_its_place(
    world: World,
) -> None:
    event = await world.event(capacity=3, companions=2)
    a, b, c, d = [await world.member(name) for name in "abcd"]
    for who, more in ((a, 1), (b, 0), (c, 2), (d, 0)):
        await world.come(event, who, more)
    await world.decline(event, b)
    assert await world.state(event, c) is ReplyState.WAITING
    assert await world.state(event, d) is ReplyState.OFFERED
    await world.decline(event, a)
    assert (await world.events.view(event, c.member_id)).line == 1


@pytest.mark.parametrize(
    ("before", "kept"),
    [
        pytest.param(timedelta(days=30), timedelta(hours=24), id="a day at most"),
        pytest.param(timedelta(hours=8), timedelta(hours=2), id="a quarter of what is left"),
        pytest.param(timedelta(hours=1), timedelta(minutes=30), id="half an hour at least"),
        pytest.param(timedelta(minutes=10), timedelta(minutes=10), id="until it begins"),
    ],
)
def test_the_time_to_answer_fits_the_time_left(before: timedelta, kept: timedelta) -> None:
    assert answer_time(NOW + before, NOW) == NOW + kept


async def test_more_capacity_lets_those_in_line_move_up(world: World) -> None:
    event = await world.event(capacity=1)
    hana, ken = await world.member("hana"), await world.member("ken")
    await world.come(event, hana)
    await world.come(event, ken)
    await world.change(event, capacity=5)
    await world.events.tell()
    assert await world.state(event, ken) is ReplyState.OFFERED
    await world.change(event, capacity=1)  # nobody loses what they were given
    assert await world.come(event, ken) is ReplyState.COMING


async def test_of_many_who_ask_for_the_last_seat_at_once_one_gets_it(both: World) -> None:
    event = await both.event(capacity=3)
    people = [await both.member(str(number)) for number in range(8)]
    states = await asyncio.gather(*(both.come(event, each) for each in people))
    assert sorted(states) == [ReplyState.COMING] * 3 + [ReplyState.WAITING] * 5
    async with transaction(both.sessions) as session:
        numbers = await session.scalars(select(ReplyRow.number))
        assert sorted(numbers) == list(range(1, 9))


async def test_seats_given_back_at_once_are_each_offered_once(both: World) -> None:
    event = await both.event(capacity=2)
    people = [await both.member(str(number)) for number in range(6)]
    for each in people:
        await both.come(event, each)
    await asyncio.gather(*(both.decline(event, each) for each in people[:2]))
    states = [await both.state(event, each) for each in people[2:]]
    assert states == [ReplyState.OFFERED] * 2 + [ReplyState.WAITING] * 2


Step = tuple[str, int, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["come", "no", "wait", "leave"]), st.integers(0, 4), st.integers(0, 2)
    ),
    max_size=25,
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(capacity=st.integers(3, 6), steps=STEPS)
async def test_whatever_people_do_no_seat_is_given_twice_and_none_stays_empty(
    town: TownPack, lite: Sessions, capacity: int, steps: list[Step]
) -> None:
    world = World(town, lite)
    event = await world.event(capacity=capacity, companions=2)
    names = iter(range(1_000))
    people = [await world.member(f"{event}-{next(names)}") for _ in range(5)]
    for what, who, more in steps:
        await _do(world, event, people, what, who, more, f"{event}-{next(names)}")
        await world.events.tell()
        async with transaction(lite) as session:
            rows = list(await session.scalars(select(ReplyRow).where(ReplyRow.event_id == event)))
        taken = sum(1 + row.companions for row in rows if row.state in {"coming", "offered"})
        assert taken <= capacity
        in_line = [1 + row.companions for row in rows if row.state == "waiting"]
        assert all(taken + party > capacity for party in in_line)


async def _do(
    world: World, event: int, people: list[Any], what: str, who: int, more: int, name: str
) -> None:
    match what:
        case "come":
            await world.come(event, people[who], more)
        case "no":
            await world.decline(event, people[who])
        case "wait":
            world.clock.advance(timedelta(hours=6))
        case _:
            async with transaction(world.sessions) as session:
                await identity.forget(session, people[who].member_id, now=world.clock())
            people[who] = await world.member(name)


# Who may not come any more


async def test_whoever_loses_the_card_is_told_and_their_seat_goes_on_after_the_grace(
    world: World,
) -> None:
    event = await world.event(
        gate=GATE, capacity=1, starts_at=NOW + timedelta(days=20), ends_at=NOW + timedelta(days=21)
    )
    hana, ken = await world.member("hana", 1), await world.member("ken", 2)
    await world.come(event, hana)
    await world.come(event, ken)
    world.chain.cards[hana.member_id] = set()
    assert await world.events.look() == 0
    assert await world.told(hana) == ["event-losing"]
    await world.events.look()
    assert await world.told(hana) == ["event-losing"]  # once
    world.clock.advance(timedelta(days=8))
    assert await world.events.look() == 1
    assert await world.state(event, hana) is ReplyState.RELEASED
    assert await world.told(hana) == ["event-losing", "event-released"]
    assert await world.state(event, ken) is ReplyState.OFFERED


async def test_whoever_has_the_card_again_within_the_grace_keeps_their_seat(world: World) -> None:
    event = await world.event(gate=GATE)
    hana = await world.member("hana", 1)
    await world.come(event, hana)
    world.chain.cards[hana.member_id] = set()
    await world.events.look()
    world.chain.give(hana.member_id, 1)
    world.clock.advance(timedelta(days=6))
    await world.events.look()
    world.chain.cards[hana.member_id] = set()
    world.clock.advance(timedelta(hours=23))
    assert await world.events.look() == 0
    assert await world.state(event, hana) is ReplyState.COMING


async def test_an_outage_frees_no_seat(world: World) -> None:
    event = await world.event(gate=GATE)
    people = [await world.member(str(number), number) for number in range(1, 6)]
    for each in people:
        await world.come(event, each)
    world.chain.away = True
    await world.events.look()
    world.clock.advance(timedelta(days=6))
    assert await world.events.look() == 0
    assert [await world.told(each) for each in people] == [[]] * 5


async def test_a_room_that_the_pack_no_longer_names_refuses_nobody_for_good(world: World) -> None:
    event = await world.event(gate="gone")
    hana = await world.member("hana", 1)
    assert await world.come(event, hana) is Refusal.CANNOT_TELL
    assert (await world.events.view(event, hana.member_id)).standing is Standing.UNKNOWN


# Leaving, merging, keeping


async def test_whoever_leaves_the_town_frees_their_seat_and_is_forgotten(both: World) -> None:
    event = await both.event(capacity=1)
    hana, ken = await both.member("hana"), await both.member("ken")
    await both.come(event, hana)
    await both.come(event, ken)
    async with transaction(both.sessions) as session:
        kept = await mydata.export(session, hana.member_id)
        assert kept["events"]["replies"][0]["reply"] == "coming"
        await identity.forget(session, hana.member_id, now=both.clock())
    await both.events.tell()
    assert await both.state(event, ken) is ReplyState.OFFERED


async def test_two_accounts_that_become_one_person_take_one_seat(both: World) -> None:
    event = await both.event(capacity=2)
    hana, other = await both.member("hana"), await both.member("hana", platform="discord")
    await both.come(event, hana)
    await both.come(event, other)
    async with transaction(both.sessions) as session:
        code = await identity.propose_merge(
            session, member_id=other.member_id, other_id=hana.member_id, now=both.clock()
        )
        await identity.merge(session, code, by_member=hana.member_id, now=both.clock())
    assert (await both.events.view(event)).taken == 1


async def joined(world: World, stays: Account, gone: Account) -> None:
    async with transaction(world.sessions) as session:
        code = await identity.propose_merge(
            session, member_id=gone.member_id, other_id=stays.member_id, now=world.clock()
        )
        await identity.merge(session, code, by_member=stays.member_id, now=world.clock())


async def test_of_two_replies_of_one_person_the_seat_stays(both: World) -> None:
    event = await both.event(capacity=3, companions=2)
    hana, other = await both.member("hana"), await both.member("hana", platform="discord")
    ken = await both.member("ken")
    await both.decline(event, hana)
    await both.come(event, other, 2)
    await both.come(event, ken)
    await joined(both, hana, other)
    await both.events.tell()
    assert await both.state(event, hana) is ReplyState.COMING
    assert await both.state(event, ken) is ReplyState.WAITING
    assert (await both.events.view(event)).taken == 3


async def test_of_two_seats_of_one_person_one_goes_to_the_next_in_line(both: World) -> None:
    event = await both.event(capacity=3, companions=1)
    hana, other = await both.member("hana"), await both.member("hana", platform="discord")
    ken = await both.member("ken")
    await both.come(event, hana)
    await both.come(event, other, 1)
    await both.come(event, ken)
    await joined(both, hana, other)
    assert (await both.events.view(event)).taken == 2
    await both.events.tell()
    assert await both.state(event, ken) is ReplyState.OFFERED
