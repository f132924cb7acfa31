"""What is read of a member: chain by chain, with every gap named."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from core import identity
from core.access import Evidence, KeptTraits, MemberEvidence
from core.access.traits import FRESH, TRY_AGAIN
from core.database import Sessions, transaction
from core.tables import CredentialRow
from core.testing import FakeHoldings, SetClock
from core.town import Chain, Collection, Gate, Localised, TokenRule, TownPack

WALLET = "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"
WORDS = Localised({"ja": "名前"})
CONTRACTS = ("0xF2E246BB76DF876Cef8b38ae84130F4F55De395b",) * 2


class FakeTraits:
    """Metadata hosts: what each token says, or nothing at all."""

    def __init__(self) -> None:
        self.known: dict[int, Mapping[str, str]] = {}
        self.away = False
        self.asked: list[int] = []

    async def traits(self, collection: Collection, token_id: int) -> Mapping[str, str] | None:
        del collection
        self.asked.append(token_id)
        return None if self.away else self.known.get(token_id)


class World:
    """A member with a wallet, in a town with collections on two chains."""

    def __init__(self, town: TownPack, sessions: Sessions, clock: SetClock) -> None:
        one, two = (
            Collection(
                name=name, title=WORDS, chain_id=chain, contract=CONTRACTS[0], legal_note=WORDS
            )
            for name, chain in (("east", 1), ("west", 2))
        )
        gold = TokenRule(collection="east", tokens=("1-9",), traits={"rank": ("gold",)})
        self.town = town.model_copy(
            update={
                "chains": (Chain(id=1, name="1"), Chain(id=2, name="2")),
                "collections": (one, two),
                "gates": (Gate(name="gold", title=WORDS, rule=gold),),
            }
        )
        self.sessions, self.clock = sessions, clock
        self.holdings, self.metadata = FakeHoldings("none"), FakeTraits()
        traits = KeptTraits(sessions, self.metadata, clock)
        self.reader = MemberEvidence(self.town, sessions, self.holdings, traits, clock)
        self.member = 0

    async def arrive(self, *, wallet: bool = True) -> None:
        now = self.clock()
        async with transaction(self.sessions) as session:
            account = await identity.account(session, "telegram", "1", locale="ja", now=now)
            self.member = account.member_id
            if wallet:
                await identity.link_wallet(session, self.member, WALLET, 1, now=now)

    async def read(self) -> Evidence:
        return await self.reader.of(self.member, finality="finalized")


@pytest.fixture
async def world(town: TownPack, sessions: Sessions, clock: SetClock) -> World:
    world = World(town, sessions, clock)
    await world.arrive()
    return world


async def test_a_chain_that_is_away_makes_only_its_own_collections_missing(world: World) -> None:
    world.holdings.give_tokens(WALLET, "east", {20: 1})
    world.holdings.give_tokens(WALLET, "west", {7: 2})
    world.holdings.away = {"east"}
    found = await world.read()
    assert set(found.missing) == {"east"}
    assert [(each.collection, each.balance) for each in found.holdings] == [("west", 2)]


async def test_who_has_no_wallet_is_not_asked_for_and_misses_nothing(
    town: TownPack, lite: Sessions, clock: SetClock
) -> None:
    world = World(town, lite, clock)
    await world.arrive(wallet=False)
    world.holdings.away = {"east", "west"}
    assert (await world.read()).missing == {}
    assert world.holdings.asked == 0


async def test_proofs_count_while_they_live(world: World) -> None:
    now = world.clock()
    async with transaction(world.sessions) as session:
        for name, expires, revoked in (
            ("live", now + timedelta(days=1), None),
            ("over", now, None),
            ("revoked", None, now),
        ):
            session.add(
                CredentialRow(
                    member_id=world.member,
                    proof=name,
                    subject=name,
                    proved_at=now,
                    expires_at=expires,
                    revoked_at=revoked,
                )
            )
    assert [each.proof for each in (await world.read()).credentials] == ["live"]


async def test_metadata_is_read_only_for_tokens_that_a_rule_asks_about(world: World) -> None:
    world.holdings.give_tokens(WALLET, "east", {3: 1, 10: 1})
    world.holdings.give_tokens(WALLET, "west", {4: 1})
    world.metadata.known = {3: {"rank": "gold"}}
    found = await world.read()
    assert found.traits == {("east", 3): {"rank": "gold"}}
    assert world.metadata.asked == [3]


async def test_traits_are_kept_for_a_day_and_then_read_again(world: World) -> None:
    world.holdings.give_tokens(WALLET, "east", {3: 1})
    world.metadata.known = {3: {"rank": "gold"}}
    await world.read()
    world.metadata.known = {3: {"rank": "tin"}}
    assert (await world.read()).traits == {("east", 3): {"rank": "gold"}}
    world.clock.advance(FRESH)
    assert (await world.read()).traits == {("east", 3): {"rank": "tin"}}


async def test_a_metadata_host_that_is_away_takes_nothing_from_what_was_read(
    world: World,
) -> None:
    world.holdings.give_tokens(WALLET, "east", {3: 1})
    world.metadata.known = {3: {"rank": "gold"}}
    await world.read()
    world.metadata.away = True
    world.clock.advance(FRESH * 3)
    assert (await world.read()).traits == {("east", 3): {"rank": "gold"}}


async def test_what_could_not_be_read_is_asked_for_again_after_a_while(world: World) -> None:
    world.holdings.give_tokens(WALLET, "east", {3: 1})
    world.metadata.away = True
    assert (await world.read()).traits == {("east", 3): None}
    world.metadata.away, world.metadata.known = False, {3: {"rank": "gold"}}
    assert (await world.read()).traits == {("east", 3): None}
    world.clock.advance(TRY_AGAIN)
    assert (await world.read()).traits == {("east", 3): {"rank": "gold"}}


async def test_traits_that_vanish_are_believed_gone_after_a_second_look_a_day_later(
    world: World,
) -> None:
    gold: dict[tuple[str, int], dict[str, str] | None] = {("east", 3): {"rank": "gold"}}
    world.holdings.give_tokens(WALLET, "east", {3: 1})
    world.metadata.known = {3: {"rank": "gold"}}
    assert (await world.read()).traits == gold
    world.metadata.known = {3: {}}
    world.clock.advance(FRESH)
    assert (await world.read()).traits == gold
    world.clock.advance(FRESH / 2)
    assert (await world.read()).traits == gold
    world.clock.advance(FRESH / 2)
    assert (await world.read()).traits == {("east", 3): {}}


async def test_traits_that_come_back_in_between_count_as_never_gone(world: World) -> None:
    world.holdings.give_tokens(WALLET, "east", {3: 1})
    looks: list[dict[str, str]] = [{"rank": "gold"}, {}, {"rank": "silver"}, {}]
    for known in looks:
        world.metadata.known = {3: known}
        found = (await world.read()).traits
        world.clock.advance(FRESH)
    assert found == {("east", 3): {"rank": "silver"}}


async def test_traits_that_are_empty_from_the_first_look_are_known_at_once(world: World) -> None:
    world.holdings.give_tokens(WALLET, "east", {3: 1})
    world.metadata.known = {3: {}}
    assert (await world.read()).traits == {("east", 3): {}}


async def test_a_token_number_of_256_bits_is_kept(world: World) -> None:
    big = 2**256 - 1
    kept = KeptTraits(world.sessions, world.metadata, world.clock)
    world.metadata.known = {big: {"rank": "gold"}}
    (collection, _) = world.town.collections
    await kept.of(collection, [big])
    again = KeptTraits(world.sessions, None, world.clock)
    assert await again.of(collection, [big]) == {big: {"rank": "gold"}}
