"""An announcement desk on a real socket: members who asked for messages, and a chat that takes."""

import io
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from PIL import Image

from core import announcements, identity
from core.announcements import AnnouncementState
from core.database import transaction
from core.testing import FakeKeeper, FakeMessenger, SetClock
from core.town import load
from tests.bots.web.stage import Seen, Visitor, World, open_town
from tests.conftest import ROOT

HEADING = "山焼きのお知らせ"
BODY = "2026年2月15日 午前9時から行います。<b>定員は50名です。"
WORDS = {"heading-ja": HEADING, "body-ja": BODY}
ENGLISH = {
    "heading-en": "Grassland burning",
    "body-en": "On 15 February 2026 from 9 a.m. Up to 50 people.",
}
NEW = "/console/announcements"


@asynccontextmanager
async def office(folder: Path, clock: SetClock, **changes: object) -> AsyncIterator[World]:
    """A town whose keys under ``[announcements]`` are others, with Telegram that takes all."""
    pack = load(ROOT / "towns" / "mine")
    table = pack.announcements.model_copy(update=changes)
    town = pack.model_copy(update={"announcements": table})
    async with open_town(folder, clock, demo=False, town=town) as world:
        chat(world)
        yield world


def chat(world: World, platform: str = "telegram", *, rate: float = 100) -> FakeMessenger:
    messenger = FakeMessenger(platform)
    world.app.add_platform(FakeKeeper(platform), messenger, rate=rate)
    return messenger


def telegram(world: World) -> FakeMessenger:
    found = world.app.messengers["telegram"]
    assert isinstance(found, FakeMessenger)
    return found


async def members(world: World, count: int, *, locale: str = "ja") -> list[int]:
    """People on Telegram who asked for messages."""
    found = []
    async with transaction(world.app.sessions) as session:
        for number in range(count):
            account = await identity.account(
                session, "telegram", f"{locale}-{number}", locale=locale, now=world.clock()
            )
            await identity.set_wants_messages(session, account.member_id, wants=True)
            found.append(account.member_id)
    return found


async def drafted(staff: Visitor, fields: Mapping[str, str] | None = None, **more: str) -> str:
    """Write a draft; the path of its page."""
    seen = await staff.post(NEW, {**WORDS, "reach": "direct", **(fields or {}), **more})
    assert seen.status == 200, seen.text
    return str(seen.answer.url.path)


async def pumped(world: World, platform: str = "telegram", turns: int = 3) -> int:
    return sum([await world.app.pumps[platform].tick() for _ in range(turns)])


def photo(size: tuple[int, int] = (640, 480)) -> bytes:
    page = io.BytesIO()
    Image.new("RGB", size, "seagreen").save(page, "JPEG")
    return page.getvalue()


async def with_file(staff: Visitor, path: str, fields: Mapping[str, str], content: bytes) -> Seen:
    """Send a form with a picture in it."""
    data = aiohttp.FormData()
    for name, value in {"csrf": await staff.csrf(), **fields}.items():
        data.add_field(name, value)
    data.add_field("file", io.BytesIO(content), filename="yama.jpg", content_type="image/jpeg")
    return await staff.raw("POST", path, data=data)


@pytest.fixture
async def town_office(tmp_path: Path, clock: SetClock) -> AsyncIterator[World]:
    async with office(tmp_path, clock, approve_above=0) as opened:
        yield opened


async def state_of(world: World, path: str) -> AnnouncementState:
    async with transaction(world.app.sessions) as session:
        return (await announcements.progress(session, int(path.rpartition("/")[2]))).state


async def looked(staff: Visitor, **fields: str) -> dict[str, str]:
    return await (await staff.post(f"{NEW}/look", {**WORDS, **fields})).read()
