"""What a process writes to its log: one line an event, for people or as JSON, and nobody's secrets.

An event is a constant word with fields beside it. What could quote somebody stays out, whoever
writes it:

* Of an exception its kind and place are told. Its text only where it is ours (`KankeiError`), for
  others quote what they stumbled over: an address with a token, a row, a message.
* Of a library's record its template is told, without the values that would be filled in.
* What looks like a token, a key, a wallet, an e-mail address or the inside of an address is blotted
  out wherever it stands, and so is every secret of the settings.
"""

import json
import logging
import re
import secrets
import sys
import threading
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from pydantic import SecretStr
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from core.errors import KankeiError
from core.settings import Settings

OURS: Final = ("bots", "core", "knowledge")
HIDDEN: Final = "[…]"
MAX_VALUE: Final = 500  # characters of one field
MAX_FRAMES: Final = 30
MAX_CHAIN: Final = 5

# Below these levels they print what is nobody's: request addresses with the bot's token, every
# statement, prompts.
QUIET: Final = ("httpx", "httpcore", "openai", "sqlalchemy", "alembic")
NO_DEBUG: Final = ("aiosqlite", "asyncio", "aiohttp", "web3", "discord", "telegram", "dbos")

_USUAL: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_WARNING: Final = re.compile(r"(?:.*/)?(?P<place>[\w.-]+:\d+): (?P<kind>\w+):")
_FIXED: Final = frozenset({"at", "level", "logger", "event", "worker", "request", "errors"})
_REQUEST: ContextVar[str] = ContextVar("request", default="")
_PLATFORM: ContextVar[str] = ContextVar("platform", default="")

_BLOTTED: Final[Sequence[tuple[re.Pattern[str], str]]] = (
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]{1,15})://[^\s'\"<>)]+"), r"\1://" + HIDDEN),
    (re.compile(r"\b\d{6,12}:[\w-]{20,}"), HIDDEN),  # a bot's token
    (
        re.compile(
            r"(?<![\w/])/(?:verify|prove|calendar|console/enter|join|card|pass|w|bot)\w*/[^\s'\"]+"
        ),
        HIDDEN,
    ),
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), HIDDEN),
    (re.compile(r"0x[0-9a-fA-F]{16,}"), HIDDEN),
    (  # letters with digits, or small with capital ones: a random text may lack either
        re.compile(
            r"\b(?=[\w-]*[A-Za-z])(?:(?=[\w-]*\d)|(?=[\w-]*[a-z])(?=[\w-]*[A-Z]))[\w-]{32,}"
        ),
        HIDDEN,
    ),
)


def begin(platform: str, *, anew: bool = True) -> str:
    """From here on, this task's lines belong to one request; returns its number.

    `anew`: another one than before, if one was begun.
    """
    number = _REQUEST.get()
    if anew or not number:
        number = secrets.token_hex(4)
    _REQUEST.set(number)
    _PLATFORM.set(platform)
    return number


def secrets_of(settings: Settings) -> tuple[str, ...]:
    """What must not be told although a library may know it."""
    found = [
        value.get_secret_value()
        for value in (getattr(settings, name) for name in type(settings).model_fields)
        if isinstance(value, SecretStr)
    ]
    found += [url for urls in settings.chain_endpoints.values() for url in urls]
    try:
        password = make_url(settings.database).password
    except ArgumentError:
        password = None
    return tuple(each for each in (*found, str(password or "")) if len(each) >= 4)  # noqa: PLR2004


def blotted(text: str, hidden: Iterable[str] = ()) -> str:
    """`text` without what may be somebody's, on one line and not endless."""
    for each in hidden:
        text = text.replace(each, HIDDEN)
    for pattern, instead in _BLOTTED:
        text = pattern.sub(instead, text)
    return " ".join(text.split())[:MAX_VALUE]


def frames(trace: TracebackType | None) -> list[str]:
    """The places that an exception came through: file, line, function; the last ones."""
    found = traceback.extract_tb(trace)
    return [
        f"{'/'.join(Path(each.filename).parts[-3:])}:{each.lineno} {each.name}"
        for each in found[-MAX_FRAMES:]
    ]


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """An exception, what it was raised from, and so on; of a group its members."""
    todo, seen = [error], 0
    while todo and seen < MAX_CHAIN:
        each = todo.pop(0)
        if each is None:
            continue
        yield each
        seen += 1
        if isinstance(each, BaseExceptionGroup):
            todo.extend(each.exceptions)
        todo.append(each.__cause__ or (None if each.__suppress_context__ else each.__context__))


class Line:
    """What is told of one record."""

    def __init__(self, record: logging.LogRecord, hidden: Iterable[str]) -> None:
        self.record, self._hidden = record, tuple(hidden)
        self.ours = record.name.split(".")[0] in OURS

    @property
    def event(self) -> str:
        message = self.record.getMessage() if self.ours else str(self.record.msg)
        if self.record.name == "py.warnings":  # it comes with its text filled in
            found = _WARNING.match(message)
            message = " at ".join(found.group("kind", "place")) if found else "warning"
        return blotted(message.partition("\n")[0], self._hidden)

    def fields(self) -> Mapping[str, Any]:
        """What we put beside an event; of a library nothing."""
        if not self.ours:
            return {}
        return {
            key: self._plain(value)
            for key, value in vars(self.record).items()
            if key not in _USUAL and not key.startswith("_")
        }

    def errors(self) -> list[Mapping[str, Any]]:
        """The exception and what it was raised from."""
        error = self.record.exc_info[1] if self.record.exc_info else None
        return [
            {
                "type": f"{type(each).__module__}.{type(each).__qualname__}",
                **(
                    {"text": blotted(str(each), self._hidden)}
                    if isinstance(each, KankeiError)
                    else {}
                ),
                "at": frames(each.__traceback__),
            }
            for each in causes(error)
        ]

    def _plain(self, value: object) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        return blotted(str(value), self._hidden)


class Formatter(logging.Formatter):
    """One line a record, with what it belongs to."""

    def __init__(self, *, worker: str, hidden: Iterable[str] = ()) -> None:
        super().__init__()
        self._worker, self._hidden = worker, tuple(hidden)

    def about(self) -> Mapping[str, str]:
        """Which process, request and platform a line belongs to, as far as there is one."""
        found = {"worker": self._worker, "request": _REQUEST.get(), "platform": _PLATFORM.get()}
        return {name: value for name, value in found.items() if value}


class TextLines(Formatter):
    """For people: time, level, part, event, fields; below it where an exception came from."""

    def format(self, record: logging.LogRecord) -> str:
        line = Line(record, self._hidden)
        fields = {**self.about(), **line.fields()}
        said = " ".join(f"{key}={value!r}" for key, value in fields.items())
        head = f"{self.formatTime(record)} {record.levelname} {record.name} {line.event} {said}"
        return "\n".join((head.rstrip(), *_told(line.errors())))


def _told(errors: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for each in errors:
        text = f": {each['text']}" if each.get("text") else ""
        yield f"  {each['type']}{text}"
        yield from (f"    {place}" for place in each["at"])


class JsonLines(Formatter):
    """For programs: one JSON object a line (RFC 8259), times in UTC (RFC 3339)."""

    def format(self, record: logging.LogRecord) -> str:
        line = Line(record, self._hidden)
        said: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": line.event,
            **self.about(),
        }
        said |= {name: value for name, value in line.fields().items() if name not in _FIXED}
        if errors := line.errors():
            said["errors"] = errors
        return json.dumps(said, ensure_ascii=False, default=str)


def log_to(
    handler: logging.Handler,
    level: str,
    *,
    form: str = "text",
    worker: str = "kankei",
    hidden: Iterable[str] = (),
) -> None:
    """Send every record of this process to `handler`, and what nobody caught as well."""
    formatter = JsonLines if form == "json" else TextLines
    handler.setFormatter(formatter(worker=worker, hidden=hidden))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in NO_DEBUG:
        logging.getLogger(name).setLevel(max(logging.INFO, logging.getLevelName(level)))
    sys.excepthook = _crashed
    threading.excepthook = _thread_crashed


def _crashed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logging.getLogger(__name__).critical("crashed", exc_info=(kind, error, trace))


def _thread_crashed(what: threading.ExceptHookArgs) -> None:
    error = what.exc_value
    if error is not None:
        found = (what.exc_type, error, what.exc_traceback)
        logging.getLogger(__name__).critical("thread-crashed", exc_info=found)
