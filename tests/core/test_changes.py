"""Removals are counted before one is carried out, and many need two people of the staff."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import select

from core import identity
from core.access import Doorkeeper, KeptTraits, MemberEvidence
from core.access.changes import (
    WINDOW,
    Change,
    ChangeKind,
    ChangeState,
    agree,
    changes,
    forget_lists,
    losses_of,
    refuse,
)
from core.access.overrides import Effect, end_override, make_override
from core.database import Sessions, transaction
from core.errors import NotAllowed
from core.tables import AnnouncementRow, AuditRow, LossRow
from core.testing import FakeHoldings, FakeKeeper, SetClock
from core.town import Gate, TokenRule, TownPack

PLACE = "place-of-residents"
GRACE = timedelta(days=7)
ALL = 5


class World:
    """Five members with a card each, in a town that lets two people go without asking."""

    def __init__(self, town: TownPack, sessions: Sessions, clock: SetClock) -> None:
        access = town.access.model_copy(update={"approve_above": 2})
        self.town = town.model_copy(update={"access": access, "perks": ()})
        self.sessions, self.clock = sessions, clock
        self.holdings, self.keeper = FakeHoldings(), FakeKeeper()
        self.members: list[int] = []

    def doorkeeper(self, town: TownPack | None = None) -> Doorkeeper:
        pack = town or self.town
        traits = KeptTraits(self.sessions, None, self.clock)
        evidence = MemberEvidence(pack, self.sessions, self.holdings, traits, self.clock)
        keepers = {"telegram": self.keeper}
        return Doorkeeper(pack, self.sessions, evidence, keepers, self.clock)

    def wallet(self, number: int) -> str:
        return "0x" + str(number) * 40

    async def arrive(self) -> None:
        now = self.clock()
        for number in range(1, ALL + 1):
            async with transaction(self.sessions) as session:
                account = await identity.account(
                    session, "telegram", str(number), locale="ja", now=now
                )
                await identity.link_wallet(
                    session, account.member_id, self.wallet(number), 1, now=now
                )
            self.members.append(account.member_id)
            self.holdings.give(self.wallet(number), 1)
        await self.doorkeeper().sweep()

    def sell(self, *numbers: int) -> None:
        for number in numbers:
            self.holdings.give(self.wallet(number), 0)

    def stricter(self, at_least: int = 2) -> TownPack:
        """The same town, asking for more cards."""
        rule = TokenRule(collection="resident-card", at_least=at_least)
        return self.town.model_copy(
            update={"gates": (self.town.gates[0].model_copy(update={"rule": rule}),)}
        )

    async def notices(self) -> int:
        async with self.sessions() as session:
            rows = await session.scalars(select(AnnouncementRow))
            return len([row for row in rows if row.texts["key"] == "leaving"])

    async def waiting(self) -> Sequence[Change]:
        async with self.sessions() as session:
            found = await changes(session)
        return [each for each in found if each.state is ChangeState.WAITING]

    async def press(self, change: Change, by: str, town: TownPack | None = None) -> ChangeState:
        async with transaction(self.sessions) as session:
            return await agree(
                session,
                change.id,
                by=by,
                digest=change.digest,
                town=town or self.town,
                now=self.clock(),
            )

    async def actions(self) -> list[str]:
        async with self.sessions() as session:
            rows = await session.scalars(select(AuditRow.action).order_by(AuditRow.id))
            return [each for each in rows if "change" in each or "rules" in each]


@pytest.fixture
async def world(town: TownPack, sessions: Sessions, clock: SetClock) -> World:
    world = World(town, sessions, clock)
    await world.arrive()
    return world


async def test_a_few_sales_take_their_course(world: World) -> None:
    world.sell(1, 2)
    report = await world.doorkeeper().sweep()
    assert (report.warned, report.held) == (2, 0)
    assert await world.waiting() == []


async def test_many_sales_at_once_tell_nobody_before_two_people_agreed(world: World) -> None:
    world.sell(1, 2, 3)
    report = await world.doorkeeper().sweep()
    assert (report.warned, report.held) == (0, 3)
    assert await world.notices() == 0
    (change,) = await world.waiting()
    assert (change.kind, change.people) == (ChangeKind.MASS, 3)
    assert change.summary["rooms"] == {"residents": 3}

    assert await world.press(change, "staff:aya") is ChangeState.WAITING
    assert (await world.doorkeeper().sweep()).warned == 0
    assert await world.press(change, "staff:ken") is ChangeState.APPROVED
    assert (await world.doorkeeper().sweep()).warned == 3
    world.clock.advance(GRACE)
    assert (await world.doorkeeper().sweep()).closed == 3
    assert world.keeper.inside[PLACE] == {"4", "5"}


async def test_the_same_person_cannot_be_both(world: World) -> None:
    world.sell(1, 2, 3)
    await world.doorkeeper().sweep()
    (change,) = await world.waiting()
    await world.press(change, "staff:aya")
    with pytest.raises(NotAllowed):
        await world.press(change, "staff:aya")
    assert (await world.waiting())[0].first_by == "staff:aya"


async def test_of_many_who_approve_at_once_one_is_the_second_person(world: World) -> None:
    world.sell(1, 2, 3)
    await world.doorkeeper().sweep()
    (change,) = await world.waiting()
    people = [f"staff:{number}" for number in range(6)]
    outcomes = await asyncio.gather(
        *(world.press(change, each) for each in people), return_exceptions=True
    )
    assert outcomes.count(ChangeState.WAITING) == 1
    assert outcomes.count(ChangeState.APPROVED) == 1
    assert sum(isinstance(each, NotAllowed) for each in outcomes) == 4
    async with world.sessions() as session:
        (settled,) = await changes(session)
    assert settled.first_by != settled.second_by
    assert (await world.actions()).count("access.change-approved") == 1


async def test_one_person_pressing_many_times_at_once_is_still_one(world: World) -> None:
    world.sell(1, 2, 3)
    await world.doorkeeper().sweep()
    (change,) = await world.waiting()
    outcomes = await asyncio.gather(
        *(world.press(change, "staff:aya") for _ in range(5)), return_exceptions=True
    )
    assert outcomes.count(ChangeState.WAITING) == 1
    assert ChangeState.APPROVED not in outcomes


async def test_a_list_that_grew_has_to_be_proposed_again(world: World) -> None:
    world.sell(1, 2, 3)
    await world.doorkeeper().sweep()
    (change,) = await world.waiting()
    await world.press(change, "staff:aya")
    world.sell(4)
    await world.doorkeeper().sweep()
    with pytest.raises(NotAllowed):
        await world.press(change, "staff:ken")
    (again,) = await world.waiting()
    assert (again.id, again.people, again.first_by) == (change.id, 4, None)
    assert "access.change-grew" in await world.actions()


async def test_who_buys_again_is_off_the_list_and_the_first_persons_word_stands(
    world: World,
) -> None:
    world.sell(1, 2, 3, 4)
    await world.doorkeeper().sweep()
    await world.press((await world.waiting())[0], "staff:aya")
    world.holdings.give(world.wallet(4), 1)
    await world.doorkeeper().sweep()
    (change,) = await world.waiting()
    assert (change.people, change.first_by) == (3, "staff:aya")


async def test_when_the_cards_are_back_the_change_is_withdrawn(world: World) -> None:
    world.sell(1, 2, 3)
    await world.doorkeeper().sweep()
    for number in (1, 2, 3):
        world.holdings.give(world.wallet(number), 1)
    await world.doorkeeper().sweep()
    assert await world.waiting() == []
    assert (await world.actions())[-1] == "access.change-withdrawn"


async def test_a_refused_list_is_not_proposed_again_the_same_day(world: World) -> None:
    world.sell(1, 2, 3)
    await world.doorkeeper().sweep()
    (change,) = await world.waiting()
    async with transaction(world.sessions) as session:
        await refuse(session, change.id, by="staff:ken", now=world.clock())
    report = await world.doorkeeper().sweep()
    assert (report.held, await world.waiting()) == (3, [])
    world.clock.advance(timedelta(days=2))
    await world.doorkeeper().sweep()
    assert len(await world.waiting()) == 1


async def test_members_looking_by_themselves_do_not_get_round_the_brake(world: World) -> None:
    world.sell(1, 2, 3)
    for member in world.members:
        await world.doorkeeper().recheck(member)
    assert await world.notices() == 2
    (change,) = await world.waiting()
    assert change.people == 1
    (room,) = await world.doorkeeper().recheck(world.members[2])
    assert [door.held for door in room.doors] == [True]
    world.clock.advance(WINDOW)
    await world.doorkeeper().sweep()
    assert await world.notices() == 3


async def test_a_look_at_some_adds_to_the_list_and_takes_nobody_off(world: World) -> None:
    world.sell(1, 2, 3, 4)
    await world.doorkeeper().recheck_members(world.members[:3])
    assert (await world.waiting())[0].people == 3
    await world.doorkeeper().recheck_members(world.members[1:4])
    assert (await world.waiting())[0].people == 4


# A change of the pack's rules


async def test_stricter_rules_close_nothing_before_two_people_agreed(world: World) -> None:
    stricter = world.stricter()
    report = await world.doorkeeper(stricter).sweep()
    assert (report.warned, report.held) == (0, ALL)
    (change,) = await world.waiting()
    assert (change.kind, change.people) == (ChangeKind.RULES, ALL)
    assert [each["people"] for each in change.summary["reasons"]] == [ALL]
    for member in world.members:
        await world.doorkeeper(stricter).recheck(member)
    assert await world.notices() == 0

    await world.press(change, "staff:aya", stricter)
    assert await world.press(change, "staff:ken", stricter) is ChangeState.APPROVED
    assert (await world.doorkeeper(stricter).sweep()).warned == ALL
    assert "access.rules-applied" in await world.actions()


async def test_a_change_that_touches_few_applies_by_itself(world: World) -> None:
    for number in (1, 2, 3):
        world.holdings.give(world.wallet(number), 2)
    report = await world.doorkeeper(world.stricter()).sweep()
    assert (report.warned, report.held) == (2, 0)
    assert (await world.actions())[-1] == "access.rules-applied"


async def test_a_sale_takes_its_course_while_a_change_waits(world: World) -> None:
    stricter = world.stricter()
    await world.doorkeeper(stricter).sweep()
    world.sell(1)
    report = await world.doorkeeper(stricter).sweep()
    assert (report.warned, report.held) == (1, ALL - 1)


async def test_doors_open_by_the_new_rules_while_the_change_waits(world: World) -> None:
    rule = TokenRule(collection="resident-card")
    second = Gate(name="tea-room", title=world.town.gates[0].title, rule=rule)
    stricter = world.stricter()
    both = stricter.model_copy(update={"gates": (*stricter.gates, second)})
    await world.doorkeeper(both).sweep()
    (change,) = await world.waiting()
    assert change.summary["newcomers"] == {"tea-room": ALL}
    assert len(world.keeper.inside["place-of-tea-room"]) == ALL
    assert len(world.keeper.inside[PLACE]) == ALL


async def test_a_pack_set_back_withdraws_the_change(world: World) -> None:
    await world.doorkeeper(world.stricter()).sweep()
    await world.doorkeeper().sweep()
    assert await world.waiting() == []
    assert await world.notices() == 0


async def test_refused_rules_are_never_carried_out_and_not_proposed_again(world: World) -> None:
    stricter = world.stricter()
    await world.doorkeeper(stricter).sweep()
    (change,) = await world.waiting()
    async with transaction(world.sessions) as session:
        await refuse(session, change.id, by="staff:ken", now=world.clock())
    world.clock.advance(timedelta(days=30))
    report = await world.doorkeeper(stricter).sweep()
    assert (report.held, await world.waiting()) == (ALL, [])


async def test_rules_cannot_be_planned_while_nobody_can_tell(world: World) -> None:
    world.holdings.away = {"resident-card"}
    stricter = world.stricter()
    await world.doorkeeper(stricter).sweep()
    (change,) = await world.waiting()
    assert change.people == 0
    assert change.summary["undecided"] == ALL
    world.holdings.away = set()
    await world.doorkeeper(stricter).sweep()
    assert [each.people for each in await world.waiting()] == [ALL]
    assert await world.notices() == 0


async def test_what_was_approved_for_one_pack_is_not_for_another(world: World) -> None:
    await world.doorkeeper(world.stricter()).sweep()
    (change,) = await world.waiting()
    await world.press(change, "staff:aya", world.stricter())
    with pytest.raises(NotAllowed):
        await world.press(change, "staff:ken", world.stricter(at_least=3))
    assert len(await world.waiting()) == 1


async def test_a_room_taken_out_of_the_pack_is_a_change_too(world: World) -> None:
    none = world.town.model_copy(update={"gates": ()})
    report = await world.doorkeeper(none).sweep()
    assert (report.warned, report.held) == (0, ALL)
    (change,) = await world.waiting()
    assert change.summary["reasons"] == [{"gate": "residents", "reason": None, "people": ALL}]


async def test_who_leaves_the_town_is_off_every_list(world: World) -> None:
    world.sell(1, 2, 3)
    await world.doorkeeper().sweep()
    (change,) = await world.waiting()
    async with transaction(world.sessions) as session:
        assert len(await losses_of(session, change.id)) == 3
        await identity.forget(session, world.members[0], now=world.clock())
    async with world.sessions() as session:
        left = await session.scalars(select(LossRow.member_id))
        assert world.members[0] not in set(left)


# The town office's word


async def test_staff_let_somebody_in_until_a_day(world: World) -> None:
    now, member = world.clock(), world.members[0]
    world.sell(1)
    async with transaction(world.sessions) as session:
        await make_override(
            session,
            member,
            "residents",
            Effect.ADMIT,
            reason="guest speaker",
            until=now + timedelta(days=3),
            by="staff:aya",
            now=now,
        )
    assert (await world.doorkeeper().sweep()).warned == 0
    world.clock.advance(timedelta(days=3))
    assert (await world.doorkeeper().sweep()).warned == 1


async def test_a_protected_member_keeps_the_room_until_the_protection_ends(world: World) -> None:
    now, member = world.clock(), world.members[0]
    world.sell(1)
    async with transaction(world.sessions) as session:
        number = await make_override(
            session,
            member,
            "residents",
            Effect.PROTECT,
            reason="card is being replaced",
            until=now + timedelta(days=30),
            by="staff:aya",
            now=now,
        )
    assert (await world.doorkeeper().sweep()).warned == 0
    async with transaction(world.sessions) as session:
        assert await end_override(session, number, by="staff:ken", now=now) == member
    assert (await world.doorkeeper().sweep()).warned == 1


@pytest.mark.parametrize("days", [0, -1, 400])
async def test_an_override_ends_within_a_year_and_has_a_reason(world: World, days: int) -> None:
    now = world.clock()
    for until, reason in ((now + timedelta(days=days), "why"), (now + timedelta(days=1), "  ")):
        async with transaction(world.sessions) as session:
            with pytest.raises(NotAllowed):
                await make_override(
                    session,
                    world.members[0],
                    "residents",
                    Effect.ADMIT,
                    reason=reason,
                    until=until,
                    by="staff:aya",
                    now=now,
                )


async def test_a_rehearsal_counts_all_and_moves_nothing(world: World) -> None:
    rule = TokenRule(collection="resident-card")
    second = Gate(name="tea-room", title=world.town.gates[0].title, rule=rule)
    stricter = world.stricter()
    both = stricter.model_copy(update={"gates": (*stricter.gates, second)})
    world.sell(1)
    inside = {place: set(people) for place, people in world.keeper.inside.items()}
    found = await world.doorkeeper(both).rehearse()
    assert (found.changed, found.waits, found.limit) == (True, True, 2)
    assert (found.by_rules.people, found.by_rules.rooms) == (ALL - 1, {"residents": ALL - 1})
    assert (found.ordinary.people, found.newcomers) == (1, {"tea-room": ALL - 1})
    assert world.keeper.inside == inside
    assert (await world.notices(), await world.waiting()) == (0, [])
    assert not (await world.doorkeeper().rehearse()).changed


async def test_the_list_of_a_settled_change_is_forgotten_and_its_figures_stay(
    world: World,
) -> None:
    world.sell(1, 2, 3)
    await world.doorkeeper().sweep()
    (change,) = await world.waiting()
    async with transaction(world.sessions) as session:
        await forget_lists(session, before=world.clock() + timedelta(days=1))
        assert len(await losses_of(session, change.id)) == 3  # it still waits
        await refuse(session, change.id, by="staff:ken", now=world.clock())
        await forget_lists(session, before=world.clock() + timedelta(days=1))
        assert await losses_of(session, change.id) == []
        assert [each.people for each in await changes(session)] == [3]
