"""What a platform does not take as one message is warned of, and not sent."""

from pathlib import Path

import pytest
from sqlalchemy import update

from core.announcements import AnnouncementState
from core.database import transaction
from core.tables import AnnouncementRow
from core.testing import SetClock
from tests.bots.web.announcing import (
    HEADING,
    NEW,
    WORDS,
    drafted,
    looked,
    members,
    office,
    pumped,
    state_of,
)
from tests.bots.web.stage import World
from tests.bots.web.test_console import enter

SENTENCE = "Too long for one message of Telegram. Please shorten it."
FLOWERS = "🌸" * 2_900
"""Few enough characters; each is two of Telegram's."""


async def lengthened(world: World, path: str) -> None:
    """The draft's words as an earlier version, which did not look, would have kept them."""
    async with transaction(world.app.sessions) as session:
        await session.execute(
            update(AnnouncementRow)
            .where(AnnouncementRow.id == int(path.rpartition("/")[2]))
            .values(texts={"ja": {"heading": HEADING, "body": FLOWERS}})
        )


async def test_words_too_long_for_a_platform_are_a_fault_and_stay_in_the_form(
    tmp_path: Path, clock: SetClock
) -> None:
    async with office(tmp_path, clock, approve_above=0) as world, world.visitor() as hana:
        await members(world, 1)
        await enter(world, hana)
        given = {**WORDS, "body-ja": FLOWERS, "reach": "direct"}
        assert SENTENCE in (await looked(hana, **given))["looks"]
        seen = await hana.post(NEW, given)
        assert (seen.status, SENTENCE in seen.text, FLOWERS in seen.text) == (422, True, True)
        assert 'href="#body-ja"' in seen.text
        kept = await hana.post(NEW, given, step="keep")  # a draft may be shortened later
        assert kept.status == 200


async def test_what_is_too_long_is_not_confirmed_and_the_times_stay(
    tmp_path: Path, clock: SetClock
) -> None:
    async with office(tmp_path, clock, approve_above=0) as world, world.visitor() as hana:
        await members(world, 1)
        await enter(world, hana)
        path = await drafted(hana)
        await lengthened(world, path)
        times = {"when": "later", "start-day": "2026-12-24", "start-time": "17:45"}
        seen = await hana.post(f"{path}/confirm", times)
        assert (seen.status, seen.text.count(SENTENCE) >= 2) == (422, True)
        assert 'value="2026-12-24"' in seen.text
        assert 'value="17:45"' in seen.text
        assert await state_of(world, path) is AnnouncementState.DRAFT


@pytest.mark.parametrize("reach", ["direct", "room"])
async def test_words_that_replace_what_arrived_have_to_fit_as_well(
    tmp_path: Path, clock: SetClock, reach: str
) -> None:
    async with office(tmp_path, clock, approve_above=0) as world, world.visitor() as hana:
        await members(world, 1)
        await enter(world, hana)
        path = await drafted(hana, reach=reach)
        await hana.post(f"{path}/confirm", when="now")
        await pumped(world, "telegram")
        await pumped(world, "web")
        fields = {**WORDS, "body-ja": FLOWERS, "revision": "1"}
        seen = await hana.post(f"{path}/change", fields)
        to_telegram = reach == "direct"  # the board of this town is our page alone
        assert (seen.status == 422, SENTENCE in seen.text) == (to_telegram, to_telegram)
