"""Rows for every table there is, with the values that are easily lost on the way."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import JSON, Column, LargeBinary, Table, null, select
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.types import TypeDecorator

from core.tables import Base

NOW = datetime(2026, 11, 22, 3, 0, 0, 123456, tzinfo=UTC)
WORDS = (
    "美祢市 🏯 秋芳洞",
    "",
    'a "quoted" \\ line\nand another\ttab',
    "\u2028 ' ; -- \ufeff",
    "null",
)
ROWS = 5
VOID_ELSEWHERE = {"worker", "lane", "audit", "counter", "announcement", "delivery"}
"""What a restore changes on purpose, or adds to."""


def value(column: Column[Any], number: int) -> Any:
    """The `number`th value of a column, different from the others where it must be."""
    for key in column.foreign_keys:
        if column.nullable and number == 0:
            return None
        return value(key.column, number)
    kind = column.type.impl if isinstance(column.type, TypeDecorator) else column.type
    if isinstance(kind, JSON):
        some: tuple[Any, ...] = (
            {"深い": [{"a": None, "b": [1, 2.5, True]}]},
            [],
            {"": ""},
            JSON.NULL,
            null(),
        )
        return some[number] if column.nullable else some[number % 3]
    if isinstance(kind, LargeBinary):
        return bytes([number, 0, 255]) + b"\r\n'"
    if column.nullable and number == 1 and not column.primary_key:
        return None
    name: Any = kind.python_type
    if name is bool:
        return number % 2 == 0
    if name is datetime:
        return NOW + timedelta(microseconds=number, days=-number * 4000)
    if name is date:
        return date(2026, 2, 28) + timedelta(days=number)
    if name is int:
        return number + 1
    length = getattr(kind, "length", None) or 1000
    return (f"{number}{column.name}"[:length] + WORDS[number])[:length]


def rows_of(table: Table) -> list[Mapping[str, Any]]:
    return [
        {column.name: value(column, number) for column in table.columns} for number in range(ROWS)
    ]


async def fill(engine: AsyncEngine) -> None:
    """Some rows in every table."""
    async with engine.begin() as connection:
        for table in Base.metadata.sorted_tables:
            await connection.execute(table.delete())
        for table in Base.metadata.sorted_tables:
            for each in rows_of(table):
                await connection.execute(table.insert().values(**each))


async def contents(engine: AsyncEngine) -> dict[str, list[str]]:
    """Every row of every table as text, in no particular order of rows."""
    found = {}
    async with engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            missing = [
                column.is_(None).label(f"{column.name} is missing")
                for column in table.columns
                if isinstance(column.type, JSON)
            ]
            rows = (await connection.execute(select(table, *missing))).mappings()
            found[table.name] = sorted(repr(dict(each)) for each in rows)
    return found
