"""The adapter itself: started, watched, reached by webhook, stopped."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from pydantic import SecretStr
from telegram import Bot

from bots import texts
from bots.telegram.adapter import TelegramAdapter
from bots.telegram.transport import AiohttpRequest
from bots.voice import Voice
from core import identity
from core.announcements import Delivered, Outgoing
from core.database import transaction
from core.errors import PlatformRefused, PlatformUnavailable
from knowledge.errors import NothingHeard
from knowledge.testing import FakeEars
from tests.bots.telegram.conftest import WEBHOOK_SECRET, Hall
from tests.telegram_server import Status, TelegramServer, User


def update_of(user: User, number: int = 4711) -> bytes:
    """A question by webhook."""
    message = {
        "message_id": 1,
        "date": 0,
        "chat": {"id": user.id, "type": "private", "first_name": "花子"},
        "from": {"id": user.id, "is_bot": False, "first_name": "花子"},
        "text": "何時まで?",
    }
    return json.dumps({"update_id": number, "message": message}).encode()


# Starting


async def test_a_wrong_token_is_one_sentence_without_the_token(
    server: TelegramServer, hall: Hall, caplog: pytest.LogCaptureFixture
) -> None:
    assert server
    hall.given["telegram_token"] = SecretStr("123:wrong")
    with pytest.raises(PlatformRefused, match="@BotFather") as refused:
        await hall.adapter().start()
    assert "wrong" not in str(refused.value)
    assert "123:wrong" not in caplog.text
    assert refused.value.__suppress_context__


async def test_without_a_token_there_is_no_adapter(hall: Hall) -> None:
    hall.given["telegram_token"] = None
    with pytest.raises(PlatformRefused, match="KANKEI_TELEGRAM_TOKEN"):
        hall.adapter()


async def test_without_telegram_the_start_can_be_tried_again(
    server: TelegramServer, hall: Hall
) -> None:
    server.fail_next("getMe", 502)
    adapter = hall.adapter()
    with pytest.raises(PlatformUnavailable):
        await adapter.start()
    await adapter.start()
    hana = server.user("花子")
    await hana.sends("こんにちは")
    assert (await hana.next_message()).text == "はい"
    await adapter.stop()


async def test_everybody_is_offered_the_commands_in_their_language_and_staff_one_more(
    server: TelegramServer, hall: Hall
) -> None:
    office = server.user("職員", started=True)
    hall.has_staff(office, server.user("まだ書いていない職員"))
    async with hall.open():
        for language, shown in (("ja", "ja"), ("en", "en"), ("ko", "ko"), ("fr", "en")):
            menu = server.user("人", language=language).menu()
            assert menu["join"] == texts.say("chat.command.join", shown)
            assert "announce" not in menu
        assert office.menu()["announce"] == texts.say("chat.command.announce", "ja")


async def test_the_menu_offers_events_only_where_there_are_some(
    server: TelegramServer, hall: Hall
) -> None:
    for there_are_some in (False, True):
        hall.events.any_open = there_are_some
        async with hall.open():
            assert ("events" in server.user("人", language="ja").menu()) is there_are_some


async def test_the_menu_follows_the_first_event_and_the_end_of_the_last_without_a_restart(
    server: TelegramServer, hall: Hall
) -> None:
    office = server.user("職員", started=True)
    hall.has_staff(office)
    async with hall.open() as adapter:
        for there_are_some in (True, False):
            hall.events.any_open = there_are_some
            await adapter.retry_pending()
            for person in (office, server.user("人", language="ko")):
                assert ("events" in person.menu()) is there_are_some
            before = len(server.calls("setMyCommands"))
            await adapter.retry_pending()
            assert len(server.calls("setMyCommands")) == before


async def test_a_menu_that_telegram_does_not_take_is_offered_again(
    server: TelegramServer, hall: Hall
) -> None:
    hana = server.user("花子", language="ja")
    async with hall.open() as adapter:
        hall.events.any_open = True
        server.fail_next("setMyCommands", 502)
        await adapter.retry_pending()
        await adapter.retry_pending()
        assert "events" in hana.menu()


async def test_a_town_in_order_has_no_problems(server: TelegramServer, hall: Hall) -> None:
    hall.opens(server.supergroup("住民の部屋"))
    async with hall.open() as adapter:
        assert adapter.problems == []
    assert list(hall.happenings.recent) == [
        texts.say("telegram.happening.started", "ja", bot="kankei_test_bot")
    ]


async def test_staff_are_told_what_is_missing_in_the_log_on_the_terminal_and_by_message(
    server: TelegramServer, hall: Hall, caplog: pytest.LogCaptureFixture
) -> None:
    office = server.user("職員", started=True)
    hall.has_staff(office, server.user("まだ書いていない職員"))
    hall.opens(server.supergroup("住民の部屋", bot_rights=frozenset({"can_restrict_members"})))
    async with hall.open() as adapter:
        (sentence,) = adapter.problems
        message = await office.next_message()
    assert "住民の部屋" in sentence
    assert "Invite Users via Link" in sentence
    assert message.text.endswith(sentence)
    assert f"Telegram：{sentence}" in hall.happenings.recent
    assert sentence in [each.__dict__.get("reason") for each in caplog.records]


async def test_staff_are_told_when_the_bot_is_put_out_of_a_room(
    server: TelegramServer, hall: Hall
) -> None:
    office = server.user("職員", started=True)
    hall.has_staff(office)
    room = server.supergroup("住民の部屋", owner=office)
    hall.opens(room)
    async with hall.open() as adapter:
        await office.removes(server.bot, room)
        assert "入っていません" in (await office.next_message()).text
        assert len(adapter.problems) == 1


async def test_staff_who_add_the_bot_to_a_group_are_told_its_number(
    server: TelegramServer, hall: Hall
) -> None:
    office, stranger = server.user("職員", started=True), server.user("他人", started=True)
    hall.has_staff(office)
    async with hall.open():
        await stranger.adds(
            server.bot, server.supergroup("他人の会", owner=stranger, bot=Status.LEFT)
        )
        new = server.supergroup("新しい部屋", owner=office, bot=Status.LEFT)
        await office.adds(server.bot, new)
        told = await office.next_message()
    assert f"telegram_chat = {new.id}" in told.text
    assert office.unread() == []
    assert stranger.unread() == []


async def test_a_room_that_became_a_supergroup_is_told_with_its_new_number(
    server: TelegramServer, hall: Hall
) -> None:
    office = server.user("職員", started=True)
    hall.has_staff(office)
    old = server.basic_group("小さな部屋", owner=office)
    hall.opens(old)
    async with hall.open():
        assert "小さな部屋" in (await office.next_message()).text
        new = await office.upgrades(old)
        assert str(new.id) in (await office.next_message()).text


async def test_pages_on_this_machine_only_are_warned_of(server: TelegramServer, hall: Hall) -> None:
    assert server
    hall.given["public_url"] = ""
    async with hall.open() as adapter:
        assert adapter.problems == []
    assert any("KANKEI_PUBLIC_URL" in each for each in hall.happenings.recent)


async def test_a_second_bot_with_the_same_token_is_one_clear_sentence(
    server: TelegramServer, hall: Hall, caplog: pytest.LogCaptureFixture
) -> None:
    sentence = texts.say("telegram.problem.conflict", "ja")
    second = Bot(
        server.token,
        base_url=server.base_url,
        request=AiohttpRequest(),
        get_updates_request=AiohttpRequest(),
    )
    async with hall.open(), second:
        await server.until(lambda: server.polls >= 1)
        await second.get_updates(timeout=0)
        await asyncio.sleep(0.1)
        await second.get_updates(timeout=0)
        assert [each.__dict__.get("reason") for each in caplog.records].count(sentence) == 1
        hana = server.user("花子")
        await hana.sends("まだ居る?")
        assert (await hana.next_message()).text == "はい"
    assert f"Telegram：{sentence}" in hall.happenings.recent


async def test_a_fault_of_telegrams_is_outlived_while_polling(
    server: TelegramServer, hall: Hall
) -> None:
    server.fail_next("getUpdates", 502)
    hana = server.user("花子")
    async with hall.open():
        await hana.sends("こんにちは")
        assert (await hana.next_message()).text == "はい"


async def test_a_token_refused_meanwhile_is_one_sentence_and_tried_again(
    server: TelegramServer, hall: Hall
) -> None:
    hana = server.user("花子")
    sentence = texts.say("telegram.problem.bad-token", "ja")
    async with hall.open():
        server.fail_next("getUpdates", 401, "Unauthorized", times=2)
        for text in ("一", "二"):
            await hana.sends(text)
        await server.until(lambda: len(hana.unread()) == 2, 10.0)
    assert list(hall.happenings.recent).count(f"Telegram：{sentence}") == 1


async def test_stopping_twice_or_before_the_start_is_fine(
    server: TelegramServer, hall: Hall
) -> None:
    assert server
    adapter = hall.adapter()
    await adapter.stop()
    await adapter.start()
    await adapter.stop()
    await adapter.stop()


# By webhook


@asynccontextmanager
async def listening(hall: Hall) -> AsyncIterator[TelegramAdapter]:
    """The page that passes updates on, as the web app has it."""
    adapters: list[TelegramAdapter] = []

    async def take(request: web.Request) -> web.Response:
        secret = request.headers.get("X-Telegram-Bot-Api-Secret-Token", "")
        taken = await adapters[0].receive(secret, await request.read())
        return web.Response(status=200 if taken else 403)

    pages = web.Application()
    pages.router.add_post("/telegram/webhook", take)
    runner = web.AppRunner(pages, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hall.given |= {
        "telegram_webhook": True,
        "public_url": f"http://127.0.0.1:{runner.addresses[0][1]}",
    }
    try:
        async with hall.open() as adapter:
            adapters.append(adapter)
            yield adapter
    finally:
        await runner.cleanup()


async def test_updates_come_by_webhook(server: TelegramServer, hall: Hall) -> None:
    hana = server.user("花子")
    async with listening(hall):
        await hana.sends("何時まで?")
        assert (await hana.next_message()).text == "はい"
        await server.until_taken()
    assert server.polls == 0


async def test_an_update_is_taken_only_after_it_was_handled(
    server: TelegramServer, hall: Hall
) -> None:
    hana = server.user("花子")
    hall.conversation.takes = 0.3
    async with listening(hall):
        await hana.sends("何時まで?")
        await server.until(lambda: bool(hall.conversation.heard))
        assert server.updates.pending
        await server.until_taken()
        assert len(hana.unread()) == 1


@pytest.mark.parametrize("secret", ["", "a-secret-of-the-test", "ひみつ", "\udcff"])
async def test_a_wrong_secret_is_turned_away(
    server: TelegramServer, hall: Hall, secret: str
) -> None:
    async with listening(hall) as adapter:
        assert not await adapter.receive(secret, update_of(server.user("花子")))
    assert hall.conversation.heard == []


async def test_while_polling_nothing_is_taken_by_webhook(
    server: TelegramServer, hall: Hall
) -> None:
    async with hall.open() as adapter:
        assert not await adapter.receive(WEBHOOK_SECRET, update_of(server.user("花子")))
    assert hall.conversation.heard == []


async def test_the_same_update_twice_is_answered_once(server: TelegramServer, hall: Hall) -> None:
    hana = server.user("花子", started=True)
    async with listening(hall) as adapter:
        for _ in range(2):
            assert await adapter.receive(WEBHOOK_SECRET, update_of(hana))
    assert [each.update for each in hall.conversation.heard] == ["4711"]
    assert len(server.calls("sendMessage")) == 1


@pytest.mark.parametrize("heard", [True, False])
async def test_the_same_recording_twice_is_heard_and_answered_once(
    server: TelegramServer, hall: Hall, *, heard: bool
) -> None:
    hana = server.user("花子", started=True)
    ears = FakeEars(fails=None if heard else NothingHeard())
    hall.voice = Voice(ears=lambda: ears, mouth=None)
    file = hana.world.store("voice", "voice.oga", b"sound", "audio/ogg")
    said = {"file_id": file.id, "file_unique_id": "u", "duration": 2, "file_size": 5}
    body = json.loads(update_of(hana))
    del body["message"]["text"]
    body["message"]["voice"] = said
    async with listening(hall) as adapter:
        for _ in range(2):
            assert await adapter.receive(WEBHOOK_SECRET, json.dumps(body).encode())
            if not heard:
                continue
            async with transaction(hall.sessions) as session:  # as the conversation does
                await identity.take_update(session, "telegram", "4711", now=hall.clock())
                await identity.finish_update(session, "telegram", "4711")
    assert len(ears.heard) == 1
    assert len(hall.conversation.heard) == (1 if heard else 0)
    assert len(server.calls("sendMessage")) == 1


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff\x00", id="binary"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'{"update_id": 1}', id="nothing we know"),
        pytest.param(b'{"update_id": 1, "message": {"message_id": "x"}}', id="half a message"),
        pytest.param(b" " * 2_000_000, id="too large"),
        pytest.param(b"[" * 200_000, id="nested too deeply"),
    ],
)
async def test_an_update_that_cannot_be_read_is_taken_so_that_it_does_not_come_for_ever(
    server: TelegramServer, hall: Hall, body: bytes
) -> None:
    assert server
    async with listening(hall) as adapter:
        assert await adapter.receive(WEBHOOK_SECRET, body)
    assert hall.conversation.heard == []


async def test_what_comes_by_webhook_while_stopping_is_finished_and_the_rest_is_for_later(
    server: TelegramServer, hall: Hall
) -> None:
    hana = server.user("花子", started=True)
    hall.conversation.takes = 0.3
    async with listening(hall) as adapter:
        first = asyncio.create_task(adapter.receive(WEBHOOK_SECRET, update_of(hana)))
        await server.until(lambda: bool(hall.conversation.heard), 1.0)
        stopping = asyncio.create_task(adapter.stop())
        await asyncio.sleep(0)
        assert not await adapter.receive(WEBHOOK_SECRET, update_of(hana, 4712))
        await stopping
        assert await first
    assert [each.update for each in hall.conversation.heard] == ["4711"]


async def test_an_address_telegram_cannot_reach_is_one_sentence(
    server: TelegramServer, hall: Hall, caplog: pytest.LogCaptureFixture
) -> None:
    assert server
    caplog.set_level(logging.DEBUG)
    hall.given |= {"telegram_webhook": True, "public_url": "http://town.example"}
    with pytest.raises(PlatformRefused, match="KANKEI_PUBLIC_URL"):
        await hall.adapter().start()


async def test_staff_are_told_when_a_group_has_got_another_number(
    server: TelegramServer, hall: Hall
) -> None:
    chief = server.user("長", started=True)
    old = server.basic_group("広場", owner=chief)
    hall.opens(old)
    hall.has_staff(chief)
    async with hall.open() as adapter:
        await chief.next_message()  # the group is still a small one
        new = await chief.upgrades(old)
        news = Outgoing("休館", "本日は休みます。", "美祢市")
        assert isinstance(await adapter.messenger.post(str(old.id), news, delivery=1), Delivered)
        assert server.messages(new)[-1].text.startswith("休館")
        assert str(new.id) in (await chief.next_message()).text
