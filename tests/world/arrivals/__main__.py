"""The platform in a process of its own: prints its URL, ends with its parent's pipe."""

import asyncio
import sys

from tests.world.arrivals.server import CountingTelegram


async def main() -> None:
    async with CountingTelegram() as telegram:
        sys.stdout.write(f"{telegram.url}\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)  # until whoever started us goes


if __name__ == "__main__":
    asyncio.run(main())
