"""Messages, commands and buttons, from a person's screen to the conversation and back."""

import logging
import time

import pytest

from bots import texts
from bots.conversation import Button, ChatKind, Document, Incoming, Reply
from bots.telegram.handlers import COMMANDS
from core.database import transaction
from core.errors import NotAllowed
from core.identity import account, find_account
from tests.bots.telegram.conftest import Hall
from tests.telegram_server import Status, TelegramServer

MENU = Reply("何をしますか", buttons=((Button("部屋", action="rooms"),),))


async def test_a_plain_question_in_private_is_answered(server: TelegramServer, hall: Hall) -> None:
    hana = server.user("花子", language="zh-hant")
    async with hall.open():
        await hana.sends("秋芳洞は何時まで?")
        assert (await hana.next_message()).text == "はい"
    (heard,) = hall.conversation.heard
    assert heard == Incoming(
        platform="telegram",
        account=str(hana.id),
        name="花子",
        text="秋芳洞は何時まで?",
        language="zh-hant",
        chat=ChatKind.PRIVATE,
        thread=str(hana.id),
        update=heard.update,
    )
    assert heard.update is not None
    assert heard.update.isdecimal()


@pytest.mark.parametrize("command", COMMANDS)
async def test_every_command_reaches_the_conversation_by_its_name(
    server: TelegramServer, hall: Hall, command: str
) -> None:
    hana = server.user("花子")
    async with hall.open():
        await hana.sends(f"/{command}")
        await hana.next_message()
    assert [(each.command, each.text) for each in hall.conversation.heard] == [(command, "")]


@pytest.mark.parametrize(
    ("sent", "command", "text"),
    [
        pytest.param("/ask 何時まで?", "ask", "何時まで?", id="words after a command"),
        pytest.param("/ASK@kankei_test_bot 何時?", "ask", "何時?", id="with the bot's name"),
        pytest.param(
            "/announce 見出し\n\n本文\n続き", "announce", "見出し\n\n本文\n続き", id="lines"
        ),
        pytest.param("/announce\n見出し\n本文", "announce", "見出し\n本文", id="a line end first"),
        pytest.param("/start abc_DEF-1", "start", "abc_DEF-1", id="a link with a payload"),
        pytest.param("/start join", "join", "", id="a link to one of our commands"),
        pytest.param("/nothing at all", "help", "", id="an unknown command"),
    ],
)
async def test_what_follows_a_command_is_its_text(
    server: TelegramServer, hall: Hall, sent: str, command: str, text: str
) -> None:
    hana = server.user("花子")
    async with hall.open():
        await hana.sends(sent)
        await hana.next_message()
    assert [(each.command, each.text) for each in hall.conversation.heard] == [(command, text)]


async def test_a_pressed_button_is_released_and_answered(
    server: TelegramServer, hall: Hall
) -> None:
    hana = server.user("花子")
    hall.conversation.says = MENU
    async with hall.open():
        await hana.sends("/start")
        press = await hana.presses("部屋", await hana.next_message())
        await press.answer()
        await hana.next_message()
    assert [each.action for each in hall.conversation.heard] == [None, "rooms"]


async def test_a_button_is_released_though_the_conversation_fails(
    server: TelegramServer, hall: Hall
) -> None:
    hana = server.user("花子")
    hall.conversation.says = MENU
    async with hall.open():
        await hana.sends("/start")
        menu = await hana.next_message()
        hall.conversation.fails = RuntimeError("secret words")
        press = await hana.presses("部屋", menu)
        await press.answer()
        assert (await hana.next_message()).text == texts.say("errors.unexpected", "ja")


async def test_a_button_of_a_message_that_is_gone_still_works(
    server: TelegramServer, hall: Hall
) -> None:
    hana = server.user("花子")
    hall.conversation.says = MENU
    async with hall.open():
        await hana.sends("/start")
        menu = await hana.next_message()
        menu.deleted = True
        await (await hana.presses("部屋", menu)).answer()
        assert (await hana.next_message()).text == menu.text


async def test_a_picture_is_asked_for_in_words_and_its_caption_is_a_question(
    server: TelegramServer, hall: Hall
) -> None:
    hana = server.user("花子", language="en")
    async with hall.open():
        await hana.sends_photo(b"\xff\xd8\xff")
        told = await hana.next_message()
        assert told.text == texts.say("telegram.message.words-please", "en")
        await hana.sends_photo(b"\xff\xd8\xff", caption="これは何?")
        await hana.next_message()
    assert [each.text for each in hall.conversation.heard] == ["これは何?"]


# Groups


async def test_in_a_group_only_what_is_meant_for_the_bot_is_answered(
    server: TelegramServer, hall: Hall
) -> None:
    hana = server.user("花子")
    group = server.supergroup("広場", members=(hana,))
    async with hall.open():
        await hana.sends("いい天気だね", group)
        await hana.sends("@somebody_else 元気?", group)
        await hana.sends("/weather", group)
        await hana.mentions("何時まで?", group)
        answer = await hana.next_message(chat=group)
        await hana.replies(answer, "料金は?")
        await hana.next_message(chat=group)
    heard = [(each.text, each.chat, each.thread) for each in hall.conversation.heard]
    assert heard == [
        ("何時まで?", ChatKind.GROUP, str(group.id)),
        ("料金は?", ChatKind.GROUP, str(group.id)),
    ]


async def test_in_a_group_the_answer_hangs_on_the_question(
    server: TelegramServer, hall: Hall
) -> None:
    hana = server.user("花子")
    group = server.supergroup("広場", members=(hana,))
    hall.conversation.says = Reply("あ" * 5_000)
    async with hall.open():
        question = await hana.mentions("何時まで?", group)
        first, second = await hana.next_message(chat=group), await hana.next_message(chat=group)
    assert first.reply_to is question
    assert second.reply_to is None


async def test_the_answer_comes_though_the_question_was_deleted(
    server: TelegramServer, hall: Hall
) -> None:
    hana = server.user("花子")
    group = server.supergroup("広場", members=(hana,))
    async with server.hold("sendMessage") as gate, hall.open():
        question = await hana.mentions("何時まで?", group)
        await server.until(lambda: gate.waiting == 1)
        question.deleted = True
        gate.opened.set()
        assert (await hana.next_message(chat=group)).text == "はい"


async def test_in_a_forum_the_answer_stays_in_its_topic(server: TelegramServer, hall: Hall) -> None:
    hana = server.user("花子")
    group = server.supergroup("広場", members=(hana,), topics=("観光",))
    async with hall.open():
        await hana.sends("@kankei_test_bot 何時まで?", group, thread=2)
        assert (await hana.next_message(chat=group)).thread == 2
    assert [each.thread for each in hall.conversation.heard] == [f"{group.id}/2"]


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply("https://town.example/verify?t=secret", private=True), id="a link"),
        pytest.param(Reply("記録", document=Document("m", b"m", "text/plain")), id="a document"),
    ],
)
async def test_what_is_for_one_persons_eyes_never_stands_in_a_group(
    server: TelegramServer, hall: Hall, reply: Reply
) -> None:
    hana = server.user("花子")
    group = server.supergroup("広場", members=(hana,))
    hall.conversation.says = reply
    async with hall.open():
        await hana.sends("/join@kankei_test_bot", group)
        told = await hana.next_message(chat=group)
        await server.until_taken()
    assert told.text == texts.say("telegram.group.private", "ja")
    assert [each.url for row in told.buttons for each in row] == [
        "https://t.me/kankei_test_bot?start=join"
    ]
    assert len([each for each in server.messages(group) if each.sender is server.bot]) == 1


# Long, strange and repeated


async def test_a_long_answer_arrives_whole_with_its_buttons_at_the_end(
    server: TelegramServer, hall: Hall
) -> None:
    hana = server.user("花子")
    text = "秋芳洞は𠮷い所です。" * 1_000
    hall.conversation.says = Reply(text, buttons=MENU.buttons)
    async with hall.open():
        await hana.sends("教えて")
        await server.until(lambda: any(each.buttons for each in hana.unread()))
    parts = hana.unread()
    assert "".join(part.text for part in parts) == text
    assert [bool(part.buttons) for part in parts] == [False] * (len(parts) - 1) + [True]


async def test_markup_in_names_and_answers_is_shown_as_it_was_written(
    server: TelegramServer, hall: Hall
) -> None:
    hana = server.user("<b>花子</b>&amp;")
    hall.conversation.says = Reply("こんにちは、<b>花子</b>&amp;さん </i><a href='x'>")
    async with hall.open():
        await hana.sends("/start")
        message = await hana.next_message()
    assert message.text == hall.conversation.says.text
    assert not {"bold", "text_link"} & {each["type"] for each in message.entities}
    assert hall.conversation.heard[0].name == "<b>花子</b>&amp;"


async def test_one_person_is_answered_in_order_and_nobody_waits_for_another(
    server: TelegramServer, hall: Hall
) -> None:
    hana, taro = server.user("花子"), server.user("太郎")
    hall.conversation.takes = 0.3
    async with hall.open():
        started = time.monotonic()
        for number in ("一", "二"):
            await hana.sends(number)
        await taro.sends("三")
        await taro.next_message()
        assert time.monotonic() - started < 0.55
        await server.until(lambda: len(hana.unread()) == 2)
        assert time.monotonic() - started > 0.55
    assert [each.text for each in hall.conversation.heard if each.name == "花子"] == ["一", "二"]


async def test_somebody_who_waits_sees_that_the_bot_is_typing(
    server: TelegramServer, hall: Hall
) -> None:
    hana = server.user("花子")
    hall.conversation.takes = 0.5
    async with hall.open():
        await hana.sends("難しい質問")
        await hana.next_message()
    assert [each.params.text("action") for each in server.calls("sendChatAction")] == ["typing"]
    order = [each.method for each in server.calls("sendChatAction", "sendMessage")]
    assert order == ["sendChatAction", "sendMessage"]


async def test_nothing_is_said_where_the_conversation_is_silent(
    server: TelegramServer, hall: Hall
) -> None:
    hana = server.user("花子")
    hall.conversation.says = None
    async with hall.open():
        await hana.sends("……")
        await server.until_taken()
    assert hana.unread() == []


async def test_what_was_taken_is_answered_before_the_bot_stops(
    server: TelegramServer, hall: Hall
) -> None:
    hana = server.user("花子")
    hall.conversation.takes = 0.4
    async with hall.open():
        await hana.sends("間に合う?")
        await server.until(lambda: bool(hall.conversation.heard))
    assert [each.text for each in hana.unread()] == ["はい"]


# Trouble


async def test_an_error_is_told_in_the_readers_language_and_logged_without_contents(
    server: TelegramServer, hall: Hall, caplog: pytest.LogCaptureFixture
) -> None:
    hana = server.user("花子", language="ko")
    hall.conversation.fails = RuntimeError("秘密の言葉")
    async with hall.open():
        await hana.sends("秘密の言葉")
        assert (await hana.next_message()).text == texts.say("errors.unexpected", "ko")
    (record,) = (each for each in caplog.records if each.message == "telegram-update-failed")
    assert "RuntimeError" in record.__dict__["error"]
    written = "".join(str(each.__dict__) for each in caplog.records)
    assert "秘密の言葉" not in written
    assert server.token not in written


async def test_an_error_of_ours_has_its_own_words(server: TelegramServer, hall: Hall) -> None:
    hana = server.user("花子")
    hall.conversation.fails = NotAllowed("no")
    async with hall.open():
        await hana.sends("/announce")
        assert (await hana.next_message()).text == texts.say("errors.not-allowed", "ja")


async def test_an_answer_that_telegram_refuses_is_replaced_by_words(
    server: TelegramServer, hall: Hall, caplog: pytest.LogCaptureFixture
) -> None:
    hana = server.user("花子")
    refusal = "Bad Request: inline keyboard button URL 'https://a.b/?t=secret' is invalid"
    server.fail_next("sendMessage", 400, refusal)
    async with hall.open():
        await hana.sends("/join")
        assert (await hana.next_message()).text == texts.say("errors.unexpected", "ja")
    reasons = [each.__dict__.get("reason", "") for each in caplog.records]
    assert any("Inline keyboard button url" in each for each in reasons)
    assert not any("secret" in each for each in reasons)


async def test_blocking_the_bot_ends_messages_and_unblocking_brings_them_back(
    server: TelegramServer, hall: Hall
) -> None:
    hana = server.user("花子", started=True)
    async with transaction(hall.sessions) as session:
        clock = hall.adapter()._app.clock
        await account(session, "telegram", str(hana.id), locale="ja", now=clock())

    async def reachable() -> bool:
        async with transaction(hall.sessions) as session:
            found = await find_account(session, "telegram", str(hana.id))
        assert found is not None
        return found.reachable

    async with hall.open():
        await hana.blocks_bot()
        await server.until_taken()
    assert not await reachable()
    async with hall.open():
        await hana.unblocks_bot()
        await server.until_taken()
    assert await reachable()


async def test_somebody_who_blocks_while_we_think_is_no_error(
    server: TelegramServer, hall: Hall, caplog: pytest.LogCaptureFixture
) -> None:
    hana = server.user("花子")
    hall.conversation.takes = 0.3
    async with hall.open():
        await hana.sends("さようなら")
        await server.until(lambda: bool(hall.conversation.heard))
        await hana.blocks_bot()
    assert not [each for each in caplog.records if each.levelno >= logging.ERROR]


async def test_a_group_where_the_bot_may_not_write_does_not_stop_it(
    server: TelegramServer, hall: Hall
) -> None:
    hana = server.user("花子")
    group = server.supergroup("静かな所", members=(hana,), bot=Status.MEMBER)
    group.permissions = frozenset()
    async with hall.open():
        await hana.mentions("何時まで?", group)
        await server.until_taken()
        await hana.sends("何時まで?")
        assert (await hana.next_message()).text == "はい"
