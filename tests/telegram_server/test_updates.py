"""getUpdates and webhooks: an update stays until it is confirmed, and has one reader."""

import asyncio

import pytest
from telegram import Bot
from telegram.error import BadRequest, Conflict

from tests.telegram_server import TelegramServer, User


@pytest.fixture
def hana(server: TelegramServer) -> User:
    return server.user("花子")


async def texts(bot: Bot, offset: int | None = None, limit: int | None = None) -> list[str | None]:
    updates = await bot.get_updates(offset=offset, limit=limit)
    return [each.message.text if each.message else None for each in updates]


async def test_an_update_stays_until_a_higher_offset_confirms_it(bot: Bot, hana: User) -> None:
    for text in ("一", "二", "三"):
        await hana.sends(text)
    first = (await bot.get_updates())[0].update_id
    assert await texts(bot) == ["一", "二", "三"]
    assert await texts(bot, limit=1) == ["一"]
    assert await texts(bot, offset=first + 1) == ["二", "三"]
    assert await texts(bot, offset=-1) == ["三"]
    assert await texts(bot) == ["三"]


async def test_a_long_poll_ends_when_something_happens(
    server: TelegramServer, bot: Bot, hana: User
) -> None:
    poll = asyncio.create_task(bot.get_updates(timeout=20))
    await server.until(lambda: server.polls == 1)
    await hana.sends("一")
    assert len(await poll) == 1


async def test_a_long_poll_ends_empty_after_its_timeout(bot: Bot) -> None:
    assert await bot.get_updates(timeout=1) == ()


async def test_a_second_reader_ends_the_first(server: TelegramServer, bot: Bot, hana: User) -> None:
    first = asyncio.create_task(bot.get_updates(timeout=20))
    await server.until(lambda: server.polls == 1)
    async with Bot(server.token, base_url=server.base_url) as other:
        second = asyncio.create_task(other.get_updates(timeout=20))
        with pytest.raises(Conflict, match="terminated by other getUpdates request"):
            await first
        await hana.sends("一")
        assert len(await second) == 1


async def test_a_webhook_ends_the_reader_and_keeps_it_out(server: TelegramServer, bot: Bot) -> None:
    first = asyncio.create_task(bot.get_updates(timeout=20))
    await server.until(lambda: server.polls == 1)
    await bot.set_webhook("http://127.0.0.1:9/hook")
    with pytest.raises(Conflict, match="terminated by setWebhook request"):
        await first
    with pytest.raises(Conflict, match="can't use getUpdates method while webhook is active"):
        await bot.get_updates()
    await bot.delete_webhook()
    assert await bot.get_updates() == ()


async def test_what_the_webhook_missed_can_be_read_afterwards(
    server: TelegramServer, bot: Bot, hana: User
) -> None:
    await bot.set_webhook("http://127.0.0.1:9/hook")
    await hana.sends("一")
    webhook = server.updates.webhook
    assert webhook is not None
    await server.until(lambda: webhook.last_error_message != "")
    assert (await bot.get_webhook_info()).pending_update_count == 1
    await bot.delete_webhook()
    assert await texts(bot) == ["一"]


async def test_pending_updates_can_be_dropped(bot: Bot, hana: User) -> None:
    await hana.sends("一")
    await bot.delete_webhook(drop_pending_updates=True)
    assert await bot.get_updates() == ()


async def test_only_the_wanted_kinds_are_made(bot: Bot, hana: User) -> None:
    await bot.get_updates(allowed_updates=["callback_query"])
    await hana.sends("一")
    await bot.get_updates(allowed_updates=["message"])
    await hana.sends("二")
    assert await texts(bot) == ["二"]


@pytest.mark.parametrize(
    ("url", "secret", "reason"),
    [
        ("http://example.jp/hook", "", "An HTTPS URL must be provided for webhook"),
        ("https://example.jp:9000/hook", "", "can be set up only on ports 80, 88, 443 or 8443"),
        ("https://example.jp/hook", "", "Failed to resolve host"),
        ("http://127.0.0.1:9/hook", "花", "Secret token contains unallowed characters"),
        ("http://127.0.0.1:9/hook", "a" * 257, "Secret token is too long"),
    ],
)
async def test_webhooks_that_are_refused(bot: Bot, url: str, secret: str, reason: str) -> None:
    with pytest.raises(BadRequest, match=f"(?i){reason}"):
        await bot.set_webhook(url, secret_token=secret)
