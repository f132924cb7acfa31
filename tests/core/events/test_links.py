"""The link to an online meeting: never to somebody known to have lost the card."""

from datetime import timedelta

from core.access.evidence import Evidence
from core.chain.values import Finality
from core.events import ReplyState
from core.identity import Account
from tests.core.events.world import GATE, LINK, NOW, STARTS, World

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def shown(world: World, event: int, who: Account) -> set[str | None]:
    """What the page and the calendar show."""
    found = await world.events.in_calendar(who.member_id)
    return {await world.link(event, who), *(link for _, _, link in found)}


async def unreadable(world: World, *people: Account) -> None:
    """From now on nobody can tell of these; of others the chain answers."""
    real, of_whom = world.chain.of, {each.member_id for each in people}

    async def of(member_id: int, *, finality: Finality) -> Evidence:
        if member_id in of_whom:
            return Evidence(missing={"resident-card": "no node answers"})
        return await real(member_id, finality=finality)

    world.chain.of = of  # type: ignore[method-assign]


async def test_who_was_told_that_they_lose_the_seat_has_no_link_while_the_chain_is_away(
    world: World,
) -> None:
    event = await world.event(gate=GATE, online=LINK)
    hana = await world.member("hana", 1)
    await world.come(event, hana)
    world.chain.away = True
    assert await shown(world, event, hana) == {LINK}
    world.chain.away = False
    world.chain.cards = {}
    await world.events.look()
    world.chain.away = True
    assert await shown(world, event, hana) == {None}
    world.at(STARTS - HOUR)
    await world.events.tell()
    reminder = (await world.notices(hana))[-1]
    assert reminder["key"] == "event-reminder"
    assert "link" not in reminder["values"]


async def test_a_room_added_later_shows_its_link_only_after_a_reading(world: World) -> None:
    event = await world.event()
    hana, ken = await world.member("hana", 1), await world.member("ken")
    for each in (hana, ken):
        await world.come(event, each)
    await world.change(event, gate=GATE, online=LINK)
    world.chain.away = True
    assert await shown(world, event, hana) == {None}
    assert await shown(world, event, ken) == {None}
    world.chain.away = False
    await world.events.look()
    world.chain.away = True
    assert await shown(world, event, hana) == {LINK}
    assert await shown(world, event, ken) == {None}


async def test_whoever_was_not_read_because_the_chain_is_away_is_reminded_without_the_link(
    world: World,
) -> None:
    event = await world.event(gate=GATE, online=LINK)
    people = [await world.member(str(number), number) for number in range(1, 6)]
    for each in people:
        await world.come(event, each)
    world.chain.away = True
    world.at(STARTS - HOUR)
    assert await world.events.tell() == 5
    links = [(await world.notices(each))[-1]["values"].get("link") for each in people]
    assert links == [LINK, LINK, LINK, None, None]


async def test_a_meeting_that_is_long_over_has_no_link(world: World) -> None:
    event = await world.event(gate=GATE, online=LINK)
    hana = await world.member("hana", 1)
    await world.come(event, hana)
    world.at(STARTS + 2 * HOUR)
    assert await shown(world, event, hana) == {LINK}
    world.at(STARTS + DAY)
    assert await shown(world, event, hana) == {None}


async def test_members_of_whom_nobody_can_tell_do_not_keep_others_from_being_looked_at(
    world: World,
) -> None:
    later = STARTS + 30 * DAY
    event = await world.event(gate=GATE, capacity=4, starts_at=later, ends_at=later + HOUR)
    people = [await world.member(str(number), number) for number in range(1, 6)]
    for each in people:
        await world.come(event, each)
    *first, fourth, fifth = people
    world.chain.cards[fourth.member_id] = set()
    await unreadable(world, *first)
    for day in range(9):
        world.at(NOW + day * DAY)
        await world.events.look()
    await world.events.tell()
    assert await world.state(event, fourth) is ReplyState.RELEASED
    assert await world.state(event, fifth) is ReplyState.OFFERED
    assert {await world.state(event, each) for each in first} == {ReplyState.COMING}


async def test_one_look_reads_each_member_once_and_writes_only_what_is_new(world: World) -> None:
    numbers = [await world.event(gate=GATE) for _ in range(4)]
    hana = await world.member("hana", 1)
    for event in numbers:
        await world.come(event, hana)
    world.chain.asked = 0
    await world.events.look()
    assert world.chain.asked == 1
