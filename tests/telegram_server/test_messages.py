"""Sending, editing, deleting; files; commands; the form of requests and refusals."""

import json
from typing import Any

import pytest
from aiohttp import ClientSession, FormData
from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeChat,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    LinkPreviewOptions,
    MessageEntity,
    ReplyParameters,
)
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken

from tests.telegram_server import Chat, Status, TelegramServer, User
from tests.telegram_server.server import TOKEN

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 32


@pytest.fixture
def hana(server: TelegramServer) -> User:
    return server.user("花子", username="hanako", started=True)


async def test_the_bot_knows_itself(server: TelegramServer, bot: Bot) -> None:
    assert bot.username == server.bot.username
    assert not (await bot.get_me()).can_read_all_group_messages


async def test_a_message_comes_back_as_it_stands_in_the_chat(
    server: TelegramServer, bot: Bot, hana: User
) -> None:
    sent = await bot.send_message(
        hana.id,
        "<b>お知らせ</b> https://example.jp/",
        parse_mode="HTML",
        link_preview_options=LinkPreviewOptions(is_disabled=True),
        reply_markup=InlineKeyboardMarkup([[InlineKeyboardButton("見る", url="example.jp")]]),
        protect_content=True,
    )
    assert [each.type for each in sent.entities] == ["bold", "url"]
    assert sent.has_protected_content
    assert sent.link_preview_options is not None
    assert sent.link_preview_options.is_disabled
    seen = server.messages(hana)[0]
    assert seen.html == "<b>お知らせ</b> https://example.jp/"
    assert seen.button("見る").url == "http://example.jp/"


async def test_entities_may_be_given_instead_of_html(
    server: TelegramServer, bot: Bot, hana: User
) -> None:
    await bot.send_message(hana.id, "太字です", entities=[MessageEntity("bold", 0, 2)])
    assert server.messages(hana)[0].html == "<b>太字</b>です"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("", "Message text is empty", id="nothing"),
        pytest.param("<b> </b>", "Text must be non-empty", id="only white space"),
        pytest.param("あ" * 4097, "Message is too long", id="4,097 characters"),
        pytest.param("<b>あ", "Can't parse entities", id="an open tag"),
    ],
)
async def test_text_that_is_refused(
    server: TelegramServer, bot: Bot, hana: User, text: str, reason: str
) -> None:
    with pytest.raises(BadRequest, match=reason):
        await bot.send_message(hana.id, text, parse_mode="HTML")
    assert server.messages(hana) == []


async def test_tags_do_not_count_as_characters(bot: Bot, hana: User) -> None:
    sent = await bot.send_message(hana.id, f"<b>{'あ' * 4096}</b>", parse_mode="HTML")
    assert len(sent.text or "") == 4096


async def test_nobody_is_written_to_who_did_not_write_first(
    server: TelegramServer, bot: Bot
) -> None:
    taro = server.user("太郎")
    with pytest.raises(Forbidden, match="bot can't initiate conversation with a user"):
        await bot.send_message(taro.id, "こんにちは")
    await taro.sends("/start")
    await bot.send_message(taro.id, "こんにちは")


async def test_who_blocks_the_bot_gets_nothing_until_they_write_again(bot: Bot, hana: User) -> None:
    await hana.blocks_bot()
    with pytest.raises(Forbidden, match="bot was blocked by the user"):
        await bot.send_message(hana.id, "こんにちは")
    await hana.sends("/start")
    await bot.send_message(hana.id, "こんにちは")
    updates = await bot.get_updates()
    kinds = ["my_chat_member" if each.my_chat_member else "message" for each in updates]
    assert kinds == ["my_chat_member", "my_chat_member", "message"]


async def test_a_deleted_account_gets_nothing(bot: Bot, hana: User) -> None:
    await hana.deletes_account()
    with pytest.raises(Forbidden, match="user is deactivated"):
        await bot.send_message(hana.id, "こんにちは")


async def test_a_chat_there_is_none_of(bot: Bot) -> None:
    with pytest.raises(BadRequest, match="Chat not found"):
        await bot.send_message(12345, "こんにちは")


async def test_a_group_that_became_a_supergroup_says_so(server: TelegramServer, bot: Bot) -> None:
    staff = server.user("職員")
    group = server.basic_group("広場", owner=staff)
    supergroup = await staff.upgrades(group)
    with pytest.raises(ChatMigrated) as refusal:
        await bot.send_message(group.id, "こんにちは")
    assert refusal.value.new_chat_id == supergroup.id
    assert (await bot.send_message(supergroup.id, "こんにちは")).chat.type == "supergroup"


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (Status.LEFT, "supergroup", "bot is not a member of the supergroup chat"),
        (Status.KICKED, "basic_group", "bot was kicked from the group chat"),
        (Status.LEFT, "channel", "bot is not a member of the channel chat"),
    ],
)
async def test_the_bot_writes_only_where_it_is(
    server: TelegramServer, bot: Bot, status: Status, kind: str, reason: str
) -> None:
    chat: Chat = getattr(server, kind)("広場", bot=status)
    with pytest.raises(Forbidden, match=reason):
        await bot.send_message(chat.id, "こんにちは")


async def test_posting_in_a_channel_takes_the_right(server: TelegramServer, bot: Bot) -> None:
    channel = server.channel("告知", bot_rights=frozenset(), username="town_news")
    with pytest.raises(BadRequest, match="Need administrator rights in the channel chat"):
        await bot.send_message(channel.id, "お知らせ")
    free = server.channel("広報", username="town_voice")
    post = await bot.send_message("@town_voice", "お知らせ")
    assert post.from_user is None
    assert post.sender_chat is not None
    assert server.messages(free)[0].text == "お知らせ"


async def test_replies_and_topics(server: TelegramServer, bot: Bot) -> None:
    hana = server.user("花子")
    forum = server.supergroup("広場", members=(hana,), topics=("質問",))
    asked = await hana.sends("どこですか", forum, thread=2)
    reply = ReplyParameters(asked.id)
    sent = await bot.send_message(forum.id, "役場です", message_thread_id=2, reply_parameters=reply)
    assert sent.is_topic_message
    assert sent.reply_to_message is not None
    assert sent.reply_to_message.text == "どこですか"
    with pytest.raises(BadRequest, match="Message thread not found"):
        await bot.send_message(forum.id, "役場です", message_thread_id=9)


async def test_a_reply_to_nothing_is_refused_unless_allowed(bot: Bot, hana: User) -> None:
    with pytest.raises(BadRequest, match="Message to be replied not found"):
        await bot.send_message(hana.id, "はい", reply_parameters=ReplyParameters(999))
    alone = ReplyParameters(999, allow_sending_without_reply=True)
    assert (
        await bot.send_message(hana.id, "はい", reply_parameters=alone)
    ).reply_to_message is None


async def test_editing(server: TelegramServer, bot: Bot, hana: User) -> None:
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("はい", callback_data="y")]])
    sent = await bot.send_message(hana.id, "一", reply_markup=keyboard)
    seen = server.messages(hana)[0]
    await bot.edit_message_text("二", hana.id, sent.message_id, reply_markup=keyboard)
    assert (seen.text, len(seen.buttons)) == ("二", 1)
    with pytest.raises(BadRequest, match="Message is not modified"):
        await bot.edit_message_text("二", hana.id, sent.message_id, reply_markup=keyboard)
    await bot.edit_message_reply_markup(hana.id, sent.message_id)
    assert seen.buttons == ()
    with pytest.raises(BadRequest, match="Message to edit not found"):
        await bot.edit_message_text("三", hana.id, 999)
    theirs = await hana.sends("私の")
    with pytest.raises(BadRequest, match="Message can't be edited"):
        await bot.edit_message_text("三", hana.id, theirs.id)


async def test_deleting(server: TelegramServer, bot: Bot, hana: User) -> None:
    sent = await bot.send_message(hana.id, "一")
    await bot.delete_message(hana.id, sent.message_id)
    assert server.messages(hana) == []
    with pytest.raises(BadRequest, match="Message to delete not found"):
        await bot.delete_message(hana.id, sent.message_id)


async def test_deleting_what_others_wrote_takes_the_right(server: TelegramServer, bot: Bot) -> None:
    hana = server.user("花子")
    group = server.supergroup("広場", members=(hana,), bot_rights=frozenset({"can_manage_chat"}))
    theirs = await hana.sends("私の", group)
    with pytest.raises(BadRequest, match="Message can't be deleted"):
        await bot.delete_message(group.id, theirs.id)


async def test_a_pressed_button_of_a_deleted_message_is_inaccessible(bot: Bot, hana: User) -> None:
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("はい", callback_data="y")]])
    sent = await bot.send_message(hana.id, "一", reply_markup=keyboard)
    message = await hana.next_message()
    await bot.delete_message(hana.id, sent.message_id)
    await hana.presses("はい", message)
    query = (await bot.get_updates())[0].callback_query
    assert query is not None
    assert query.message is not None
    assert not query.message.is_accessible


async def test_a_query_is_answered_in_time_or_never(
    server: TelegramServer, bot: Bot, hana: User
) -> None:
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("はい", callback_data="y")]])
    await bot.send_message(hana.id, "一", reply_markup=keyboard)
    press = await hana.presses("はい", await hana.next_message())
    await server.advance(3600)
    with pytest.raises(BadRequest, match="Query is too old"):
        await bot.answer_callback_query(press.callback.id)


async def test_files_are_kept_and_given_back(server: TelegramServer, bot: Bot, hana: User) -> None:
    sent = await bot.send_photo(hana.id, PNG, caption="<i>写真</i>", parse_mode="HTML")
    file = await sent.photo[-1].get_file()
    assert bytes(await file.download_as_bytearray()) == PNG
    again = await bot.send_photo(hana.id, sent.photo[-1].file_id)
    assert again.photo[-1].file_unique_id == sent.photo[-1].file_unique_id
    assert server.messages(hana)[0].html == "<i>写真</i>"


async def test_files_that_are_refused(bot: Bot, hana: User) -> None:
    with pytest.raises(BadRequest, match="File must be non-empty"):
        await bot.send_document(hana.id, b"", filename="空.txt")
    with pytest.raises(BadRequest, match=r"(?i)IMAGE_PROCESS_FAILED"):
        await bot.send_photo(hana.id, b"text")
    with pytest.raises(BadRequest, match="Wrong file identifier"):
        await bot.send_document(hana.id, "no-such-file")
    with pytest.raises(BadRequest, match="Invalid file_id"):
        await bot.get_file("no-such-file")
    with pytest.raises(BadRequest, match="Message caption is too long"):
        await bot.send_document(hana.id, b"a", caption="あ" * 1025)


async def test_chat_actions(server: TelegramServer, bot: Bot, hana: User) -> None:
    await bot.send_chat_action(hana.id, "typing")
    with pytest.raises(BadRequest, match="Wrong parameter action"):
        await bot.send_chat_action(hana.id, "dancing")
    assert [each.status for each in server.calls("sendChatAction")] == [200, 400]


async def test_commands_have_scopes_and_languages(bot: Bot, hana: User) -> None:
    await bot.set_my_commands([BotCommand("ask", "尋ねる")], BotCommandScopeChat(hana.id), "ja")
    assert hana.menu() == {"ask": "尋ねる"}
    assert await bot.get_my_commands() == ()
    with pytest.raises(BadRequest, match=r"(?i)BOT_COMMAND_INVALID"):
        await bot.set_my_commands([BotCommand("Ask", "尋ねる")])
    await bot.set_my_description("町のボット")
    assert (await bot.get_my_description()).description == "町のボット"


async def test_a_wrong_token_is_refused(server: TelegramServer) -> None:
    with pytest.raises(InvalidToken):
        async with Bot("1:wrong", base_url=server.base_url):
            pass


async def test_a_method_there_is_none_of_is_not_found(bot: Bot) -> None:
    with pytest.raises(Exception, match="Endpoint 'noSuchMethod' not found"):
        await bot.do_api_request("noSuchMethod")


@pytest.mark.parametrize("form", ["json", "urlencoded", "multipart", "query"])
async def test_parameters_come_in_four_forms(server: TelegramServer, hana: User, form: str) -> None:
    keyboard = {"inline_keyboard": [[{"text": "はい", "callback_data": "y"}]]}
    plain = {"chat_id": str(hana.id), "text": "花", "reply_markup": json.dumps(keyboard)}
    multipart = FormData(plain, default_to_multipart=True)
    sent: dict[str, dict[str, Any]] = {
        "json": {"json": {"chat_id": hana.id, "text": "花", "reply_markup": keyboard}},
        "urlencoded": {"data": plain},
        "multipart": {"data": multipart},
        "query": {"params": plain},
    }
    async with (
        ClientSession() as session,
        session.post(f"{server.base_url}{TOKEN}/SENDMESSAGE", **sent[form]) as answer,
    ):
        assert (await answer.json())["ok"]
    assert server.messages(hana)[0].button("はい").data == "y"


async def test_refusals_have_the_form_of_the_bot_api(server: TelegramServer) -> None:
    async with ClientSession() as session:
        async with session.get(f"{server.base_url}{TOKEN}/nothing") as answer:
            assert answer.status == 404
            body = {"ok": False, "error_code": 404, "description": "Not Found"}
            assert await answer.json() == body
        async with session.post(f"{server.base_url}{TOKEN}/getMe", data=b"{", headers={
            "Content-Type": "application/json"
        }) as answer:  # fmt: skip
            assert answer.status == 400
        async with session.get(f"{server.base_file_url}{TOKEN}/documents/none") as answer:
            assert answer.status == 404


async def test_a_request_larger_than_telegram_takes_is_refused(
    server: TelegramServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.telegram_server.wire.MAX_REQUEST_BYTES", 1000)
    form = FormData()
    form.add_field("document", b"x" * 2000, filename="大.bin")
    async with (
        ClientSession() as session,
        session.post(f"{server.base_url}{TOKEN}/sendDocument", data=form) as answer,
    ):
        assert answer.status == 413
