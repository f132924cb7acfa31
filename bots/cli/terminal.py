"""What every command says, and how: in the terminal's language, faults on the error stream."""

import os
import sys
from typing import Any

import typer
from pydantic import ValidationError
from pydantic_settings import SettingsError

from bots import texts
from bots.cli.wrong_settings import no_json, wrong_settings
from core.settings import Settings


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
    return _ended(texts.say(f"cli.{key}", language(), **values))


def _ended(sentences: str) -> typer.Exit:
    print(sentences, file=sys.stderr)
    return typer.Exit(1)


def read_settings(**overrides: Any) -> Settings:
    try:
        return Settings(**overrides)
    except SettingsError as error:
        raise _ended(no_json(error, language())) from error
    except ValidationError as error:
        raise _ended(wrong_settings(error, language())) from error
