"""Platforms that are not open: who is only there is counted beforehand, and named afterwards."""

from pathlib import Path

from pydantic import SecretStr

from core import announcements, identity
from core.announcements import AnnouncementState
from core.database import reading, transaction
from core.testing import SetClock
from tests.bots.web.announcing import (
    WORDS,
    chat,
    drafted,
    looked,
    members,
    office,
    pumped,
    state_of,
)
from tests.bots.web.stage import Visitor, World
from tests.bots.web.test_console import enter

NOT_REACHED = "2 people are only on Discord, which is not connected: they cannot be told."
WAITS = "Waiting for Discord: the connection is not open."


async def on_discord(world: World, count: int) -> None:
    async with transaction(world.app.sessions) as session:
        for number in range(count):
            account = await identity.account(
                session, "discord", str(number), locale="ja", now=world.clock()
            )
            await identity.set_wants_messages(session, account.member_id, wants=True)


async def sent(world: World, staff: Visitor) -> str:
    await members(world, 1)
    await on_discord(world, 2)
    await enter(world, staff)
    path = await drafted(staff)
    await staff.post(f"{path}/confirm", when="now")
    assert await pumped(world) == 1
    return path


async def test_nobody_is_waited_for_on_a_platform_without_a_token(
    tmp_path: Path, clock: SetClock
) -> None:
    async with (
        office(tmp_path, clock, approve_above=0, direct_on_discord=True) as world,
        world.visitor() as hana,
    ):
        path = await sent(world, hana)
        assert await state_of(world, path) is AnnouncementState.DONE
        drawn = await looked(hana, **WORDS, reach="direct")
        assert NOT_REACHED in drawn["reach"]
        assert NOT_REACHED in (await hana.get(await drafted(hana))).text


async def test_a_platform_that_is_away_is_waited_for_and_the_page_says_so(
    tmp_path: Path, clock: SetClock
) -> None:
    async with (
        office(tmp_path, clock, approve_above=0, direct_on_discord=True) as world,
        world.visitor() as hana,
    ):
        token = {"discord_token": SecretStr("not-a-real-token")}
        world.app.settings = world.app.settings.model_copy(update=token)
        path = await sent(world, hana)
        assert WAITS in (await hana.get(path)).text
        assert WAITS in (await hana.get(f"{path}/progress")).text
        number = int(path.rpartition("/")[2])
        async with reading(world.app.sessions) as session:
            assert await announcements.under_way_on(session, number) == ["discord"]
        chat(world, "discord")
        await pumped(world, "discord")
        done = (await hana.get(path)).text
        assert await state_of(world, path) is AnnouncementState.DONE
        assert "Waiting for" not in done
