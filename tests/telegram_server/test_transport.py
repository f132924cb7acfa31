"""The product's own transport: what certainly did not arrive, and what may have."""

import asyncio
import io
import logging
import socket
from collections.abc import AsyncIterator

import pytest
from telegram import Bot, InputFile, Message
from telegram.error import BadRequest, NetworkError, TimedOut
from telegram.ext import ApplicationBuilder, CommandHandler

from bots.telegram.adapter import CONNECTIONS
from bots.telegram.transport import AiohttpRequest, NotSent
from core.announcements.delivery.pump import MAX_IN_FLIGHT
from tests.telegram_server import TelegramServer, User
from tests.telegram_server.test_conversation import welcome


def bot_on(server: TelegramServer, request: AiohttpRequest, url: str = "") -> Bot:
    return Bot(
        server.token,
        base_url=url or server.base_url,
        base_file_url=server.base_file_url,
        request=request,
        get_updates_request=AiohttpRequest(),
    )


@pytest.fixture
async def bot(server: TelegramServer) -> AsyncIterator[Bot]:
    async with bot_on(server, AiohttpRequest()) as running:
        yield running


@pytest.fixture
def hana(server: TelegramServer) -> User:
    return server.user("花子", started=True)


async def test_a_whole_application_runs_on_it(server: TelegramServer, hana: User) -> None:
    app = (
        ApplicationBuilder()
        .token(server.token)
        .base_url(server.base_url)
        .request(AiohttpRequest())
        .get_updates_request(AiohttpRequest(connection_pool_size=1))
        .job_queue(None)
        .build()
    )
    app.add_handler(CommandHandler("start", welcome))
    async with app:
        assert app.updater is not None
        await app.start()
        await app.updater.start_polling(poll_interval=0.0)
        await hana.sends("/start")
        assert (await hana.next_message()).text == "ようこそ、花子さん"
        await app.updater.stop()
        await app.stop()


async def test_messages_arrive_and_refusals_keep_their_words(
    server: TelegramServer, bot: Bot, hana: User
) -> None:
    await bot.send_message(hana.id, "<b>花</b> & 海".replace("&", "&amp;"), parse_mode="HTML")
    assert server.messages(hana)[0].html == "<b>花</b> &amp; 海"
    with pytest.raises(BadRequest, match="Message text is empty"):
        await bot.send_message(hana.id, "")


async def test_files_travel_both_ways(server: TelegramServer, bot: Bot, hana: User) -> None:
    handle = InputFile(io.BytesIO(b"abc"), filename="案内.txt", read_file_handle=False)
    sent = await bot.send_document(hana.id, handle, caption="どうぞ")
    assert sent.document is not None
    assert sent.document.file_name == "案内.txt"
    file = await sent.document.get_file()
    assert bytes(await file.download_as_bytearray()) == b"abc"
    assert server.messages(hana)[0].text == "どうぞ"


async def test_without_a_connection_nothing_was_sent(server: TelegramServer, hana: User) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/bot"
        request = AiohttpRequest()
        async with request:
            bot = bot_on(server, request, url)
            with pytest.raises(NotSent) as error:
                await bot.send_message(hana.id, "一")
    assert server.token not in repr(error.value)


async def test_without_a_free_connection_nothing_was_sent(
    server: TelegramServer, hana: User
) -> None:
    request = AiohttpRequest(connection_pool_size=1, pool_timeout=0.05, connect_timeout=0.05)
    async with bot_on(server, request) as bot, server.hold("sendMessage") as gate:
        sending = asyncio.create_task(bot.send_message(hana.id, "一", read_timeout=5))
        await server.until(lambda: gate.waiting == 1)
        with pytest.raises(NotSent):
            await bot.send_message(hana.id, "二")
        gate.opened.set()
        await sending
    assert [each.text for each in server.messages(hana)] == ["一"]


async def test_after_a_time_out_the_message_may_have_arrived(
    server: TelegramServer, bot: Bot, hana: User
) -> None:
    server.delay_next("sendMessage", 0.5, processed=True)
    with pytest.raises(TimedOut) as error:
        await bot.send_message(hana.id, "一", read_timeout=0.1)
    assert not isinstance(error.value, NotSent)
    assert len(server.messages(hana)) == 1


@pytest.mark.parametrize("processed", [False, True])
async def test_a_broken_connection_is_in_doubt_and_nothing_is_sent_twice(
    server: TelegramServer, bot: Bot, hana: User, processed: bool
) -> None:
    await bot.send_message(hana.id, "一")  # so that the connection is one kept alive
    server.drop_next("sendMessage", processed=processed)
    with pytest.raises(NetworkError) as error:
        await bot.send_message(hana.id, "二")
    assert not isinstance(error.value, NotSent)
    assert error.value.__suppress_context__
    assert len(server.calls("sendMessage")) == 2
    assert len(server.messages(hana)) == 1 + processed


async def test_the_token_is_never_logged(
    server: TelegramServer, bot: Bot, hana: User, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.drop_next("sendMessage", processed=True)
    with pytest.raises(NetworkError):
        await bot.send_message(hana.id, "一")
    await bot.send_message(hana.id, "二")
    assert server.token not in caplog.text


async def test_a_file_name_cannot_break_the_request(
    server: TelegramServer, bot: Bot, hana: User
) -> None:
    await bot.send_document(hana.id, b"abc", filename='案"内\r\n.txt')
    file = server.messages(hana)[0].file
    assert file is not None
    assert (file.name, file.content) == ('案"内.txt', b"abc")


async def test_answers_have_a_size_limit(server: TelegramServer, hana: User) -> None:
    request = AiohttpRequest(max_json_bytes=2000, max_file_bytes=10)
    async with bot_on(server, request) as bot:
        sent = await bot.send_document(hana.id, b"x" * 11, filename="a.bin")
        assert sent.document is not None
        file = await sent.document.get_file()
        with pytest.raises(NetworkError, match="larger than 10 bytes"):
            await file.download_as_bytearray()
        with pytest.raises(NetworkError, match="larger than 2000 bytes"):
            await bot.send_message(hana.id, "あ" * 1000)


async def test_it_can_be_opened_again_and_not_used_while_closed(server: TelegramServer) -> None:
    request = AiohttpRequest(read_timeout=3.0)
    assert request.read_timeout == 3.0
    url = f"{server.base_url}{server.token}/getMe"
    with pytest.raises(NotSent, match="not open"):
        await request.do_request(url, "POST")
    for _ in range(2):
        async with request:
            assert (await request.do_request(url, "POST"))[0] == 200


async def test_under_many_in_flight_every_message_is_where_the_transport_says(
    server: TelegramServer,
) -> None:
    """Not sent: not there. Answered: there. In doubt: nobody claims to know."""
    server.latency = 0.3
    people = [server.user(str(number), started=True) for number in range(300)]
    request = AiohttpRequest(connection_pool_size=100, pool_timeout=0.2, connect_timeout=0.2)
    server.drop_next("sendMessage", processed=True, times=5)
    async with bot_on(server, request) as bot:
        outcomes = await asyncio.gather(
            *(bot.send_message(each.id, "一") for each in people), return_exceptions=True
        )
    there = {each.id for each in people if server.messages(each)}
    not_sent = {p.id for p, o in zip(people, outcomes, strict=True) if isinstance(o, NotSent)}
    answered = {p.id for p, o in zip(people, outcomes, strict=True) if isinstance(o, Message)}
    assert len(not_sent) >= 100
    assert len(answered) >= 95
    assert not there & not_sent
    assert answered <= there
    assert len(answered | not_sent) == 295
    assert len(server.calls("sendMessage")) == 300 - len(not_sent)


async def test_an_answer_does_not_wait_for_a_broadcast_that_fills_the_lane(
    server: TelegramServer, hana: User
) -> None:
    """The pump has at most 256 in flight; the adapter opens more connections than that."""
    people = [server.user(str(number), started=True) for number in range(MAX_IN_FLIGHT)]
    request = AiohttpRequest(connection_pool_size=CONNECTIONS)
    async with bot_on(server, request) as bot, server.hold("sendMessage") as gate:
        flying = [asyncio.create_task(bot.send_message(each.id, "一")) for each in people]
        await server.until(lambda: gate.waiting == MAX_IN_FLIGHT)
        await bot.send_chat_action(hana.id, "typing")
        assert not any(each.done() for each in flying)
        gate.opened.set()
        await asyncio.gather(*flying)
    assert len(server.calls("sendChatAction")) == 1
    assert len(server.calls("sendMessage")) == MAX_IN_FLIGHT
