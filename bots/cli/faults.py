"""What can go wrong with the records of a town, as sentences for who types a command."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import typer

from bots import texts
from bots.cli.terminal import fail, language
from bots.listening import MetricsPortTaken
from bots.signing import NoKey, WeakKey
from core.errors import ArchiveRefused, MigrationRefused, RecordsUnavailable, TownPackError

HINTS: Final[Mapping[str, str]] = {
    "ArgumentError": "url",
    "NoSuchModuleError": "url",
    "InvalidRequestError": "url",
    "ModuleNotFoundError": "url",
    "ValueError": "url",
    "gaierror": "host",
    "ConnectionRefusedError": "refused",
    "TimeoutError": "silent",
    "28000": "login",
    "28P01": "login",
    "3D000": "missing",
}
"""What to look at, by the reason of `RecordsUnavailable`: a kind of error or an SQLSTATE."""


def unavailable(error: RecordsUnavailable) -> str:
    """Why the records cannot be opened, and what to mend."""
    words = texts.say("cli.records-unavailable", language(), reason=error)
    hint = HINTS.get(str(error))
    return f"{words}\n{texts.say(f'cli.records.{hint}', language())}" if hint else words


def operations_words(key: str, **values: object) -> str:
    """The words under `key` of operations.toml, in the terminal's language."""
    return texts.say(f"operations.{key}", language(), **values)


@contextmanager
def faults() -> Iterator[None]:
    """Whatever went wrong, as a sentence; the command ends with 1."""
    try:
        yield
    except (ArchiveRefused, MigrationRefused) as error:
        typer.echo(operations_words(f"refused.{error.reason}", detail=error.detail), err=True)
        raise typer.Exit(1) from error
    except TownPackError as error:
        raise fail("pack-wrong", problems=error) from error
    except RecordsUnavailable as error:
        typer.echo(unavailable(error), err=True)
        raise typer.Exit(1) from error
    except NoKey as error:
        raise fail("no-key", reason=error) from error
    except WeakKey as error:
        raise fail("weak-key", reason=error) from error
    except MetricsPortTaken as error:
        raise fail("metrics-port-taken", port=error) from error
