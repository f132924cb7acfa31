"""The tier that the records keep of each member: from complete readings, and from nothing else."""

from datetime import timedelta

import pytest
from sqlalchemy import event, select

from core import identity
from core.access import Doorkeeper, KeptTraits, MemberEvidence
from core.access.decision import Reached, reached
from core.access.evidence import Evidence
from core.database import Sessions, reading, transaction
from core.holdings import Holding
from core.tables import MemberRow
from core.testing import FakeHoldings, FakeKeeper, SetClock
from core.town import TownPack
from tests.core.announcements.office import told

WALLET = "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"
DAY = timedelta(days=1)


class World:
    """A member with a wallet, in a town of three tiers: friend, fan (a card), patron (three)."""

    def __init__(self, town: TownPack, sessions: Sessions, clock: SetClock) -> None:
        self.sessions, self.clock = sessions, clock
        self.holdings = FakeHoldings()
        traits = KeptTraits(sessions, None, clock)
        evidence = MemberEvidence(town, sessions, self.holdings, traits, clock)
        keepers = {"telegram": FakeKeeper()}
        self.doorkeeper = Doorkeeper(town, sessions, evidence, keepers, clock)
        self.member = 0

    async def arrive(self) -> None:
        async with transaction(self.sessions) as session:
            account = await identity.account(
                session, "telegram", "1", locale="ja", now=self.clock()
            )
            await identity.link_wallet(session, account.member_id, WALLET, 1, now=self.clock())
        self.member = account.member_id

    async def swept(self, cards: int | None = None) -> tuple[str | None, bool]:
        """After a sweep: the tier, and whether it is of now."""
        if cards is not None:
            self.holdings.give(WALLET, cards)
        await self.doorkeeper.sweep()
        async with reading(self.sessions) as session:
            row = (
                await session.scalars(select(MemberRow).where(MemberRow.id == self.member))
            ).one()
        return row.tier, row.tier_at == self.clock()


@pytest.fixture
async def world(town: TownPack, sessions: Sessions, clock: SetClock) -> World:
    world = World(told(town), sessions, clock)
    await world.arrive()
    return world


async def test_a_sweep_keeps_the_highest_tier(world: World) -> None:
    assert await world.swept(0) == ("friend", True)
    assert await world.swept(1) == ("fan", True)
    assert await world.swept(3) == ("patron", True)


async def test_who_parts_with_their_cards_falls(world: World) -> None:
    await world.swept(3)
    assert await world.swept(1) == ("fan", True)


async def test_while_nobody_can_tell_the_tier_stays_as_it_was(world: World) -> None:
    await world.swept(3)
    world.clock.advance(2 * DAY)
    world.holdings.outage = {"latest", "finalized"}
    assert await world.swept(0) == ("patron", False)
    world.holdings.outage = set()
    assert await world.swept() == ("friend", True)


async def test_who_gives_up_their_last_proof_keeps_no_tier(world: World) -> None:
    await world.swept(3)
    async with transaction(world.sessions) as session:
        await identity.unlink_wallet(
            session, world.member, WALLET, by="staff:hana", now=world.clock()
        )
    assert await world.swept() == ("friend", True)


async def test_a_rehearsal_writes_nothing(world: World) -> None:
    world.holdings.give(WALLET, 3)
    await world.doorkeeper.rehearse()
    async with reading(world.sessions) as session:
        row = (await session.scalars(select(MemberRow))).one()
    assert (row.tier, row.tier_at) == (None, None)


async def test_the_same_tier_is_written_once_a_day(lite: Sessions, clock: SetClock) -> None:
    async with transaction(lite) as session:
        account = await identity.account(session, "telegram", "1", locale="ja", now=clock())
    written = []
    async with transaction(lite) as session:
        plain = (await session.connection()).sync_connection
        assert plain is not None

        @event.listens_for(plain, "after_cursor_execute")
        def _note(_: object, cursor: object, *__: object) -> None:
            written.append(getattr(cursor, "rowcount", 0))

        for hours in (0, 1, 23, 25):
            now = clock() + timedelta(hours=hours)
            await identity.set_tier(session, account.member_id, "fan", now=now)
    assert written == [1, 0, 0, 1]


def held(cards: int) -> Evidence:
    return Evidence((Holding("resident-card", WALLET, cards, 1),))


def test_a_higher_tier_that_may_yet_be_reached_leaves_the_tier_open(town: TownPack) -> None:
    town = told(town)
    assert reached(town, held(0)) == Reached("friend")
    assert reached(town, Evidence(missing={"resident-card": "no answer"})) is None
    some = Evidence(held(1).holdings, missing={"resident-card": "no answer"})
    assert reached(town, some) is None
    most = Evidence(held(3).holdings, missing={"resident-card": "no answer"})
    assert reached(town, most) == Reached("patron")
    assert reached(town.model_copy(update={"tiers": ()}), held(1)) == Reached(None)
