"""What became of a message, told honestly."""

import asyncio
from datetime import timedelta

import pytest
from telegram import Bot

from bots import qr
from bots.conversation import Button, Document, Reply
from bots.telegram.messenger import Place, TelegramMessenger
from bots.telegram.sending import laid_out
from bots.telegram.transport import AiohttpRequest
from core.announcements import (
    Amender,
    Blocked,
    Delivered,
    Failed,
    Flooded,
    InDoubt,
    NotSent,
    Outgoing,
    Picture,
)
from tests.telegram_server import Limits, Status, TelegramServer

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


async def test_a_group_that_became_a_supergroup_is_written_to_at_once_and_staff_are_told(
    server: TelegramServer, bot: Bot
) -> None:
    told: list[tuple[int, int]] = []

    async def tell(old: int, new: int) -> None:
        told.append((old, new))

    messenger = TelegramMessenger(bot, moved=tell)
    owner = server.user("長", started=True)
    old = server.basic_group("部屋", owner=owner)
    new = await owner.upgrades(old)
    for delivery in (1, 2):
        outcome = await messenger.post(str(old.id), NEWS, delivery=delivery)
        assert isinstance(outcome, Delivered)
    assert len([each for each in server.messages(new) if not each.service]) == 2
    assert told == [(old.id, new.id)]
    assert [each.status for each in server.calls("sendMessage")] == [400, 200, 200]


async def test_what_was_posted_before_a_group_became_a_supergroup_is_left_alone_there(
    server: TelegramServer, bot: Bot
) -> None:
    """A supergroup numbers its messages anew: the same number is another's message."""
    messenger = TelegramMessenger(bot)
    owner = server.user("長", started=True)
    old = server.basic_group("部屋", owner=owner)
    posted = await messenger.post(str(old.id), NEWS, delivery=1)
    assert isinstance(posted, Delivered)
    new = await owner.upgrades(old)
    number = str(posted.message_id)
    for _ in range(2):
        assert isinstance(await messenger.retract(str(old.id), number, direct=False), Failed)
        assert isinstance(await messenger.edit(str(old.id), number, NEWS, direct=False), Failed)
        await messenger.post(str(old.id), NEWS, delivery=2)
    assert len([each for each in server.messages(new) if not each.service]) == 2


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


# Pictures, links, rates

PICTURE = Picture(qr.png("K1"), "image/png", "橋の上から見た湖")
WITH_PICTURE = Outgoing(
    "山焼き",
    "二月に行います。",
    "美祢市",
    footnote="見本の町です。",
    action=(("やめる", "topic:event:off"),),
    links=(("くわしく", "https://town.example/yamayaki"), ("内線", "http://localhost/x")),
    picture=PICTURE,
)


async def test_a_picture_carries_the_words_links_and_buttons_as_one_message(
    server: TelegramServer, messenger: TelegramMessenger
) -> None:
    hana = server.user("花子", started=True)
    outcome = await messenger.send_direct(str(hana.id), WITH_PICTURE, delivery=1)
    (message,) = server.messages(hana)
    assert outcome == Delivered(str(message.id))
    assert message.file is not None
    assert message.file.content == PICTURE.content
    assert message.html == (
        "<b>山焼き</b>\n\n二月に行います。\n\n内線\nhttp://localhost/x\n\n"
        "<i>写真：橋の上から見た湖</i>\n\n— 美祢市\n\n<i>見本の町です。</i>"
    )
    assert [[(each.label, each.url or each.data) for each in row] for row in message.buttons] == [
        [("くわしく", "https://town.example/yamayaki")],
        [("やめる", "topic:event:off")],
    ]


async def test_a_picture_is_uploaded_once_however_many_receive_it(
    server: TelegramServer, messenger: TelegramMessenger
) -> None:
    people = [server.user(f"{number}", started=True) for number in range(20)]
    await people[0].blocks_bot()
    outcomes = await asyncio.gather(
        *(
            messenger.send_direct(str(each.id), WITH_PICTURE, delivery=number)
            for number, each in enumerate(people)
        )
    )
    assert [type(each) for each in outcomes] == [Blocked, *[Delivered] * 19]
    received = [server.messages(each)[0].file for each in people[1:]]
    assert {each.content for each in received if each} == {PICTURE.content}
    uploads = [each for each in server.calls("sendPhoto") if each.params.uploads]
    assert len(uploads) == 2  # the first of them met somebody who has blocked the bot


async def test_a_picture_that_telegram_has_forgotten_is_uploaded_again(
    server: TelegramServer, messenger: TelegramMessenger
) -> None:
    hana = server.user("花子", started=True)
    await messenger.send_direct(str(hana.id), WITH_PICTURE, delivery=1)
    server.world.files.clear()
    outcome = await messenger.send_direct(str(hana.id), WITH_PICTURE, delivery=2)
    assert isinstance(outcome, Delivered)
    assert len(server.messages(hana)) == 2


async def test_words_too_long_for_a_caption_fail_without_being_tried(
    server: TelegramServer, messenger: TelegramMessenger
) -> None:
    long = Outgoing("題", "あ" * 1_100, "美祢市", picture=PICTURE)
    assert isinstance(await messenger.send_direct("1", long, delivery=1), Failed)
    assert server.calls("sendPhoto", "sendMessage") == []


@pytest.mark.parametrize("paid", [False, True])
async def test_above_the_free_rate_only_paid_messages_pass(
    server: TelegramServer, bot: Bot, *, paid: bool
) -> None:
    server.floods.limits = Limits(per_second=5)
    messenger = TelegramMessenger(bot, paid=paid)
    people = [server.user(f"{number}", started=True) for number in range(20)]
    outcomes = await asyncio.gather(
        *(messenger.send_direct(str(each.id), NEWS, delivery=1) for each in people)
    )
    passed = sum(isinstance(each, Delivered) for each in outcomes)
    assert (passed, server.floods.paid) == ((20, 15) if paid else (5, 0))


async def test_a_group_gets_twenty_messages_a_minute_and_the_rest_waits(
    server: TelegramServer, messenger: TelegramMessenger
) -> None:
    room, other = server.supergroup("部屋"), server.supergroup("広場")
    await messenger.reply(Place(room.id, private=False), Reply("お答えです"))
    for delivery in range(19):
        assert isinstance(await messenger.post(str(room.id), NEWS, delivery=delivery), Delivered)
    assert isinstance(await messenger.post(str(room.id), NEWS, delivery=20), NotSent)
    assert isinstance(await messenger.post(str(other.id), NEWS, delivery=21), Delivered)
    assert len(server.messages(room)) == 20


async def test_answers_to_people_are_counted_for_the_rate(server: TelegramServer, bot: Bot) -> None:
    answered: list[None] = []
    messenger = TelegramMessenger(bot, answered=lambda: answered.append(None))
    hana = server.user("花子", started=True)
    await messenger.reply(Place(hana.id, private=True), Reply("あ" * 5_000))
    await messenger.send_direct(str(hana.id), NEWS, delivery=1)
    assert len(answered) == 2  # the two parts of the answer, not the announcement


@pytest.mark.parametrize(
    ("status", "description", "outcome"),
    [
        pytest.param(400, "Bad Request: chat not found", Blocked, id="gone"),
        pytest.param(400, "Bad Request: PEER_ID_INVALID", Blocked, id="no such person"),
        pytest.param(403, "Forbidden: user is deactivated", Blocked, id="deleted account"),
        pytest.param(400, "Bad Request: can't parse entities", Failed, id="our own mistake"),
        pytest.param(413, "Request Entity Too Large", Failed, id="too large"),
        pytest.param(400, "Bad Request: BALANCE_TOO_LOW", NotSent, id="no Stars left"),
        pytest.param(429, "Too Many Requests", Flooded, id="a flood without a pause"),
        pytest.param(503, "Service Unavailable", InDoubt, id="a fault of its own"),
    ],
)
async def test_what_became_of_a_direct_message_is_read_from_the_refusal(
    server: TelegramServer,
    messenger: TelegramMessenger,
    status: int,
    description: str,
    outcome: type,
) -> None:
    hana = server.user("花子", started=True)
    server.fail_next("sendMessage", status, description)
    found = await messenger.send_direct(str(hana.id), NEWS, delivery=1)
    assert type(found) is outcome


@pytest.mark.parametrize(
    "description",
    [
        "Forbidden: bot was kicked from the supergroup chat",
        "Forbidden: bot is not a member of the channel chat",
        "Bad Request: not enough rights to send text messages to the chat",
        "Bad Request: chat not found",
        "Bad Request: TOPIC_CLOSED",
    ],
)
async def test_a_room_that_cannot_be_written_to_has_failed_with_telegrams_words(
    server: TelegramServer, messenger: TelegramMessenger, description: str
) -> None:
    room = server.supergroup("部屋")
    server.fail_next("sendMessage", 400 if description[0] == "B" else 403, description)
    found = await messenger.post(str(room.id), NEWS, delivery=1)
    assert isinstance(found, Failed)
    assert found.reason.lower() in description.lower()


async def test_a_slow_mode_is_waited_out(
    server: TelegramServer, messenger: TelegramMessenger
) -> None:
    room = server.supergroup("部屋")
    server.fail_next("sendMessage", 400, "Bad Request: SLOWMODE_WAIT_9")
    assert isinstance(await messenger.post(str(room.id), NEWS, delivery=1), NotSent)


# What has arrived is changed and taken back

CHANGED = Outgoing("山焼き(延期)", "三月に行います。", "美祢市")


async def test_an_announcement_that_has_arrived_says_something_else_and_may_be_told_so_again(
    server: TelegramServer, messenger: TelegramMessenger
) -> None:
    hana = server.user("花子", started=True)
    await messenger.send_direct(str(hana.id), NEWS, delivery=1)
    (message,) = server.messages(hana)
    for _ in range(2):
        found = await messenger.edit(str(hana.id), str(message.id), CHANGED, direct=True)
        assert found == Delivered(str(message.id))
    assert message.text == "山焼き(延期)\n\n三月に行います。\n\n— 美祢市"
    assert message.buttons == ()


async def test_the_words_under_a_picture_change_and_the_picture_stays(
    server: TelegramServer, messenger: TelegramMessenger
) -> None:
    hana = server.user("花子", started=True)
    await messenger.send_direct(str(hana.id), WITH_PICTURE, delivery=1)
    (message,) = server.messages(hana)
    for new in (CHANGED, Outgoing("中止", "雨のため。", "美祢市", picture=PICTURE)):
        found = await messenger.edit(str(hana.id), str(message.id), new, direct=True)
        assert found == Delivered(str(message.id))
        assert message.text.startswith(new.heading)
    assert message.file is not None


async def test_an_announcement_is_taken_away_and_what_is_gone_is_gone(
    server: TelegramServer, messenger: TelegramMessenger
) -> None:
    room = server.channel("広場")
    await messenger.post(str(room.id), NEWS, delivery=1)
    number = str(server.messages(room)[0].id)
    for _ in range(2):
        assert await messenger.retract(str(room.id), number, direct=False) == Delivered(number)
    assert server.messages(room) == []


@pytest.mark.parametrize("news", [NEWS, WITH_PICTURE], ids=["words", "picture"])
async def test_after_two_days_the_words_are_replaced_because_telegram_deletes_no_more(
    server: TelegramServer, bot: Bot, news: Outgoing
) -> None:
    messenger = TelegramMessenger(bot, withdrawn="取り下げました。")
    hana = server.user("花子", started=True)
    await messenger.send_direct(str(hana.id), news, delivery=1)
    (message,) = server.messages(hana)
    await server.advance(48 * 3600)
    for _ in range(2):
        found = await messenger.retract(str(hana.id), str(message.id), direct=True)
        assert isinstance(found, Failed if news.picture else Delivered)
        assert (message.text, message.buttons) == ("取り下げました。", ())


async def test_a_change_of_what_was_deleted_by_hand_is_refused(
    server: TelegramServer, messenger: TelegramMessenger
) -> None:
    room = server.supergroup("部屋")
    await messenger.post(str(room.id), NEWS, delivery=1)
    server.messages(room)[0].deleted = True
    assert isinstance(await messenger.edit(str(room.id), "1", CHANGED, direct=False), Failed)


async def test_a_flood_stops_changes_too(
    server: TelegramServer, messenger: TelegramMessenger
) -> None:
    assert isinstance(messenger, Amender)
    hana = server.user("花子", started=True)
    await messenger.send_direct(str(hana.id), NEWS, delivery=1)
    number = str(server.messages(hana)[0].id)
    for method in ("editMessageText", "deleteMessage"):
        server.fail_next(method, 429, "Too Many Requests: retry after 7", retry_after=7)
    flood = Flooded(timedelta(seconds=7))
    assert await messenger.edit(str(hana.id), number, CHANGED, direct=True) == flood
    assert await messenger.retract(str(hana.id), number, direct=True) == flood


async def test_no_text_reaches_the_log(
    server: TelegramServer, messenger: TelegramMessenger, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="bots")
    hana = server.user("花子", started=True)
    server.fail_next("sendMessage", 400, "Bad Request: can't parse entities")
    await messenger.send_direct(str(hana.id), NEWS, delivery=1)
    assert caplog.records
    assert NEWS.heading not in caplog.text
    assert NEWS.body not in caplog.text


# Answers


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


async def test_an_answer_that_is_no_message_leaves_it_in_doubt(
    server: TelegramServer, messenger: TelegramMessenger
) -> None:
    hana = server.user("花子", started=True)
    server.fail_next("sendMessage", 200, body=b'{"ok":true,"result":{"message_id":"first"}}')
    outcome = await messenger.send_direct(str(hana.id), NEWS, delivery=1)
    assert isinstance(outcome, InDoubt)


async def test_an_announcement_is_laid_out_once_however_many_receive_it(
    server: TelegramServer, messenger: TelegramMessenger, caplog: pytest.LogCaptureFixture
) -> None:
    laid_out.cache_clear()
    people = [server.user(f"{each}", started=True) for each in range(3)]
    for number, person in enumerate(people):
        news = Outgoing(
            "休業", "大雨のため休みます。", "美祢市", action=(("やめる", "messages:off"),)
        )
        outcome = await messenger.send_direct(str(person.id), news, delivery=number)
        assert isinstance(outcome, Delivered)
    assert laid_out.cache_info().misses == 1
    assert len({(await each.next_message()).html for each in people}) == 1
    assert not caplog.records
