"""Cards kept elsewhere: a member looks for them and links them on the page of what is kept."""

from eth_account import Account

from core import identity
from core.chain.values import Delegation
from core.database import reading
from core.vaults import Vaults
from tests.bots.web.stage import World
from tests.core.test_vaults import VAULT, Registry


async def test_a_card_kept_elsewhere_is_found_and_linked_on_the_web(world: World) -> None:
    registry, key = Registry(), Account.create()
    app = world.app
    app.vaults = Vaults(app.town, app.sessions, registry, app.clock)
    async with world.visitor() as visitor:
        await visitor.prove(await visitor.link(), key, world.chain_id)
        assert "Look for cards kept elsewhere" in (await visitor.get("/mydata")).text
        assert "No other card was found" in (await visitor.post("/mydata/vaults")).text
        registry.down = True
        assert "cannot check cards right now" in (await visitor.post("/mydata/vaults")).text
        registry.down = False
        registry.incoming[key.address] = [Delegation(VAULT, "ALL", None, None, None)]
        offered = (await visitor.post("/mydata/vaults")).text
        assert f"Link {VAULT[:4]}…{VAULT[-2:]}" in offered
        done = (await visitor.post("/mydata/vaults/link", vault=VAULT)).text
        assert "has been linked" in done
        assert "by way of" in done
        again = (await visitor.post("/mydata/vaults/link", vault=VAULT)).text
        assert "could not be linked" in again
    async with reading(app.sessions) as session:
        (member,) = await identity.members_at(session, VAULT)
        assert member in await identity.members_at(session, key.address)


async def test_who_is_no_member_is_offered_nothing(world: World) -> None:
    async with world.visitor() as visitor:
        assert (await visitor.post("/mydata/vaults")).status == 403
        assert (await visitor.post("/mydata/vaults/link", vault=VAULT)).status == 403
