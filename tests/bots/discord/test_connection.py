"""The connection itself, over real sockets: addresses, sessions, rate limits, broken lines."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import discord
import pytest
import pytest_asyncio
from aiohttp.test_utils import TestServer
from discord.asset import Asset
from discord.gateway import DiscordWebSocket
from discord.http import Route
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from bots import qr
from bots.discord.adapter import DiscordAdapter
from core.announcements import Delivered, Failed, Flooded, InDoubt, NotSent, Outgoing, Picture
from core.errors import PlatformRefused, PlatformUnavailable
from core.settings import Settings
from tests.bots.discord.server import DROP, Server, until
from tests.bots.discord.stage import StubApp, settings, town_pack

NEWS = Outgoing("山焼き", "2月15日です。", "見本町役場")
PICTURE = qr.png("K1")
SHOWN = Outgoing(
    "山焼き", "2月15日です。", "見本町役場", picture=Picture(PICTURE, "image/png", "湖の写真")
)


@dataclass
class Line:
    """Our adapter, connected to the small Discord."""

    server: Server
    app: StubApp
    adapter: DiscordAdapter


def pointing_to(server: Server, **values: object) -> Settings:
    return settings(
        discord_api_url=server.api,
        discord_gateway_url=server.gateway,
        discord_cdn_url=server.cdn,
        **values,
    )


@pytest.fixture(autouse=True)
def library_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library's class attributes are put back after each test."""
    monkeypatch.setattr(Route, "BASE", Route.BASE)
    monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", DiscordWebSocket.DEFAULT_GATEWAY)
    monkeypatch.setattr(Asset, "BASE", Asset.BASE)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    running = TestServer(server.application())
    await running.start_server()
    server.base = f"{running.host}:{running.port}"
    yield server
    await running.close()


@pytest_asyncio.fixture
async def line(server: Server, engine: AsyncEngine) -> AsyncIterator[Line]:
    app = StubApp(pointing_to(server), town_pack(guild=1), engine)
    adapter = app.adapter()
    await adapter.start()
    yield Line(server, app, adapter)
    await adapter.stop()


# --- starting and stopping --------------------------------------------------------------------


async def test_every_address_is_the_one_from_the_settings(line: Line) -> None:
    assert ("GET", "/users/@me", None) in line.server.requests
    assert line.server.identified == 1
    assert line.adapter.client.user is not None
    assert line.adapter.client.user.default_avatar.url.startswith(line.server.cdn)


async def test_a_wrong_token_is_one_sentence(server: Server, engine: AsyncEngine) -> None:
    app = StubApp(pointing_to(server, discord_token=SecretStr("wrong")), town_pack(guild=1), engine)
    with pytest.raises(PlatformRefused, match="KANKEI_DISCORD_TOKEN") as refusal:
        await app.adapter().start()
    assert "wrong" not in str(refusal.value)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        pytest.param(4014, "Server Members Intent", id="the members intent is off"),
        pytest.param(4004, "KANKEI_DISCORD_TOKEN", id="the gateway refuses the token"),
    ],
)
async def test_what_the_gateway_refuses_is_one_sentence(
    server: Server, engine: AsyncEngine, code: int, words: str
) -> None:
    server.refuse_gateway = code
    app = StubApp(pointing_to(server), town_pack(guild=1), engine)
    with pytest.raises(PlatformRefused, match=words):
        await app.adapter().start()


async def test_without_a_network_it_is_to_be_tried_again(
    engine: AsyncEngine, unused_tcp_port: int
) -> None:
    nowhere = settings(discord_api_url=f"http://127.0.0.1:{unused_tcp_port}/api/v10")
    with pytest.raises(PlatformUnavailable, match="Discordに接続できません"):
        await StubApp(nowhere, town_pack(guild=1), engine).adapter().start()


async def test_a_gateway_that_is_not_there_is_to_be_tried_again(
    server: Server, engine: AsyncEngine, unused_tcp_port: int
) -> None:
    nowhere = pointing_to(server).model_copy(
        update={"discord_gateway_url": f"ws://127.0.0.1:{unused_tcp_port}/"}
    )
    with pytest.raises(PlatformUnavailable, match="KANKEI_DISCORD_GATEWAY_URL"):
        await StubApp(nowhere, town_pack(guild=1), engine).adapter().start()


async def test_stopping_twice_is_fine_and_so_is_stopping_before_the_start(
    line: Line, engine: AsyncEngine
) -> None:
    await line.adapter.stop()
    await line.adapter.stop()
    await StubApp(line.app.settings, line.app.town, engine).adapter().stop()
    assert isinstance(await line.adapter.messenger.send_direct("200", NEWS, delivery=1), NotSent)


async def test_who_was_being_answered_at_the_stop_still_gets_the_answer(line: Line) -> None:
    thinking = asyncio.Event()
    line.app.conversation.pause = thinking
    await line.server.message(1, "もう閉まりますか")
    await until(lambda: line.app.conversation.heard)

    stopping = asyncio.create_task(line.adapter.stop())
    await asyncio.sleep(0.1)
    thinking.set()
    await stopping

    assert [each["content"] for each in line.server.messages][-1] == "はい。"


async def test_a_token_that_is_withdrawn_while_running_is_told(line: Line) -> None:
    await line.server.hang_up(4004)
    await until(lambda: len(line.adapter.problems) > 1)
    assert "KANKEI_DISCORD_TOKEN" in line.adapter.problems[-1]
    assert "KANKEI_DISCORD_TOKEN" in line.app.happenings.recent[-1]


# --- sessions ---------------------------------------------------------------------------------


async def test_after_a_broken_line_the_session_resumes_and_nothing_is_missed(line: Line) -> None:
    await line.server.message(1, "一つ目")
    await until(lambda: len(line.app.conversation.heard) == 1)

    await line.server.drop()
    await line.server.message(2, "切れている間")
    await until(lambda: len(line.app.conversation.heard) == 2)

    assert [each.text for each in line.app.conversation.heard] == ["一つ目", "切れている間"]
    assert line.server.identified == 1
    assert len(line.server.resumed) == 1


async def test_when_discord_asks_for_it_the_session_moves(line: Line) -> None:
    await line.server.ask_to_reconnect()
    await until(lambda: len(line.server.resumed) == 1)
    await line.server.message(1, "まだいますか")
    await until(lambda: len(line.app.conversation.heard) == 1)
    assert [each.text for each in line.app.conversation.heard] == ["まだいますか"]
    assert line.server.identified == 1, "it resumed; it did not begin anew"


async def test_a_session_that_discord_forgot_is_opened_anew(line: Line) -> None:
    line.server.forget_sessions = True
    await line.server.drop()
    await until(lambda: line.server.identified == 2, within=20)
    await line.server.message(1, "もしもし")
    await until(lambda: len(line.app.conversation.heard) == 1)
    assert line.server.resumed == []


# --- deliveries -------------------------------------------------------------------------------


async def test_a_delivery_that_is_repeated_arrives_once(line: Line) -> None:
    first = await line.adapter.messenger.send_direct("200", NEWS, delivery=17)
    again = await line.adapter.messenger.send_direct("200", NEWS, delivery=17)
    [message] = line.server.delivered(17)
    assert first == again == Delivered(message["id"])
    _, _, body = line.server.requests[-1]
    assert (body["nonce"], body["enforce_nonce"]) == ("17", True)


@pytest.mark.parametrize("direct", [True, False])
async def test_a_picture_whose_answer_was_lost_arrives_once_with_its_words_and_description(
    line: Line, *, direct: bool
) -> None:
    messenger, delivery = line.adapter.messenger, (9 << 36) | 4711  # as the outbox numbers them
    send = messenger.send_direct if direct else messenger.post
    line.server.fail("POST", "/channels/*/messages", DROP)
    assert isinstance(await send("55", SHOWN, delivery=delivery), InDoubt)
    assert isinstance(await send("55", SHOWN, delivery=delivery), Delivered)
    [message] = line.server.delivered(delivery)
    [picture] = message["attachments"]
    assert (picture["filename"], picture["description"]) == ("picture.png", "湖の写真")
    assert line.server.requests[-1][2]["sizes"] == [len(PICTURE)]
    assert line.server.requests[-1][2]["enforce_nonce"] is True
    if direct:
        assert message["content"].startswith("**山焼き**")
        assert message["embeds"] == []
    else:
        assert message["embeds"][0]["image"] == {"url": "attachment://picture.png"}


@pytest.mark.parametrize("direct", [True, False])
async def test_what_has_arrived_is_changed_and_taken_away_over_the_line(
    line: Line, *, direct: bool
) -> None:
    messenger = line.adapter.messenger
    send = messenger.send_direct if direct else messenger.post
    sent = await send("55", NEWS, delivery=30)
    assert isinstance(sent, Delivered)
    assert sent.message_id is not None
    later = Outgoing("山焼き", "3月1日です。", "見本町役場")
    assert await messenger.edit("55", sent.message_id, later, direct=direct) == sent
    assert "3月1日です" in str(line.server.messages[-1])
    for _ in range(2):  # what is gone is gone
        assert await messenger.retract("55", sent.message_id, direct=direct) == sent
    assert line.server.delivered(30) == []
    gone = await messenger.edit("55", sent.message_id, later, direct=direct)
    assert gone == Failed("the message is gone")


async def test_an_answer_that_was_lost_leaves_a_doubt_which_the_repetition_settles(
    line: Line,
) -> None:
    line.server.fail("POST", "/channels/*/messages", DROP)
    assert isinstance(await line.adapter.messenger.post("55", NEWS, delivery=18), InDoubt)
    assert isinstance(await line.adapter.messenger.post("55", NEWS, delivery=18), Delivered)
    assert len(line.server.delivered(18)) == 1


async def test_a_long_rate_limit_is_handed_to_the_lane_and_not_slept_through(line: Line) -> None:
    line.server.fail(
        "POST",
        "/channels/*/messages",
        429,
        body={"message": "slow down", "retry_after": 25.5, "global": False},
        headers={"Via": "1.1 google", "Retry-After": "26"},
    )
    async with asyncio.timeout(2):
        outcome = await line.adapter.messenger.post("55", NEWS, delivery=19)
    assert outcome == Flooded(timedelta(seconds=25.5))


async def test_a_short_rate_limit_is_waited_for(line: Line) -> None:
    line.server.fail(
        "POST",
        "/channels/*/messages",
        429,
        body={"message": "slow down", "retry_after": 0.2, "global": False},
        headers={"Via": "1.1 google"},
    )
    assert isinstance(await line.adapter.messenger.post("55", NEWS, delivery=20), Delivered)


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        pytest.param({"Retry-After": "90"}, timedelta(seconds=90), id="with a time"),
        pytest.param({}, timedelta(minutes=10), id="without one"),
    ],
)
async def test_a_ban_at_the_edge_pauses_the_lane(
    line: Line, headers: dict[str, str], pause: timedelta
) -> None:
    line.server.fail("POST", "/channels/*/messages", 429, headers=headers)
    assert await line.adapter.messenger.post("55", NEWS, delivery=21) == Flooded(pause)


async def test_an_error_of_discords_own_leaves_a_doubt(line: Line) -> None:
    line.server.fail("POST", "/channels/*/messages", 503)
    assert await line.adapter.messenger.post("55", NEWS, delivery=22) == InDoubt("HTTP 503")


async def test_what_fails_before_the_message_was_certainly_not_sent(line: Line) -> None:
    line.server.fail("POST", "/users/@me/channels", 503)
    assert await line.adapter.messenger.send_direct("200", NEWS, delivery=23) == NotSent("HTTP 503")


async def test_a_message_that_discord_will_never_take_has_failed(line: Line) -> None:
    line.server.fail("POST", "/channels/*/messages", 400, body={"code": 50035, "message": "no"})
    assert isinstance(await line.adapter.messenger.post("55", NEWS, delivery=24), Failed)


async def test_without_a_line_nothing_was_sent(
    line: Line, unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Route, "BASE", f"http://127.0.0.1:{unused_tcp_port}/api/v10")
    assert isinstance(await line.adapter.messenger.post("55", NEWS, delivery=25), NotSent)


def test_the_library_is_the_version_whose_internals_we_rely_on() -> None:
    assert (discord.version_info.major, discord.version_info.minor) == (2, 7)
