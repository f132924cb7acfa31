"""What every command says, and how: in the terminal's language, faults on the error stream."""

import os
import re
import sys
from typing import Any

import typer
from pydantic import ValidationError
from pydantic_settings import SettingsError

from bots import texts
from core.settings import PREFIX, Settings


def language() -> str:
    """Of the terminal: Japanese unless the locale asks for English."""
    locale = next(
        (os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)),
        "",
    )
    return "en" if locale.lower().startswith("en") else "ja"


def say(key: str, **values: object) -> None:
    print(texts.say(f"cli.{key}", language(), **values), flush=True)


def fail(key: str, **values: object) -> typer.Exit:
    print(texts.say(f"cli.{key}", language(), **values), file=sys.stderr)
    return typer.Exit(1)


def read_settings(**overrides: Any) -> Settings:
    try:
        return Settings(**overrides)
    except SettingsError as error:  # a value that should be JSON is none; it is not shown
        raise fail("settings-unread", setting=_unread(error)) from error
    except ValidationError as error:
        lines = [
            f"  {'.'.join(str(part) for part in each['loc']) or 'KANKEI_'}: {each['msg']}"
            for each in error.errors(include_input=False, include_url=False)
        ]
        raise fail("settings-wrong", problems="\n".join(lines)) from error


def _unread(error: SettingsError) -> str:
    """The setting that an error of the library names, as people write it."""
    named = re.search(r'field "(\w+)"', str(error))
    return f"{PREFIX}{named[1].upper()}" if named else PREFIX
