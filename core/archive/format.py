"""What an archive is made of: its manifest, and how a value stands in a line."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import JSON, BigInteger, Boolean, Date, DateTime, Float, LargeBinary, Text, types

from core.errors import ArchiveRefused

__all__ = ["ArchiveRefused"]

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
RECORDS: Final = "records/"
KEPT_FILES: Final = "files/"
PACK: Final = "pack/"
PART_BYTES: Final = 2_000_000
"""A part of a table is closed when it has become as long; so both sides need little memory."""
MAX_PART_BYTES: Final = 256_000_000
"""A single row may be longer than a part; nothing of ours is longer than this."""


@contextmanager
def file_faults(path: Path) -> Iterator[None]:
    """A fault of a file is not one of the database."""
    try:
        yield
    except OSError as error:
        raise ArchiveRefused("file", f"{error.filename or path}: {error.strerror}") from error


class ValueKind(StrEnum):
    """How the values of a column are written."""

    INTEGER = "integer"
    NUMBER = "number"
    TEXT = "text"
    BOOLEAN = "boolean"
    DATETIME = "datetime"  # ISO 8601, in UTC
    DATE = "date"
    BYTES = "bytes"  # hexadecimal
    JSON = "json"  # its text, so that a JSON null is not a missing value


_OF_TYPE: Final[Sequence[tuple[type[types.TypeEngine[Any]], ValueKind]]] = (
    (types.Boolean, ValueKind.BOOLEAN),
    (types.DateTime, ValueKind.DATETIME),
    (types.Date, ValueKind.DATE),
    (types.LargeBinary, ValueKind.BYTES),
    (types.JSON, ValueKind.JSON),
    (types.Integer, ValueKind.INTEGER),
    (types.Numeric, ValueKind.NUMBER),
    (types.String, ValueKind.TEXT),
)


def kind_of(kind: types.TypeEngine[Any]) -> ValueKind:
    """The kind of a column as the database describes it. Raises `TypeError` for one unforeseen."""
    for each, found in _OF_TYPE:
        if isinstance(kind, each):
            return found
    raise TypeError(f"a column of type {kind!r} is not foreseen in archives")


def type_of(kind: ValueKind) -> types.TypeEngine[Any]:
    """How a value of this kind is given to a database."""
    match kind:
        case ValueKind.INTEGER:
            return BigInteger()
        case ValueKind.NUMBER:
            return Float()
        case ValueKind.TEXT:
            return Text()
        case ValueKind.BOOLEAN:
            return Boolean()
        case ValueKind.DATETIME:
            return DateTime(timezone=True)
        case ValueKind.DATE:
            return Date()
        case ValueKind.BYTES:
            return LargeBinary()
        case ValueKind.JSON:
            return JSON(none_as_null=True)


def _as_is(value: Any) -> Any:
    return value


def _utc(value: datetime) -> str:
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat()


def _json(text: str) -> Any:
    found = json.loads(text)
    return JSON.NULL if found is None else found


_WRITE: Final[Mapping[ValueKind, Callable[[Any], Any]]] = {
    ValueKind.BOOLEAN: bool,
    ValueKind.DATETIME: _utc,
    ValueKind.DATE: date.isoformat,
    ValueKind.BYTES: lambda value: bytes(value).hex(),
}
_READ: Final[Mapping[ValueKind, Callable[[Any], Any]]] = {
    ValueKind.DATETIME: datetime.fromisoformat,
    ValueKind.DATE: date.fromisoformat,
    ValueKind.BYTES: bytes.fromhex,
    ValueKind.JSON: _json,
}


def line(kinds: Sequence[ValueKind], values: Sequence[Any]) -> bytes:
    """One row as it stands in a part."""
    written = [
        None if value is None else _WRITE.get(kind, _as_is)(value)
        for kind, value in zip(kinds, values, strict=True)
    ]
    return json.dumps(written, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def row(kinds: Sequence[ValueKind], text: bytes) -> list[Any]:
    """The values of a line. Raises `ArchiveRefused` if it is none."""
    try:
        values = json.loads(text)
        return [
            None if value is None else _READ.get(kind, _as_is)(value)
            for kind, value in zip(kinds, values, strict=True)
        ]
    except (ValueError, TypeError) as error:
        raise ArchiveRefused("damaged", "a row cannot be read") from error


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TableEntry(_Entry):
    """One table of the records."""

    name: str
    columns: tuple[tuple[str, ValueKind], ...]
    rows: int

    @property
    def kinds(self) -> tuple[ValueKind, ...]:
        return tuple(kind for _, kind in self.columns)


class PartEntry(_Entry):
    """One member of the tar file."""

    name: str
    bytes: int
    sha256: str
    rows: int = 0


class Manifest(_Entry):
    """What an archive holds."""

    format: int
    town: str  # the slug
    code: str  # version of the code that wrote it
    schema_revision: str = Field(alias="schema")
    database: str  # sqlite or postgresql
    made_at: datetime
    key: str  # tells one signing key from another, and nothing of it
    tables: tuple[TableEntry, ...]
    sequences: Mapping[str, int]  # the highest number given away, by table
    parts: tuple[PartEntry, ...]

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables)

    def files(self, folder: str) -> tuple[str, ...]:
        """The names of what lies in a folder of the archive."""
        return tuple(
            each.name.removeprefix(folder) for each in self.parts if each.name.startswith(folder)
        )
