"""`kankei backup` and `kankei restore`: a town in one file, and a town out of it."""

import asyncio
import contextlib
import hashlib
import hmac
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, astuple
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from bots.cli.faults import faults, operations_words
from bots.cli.terminal import read_settings
from bots.jobs.view import ClosedBooks
from bots.signing import NoKey, derived, existing_secret
from core import archive
from core import town as town_pack
from core.archive import ArchiveRefused, Manifest, Restored
from core.clock import system_clock
from core.database import connect, schema_state, session_factory, transaction
from core.errors import RecordsUnavailable, TownPackError
from core.settings import Settings

BY: Final = "staff:terminal"

File = Annotated[Path, typer.Argument(help="控えのファイル / the archive")]


@contextmanager
def _bar() -> Iterator[Callable[[str, int, int], None]]:
    """A bar on the error stream, which is silent where nobody looks."""
    columns = (TextColumn("{task.description:<24}"), BarColumn(), TaskProgressColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)

        def tell(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=max(total, 1))

        yield tell


def fingerprint(secret: str) -> str:
    """Tells one signing key from another, and nothing of it."""
    key = derived(secret, "archive").encode()
    return hmac.new(key, b"fingerprint", hashlib.sha256).hexdigest()[:16]


def backup(
    file: File,
    pack: Annotated[
        bool, typer.Option("--pack", help="町のフォルダも入れる / with the pack")
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="確かめるだけ / only look at it")] = False,
    without_key: Annotated[
        bool, typer.Option("--without-key", help="署名の鍵がなくても取る / also without a key")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="上書きする / overwrite")] = False,
) -> None:
    """町の控えを、動かしたまま取ります / Back up a running town into one file."""
    with faults():
        if check:
            _describe(archive.check(file))
            return
        if file.exists() and not force:
            raise ArchiveRefused("exists", str(file))
        settings = read_settings()
        with _bar() as tell:
            key = _fingerprint_of(settings, may_lack=without_key)
            manifest = asyncio.run(_backup(settings, file, key=key, pack=pack, progress=tell))
    typer.echo(
        operations_words(
            "backup.done",
            file=file,
            rows=f"{manifest.rows:,}",
            tables=len(manifest.tables),
            size=f"{file.stat().st_size:,}",
        )
    )
    if "secret_key" not in manifest.files("files/"):
        typer.echo(operations_words("backup.key-elsewhere"))


def _fingerprint_of(settings: Settings, *, may_lack: bool) -> str:
    """That of the town's key; a backup is not where one is made. Raises `ArchiveRefused`."""
    try:
        return fingerprint(existing_secret(settings))
    except NoKey as error:
        if may_lack:
            return ""
        raise ArchiveRefused("no-key", str(error)) from error


async def _backup(
    settings: Settings,
    file: Path,
    *,
    key: str,
    pack: bool,
    progress: Callable[[str, int, int], None],
) -> Manifest:
    engine = connect(settings.database)
    try:
        town = town_pack.load(settings.town)
        manifest = await archive.write(
            engine,
            file,
            town=town.town.slug,
            code=version("kankei"),
            key=key,
            data_dir=settings.data_dir,
            pack=town.folder if pack else None,
            now=system_clock(),
            progress=progress,
        )
        # A full disk or a stopped database must not keep anybody from having a backup.
        with contextlib.suppress(RecordsUnavailable):
            if not (await schema_state(engine)).pending:
                async with transaction(session_factory(engine)) as session:
                    await archive.note(session, manifest, by=BY)
    finally:
        await engine.dispose()
    return manifest


def _describe(manifest: Manifest) -> None:
    typer.echo(
        operations_words(
            "check.sound",
            town=manifest.town,
            at=f"{manifest.made_at:%Y-%m-%d %H:%M} UTC",
            rows=f"{manifest.rows:,}",
            tables=len(manifest.tables),
            schema=manifest.schema_revision,
            code=manifest.code,
        )
    )


def restore(
    file: File,
    pack: Annotated[
        Path | None, typer.Option(help="町のフォルダを書き出す所 / where to write the pack")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="今ある記録を捨てる / what is there may go")
    ] = False,
) -> None:
    """控えから町を戻します / Open a town again from a backup."""
    settings = read_settings()
    with faults():
        with _bar() as tell:
            restored = asyncio.run(
                _restore(settings, file, pack=pack, replace=replace, progress=tell)
            )
        _report(settings, restored)


async def _restore(
    settings: Settings,
    file: Path,
    *,
    pack: Path | None,
    replace: bool,
    progress: Callable[[str, int, int], None],
) -> Restored:
    configured = settings.secret_key.get_secret_value()
    engine = connect(settings.database)
    try:
        restored = await archive.restore(
            engine,
            file,
            data_dir=settings.data_dir,
            pack=pack,
            key=fingerprint(configured) if configured else None,
            replace=replace,
            by=BY,
            now=system_clock(),
            progress=progress,
        )
    finally:
        await engine.dispose()
    async with ClosedBooks(settings.database) as books:
        await books.clear()
    return restored


def _report(settings: Settings, restored: Restored) -> None:
    manifest, held = restored.manifest, restored.held
    at: datetime = manifest.made_at
    typer.echo(
        operations_words(
            "restore.done",
            town=manifest.town,
            at=f"{at:%Y-%m-%d %H:%M} UTC",
            rows=f"{manifest.rows:,}",
            files=len(restored.files),
        )
    )
    if any(astuple(held)):
        typer.echo(operations_words("restore.held", **asdict(held)))
    if not settings.secret_key.get_secret_value() and "secret_key" not in restored.files:
        typer.echo(operations_words("restore.no-key"))
    with contextlib.suppress(TownPackError):
        if town_pack.load(settings.town).town.slug != manifest.town:
            typer.echo(operations_words("restore.other-town", town=manifest.town))
