"""Words: what is wrong with a file and what to do, by code. Callers may word it themselves."""

from collections.abc import Mapping
from typing import Final

PROBLEMS: Final[Mapping[str, tuple[str, str]]] = {
    "outside": ("the file leads outside the folder", "copy it into the folder"),
    "no-file": ("this is not a file", "copy the file itself into the folder"),
    "unreadable": ("the file cannot be read: {0}", "check its rights"),
    "empty": ("the file is empty", "put the document in again, or remove the file"),
    "unknown": (
        "the file is not what its name says, and not a document that can be read",
        "open it in its program and save it again",
    ),
    "old-office": ("a file of an old Office version", "save it as .docx or .xlsx"),
    "protected": (
        "the document is protected by a password",
        "save a copy without password; visitors may read all that stands in the guides",
    ),
    "too-large": ("the file has {0} bytes, more than {1}", "split it into several documents"),
    "no-encoding": (
        "the text fits neither UTF-8, Shift_JIS, UTF-16 nor EUC-JP",
        'save it again as "CSV UTF-8"',
    ),
    "sidecar-not-utf-8": ("the file is not UTF-8", "save it again with encoding UTF-8"),
    "no-header": (
        "no row of column names was found",
        "put the names of the columns in one row above the rest",
    ),
    "open-quote": (
        "a quotation mark is opened here or below and never closed; what follows is one cell",
        'close it, or write a quotation mark inside a text twice: ""',
    ),
    "more-rows": (
        "the table has {0} rows more than the {1} that are read",
        "keep in the file what visitors ask for",
    ),
    "nothing": ("the document says nothing", "write text into it, or remove the file"),
    "scanned": (
        "all {0} pages are pictures without text",
        "run text recognition (OCR) over it, or add the original document",
    ),
    "partly-scanned": (
        "these pages are pictures without text: {0}",
        "run text recognition (OCR) over them; the other pages are used",
    ),
    "bomb": (
        "the file unpacks to more than a document ever does",
        "do not open it; ask where it came from",
    ),
    "timeout": ("reading took too long and was stopped", "split the document"),
    "memory": ("reading needed too much memory and was stopped", "split the document"),
    "killed": (
        "the reading was ended by the system",
        "save the document again in its program, or split it",
    ),
    "too-long": ("the document holds more text than can be read", "split the document"),
    "nested": ("the document is nested too deeply", "save it again in its program"),
    "broken": ("the file is damaged", "open it in its program and save it again"),
    "encoding": (
        "the page fits neither its declared encoding, UTF-8 nor Shift_JIS",
        "save it again as UTF-8",
    ),
}
"""Code → message, remedy. ``{0}`` and so on are the problem's values."""
