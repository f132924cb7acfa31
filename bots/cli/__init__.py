"""The `kankei` command: what an administrator types."""

import asyncio
import logging
import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from bots.app import App
from bots.cli.backup import backup, restore
from bots.cli.codes import codes, oidc_key
from bots.cli.evaluate import evaluate
from bots.cli.faults import faults, operations_words, unavailable
from bots.cli.index import index as read_index
from bots.cli.ingest import ingest
from bots.cli.jobs import jobs
from bots.cli.logs import log_as_set, log_to
from bots.cli.migrate import migrate as migrate_records
from bots.cli.pass_keys import pass_keys
from bots.cli.plan import plan
from bots.cli.telling import Teller
from bots.cli.terminal import fail, language, read_settings, say
from bots.cli.worker import name_of, worker
from bots.jobs import NameTaken
from bots.jobs.engine import end_of_process
from bots.serve import PortTaken, serve
from bots.signing import secret_of
from bots.web.session import staff_link
from core import audit as audit_log
from core import town as town_pack
from core.clock import system_clock
from core.database import connect, reading, ready_to_read, session_factory
from core.errors import KankeiError, MigrationRefused, RecordsUnavailable, TownPackError
from core.settings import Settings

command = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
audit = typer.Typer(no_args_is_help=True, help="監査の記録 / The audit log.")
command.add_typer(audit, name="audit")
command.add_typer(codes, name="codes")
command.add_typer(pass_keys, name="pass-keys")
command.add_typer(jobs, name="jobs")
command.command()(worker)
command.command(name="oidc-key")(oidc_key)
command.command()(backup)
command.command()(restore)
command.command(name="migrate")(migrate_records)
command.command()(ingest)
command.command(name="index")(read_index)
command.command()(plan)
command.command(name="eval")(evaluate)

DEMO_DATA = Path("var/demo")


@command.command()
def demo(
    port: Annotated[int, typer.Option(help="ページの番号 / port of the pages")] = 8080,
    town: Annotated[Path, typer.Option(help="町のフォルダ / the town's folder")] = Path(
        "towns/mine"
    ),
    reset: Annotated[bool, typer.Option(help="前の記録を消す / forget what was")] = False,
    data: Annotated[Path, typer.Option(help="記録の置き場所 / where records go")] = DEMO_DATA,
) -> None:
    """見本の町を、この一台だけで動かします / Run the sample town on this machine alone."""
    if reset and data.exists():
        shutil.rmtree(data)
        say("demo.forgotten")
    data.mkdir(parents=True, exist_ok=True)
    log_to(logging.FileHandler(data / "kankei.log", encoding="utf-8"), "INFO")
    settings = read_settings(town=town, data_dir=data, port=port, database_url="")
    _serve(settings, demo=True)


@command.command()
def run(
    name: Annotated[
        str, typer.Option(help="この働き手の名前 / this process's name among the workers")
    ] = "kankei",
) -> None:
    """設定に従って町を動かします / Run the town as the settings say."""
    settings = read_settings()
    log_as_set(settings, worker=name)
    _serve(settings, demo=False, worker=name_of(name))


def _serve(settings: Settings, *, demo: bool, worker: str = "kankei") -> None:
    teller = Teller(settings)
    step, steps = 0, 4 if demo else 3

    def progress(name: str) -> None:
        nonlocal step
        step += 1
        teller.step(name, f"[{step}/{steps}] ")

    def ready(app: App) -> None:
        teller.happenings(app)
        name = app.town.town.name.get(language())
        teller.say("ready", town=name, url=app.settings.address)
        if demo:
            teller.say("demo.hint")
        teller.problems(app)

    teller.say("starting", town=settings.town.name)
    try:
        with faults():
            asyncio.run(
                serve(
                    settings,
                    demo=demo,
                    progress=progress,
                    ready=ready,
                    language=language(),
                    worker=worker,
                )
            )
    except PortTaken as error:
        raise fail("demo.port-taken" if demo else "port-taken", port=error) from error
    except NameTaken as error:
        raise fail("worker-taken", name=error) from error
    except KankeiError as error:
        if error.code in {"journal-damaged", "damaged-keys"}:
            raise fail(error.code, file=error) from error
        raise fail("stopped", reason=error) from error
    teller.say("goodbye")
    end_of_process()


@command.command()
def check(town: Annotated[Path, typer.Argument(help="町のフォルダ / the town's folder")]) -> None:
    """町のフォルダを確かめます / Check a town's folder as a whole."""
    from datetime import UTC, datetime

    from knowledge.gazetteer import read_gazetteer
    from knowledge.glossary import glossary
    from knowledge.ingest import read_town

    try:
        pack = town_pack.load(town)
    except TownPackError as error:
        raise fail("pack-wrong", problems=error) from error
    words = (*glossary(pack.folder).problems, *read_gazetteer(pack.gazetteer).problems)
    for problem in words:
        print(f"{pack.folder / problem.file}:{problem.line}: {problem.message} → {problem.remedy}")
    library = read_town(pack.guides, pack.data)
    today = datetime.now(UTC).date()
    stale = library.stale(today)
    for problem in library.problems:
        print(f"{pack.folder / problem.file}:{problem.line}: {problem.message} → {problem.remedy}")
    say(
        "check.report",
        town=pack.town.name.get(language()),
        documents=len(library.documents),
        passages=len(library.passages),
        contradictions=len(library.contradictions),
        stale=len(stale),
        problems=len(library.problems) + len(words),
    )
    if library.problems or words:
        raise typer.Exit(1)


@command.command()
def new(
    slug: Annotated[str, typer.Argument(help="英小文字の名前 / a name in lower-case letters")],
    towns: Annotated[Path, typer.Option(help="町を置く所 / where towns live")] = Path("towns"),
) -> None:
    """新しい町のフォルダを作ります / Make a town's folder that passes the check."""
    from bots.newtown import BadSlug, FolderExists, create

    try:
        folder = create(towns, slug)
    except BadSlug as error:
        raise fail("new.bad-slug", slug=slug) from error
    except FolderExists as error:
        raise fail("new.exists", folder=error) from error
    say("new.done", folder=folder)


@command.command(name="staff-link")
def staff_link_command(
    name: Annotated[str, typer.Argument(help="職員のお名前 / the staff member's name")],
) -> None:
    """職員の画面に入るリンクを作ります / Make a link into the staff console."""
    settings = read_settings()
    path = staff_link(secret_of(settings), name, system_clock())
    say("staff-link", link=f"{settings.address}{path}")


@audit.command()
def verify() -> None:
    """記録の連なりを確かめます / Check that no row was changed or removed."""
    settings = read_settings()

    async def first_wrong() -> int | None:
        engine = connect(settings.database)
        try:
            await ready_to_read(engine)
            async with reading(session_factory(engine)) as session:
                return await audit_log.verify(session)
        finally:
            await engine.dispose()

    with faults():
        wrong = asyncio.run(first_wrong())
    if wrong is not None:
        raise fail("audit.broken", row=wrong)
    say("audit.sound")


def main() -> None:
    os.umask(0o077)  # records, keys and logs are for the account that runs the town
    try:
        command()
    except MigrationRefused as error:
        words = operations_words(f"refused.{error.reason}", detail=error.detail)
        print(words, file=sys.stderr)
        sys.exit(1)
    except RecordsUnavailable as error:
        print(unavailable(error), file=sys.stderr)
        sys.exit(1)
