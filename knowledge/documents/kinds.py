"""Kinds: what a file is, by its first bytes rather than by its name."""

import zipfile
from enum import StrEnum
from pathlib import Path

_HEAD = 4_096  # bytes looked at
_PDF_WITHIN = 1_024  # ISO 32000-1, Annex H: readers accept the header this far in


class Format(StrEnum):
    """What can be read."""

    MARKDOWN = "markdown"
    HTML = "html"
    PDF = "pdf"
    DOCX = "docx"
    XLSX = "xlsx"
    TABLE = "table"
    TIMETABLE = "timetable"


class Unreadable(StrEnum):
    """What can be told apart and not read."""

    EMPTY = "empty"
    OLD_OFFICE = "old-office"  # .doc and .xls before 2007
    PROTECTED = "protected"
    UNKNOWN = "unknown"


SUFFIXES = {
    ".md": Format.MARKDOWN,
    ".markdown": Format.MARKDOWN,
    ".html": Format.HTML,
    ".htm": Format.HTML,
    ".pdf": Format.PDF,
    ".docx": Format.DOCX,
    ".docm": Format.DOCX,
    ".xlsx": Format.XLSX,
    ".xlsm": Format.XLSX,
    ".csv": Format.TABLE,
    ".tsv": Format.TABLE,
    ".txt": Format.TABLE,
    ".zip": Format.TIMETABLE,
}
_TEXTS = frozenset({Format.MARKDOWN, Format.HTML, Format.TABLE})
_COMPOUND_FILE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # [MS-CFB]: old Office files, encrypted ones
FEED_FILES = ("stops.txt", "stop_times.txt", "trips.txt")


def named(path: Path) -> Format | None:
    """What the file's name says it is."""
    return SUFFIXES.get(path.suffix.lower())


def sniff(path: Path) -> Format | Unreadable:
    """What the file's content says it is. Raises `OSError` if it cannot be read."""
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    claimed = named(path)
    if not head.strip(b"\0\t\n\r "):
        return Unreadable.EMPTY
    if b"%PDF-" in head[:_PDF_WITHIN]:
        return Format.PDF
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zipped(path)
    if head.startswith(_COMPOUND_FILE):
        return _compound(path)
    if claimed in _TEXTS:
        start = head.lstrip(b"\xef\xbb\xbf\t\n\r ")[:200].lower()
        if start.startswith((b"<!doctype html", b"<html")):
            return Format.HTML
        return claimed
    return Unreadable.UNKNOWN


def _zipped(path: Path) -> Format | Unreadable:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, UnicodeDecodeError):
        return named(path) or Unreadable.UNKNOWN  # its converter says what is broken
    if "word/document.xml" in names:
        return Format.DOCX
    if "xl/workbook.xml" in names:
        return Format.XLSX
    if is_feed({Path(name).name for name in names}):
        return Format.TIMETABLE
    return Unreadable.UNKNOWN


def _compound(path: Path) -> Unreadable:
    """Office encrypts a new file into an old one, in a stream of this name ([MS-OFFCRYPTO])."""
    with path.open("rb") as stream:
        content = stream.read(8_000_000)
    encrypted = "EncryptedPackage".encode("utf-16-le") in content
    return Unreadable.PROTECTED if encrypted else Unreadable.OLD_OFFICE


def is_feed(names: set[str]) -> bool:
    """Whether these file names make a GTFS feed."""
    return names.issuperset(FEED_FILES)
