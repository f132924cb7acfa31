"""A worker to be killed: `python work_me.py FOLDER DATABASE NAME VERSION [TELEGRAM TOKEN]`.

Its jobs are those of announcements and one that is slow: its turn ends once the file ``go`` is in
the folder. Whatever it connects to outside this machine is told as a line.
"""

import asyncio
import sys
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if host not in LOOPBACK:
        tell(f"outside {host}")


def tell(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


async def main(folder: Path, url: str, name: str, version: str, *telegram: str) -> None:
    from pydantic import SecretStr

    from bots import app as composition
    from bots import jobs, serve
    from bots.app import App
    from bots.jobs import lives
    from bots.jobs.engine import end_of_process
    from core.settings import Settings
    from core.town import TownPack
    from knowledge.answer import Guide
    from knowledge.encoders import Tier
    from tests.conftest import ROOT

    async def slow(_: App) -> None:
        tell("begun")
        while not (folder / "go").exists():  # noqa: ASYNC110 - another process makes it
            await asyncio.sleep(0.05)
        tell("done")

    def open_guide(settings: Settings, town: TownPack) -> Guide:  # noqa: ARG001
        (folder / "guides").mkdir(exist_ok=True)
        return Guide.open(folder / "guides", cache=folder / "index", tier=Tier.WORDS)

    vars(composition)["open_guide"] = open_guide
    vars(jobs)["JOBS"] = (
        jobs.Job("slow", lambda _: timedelta(hours=1), slow),
        jobs.Job("start", lambda _: timedelta(seconds=1), lives.start_due, everywhere=True),
        jobs.Job("announcements", lambda _: timedelta(seconds=1), lives.adopt),
    )
    vars(jobs)["at_work"] = partial(jobs.at_work, version=version)
    given: dict[str, Any] = {}
    if telegram:
        api, token = telegram
        given = {
            "telegram_token": SecretStr(token),
            "telegram_api_url": f"{api}/bot",
            "telegram_file_url": f"{api}/file/bot",
        }
    settings = Settings(
        _env_file=None,
        town=ROOT / "towns" / "mine",
        data_dir=folder,
        database_url=url,
        secret_key=SecretStr("the key of the town, which a worker does not make"),
        **given,
    )

    def ready(app: App) -> None:
        app.happenings.listen(lambda words: tell(f"told {words}"))
        tell("ready")

    await serve.work(settings, worker=name, progress=lambda _: None, ready=ready, language="en")
    tell("ended")
    end_of_process()


if __name__ == "__main__":
    sys.addaudithook(watch)
    asyncio.run(main(Path(sys.argv[1]), *sys.argv[2:]))
