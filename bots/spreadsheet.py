"""CSV that a spreadsheet opens: with a byte-order mark, and with no cell taken for a formula."""

import csv
import io
import re
from collections.abc import Iterable
from typing import Final

MARK: Final = "\ufeff"
"""So that Excel reads the file as UTF-8."""

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?")


def csv_text(rows: Iterable[Iterable[object]]) -> str:
    """The rows as CSV (RFC 4180) after a byte-order mark; `None` is an empty cell."""
    page = io.StringIO()
    writer = csv.writer(page)
    for row in rows:
        writer.writerow([inert("" if cell is None else str(cell)) for cell in row])
    return MARK + page.getvalue()


def inert(cell: str) -> str:
    """The same cell, which no spreadsheet takes for a formula (CWE-1236)."""
    if cell.startswith(_FORMULA) and not _NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell
