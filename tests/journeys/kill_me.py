"""A process that announces to Telegram until it is killed: `python kill_me.py FOLDER URL TOKEN`."""

import asyncio
import sys
from pathlib import Path

from pydantic import SecretStr

from bots.app import running
from bots.telegram.adapter import TelegramAdapter
from core.settings import Settings
from knowledge.answer import Guide
from knowledge.encoders import Tier


async def main(folder: Path, url: str, token: str) -> None:
    settings = Settings(
        town=folder / "mine",
        data_dir=folder,
        telegram_token=SecretStr(token),
        telegram_api_url=f"{url}/bot",
        telegram_file_url=f"{url}/file/bot",
    )
    guides = folder / "mine" / "guides"
    guide = await asyncio.to_thread(Guide.open, guides, cache=folder / "index", tier=Tier.WORDS)
    async with running(settings, guide=guide) as app:
        telegram = TelegramAdapter(app, webhook_secret="x" * 20)
        app.add_platform(telegram.keeper, telegram.messenger, rate=30)
        await telegram.start()
        sys.stdout.write("sending\n")
        sys.stdout.flush()
        await app.pumps["telegram"].run()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
