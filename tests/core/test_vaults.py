"""Cold wallets by delegate.xyz: offered to their delegate, linked by a word, let go with it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from core import identity
from core.chain.values import BlockChoice, Delegation, DelegationKind, Finality
from core.database import Sessions, transaction
from core.errors import ChainUnavailable
from core.testing import SetClock
from core.town import TownPack
from core.vaults import Vaults

HOT = "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"
VAULT = "0x2B5AD5c4795c026514f8317c7a215E218DcCD6cF"
SAFE = "0x6813Eb9362372EEF6200f3b1dbC3f819671cBA69"


@dataclass
class Registry:
    """What the registry says, or that nobody could tell."""

    incoming: dict[str, list[Delegation]] = field(default_factory=dict)
    latest: dict[str, list[Delegation]] = field(default_factory=dict)  # not final yet
    unknown: bool = False
    down: bool = False

    def name(self, kind: DelegationKind, vault: str = VAULT, contract: str | None = None) -> None:
        token = 1 if kind == "ERC721" else None
        self.incoming.setdefault(HOT, []).append(Delegation(vault, kind, contract, token, None))

    async def block(self, chain_id: int, finality: Finality) -> int:  # noqa: ARG002
        if self.down:
            raise ChainUnavailable("no answer")
        return 1

    async def delegations(
        self,
        chain_id: int,  # noqa: ARG002
        delegates: Sequence[str],
        *,
        block: BlockChoice = "latest",
    ) -> tuple[tuple[Delegation, ...] | None, ...]:
        if self.down:
            raise ChainUnavailable("no answer")
        if self.unknown:
            return tuple(None for _ in delegates)
        fresh = self.latest if block == "latest" else {}
        return tuple((*self.incoming.get(each, ()), *fresh.get(each, ())) for each in delegates)


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def desk(town: TownPack, lite: Sessions, clock: SetClock, registry: Registry) -> Vaults:
    return Vaults(town, lite, registry, clock)


async def holder(lite: Sessions, clock: SetClock, town: TownPack, address: str = HOT) -> int:
    async with transaction(lite) as session:
        account = await identity.account(session, "telegram", address, locale="ja", now=clock())
        chain = town.collections[0].chain_id
        await identity.link_wallet(session, account.member_id, address, chain, now=clock())
    return account.member_id


async def addresses(lite: Sessions, member: int) -> list[str]:
    async with transaction(lite) as session:
        return await identity.wallets_of(session, member)


async def test_a_vault_is_offered_linked_and_let_go_when_the_delegation_is_over(
    desk: Vaults, registry: Registry, lite: Sessions, clock: SetClock, town: TownPack
) -> None:
    member = await holder(lite, clock, town)
    registry.name("ALL")
    assert [each.vault for each in await desk.offers(member)] == [VAULT]
    assert await addresses(lite, member) == [HOT]  # nothing is linked by itself
    assert await desk.link(member, VAULT)
    assert await desk.offers(member) == []
    assert await desk.look_again() == []
    registry.incoming.clear()
    assert await desk.look_again() == [member]
    assert await addresses(lite, member) == [HOT]


async def test_a_delegation_that_is_not_final_yet_is_kept(
    desk: Vaults, registry: Registry, lite: Sessions, clock: SetClock, town: TownPack
) -> None:
    member = await holder(lite, clock, town)
    registry.latest[HOT] = [Delegation(VAULT, "ALL", None, None, None)]
    assert await desk.link(member, VAULT)
    assert await desk.look_again() == []
    assert VAULT in await addresses(lite, member)
    registry.latest.clear()
    assert await desk.look_again() == [member]


@pytest.mark.parametrize("silence", ["down", "unknown"])
async def test_while_nobody_can_tell_a_vault_stays(
    desk: Vaults,
    registry: Registry,
    lite: Sessions,
    clock: SetClock,
    town: TownPack,
    silence: str,
) -> None:
    member = await holder(lite, clock, town)
    registry.name("ALL")
    await desk.link(member, VAULT)
    registry.incoming.clear()
    setattr(registry, silence, True)
    assert await desk.look_again() == []
    assert VAULT in await addresses(lite, member)
    with pytest.raises(ChainUnavailable):
        await desk.offers(member)


async def test_a_delegation_must_reach_what_the_town_counts(
    desk: Vaults, registry: Registry, lite: Sessions, clock: SetClock, town: TownPack
) -> None:
    member = await holder(lite, clock, town)
    contract = town.collections[0].contract
    registry.name("CONTRACT", VAULT, SAFE)  # another contract
    registry.name("ERC721", VAULT, contract)  # one token alone
    assert await desk.offers(member) == []
    assert not await desk.link(member, VAULT)
    registry.name("CONTRACT", VAULT, contract)
    assert await desk.link(member, VAULT)


async def test_a_wallet_of_another_member_is_not_taken_by_a_delegation(
    desk: Vaults, registry: Registry, lite: Sessions, clock: SetClock, town: TownPack
) -> None:
    member, other = await holder(lite, clock, town), await holder(lite, clock, town, VAULT)
    registry.name("ALL")
    assert not await desk.link(member, VAULT)
    assert await addresses(lite, other) == [VAULT]


async def test_a_vault_named_on_two_chains_is_offered_once_and_let_go_chain_by_chain(
    registry: Registry, lite: Sessions, clock: SetClock, town: TownPack
) -> None:
    first = town.collections[0]
    more = first.model_copy(update={"name": "other", "chain_id": 4_242})
    desk = Vaults(town.model_copy(update={"collections": (first, more)}), lite, registry, clock)
    member = await holder(lite, clock, town)
    registry.name("ALL")
    offers = await desk.offers(member)
    assert {(each.vault, each.chain_id) for each in offers} == {
        (VAULT, first.chain_id),
        (VAULT, 4_242),
    }
    assert await desk.link(member, VAULT)
    async with transaction(lite) as session:
        found = await identity.linked_wallets(session, member)
        assert {each.chain_id for each in found} == {None, first.chain_id, 4_242}
        assert await identity.drop_vault(session, VAULT, 4_242, via=HOT, now=clock())
        left = await identity.linked_wallets(session, member)
    assert {each.chain_id for each in left} == {None, first.chain_id}
    assert [each.chain_id for each in await desk.offers(member)] == [4_242]
