"""Who may be where: decisions, doors, notices, grace, and what an outage changes (nothing)."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from core import identity
from core.access import (
    Admitted,
    Doorkeeper,
    GrantState,
    KeptTraits,
    Lack,
    MemberEvidence,
    Opened,
    Refused,
    SweepReport,
    Unknown,
)
from core.access.doors import Doors
from core.database import Sessions, transaction
from core.errors import PlatformRefused, PlatformUnavailable
from core.mydata import leave
from core.tables import AnnouncementRow, AuditRow, GrantRow
from core.testing import FakeHoldings, FakeKeeper, SetClock
from core.town import Gate, TokenRule, TownPack

WALLET = "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"
PLACE = "place-of-residents"
CARD = TokenRule(collection="resident-card")


class World:
    """One member with one wallet, in a town with one room."""

    def __init__(self, town: TownPack, sessions: Sessions, clock: SetClock) -> None:
        self.sessions, self.clock = sessions, clock
        self.holdings = FakeHoldings()
        self.keeper = FakeKeeper()
        self.keepers: dict[str, FakeKeeper] = {"telegram": self.keeper}
        self.doorkeeper = self.keeper_of(town)
        self.member = 0

    def keeper_of(self, town: TownPack) -> Doorkeeper:
        """A doorkeeper of this world, for this pack."""
        traits = KeptTraits(self.sessions, None, self.clock)
        evidence = MemberEvidence(town, self.sessions, self.holdings, traits, self.clock)
        return Doorkeeper(town, self.sessions, evidence, self.keepers, self.clock)

    async def arrive(self) -> None:
        async with transaction(self.sessions) as session:
            account = await identity.account(
                session, "telegram", "1", locale="ja", now=self.clock()
            )
            await identity.link_wallet(session, account.member_id, WALLET, 1, now=self.clock())
        self.member = account.member_id

    @property
    def inside(self) -> set[str]:
        return self.keeper.inside.get(PLACE, set())

    async def notices(self) -> list[str]:
        async with self.sessions() as session:
            rows = await session.scalars(select(AnnouncementRow).order_by(AnnouncementRow.id))
            return [row.texts["key"] for row in rows]

    async def grant(self) -> GrantRow:
        async with self.sessions() as session:
            return (await session.scalars(select(GrantRow))).one()


@pytest.fixture
def town(town: TownPack) -> TownPack:
    """The sample town, whose room opens by a card and by nothing else."""
    gates = tuple(gate.model_copy(update={"rule": CARD}) for gate in town.gates)
    return town.model_copy(update={"gates": gates})


@pytest.fixture
async def world(town: TownPack, sessions: Sessions, clock: SetClock) -> World:
    world = World(town, sessions, clock)
    await world.arrive()
    return world


GRACE = timedelta(days=7)


async def test_a_card_opens_the_room(world: World) -> None:
    world.holdings.give(WALLET, 1)
    (room,) = await world.doorkeeper.recheck(world.member)
    assert room.decision == Admitted("residents", by=(Opened(CARD, held=1),))
    assert world.inside == {"1"}
    assert room.doors[0].link == "https://door.example/1"


async def test_without_a_card_the_room_stays_closed_and_the_numbers_say_why(world: World) -> None:
    (room,) = await world.doorkeeper.recheck(world.member)
    assert room.decision == Refused("residents", 0, 1, Lack(CARD, held=0, needed=1))
    assert world.inside == set()


async def test_who_sells_the_card_is_told_first_and_leaves_after_the_grace_period(
    world: World,
) -> None:
    world.holdings.give(WALLET, 1)
    await world.doorkeeper.sweep()
    world.holdings.give(WALLET, 0)

    assert (await world.doorkeeper.sweep()).warned == 1
    assert world.inside == {"1"}
    assert await world.notices() == ["leaving"]

    world.clock.advance(GRACE - timedelta(minutes=1))
    assert (await world.doorkeeper.sweep()).closed == 0
    assert world.inside == {"1"}

    world.clock.advance(timedelta(minutes=1))
    assert (await world.doorkeeper.sweep()).closed == 1
    assert world.inside == set()
    assert await world.notices() == ["leaving", "left"]
    assert (await world.grant()).state == GrantState.CLOSED


async def test_sweeping_again_tells_nobody_twice(world: World) -> None:
    world.holdings.give(WALLET, 1)
    await world.doorkeeper.sweep()
    world.holdings.give(WALLET, 0)
    for _ in range(3):
        await world.doorkeeper.sweep()
    assert await world.notices() == ["leaving"]


async def test_a_card_that_comes_back_within_the_grace_period_keeps_the_room_open(
    world: World,
) -> None:
    world.holdings.give(WALLET, 1)
    await world.doorkeeper.sweep()
    world.holdings.give(WALLET, 0)
    await world.doorkeeper.sweep()
    world.holdings.give(WALLET, 1)
    await world.doorkeeper.sweep()
    world.clock.advance(GRACE * 2)
    await world.doorkeeper.sweep()
    assert world.inside == {"1"}
    assert await world.notices() == ["leaving", "welcome-back"]


async def test_who_left_comes_back_with_a_new_card(world: World) -> None:
    world.holdings.give(WALLET, 1)
    await world.doorkeeper.sweep()
    world.holdings.give(WALLET, 0)
    await world.doorkeeper.sweep()
    world.clock.advance(GRACE)
    await world.doorkeeper.sweep()
    world.holdings.give(WALLET, 1)
    (room,) = await world.doorkeeper.recheck(world.member)
    assert world.inside == {"1"}
    assert room.doors[0].state is GrantState.OPEN


@pytest.mark.parametrize("outage", [{"latest"}, {"finalized"}, {"latest", "finalized"}])
async def test_a_node_that_gives_no_answer_closes_nothing(world: World, outage: set[str]) -> None:
    world.holdings.give(WALLET, 1)
    await world.doorkeeper.sweep()
    world.holdings.give(WALLET, 0)
    await world.doorkeeper.sweep()
    world.holdings.outage = outage  # type: ignore[assignment]
    world.clock.advance(GRACE * 10)
    report = await world.doorkeeper.sweep()
    assert report.closed == 0
    assert world.inside == {"1"}
    assert (await world.grant()).state == GrantState.LEAVING


async def test_an_outage_warns_nobody_and_is_said_to_be_one(world: World) -> None:
    world.holdings.give(WALLET, 1)
    await world.doorkeeper.sweep()
    world.holdings.outage = {"latest", "finalized"}
    (room,) = await world.doorkeeper.recheck(world.member)
    assert isinstance(room.decision, Unknown)
    assert await world.notices() == []


async def test_a_sale_that_is_not_final_yet_closes_nothing(world: World) -> None:
    world.holdings.give(WALLET, 1)
    await world.doorkeeper.sweep()
    world.holdings.give(WALLET, 0, final=False)
    await world.doorkeeper.sweep()
    world.clock.advance(GRACE * 2)
    await world.doorkeeper.sweep()
    assert world.inside == {"1"}
    assert await world.notices() == []


async def test_a_platform_that_is_away_is_tried_again_and_the_grant_is_kept(world: World) -> None:
    world.holdings.give(WALLET, 1)
    world.keeper.error = PlatformUnavailable("telegram is away")
    report = await world.doorkeeper.sweep()
    assert report.troubles == ["telegram is away"]
    assert (await world.grant()).state == GrantState.OPENING
    world.keeper.error = None
    await world.doorkeeper.sweep()
    assert world.inside == {"1"}


async def test_a_door_that_would_not_close_is_tried_again(world: World) -> None:
    world.holdings.give(WALLET, 1)
    await world.doorkeeper.sweep()
    world.holdings.give(WALLET, 0)
    await world.doorkeeper.sweep()
    world.clock.advance(GRACE)
    world.keeper.error = PlatformRefused("the bot may not remove people")
    assert (await world.doorkeeper.sweep()).troubles == ["the bot may not remove people"]
    world.keeper.error = None
    assert (await world.doorkeeper.sweep()).closed == 1


async def test_a_protected_account_is_never_taken_out(world: World, town: TownPack) -> None:
    access = town.access.model_copy(update={"protected": ("telegram:1",)})
    protected = town.model_copy(update={"access": access})
    doorkeeper = world.keeper_of(protected)
    world.holdings.give(WALLET, 1)
    await doorkeeper.sweep()
    world.holdings.give(WALLET, 0)
    await doorkeeper.sweep()
    world.clock.advance(GRACE * 2)
    await doorkeeper.sweep()
    assert world.inside == {"1"}


async def test_a_room_that_the_pack_no_longer_has_is_closed_like_a_card_sold(
    world: World, town: TownPack
) -> None:
    world.holdings.give(WALLET, 1)
    await world.doorkeeper.sweep()
    smaller = town.model_copy(update={"gates": (), "perks": ()})
    doorkeeper = world.keeper_of(smaller)
    await doorkeeper.sweep()
    assert world.inside == {"1"}
    world.clock.advance(GRACE)
    await doorkeeper.sweep()
    assert world.inside == set()


async def test_a_renamed_room_keeps_everybody_who_is_inside(world: World, town: TownPack) -> None:
    class SamePlace(FakeKeeper):
        def place(self, _: Gate) -> str:
            return "one-place"

    keeper = SamePlace()
    world.holdings.give(WALLET, 1)
    world.keepers["telegram"] = keeper
    old = world.keeper_of(town)
    await old.sweep()
    gate = town.gates[0].model_copy(update={"name": "citizens"})
    renamed = town.model_copy(update={"gates": (gate,), "perks": ()})
    new = world.keeper_of(renamed)
    for _ in range(3):
        await new.sweep()
        world.clock.advance(GRACE)
    assert keeper.inside["one-place"] == {"1"}
    assert await world.notices() == []


async def test_one_members_trouble_leaves_nobody_after_them_unchecked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with transaction(world.sessions) as session:
        other = await identity.account(session, "telegram", "2", locale="ja", now=world.clock())
        await identity.link_wallet(session, other.member_id, "0x" + "2" * 40, 1, now=world.clock())
    world.holdings.give(WALLET, 1)
    world.holdings.give("0x" + "2" * 40, 1)
    admit = world.keeper.admit

    async def broken(place: str, account: str) -> object:
        if account == "1":
            raise RuntimeError("unforeseen")
        return await admit(place, account)

    monkeypatch.setattr(world.keeper, "admit", broken)
    report = await world.doorkeeper.sweep()
    assert world.inside == {"2"}
    assert len(report.troubles) == 1
    assert report.unsettled == {world.member}  # looked at again, as when nobody could tell


class Meanwhile(FakeKeeper):
    """A platform; while it takes somebody out, something else happens."""

    def __init__(self) -> None:
        super().__init__()
        self.happens: Callable[[], Awaitable[object]] | None = None
        self.removals = 0

    async def remove(self, place: str, account: str) -> None:
        self.removals += 1
        await super().remove(place, account)
        happens, self.happens = self.happens, None
        if happens is not None:
            await happens()


async def _about_to_close(world: World) -> Meanwhile:
    keeper = world.keepers["telegram"] = world.keeper = Meanwhile()
    world.holdings.give(WALLET, 1)
    await world.doorkeeper.sweep()
    world.holdings.give(WALLET, 0)
    await world.doorkeeper.sweep()
    world.clock.advance(GRACE)
    return keeper


async def test_a_card_bought_back_while_the_door_closes_leaves_the_member_inside(
    world: World, town: TownPack
) -> None:
    keeper = await _about_to_close(world)
    other_process = world.keeper_of(town)

    async def bought_back() -> None:
        world.holdings.give(WALLET, 1)
        await other_process.sweep()

    keeper.happens = bought_back
    assert (await world.doorkeeper.sweep()).closed == 0
    assert world.inside == {"1"}
    assert (await world.grant()).state == GrantState.OPEN
    assert await world.notices() == ["leaving", "welcome-back"]


async def test_a_door_that_another_process_has_opened_since_is_not_closed(
    world: World, town: TownPack
) -> None:
    keeper = await _about_to_close(world)
    stale = await world.grant()
    world.holdings.give(WALLET, 1)
    await world.doorkeeper.sweep()
    doors, report = Doors(town, world.sessions, world.keepers, world.clock), SweepReport()
    async with transaction(world.sessions) as session:
        account = await identity.account_by_id(session, stale.account_id)
    door = await doors.close(stale, account, report)
    assert (door.state, report.closed, keeper.removals) == (GrantState.OPEN, 0, 0)


async def test_a_turn_does_not_open_again_what_a_leaving_member_closed(world: World) -> None:
    keeper = world.keepers["telegram"] = world.keeper = Meanwhile()
    world.holdings.give(WALLET, 1)
    await world.doorkeeper.sweep()
    sweeps: list[asyncio.Task[SweepReport]] = []

    async def meanwhile() -> None:
        sweeps.append(asyncio.create_task(world.doorkeeper.sweep()))

    keeper.happens = meanwhile
    await leave(world.sessions, world.doorkeeper, world.member, clock=world.clock)
    await asyncio.gather(*sweeps)
    assert world.inside == set()


async def test_a_sweep_and_a_visit_at_the_same_moment_warn_once(world: World) -> None:
    world.holdings.give(WALLET, 1)
    await world.doorkeeper.sweep()
    world.holdings.give(WALLET, 0)
    await asyncio.gather(
        *(world.doorkeeper.recheck(world.member) for _ in range(4)), world.doorkeeper.sweep()
    )
    assert await world.notices() == ["leaving"]


async def test_many_first_visits_at_once_open_one_door(world: World, town: TownPack) -> None:
    world.holdings.give(WALLET, 1)
    doorkeepers = [world.keeper_of(town) for _ in range(4)]
    await asyncio.gather(*(each.recheck(world.member) for each in doorkeepers))
    assert (await world.grant()).state == GrantState.OPEN


async def test_nobody_is_forgotten_while_a_door_of_theirs_cannot_be_closed(world: World) -> None:
    world.holdings.give(WALLET, 1)
    await world.doorkeeper.sweep()
    del world.keepers["telegram"]
    with pytest.raises(PlatformUnavailable, match="switched off"):
        await world.doorkeeper.release(world.member)
    assert world.inside == {"1"}


async def test_who_asks_at_the_door_gets_the_decision_of_that_room(world: World) -> None:
    assert isinstance(await world.doorkeeper.knock("telegram", "1", PLACE), Refused)
    world.holdings.give(WALLET, 1)
    assert isinstance(await world.doorkeeper.knock("telegram", "1", PLACE), Admitted)
    assert isinstance(await world.doorkeeper.knock("telegram", "stranger", PLACE), Refused)
    assert await world.doorkeeper.knock("telegram", "1", "another chat") is None


async def test_who_leaves_the_town_is_taken_out_of_every_room_at_once(world: World) -> None:
    world.holdings.give(WALLET, 1)
    await world.doorkeeper.sweep()
    await world.doorkeeper.release(world.member)
    assert world.inside == set()


async def test_every_opening_and_closing_is_in_the_audit_log(world: World) -> None:
    world.holdings.give(WALLET, 1)
    await world.doorkeeper.sweep()
    world.holdings.give(WALLET, 0)
    await world.doorkeeper.sweep()
    world.clock.advance(GRACE)
    await world.doorkeeper.sweep()
    async with world.sessions() as session:
        rows = await session.scalars(select(AuditRow.action).order_by(AuditRow.id))
        assert [each for each in rows if each.startswith("access.")] == [
            "access.opened",
            "access.warned",
            "access.closed",
        ]
