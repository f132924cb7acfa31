"""The counting platform, as an unmodified python-telegram-bot meets it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from telegram import Bot
from telegram.error import BadRequest, Forbidden, NetworkError, RetryAfter

from bots.telegram.transport import AiohttpRequest
from tests.world.arrivals import TOKEN, Conduct, CountingTelegram, remote

CHAT = 5_000_000_001


@pytest.fixture
async def telegram() -> AsyncIterator[CountingTelegram]:
    async with CountingTelegram() as made:
        yield made


@pytest.fixture
async def bot(telegram: CountingTelegram) -> AsyncIterator[Bot]:
    async with Bot(TOKEN, base_url=telegram.base_url, request=AiohttpRequest()) as made:
        yield made


async def test_a_message_is_counted_changed_and_taken_back(
    telegram: CountingTelegram, bot: Bot
) -> None:
    sent = await bot.send_message(CHAT, "山焼き & <b>お知らせ</b>")
    before = dict(telegram.seen().texts)
    await bot.edit_message_text("延期です", chat_id=CHAT, message_id=sent.message_id)
    changed = dict(telegram.seen().texts)
    with pytest.raises(BadRequest, match="not modified"):
        await bot.edit_message_text("延期です", chat_id=CHAT, message_id=sent.message_id)
    assert await bot.delete_message(CHAT, sent.message_id)
    with pytest.raises(BadRequest, match="not found"):
        await bot.delete_message(CHAT, sent.message_id)
    assert before.keys().isdisjoint(changed)
    assert not telegram.seen().texts, "no message stands"
    kinds = [each.kind for each in telegram.log]
    assert kinds == ["sent", "edited", "edited", "deleted", "deleted"]
    assert {each.chat for each in telegram.log} == {CHAT}


async def test_a_picture_and_its_caption_are_one_message(
    telegram: CountingTelegram, bot: Bot
) -> None:
    sent = await bot.send_photo(CHAT, b"\xff\xd8 a picture", caption="山焼き")
    (before,) = telegram.seen().texts
    await bot.edit_message_caption(CHAT, sent.message_id, caption="延期です")
    (after,) = telegram.seen().texts
    assert before != after
    assert telegram.log.sent == {CHAT: 1}


async def test_who_sends_too_fast_is_refused_everything_until_the_ban_ends(
    telegram: CountingTelegram, bot: Bot
) -> None:
    telegram.behave(Conduct(per_second=2, retry_after=1))
    await bot.send_message(CHAT, "1")
    await bot.send_message(CHAT, "2")
    with pytest.raises(RetryAfter) as refused:
        await bot.send_message(CHAT, "3")
    assert refused.value.retry_after == timedelta(seconds=1)
    seen = telegram.seen()
    assert (len(seen.times), seen.refused, seen.while_banned) == (2, 1, 0)
    await asyncio.sleep(0.1)
    with pytest.raises(RetryAfter):
        await bot.send_message(CHAT, "4")
    assert telegram.seen().while_banned == 1, "it had been told"


async def test_people_can_have_blocked_us_or_be_gone(telegram: CountingTelegram, bot: Bot) -> None:
    telegram.behave(Conduct(blocked_every=3, gone_every=2))
    with pytest.raises(Forbidden):
        await bot.send_message(9, "x")
    with pytest.raises(BadRequest, match="Chat not found"):
        await bot.send_message(7, "x")
    await bot.send_message(8, "x")
    assert telegram.log.sent == {8: 1}


@pytest.mark.parametrize(
    ("conduct", "arrived"),
    [
        (Conduct(cut=1.0), 1),
        (Conduct(unread=1.0), 0),
        (Conduct(lying=1.0), 1),
        (Conduct(broken=1.0), 0),
        (Conduct(stalled=1.0, stall=30.0), 1),
    ],
    ids=["cut", "unread", "lying", "broken", "stalled"],
)
async def test_a_request_without_a_good_answer_may_have_arrived_or_not(
    telegram: CountingTelegram, bot: Bot, conduct: Conduct, arrived: int
) -> None:
    telegram.behave(conduct)
    with pytest.raises(NetworkError):
        await bot.send_message(CHAT, "x", read_timeout=0.2)
    assert len(telegram.log.times) == arrived


async def test_in_a_process_of_its_own_it_tells_the_same() -> None:
    async with remote() as telegram:
        await telegram.begin(Conduct(latency=0.01))
        async with Bot(TOKEN, base_url=telegram.base_url, request=AiohttpRequest()) as bot:
            await asyncio.gather(*(bot.send_message(CHAT + each, "x") for each in range(5)))
        assert await telegram.count() == 5
        seen = await telegram.seen()
    assert seen.sent == {CHAT + each: 1 for each in range(5)}
    assert seen.most_in_a_second() == 5
