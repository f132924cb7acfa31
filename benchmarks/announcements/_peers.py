"""One peer: ``python _peers.py NAME``, what to do as JSON on stdin, what it took as JSON on stdout.

Runs in the peers' own environment and knows nothing of Kankei.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from _memory import peak

AT_ONCE = 100


async def at_most(count: int, jobs: Iterable[Awaitable[bool]]) -> int:
    """Run all, so many at once; returns how many failed."""
    room = asyncio.Semaphore(count)

    async def one(job: Awaitable[bool]) -> bool:
        async with room:
            return await job

    return (await asyncio.gather(*map(one, jobs))).count(False)


async def bare_aiohttp(told: dict[str, Any], chats: list[int]) -> int:
    import aiohttp

    connector = aiohttp.TCPConnector(limit=AT_ONCE)
    url = f"{told['base_url']}{told['token']}/sendMessage"
    async with aiohttp.ClientSession(connector=connector) as session:

        async def send(chat: int) -> bool:
            form = {"chat_id": str(chat), "text": told["text"], "parse_mode": "HTML"}
            async with session.post(url, data=form) as response:
                await response.read()
                return response.status == 200

        return await at_most(AT_ONCE, map(send, chats))


def ptb(*, limited: bool, gathered: bool) -> Callable[[dict[str, Any], list[int]], Awaitable[int]]:
    async def run(told: dict[str, Any], chats: list[int]) -> int:
        from telegram.error import TelegramError
        from telegram.ext import AIORateLimiter, ExtBot

        limiter = AIORateLimiter(overall_max_rate=told["rate"]) if limited else None
        bot: ExtBot[Any] = ExtBot(told["token"], base_url=told["base_url"], rate_limiter=limiter)

        async def send(chat: int) -> bool:
            try:
                await bot.send_message(chat, told["text"], parse_mode="HTML")
            except TelegramError:
                return False
            return True

        async with bot:
            if gathered:
                return await at_most(len(chats), map(send, chats))
            return [await send(chat) for chat in chats].count(False)

    return run


async def aiogram_idiom(told: dict[str, Any], chats: list[int]) -> int:
    from aiogram import Bot
    from aiogram.client.session.aiohttp import AiohttpSession
    from aiogram.client.telegram import TelegramAPIServer
    from aiogram.exceptions import TelegramAPIError, TelegramRetryAfter

    base = told["base_url"].removesuffix("/bot")
    session = AiohttpSession(api=TelegramAPIServer.from_base(base))

    async with Bot(told["token"], session=session) as bot:

        async def send(chat: int) -> bool:
            try:
                await bot.send_message(chat, told["text"], parse_mode="HTML")
            except TelegramRetryAfter as error:
                await asyncio.sleep(error.retry_after)
                return await send(chat)
            except TelegramAPIError:
                return False
            return True

        failed = 0
        for chat in chats:
            failed += not await send(chat)
            await asyncio.sleep(0.05)  # "20 messages per second (Limit: 30 messages per second)"
        return failed


PEERS = {
    "aiohttp": bare_aiohttp,
    "ptb-gather": ptb(limited=False, gathered=True),
    "ptb-limiter-gather": ptb(limited=True, gathered=True),
    "ptb-limiter-loop": ptb(limited=True, gathered=False),
    "aiogram": aiogram_idiom,
}


async def main() -> None:
    told = json.load(sys.stdin)
    chats = [told["first_chat"] + each for each in range(1, told["count"] + 1)]
    cpu, wall = time.process_time(), time.monotonic()
    failed = await PEERS[sys.argv[1]](told, chats)
    taken = {
        "cpu": time.process_time() - cpu,
        "wall": time.monotonic() - wall,
        "rss": peak(),
        "failed": failed,
    }
    print(json.dumps(taken))


if __name__ == "__main__":
    asyncio.run(main())
