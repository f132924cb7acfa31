"""Announcements, beside the loops that others write: `python -m benchmarks.announcements [part]`.

All contestants send to `tests.world.arrivals`, a process of its own on 127.0.0.1 that counts a
message when it arrives. Each runs as a process of its own, so that nobody's CPU is counted twice.
The peers run in their own virtual environment, as `requirements.txt` says:

* bare aiohttp: a loop that remembers nothing; the ceiling
* python-telegram-bot as it comes: `asyncio.gather` over everybody
* python-telegram-bot with its `AIORateLimiter`: the same, and a plain loop
* aiogram's idiom, from its examples: a loop that sleeps .05 s and obeys ``retry_after``
"""
