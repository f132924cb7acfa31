"""What somebody moved by hand on a platform is found by looking, and put back."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from core import identity
from core.access import Doorkeeper, KeptTraits, MemberEvidence
from core.access.changes import ChangeKind, ChangeState, agree, changes
from core.access.drift import Drift
from core.database import Sessions, transaction
from core.errors import PlatformUnavailable
from core.tables import AnnouncementRow, AuditRow, GrantRow
from core.testing import FakeHoldings, FakeKeeper, SetClock
from core.town import TownPack

PLACE = "place-of-residents"


def wallet(number: int) -> str:
    return "0x" + f"{number:02}" * 20


class World:
    """Two members: one with a card, one without."""

    def __init__(self, town: TownPack, sessions: Sessions, clock: SetClock) -> None:
        self.town, self.sessions, self.clock = town, sessions, clock
        self.holdings = FakeHoldings()
        self.keeper = FakeKeeper("discord", lists=True)
        self.waits: list[float] = []
        self.holder = self.other = 0

    @property
    def inside(self) -> set[str]:
        return self.keeper.inside.setdefault(PLACE, set())

    def _evidence(self) -> MemberEvidence:
        traits = KeptTraits(self.sessions, None, self.clock)
        return MemberEvidence(self.town, self.sessions, self.holdings, traits, self.clock)

    async def sweep(self) -> None:
        keepers = {"discord": self.keeper}
        await Doorkeeper(self.town, self.sessions, self._evidence(), keepers, self.clock).sweep()

    def drift(self) -> Drift:
        async def sleep(seconds: float) -> None:
            self.waits.append(seconds)

        return Drift(
            self.town,
            self.sessions,
            self._evidence(),
            {"discord": self.keeper},
            self.clock,
            sleep=sleep,
        )

    def allow(self, **access: object) -> None:
        changed = self.town.access.model_copy(update=access)
        self.town = self.town.model_copy(update={"access": changed})

    async def member(self, number: int, *, card: bool) -> int:
        now = self.clock()
        async with transaction(self.sessions) as session:
            account = await identity.account(session, "discord", str(number), locale="ja", now=now)
            await identity.link_wallet(session, account.member_id, wallet(number), 1, now=now)
        if card:
            self.holdings.give(wallet(number), 1)
        return account.member_id

    async def notices(self) -> list[str]:
        async with self.sessions() as session:
            rows = await session.scalars(select(AnnouncementRow).order_by(AnnouncementRow.id))
            return [row.texts["key"] for row in rows]

    async def actions(self) -> list[str]:
        async with self.sessions() as session:
            rows = await session.scalars(select(AuditRow.action).order_by(AuditRow.id))
            return [each for each in rows if each.endswith("-back")]


@pytest.fixture
async def world(town: TownPack, sessions: Sessions, clock: SetClock) -> World:
    world = World(town, sessions, clock)
    world.holder = await world.member(1, card=True)
    world.other = await world.member(2, card=False)
    await world.sweep()
    return world


async def test_a_role_given_by_hand_is_taken_back_and_the_member_told(world: World) -> None:
    world.inside.add("2")
    report = await world.drift().look()
    assert (world.inside, report.repaired) == ({"1"}, 1)
    assert await world.notices() == ["taken-back"]
    assert await world.actions() == ["access.taken-back"]


async def test_a_role_given_to_somebody_nobody_knows_is_taken_back(world: World) -> None:
    world.inside.add("stranger")
    await world.drift().look()
    assert world.inside == {"1"}
    assert await world.notices() == []


async def test_a_role_taken_by_hand_from_who_belongs_is_given_back(world: World) -> None:
    await world.drift().look()
    world.inside.clear()
    report = await world.drift().look()
    assert (world.inside, report.repaired) == ({"1"}, 1)
    assert await world.notices() == ["given-back"]


async def test_nothing_that_is_as_it_should_be_is_touched(world: World) -> None:
    for _ in range(2):
        report = await world.drift().look()
        assert (report.repaired, report.held, world.waits) == (0, 0, [])
    async with world.sessions() as session:
        (grant,) = await session.scalars(select(GrantRow))
    assert grant.seen_inside is True


async def test_who_left_the_server_is_not_called_back_at_every_look(world: World) -> None:
    asked = 0

    class Gone(FakeKeeper):
        async def standing(self, place: str, accounts: object) -> dict[str, bool]:
            del place, accounts
            nonlocal asked
            asked += 1
            return {}

    world.keeper = Gone("discord", lists=True)
    for _ in range(3):
        await world.drift().look()
    assert (asked, world.inside) == (1, set())


@pytest.mark.parametrize("finality", ["latest", "finalized"])
async def test_while_nobody_can_tell_nothing_is_taken_back(world: World, finality: str) -> None:
    world.inside.add("2")
    world.holdings.outage = {finality}  # type: ignore[arg-type]
    await world.drift().look()
    assert world.inside == {"1", "2"}


async def test_the_protected_keep_what_they_were_given_by_hand(world: World) -> None:
    world.allow(protected=("discord:2",))
    world.inside.add("2")
    await world.drift().look()
    assert world.inside == {"1", "2"}


async def test_a_pack_may_ask_for_a_report_only(world: World) -> None:
    world.allow(by_hand="report")
    world.inside.add("2")
    world.inside.discard("1")
    report = await world.drift().look()
    assert (world.inside, report.by_hand) == ({"2"}, {"residents": 2})


async def test_many_given_by_hand_wait_for_two_people(world: World) -> None:
    world.allow(approve_above=2)
    world.inside.update({"7", "8", "9"})
    report = await world.drift().look()
    assert (report.repaired, report.held) == (0, 3)
    async with world.sessions() as session:
        (change,) = await changes(session)
    assert change.kind is ChangeKind.BY_HAND
    for by in ("staff:aya", "staff:ken"):
        async with transaction(world.sessions) as session:
            await agree(
                session,
                change.id,
                by=by,
                digest=change.digest,
                town=world.town,
                now=world.clock(),
            )
    await world.sweep()  # the sweep's own brake does not touch this change
    assert (await world.drift().look()).repaired == 3
    assert world.inside == {"1"}


async def test_what_one_look_after_the_other_takes_back_is_counted_together(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.access.drift.ASKED", 2)
    world.keeper.lists = False
    world.allow(approve_above=2)
    for number in range(3, 9):
        await world.member(number, card=False)
    world.inside.update(str(number) for number in range(3, 9))
    looks = world.drift()  # the same one goes on where it stood
    for _ in range(8):
        await looks.look()
    assert len(world.inside) == 1 + 4
    async with world.sessions() as session:
        (change,) = await changes(session)
    assert (change.people, change.state) == (4, ChangeState.WAITING)
    for by in ("staff:aya", "staff:ken"):
        async with transaction(world.sessions) as session:
            await agree(
                session,
                change.id,
                by=by,
                digest=change.digest,
                town=world.town,
                now=world.clock(),
            )
    for _ in range(5):
        await looks.look()
    assert world.inside == {"1"}
    world.inside.update({"3", "4"})  # what two people approved does not count against the hour
    world.clock.advance(timedelta(hours=2))
    for _ in range(5):
        await looks.look()
    assert world.inside == {"1"}


async def test_a_look_at_some_withdraws_nobody_whom_it_did_not_look_at(world: World) -> None:
    world.allow(approve_above=0)
    world.inside.add("2")
    await world.drift().look()
    world.keeper.error = PlatformUnavailable("discord is away")
    await world.drift().look()
    async with world.sessions() as session:
        (change,) = await changes(session)
    assert (change.people, change.state) == (1, ChangeState.WAITING)
    world.keeper.error = None
    world.inside.discard("2")
    await world.drift().look()
    async with world.sessions() as session:
        (change,) = await changes(session)
    assert change.state is ChangeState.WITHDRAWN


async def test_who_was_let_in_by_right_before_their_turn_came_stays(world: World) -> None:
    world.inside.add("2")
    drift = world.drift()

    async def meanwhile(_: float) -> None:
        world.holdings.give(wallet(2), 1)
        await world.sweep()

    drift._sleep = meanwhile
    assert (await drift.look()).repaired == 0
    assert world.inside == {"1", "2"}


async def test_edits_are_paced_and_bounded(world: World) -> None:
    world.allow(approve_above=1000)
    world.inside.update(str(number) for number in range(100, 170))
    await world.drift().look()
    assert len(world.waits) == 50
    await world.drift().look()
    assert world.inside == {"1"}


async def test_a_platform_that_is_away_is_looked_at_the_next_time(world: World) -> None:
    world.inside.add("2")
    world.keeper.error = PlatformUnavailable("discord is away")
    assert (await world.drift().look()).troubles == ["discord is away"]
    world.keeper.error = None
    await world.drift().look()
    assert world.inside == {"1"}


async def test_where_nobody_is_listed_members_are_asked_about(world: World) -> None:
    world.keeper.lists = False
    world.inside.update({"2", "stranger"})
    await world.drift().look()
    assert world.inside == {"1", "stranger"}


async def test_a_door_about_to_close_is_not_opened_again_by_hand_or_by_us(world: World) -> None:
    world.holdings.give(wallet(1), 0)
    await world.sweep()
    world.inside.clear()
    await world.drift().look()
    assert world.inside == set()
    world.clock.advance(timedelta(days=7))
    await world.sweep()
    world.inside.add("1")
    await world.drift().look()
    assert world.inside == set()
