"""What became of a message, told honestly."""

import asyncio
from datetime import timedelta

import pytest
from telegram import Bot

from bots import qr
from bots.conversation import Button, Document, Reply
from bots.telegram.messenger import Place, TelegramMessenger
from bots.telegram.transport import AiohttpRequest
from core.announcements import (
    Blocked,
    Delivered,
    Failed,
    Flooded,
    InDoubt,
    NotSent,
    Outgoing,
)
from tests.telegram_server import Status, TelegramServer

NEWS = Outgoing(
    "臨時休業 <本日>",
    "大雨のため休みます。",
    "美祢市",
    footnote="見本の町です。",
    action=(("やめる", "messages:off"),),
)


@pytest.fixture
def messenger(bot: Bot) -> TelegramMessenger:
    return TelegramMessenger(bot)


async def test_an_announcement_arrives_with_its_sender_and_buttons(
    server: TelegramServer, messenger: TelegramMessenger
) -> None:
    hana = server.user("花子", started=True)
    outcome = await messenger.send_direct(str(hana.id), NEWS, delivery=1)
    message = await hana.next_message()
    assert outcome == Delivered(str(message.id))
    assert message.html == (
        "<b>臨時休業 &lt;本日&gt;</b>\n\n大雨のため休みます。\n\n— 美祢市\n\n<i>見本の町です。</i>"
    )
    assert message.button("やめる").data == "messages:off"
    assert message.shown["link_preview_options"] == {"is_disabled": True}


async def test_a_post_reaches_everybody_in_the_room(
    server: TelegramServer, messenger: TelegramMessenger
) -> None:
    room = server.supergroup("部屋")
    outcome = await messenger.post(str(room.id), NEWS, delivery=1)
    assert outcome == Delivered(str(server.messages(room)[0].id))


async def test_somebody_who_blocked_the_bot_is_left_alone(
    server: TelegramServer, messenger: TelegramMessenger
) -> None:
    hana = server.user("花子", started=True)
    await hana.blocks_bot()
    outcome = await messenger.send_direct(str(hana.id), NEWS, delivery=1)
    assert outcome == Blocked("Forbidden: bot was blocked by the user")


@pytest.mark.parametrize("gone", ["never wrote", "deleted", "unknown"])
async def test_somebody_who_cannot_be_written_to_counts_as_blocked(
    server: TelegramServer, messenger: TelegramMessenger, gone: str
) -> None:
    hana = server.user("花子", started=gone == "deleted")
    if gone == "deleted":
        await hana.deletes_account()
    account = "1234567" if gone == "unknown" else str(hana.id)
    assert isinstance(await messenger.send_direct(account, NEWS, delivery=1), Blocked)


async def test_a_flood_gives_the_pause_that_telegram_asks_for(
    server: TelegramServer, messenger: TelegramMessenger
) -> None:
    hana = server.user("花子", started=True)
    server.fail_next("sendMessage", 429, "Too Many Requests: retry after 17", retry_after=17)
    outcome = await messenger.send_direct(str(hana.id), NEWS, delivery=1)
    assert outcome == Flooded(timedelta(seconds=17))


@pytest.mark.parametrize("processed", [False, True])
async def test_a_connection_that_breaks_leaves_a_message_in_doubt(
    server: TelegramServer, messenger: TelegramMessenger, *, processed: bool
) -> None:
    hana = server.user("花子", started=True)
    server.drop_next("sendMessage", processed=processed)
    outcome = await messenger.send_direct(str(hana.id), NEWS, delivery=1)
    assert isinstance(outcome, InDoubt)
    assert len(hana.unread()) == processed


async def test_an_answer_that_is_late_leaves_a_message_in_doubt(
    server: TelegramServer, messenger: TelegramMessenger
) -> None:
    hana = server.user("花子", started=True)
    server.delay_next("sendMessage", 2.5, processed=True)
    assert isinstance(await messenger.send_direct(str(hana.id), NEWS, delivery=1), InDoubt)


@pytest.mark.parametrize("status", [500, 502, 504])
async def test_a_fault_of_telegrams_own_leaves_a_message_in_doubt(
    server: TelegramServer, messenger: TelegramMessenger, status: int
) -> None:
    hana = server.user("花子", started=True)
    server.fail_next("sendMessage", status)
    assert isinstance(await messenger.send_direct(str(hana.id), NEWS, delivery=1), InDoubt)


async def test_without_a_connection_nothing_was_sent(unused_tcp_port: int) -> None:
    url = f"http://127.0.0.1:{unused_tcp_port}/bot"
    away = Bot("1:AA", base_url=url, request=AiohttpRequest(), get_updates_request=AiohttpRequest())
    await asyncio.gather(*(each.initialize() for each in away._request))
    outcome = await TelegramMessenger(away).send_direct("1", NEWS, delivery=1)
    await asyncio.gather(*(each.shutdown() for each in away._request))
    assert isinstance(outcome, NotSent)


async def test_a_refused_token_means_that_nothing_was_sent_and_is_not_repeated(
    server: TelegramServer, messenger: TelegramMessenger
) -> None:
    hana = server.user("花子", started=True)
    server.fail_next("sendMessage", 401, "Unauthorized")
    outcome = await messenger.send_direct(str(hana.id), NEWS, delivery=1)
    assert isinstance(outcome, NotSent)
    assert server.token not in outcome.reason


async def test_a_group_that_became_a_supergroup_fails_with_its_new_number(
    server: TelegramServer, messenger: TelegramMessenger
) -> None:
    owner = server.user("長", started=True)
    old = server.basic_group("部屋", owner=owner)
    new = await owner.upgrades(old)
    outcome = await messenger.post(str(old.id), NEWS, delivery=1)
    assert isinstance(outcome, Failed)
    assert str(new.id) in outcome.reason


async def test_a_room_that_the_bot_was_removed_from_fails_rather_than_blocks(
    server: TelegramServer, messenger: TelegramMessenger
) -> None:
    room = server.supergroup("部屋", bot=Status.KICKED)
    assert isinstance(await messenger.post(str(room.id), NEWS, delivery=1), Failed)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        pytest.param("hana", NEWS, id="an id that is not Telegram's"),
        pytest.param("1", Outgoing("長", "😀" * 3_000, "美祢市"), id="longer than one message"),
    ],
)
async def test_what_telegram_could_never_take_fails_without_being_tried(
    server: TelegramServer, messenger: TelegramMessenger, target: str, message: Outgoing
) -> None:
    assert isinstance(await messenger.send_direct(target, message, delivery=1), Failed)
    assert server.calls("sendMessage") == []


async def test_an_answer_waits_out_a_short_flood(
    server: TelegramServer, messenger: TelegramMessenger
) -> None:
    hana = server.user("花子", started=True)
    server.fail_next("sendMessage", 429, "Too Many Requests: retry after 1", retry_after=1)
    await messenger.reply(Place(hana.id, private=True), Reply("はい"))
    assert (await hana.next_message()).text == "はい"


async def test_an_answer_is_sent_again_after_a_broken_connection(
    server: TelegramServer, messenger: TelegramMessenger
) -> None:
    hana = server.user("花子", started=True)
    server.drop_next("sendMessage", processed=False)
    await messenger.reply(Place(hana.id, private=True), Reply("はい"))
    assert [each.text for each in hana.unread()] == ["はい"]


async def test_a_picture_carries_its_answer_and_buttons(
    server: TelegramServer, messenger: TelegramMessenger
) -> None:
    hana = server.user("花子", started=True)
    picture = Document("pass.png", qr.png("K1"), "image/png")
    rows = ((Button("新しくする", action="pass:onsen"),),)
    await messenger.reply(
        Place(hana.id, private=True), Reply("窓口で<見せて>", document=picture, buttons=rows)
    )
    (sent,) = hana.unread()
    assert sent.text == "窓口で<見せて>"
    assert sent.file is not None
    assert sent.file.content == picture.content
    assert [each.label for row in sent.buttons for each in row] == ["新しくする"]


async def test_an_answer_too_long_for_a_caption_stands_before_its_picture(
    server: TelegramServer, messenger: TelegramMessenger
) -> None:
    hana = server.user("花子", started=True)
    picture = Document("pass.png", qr.png("K1"), "image/png")
    await messenger.reply(Place(hana.id, private=True), Reply("あ" * 1_200, document=picture))
    first, second = hana.unread()
    assert first.text == "あ" * 1_200
    assert second.file is not None


async def test_a_document_goes_with_its_answer(
    server: TelegramServer, messenger: TelegramMessenger
) -> None:
    hana = server.user("花子", started=True)
    document = Document("mydata.json", b'{"member": 1}', "application/json")
    await messenger.reply(Place(hana.id, private=True), Reply("記録です", document=document))
    assert (await hana.next_message()).text == "記録です"
    file = (await hana.next_message()).file
    assert file is not None
    assert (file.name, file.content, file.media_type) == (
        "mydata.json",
        b'{"member": 1}',
        "application/json",
    )
