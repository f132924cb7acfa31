"""Floods, prepared refusals, lost connections and slow answers, seen by an unmodified client."""

import asyncio

import pytest
from telegram import Bot
from telegram.error import BadRequest, NetworkError, RetryAfter, TimedOut

from tests.telegram_server import TelegramServer, User


@pytest.fixture
def hana(server: TelegramServer) -> User:
    return server.user("花子", started=True)


def seconds(refusal: RetryAfter) -> float:
    return refusal._retry_after.total_seconds()


async def test_too_many_messages_a_second(server: TelegramServer, bot: Bot) -> None:
    server.limits.per_second, server.limits.retry_after = 3, 7
    people = [server.user(f"住民{number}", started=True) for number in range(5)]
    for person in people[:3]:
        await bot.send_message(person.id, "一")
    with pytest.raises(RetryAfter) as refusal:
        await bot.send_message(people[3].id, "一")
    assert seconds(refusal.value) == 7
    with pytest.raises(RetryAfter):
        await bot.send_message(people[4].id, "一")
    assert (server.floods.refused, server.floods.while_banned) == (2, 1)
    assert server.messages(people[3]) == []
    await server.advance(8)
    await bot.send_message(people[4].id, "一")


async def test_too_many_messages_in_one_chat(server: TelegramServer, bot: Bot, hana: User) -> None:
    server.limits.per_chat_second = 1
    await bot.send_message(hana.id, "一")
    with pytest.raises(RetryAfter) as refusal:
        await bot.send_message(hana.id, "二")
    assert seconds(refusal.value) == 1
    await bot.send_message(server.user("太郎", started=True).id, "一")


async def test_too_many_messages_in_a_group(server: TelegramServer, bot: Bot, hana: User) -> None:
    server.limits.per_group_minute = 2
    group = server.supergroup("広場", username="plaza")
    await bot.send_message(group.id, "一")
    await bot.send_message("@plaza", "二")
    with pytest.raises(RetryAfter) as refusal:
        await bot.send_message(group.id, "三")
    assert 50 <= seconds(refusal.value) <= 60
    await bot.send_message(hana.id, "一")
    await server.advance(61)
    await bot.send_message(group.id, "三")


async def test_a_prepared_refusal_happens_once(
    server: TelegramServer, bot: Bot, hana: User
) -> None:
    server.fail_next("sendMessage", 400, "Bad Request: USER_CHANNELS_TOO_MUCH", chat=hana)
    await bot.send_message(server.user("太郎", started=True).id, "一")
    with pytest.raises(BadRequest, match=r"(?i)user_channels_too_much"):
        await bot.send_message(hana.id, "一")
    await bot.send_message(hana.id, "二")
    assert [each.text for each in server.messages(hana)] == ["二"]


async def test_a_prepared_flood(server: TelegramServer, bot: Bot, hana: User) -> None:
    server.fail_next("*", 429, "Too Many Requests: retry after 35", retry_after=35)
    with pytest.raises(RetryAfter) as refusal:
        await bot.send_message(hana.id, "一")
    assert seconds(refusal.value) == 35


async def test_an_answer_that_is_not_json(server: TelegramServer, bot: Bot, hana: User) -> None:
    server.fail_next("sendMessage", 502, body=b"<html>Bad Gateway</html>")
    with pytest.raises(NetworkError, match="Bad Gateway"):
        await bot.send_message(hana.id, "一")


@pytest.mark.parametrize("processed", [False, True])
async def test_a_lost_connection_leaves_in_doubt_whether_the_message_arrived(
    server: TelegramServer, bot: Bot, hana: User, processed: bool
) -> None:
    server.drop_next("sendMessage", processed=processed)
    with pytest.raises(NetworkError):
        await bot.send_message(hana.id, "一")
    assert len(server.messages(hana)) == int(processed)
    request = server.calls("sendMessage")[0]
    assert request.lost
    assert request.status == (200 if processed else None)


async def test_a_late_answer_leaves_in_doubt_too(
    server: TelegramServer, bot: Bot, hana: User
) -> None:
    server.delay_next("sendMessage", 0.5, processed=True)
    with pytest.raises(TimedOut):
        await bot.send_message(hana.id, "一", read_timeout=0.1)
    assert [each.text for each in server.messages(hana)] == ["一"]


async def test_requests_can_be_held_at_the_door(
    server: TelegramServer, bot: Bot, hana: User
) -> None:
    async with server.hold("sendMessage") as gate:
        sending = asyncio.create_task(bot.send_message(hana.id, "一"))
        await server.until(lambda: gate.waiting == 1)
        assert len(server.calls("sendMessage")) == 1
        assert server.messages(hana) == []
    await sending
    assert len(server.messages(hana)) == 1


async def test_what_never_becomes_so_is_an_assertion(server: TelegramServer, hana: User) -> None:
    with pytest.raises(AssertionError, match="not so within"):
        await server.until(lambda: False, timeout=0.01)
    with pytest.raises(AssertionError, match="no new message"):
        await hana.next_message(timeout=0.01)
