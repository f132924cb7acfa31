"""Whole applications of python-telegram-bot, by polling and by webhook."""

import asyncio
from typing import Any

import pytest
from aiohttp import web
from telegram import (
    BotCommand,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    Update,
)
from telegram.ext import (
    CallbackQueryHandler,
    ChatJoinRequestHandler,
    ChatMemberHandler,
    CommandHandler,
    ContextTypes,
    MessageHandler,
    filters,
)

from tests.telegram_server import RefusedError, Status, TelegramServer
from tests.telegram_server.conftest import build, polling

Context = ContextTypes.DEFAULT_TYPE
JOIN = InlineKeyboardMarkup([[InlineKeyboardButton("参加する", callback_data="join")]])


async def welcome(update: Update, _: Context) -> None:
    if (message := update.effective_message) and (user := update.effective_user):
        await message.reply_html(f"ようこそ、<b>{user.first_name}</b>さん", reply_markup=JOIN)


async def join(update: Update, _: Context) -> None:
    if query := update.callback_query:
        await query.answer("参加しました")
        await query.edit_message_text("住民になりました")


async def echo(update: Update, _: Context) -> None:
    if (message := update.effective_message) and message.text:
        await message.reply_text(message.text)


async def test_a_conversation_by_polling(server: TelegramServer) -> None:
    hana = server.user("花子", language="ja")
    handlers = CommandHandler("start", welcome), CallbackQueryHandler(join)
    async with polling(server, *handlers):
        await hana.sends("/start")
        answer = await hana.next_message()
        assert answer.text == "ようこそ、花子さん"
        assert answer.html == "ようこそ、<b>花子</b>さん"
        assert [[each.label for each in row] for row in answer.buttons] == [["参加する"]]

        press = await hana.presses("参加する", answer)
        assert (await press.answer()).text == "参加しました"
        await server.until(lambda: answer.text == "住民になりました")
        assert answer.buttons == ()


async def test_a_conversation_by_webhook(server: TelegramServer) -> None:
    app = build(server, CommandHandler("start", welcome))
    secrets = []

    async def receive(request: web.Request) -> web.Response:
        secrets.append(request.headers.get("X-Telegram-Bot-Api-Secret-Token"))
        await app.process_update(Update.de_json(await request.json(), app.bot))
        return web.Response()

    async with app, serving(receive) as url:
        await app.bot.set_webhook(url, secret_token="s3cret_-")
        hana = server.user("花子")
        await hana.sends("/start")
        assert (await hana.next_message()).text == "ようこそ、花子さん"
        await server.until_taken()
    assert secrets == ["s3cret_-"]


class serving:  # noqa: N801  # reads as a word of the test
    """A tiny web server for a webhook."""

    def __init__(self, handler: Any) -> None:
        app = web.Application()
        app.router.add_post("/hook", handler)
        self.runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)

    async def __aenter__(self) -> str:
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self.runner.addresses[0][1]}/hook"

    async def __aexit__(self, *_: object) -> None:
        await self.runner.cleanup()


async def test_an_update_the_webhook_refuses_is_delivered_again(server: TelegramServer) -> None:
    seen: list[int] = []
    infos: list[Any] = []
    app = build(server)

    async def receive(request: web.Request) -> web.Response:
        seen.append((await request.json())["update_id"])
        if len(seen) == 3:
            infos.append(await app.bot.get_webhook_info())
        return web.Response(status=500 if len(seen) < 3 else 204)

    async with app, serving(receive) as url:
        await app.bot.set_webhook(url)
        hana = server.user("花子")
        await hana.sends("一")
        await hana.sends("二")
        await server.until_taken()
        after = await app.bot.get_webhook_info()
    assert seen == [seen[0]] * 3 + [seen[0] + 1]
    assert infos[0].pending_update_count == 2
    assert infos[0].last_error_message == (
        "Wrong response from the webhook: 500 Internal Server Error"
    )
    assert after.pending_update_count == 0


async def test_updates_of_different_chats_reach_the_webhook_side_by_side(
    server: TelegramServer,
) -> None:
    app = build(server)
    together = asyncio.Barrier(2)

    async def receive(_: web.Request) -> web.Response:
        await together.wait()
        return web.Response()

    async with app, serving(receive) as url:
        await app.bot.set_webhook(url)
        await server.user("花子").sends("一")
        await server.user("太郎").sends("二")
        await server.until_taken()
        assert (await app.bot.get_webhook_info()).pending_update_count == 0


async def test_a_webhook_gets_no_more_connections_than_it_asked_for(
    server: TelegramServer,
) -> None:
    app = build(server)
    now = most = 0

    async def receive(_: web.Request) -> web.Response:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1
        return web.Response()

    async with app, serving(receive) as url:
        await app.bot.set_webhook(url, max_connections=2)
        for number in range(6):
            await server.user(f"住民{number}").sends("こんにちは")
        await server.until_taken()
    assert most == 2


async def test_a_bot_may_answer_within_the_webhook_response(server: TelegramServer) -> None:
    app = build(server)
    hana = server.user("花子")

    async def receive(_: web.Request) -> web.Response:
        answer = {"method": "sendMessage", "chat_id": hana.id, "text": "はい"}
        return web.json_response(answer)

    async with app, serving(receive) as url:
        await app.bot.set_webhook(url)
        await hana.sends("もしもし")
        assert (await hana.next_message()).text == "はい"


async def test_someone_who_asks_to_join_is_let_in(server: TelegramServer) -> None:
    staff, hana = server.user("職員"), server.user("花子")
    lounge = server.supergroup("住民ラウンジ", owner=staff)
    members: list[str] = []

    async def decide(update: Update, _: Context) -> None:
        if request := update.chat_join_request:
            assert request.user_chat_id == hana.id
            assert request.invite_link is not None
            await request.approve()

    async def note(update: Update, _: Context) -> None:
        if change := update.chat_member:
            assert change.via_join_request
            members.append(change.new_chat_member.status)

    handlers = (
        ChatJoinRequestHandler(decide),
        ChatMemberHandler(note, ChatMemberHandler.CHAT_MEMBER),
    )
    async with polling(
        server, *handlers, allowed_updates=["chat_join_request", "chat_member"]
    ) as app:
        link = await app.bot.create_chat_invite_link(lounge.id, creates_join_request=True)
        await hana.follows(link.invite_link)
        await server.until(lambda: members == ["member"])
    assert server.world.standing(lounge, hana.account).status is Status.MEMBER


async def test_documents_travel_both_ways(server: TelegramServer) -> None:
    hana = server.user("花子")

    async def send_back(update: Update, _: Context) -> None:
        if (message := update.effective_message) and message.document:
            file = await message.document.get_file()
            content = bytes(await file.download_as_bytearray())
            await message.reply_document(content[::-1], filename="逆.bin", caption="どうぞ")

    async with polling(server, MessageHandler(filters.Document.ALL, send_back)):
        await hana.sends_document("順.bin", b"abc")
        answer = await hana.next_message()
    assert answer.file is not None
    assert (answer.file.name, answer.file.content) == ("逆.bin", b"cba")
    assert answer.text == "どうぞ"


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        pytest.param("こんにちは", False, id="what people say to each other"),
        pytest.param("/ask", True, id="a command"),
        pytest.param("/ask@kankei_test_bot", True, id="a command to this bot"),
        pytest.param("/ask@other_bot", False, id="a command to another bot"),
        pytest.param("教えて @kankei_test_bot", True, id="a mention"),
        pytest.param("教えて @other_bot", False, id="a mention of another bot"),
    ],
)
@pytest.mark.parametrize("manages", [False, True])
async def test_in_a_group_a_member_bot_hears_only_what_is_meant_for_it(
    server: TelegramServer, text: str, heard: bool, manages: bool
) -> None:
    hana = server.user("花子")
    status = Status.ADMINISTRATOR if manages else Status.MEMBER
    group = server.supergroup("広場", members=(hana,), bot=status)
    await hana.sends(text, group)
    assert bool(server.updates.pending) is (heard or manages)


async def test_replies_to_the_bot_are_heard_in_groups(server: TelegramServer) -> None:
    hana = server.user("花子")
    group = server.supergroup("広場", members=(hana,), bot=Status.MEMBER)
    async with polling(server, MessageHandler(filters.ALL, echo)):
        await hana.mentions("こんにちは", group)
        answer = await hana.next_message(chat=group)
        await hana.replies(answer, "ありがとう")
        assert (await hana.next_message(chat=group)).text == "ありがとう"


async def test_a_bot_without_privacy_mode_hears_everything(server: TelegramServer) -> None:
    server.world.privacy_mode = False
    hana = server.user("花子")
    group = server.basic_group("広場", members=(hana,), bot=Status.MEMBER)
    await hana.sends("こんにちは", group)
    assert len(server.updates.pending) == 1


async def test_a_person_is_offered_the_commands_of_the_narrowest_scope(
    server: TelegramServer,
) -> None:
    hana = server.user("花子", language="ja")
    app = build(server)
    async with app:
        await app.bot.set_my_commands([BotCommand("start", "Start")])
        await app.bot.set_my_commands([BotCommand("start", "はじめる")], language_code="ja")
        assert hana.menu() == {"start": "はじめる"}
        await app.bot.delete_my_commands(language_code="ja")
        assert [each.description for each in await app.bot.get_my_commands()] == ["Start"]
    assert hana.menu() == {"start": "Start"}


async def test_nobody_writes_where_they_are_not(server: TelegramServer) -> None:
    with pytest.raises(RefusedError):
        await server.user("花子").sends("こんにちは", server.supergroup("広場"))
