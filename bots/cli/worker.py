"""`kankei worker`: another process of a town that runs already, which sends and does jobs."""

import asyncio
import re
from typing import Annotated, Final

import typer

from bots.app import App
from bots.cli.faults import faults
from bots.cli.logs import log_as_set
from bots.cli.telling import Teller
from bots.cli.terminal import fail, language, read_settings
from bots.jobs import Elsewhere, NameTaken
from bots.jobs.engine import end_of_process
from bots.serve import work
from core.errors import KankeiError

NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


def name_of(name: str) -> str:
    """`name` if a process can have it; else a sentence and the end of the command."""
    if NAME.fullmatch(name) is None:
        raise fail("worker.bad-name", name=name)
    return name


def worker(
    name: Annotated[
        str, typer.Option(help="この働き手の名前（ほかと違うもの） / a name that no other has")
    ],
) -> None:
    """動いている町を手伝います（送信と時計の仕事） / Help a running town to send and do jobs."""
    settings = read_settings()
    log_as_set(settings, worker=name)
    teller = Teller(settings)

    def ready(app: App) -> None:
        teller.happenings(app)
        teller.say("worker.ready", name=name, town=app.town.town.name.get(language()))

    try:
        with faults():
            asyncio.run(
                work(
                    settings,
                    worker=name_of(name),
                    progress=teller.step,
                    ready=ready,
                    language=language(),
                )
            )
    except NameTaken as error:
        raise fail("worker-taken", name=error) from error
    except Elsewhere as error:
        raise fail("worker-elsewhere", name=error) from error
    except KankeiError as error:
        raise fail("stopped", reason=error) from error
    teller.say("goodbye")
    end_of_process()
