"""Limits: how much of a file is read, and what its parser may use.

Chosen so that a 300-page leaflet and a year of bulletins pass with room to spare, and a bomb is
over in seconds.
"""

from typing import Final

MAX_DOCUMENT_BYTES: Final = 60_000_000
MAX_TABLE_BYTES: Final = 600_000_000  # a million rows, streamed
MAX_UNPACKED_BYTES: Final = 300_000_000
MAX_ARCHIVE_ENTRIES: Final = 10_000
MAX_PAGES: Final = 1_000
MAX_OUTPUT_CHARACTERS: Final = 12_000_000
MAX_ROWS: Final = 10_000
"""Rows of one table that become passages; the others are counted and reported."""
MAX_SHEETS: Final = 50
MAX_COLUMNS: Final = 300
MAX_CELL: Final = 20_000  # characters

CPU_SECONDS: Final = 150
WALL_SECONDS: Final = 600  # a busy machine gives a parser a part of its time
ADDRESS_SPACE: Final = 2 * 1024**3  # bytes; libraries map far more than they touch
OPEN_FILES: Final = 256


def apply() -> None:
    """Bind this process to the limits. On Windows only the parent's clock holds."""
    try:
        import resource
    except ImportError:
        return
    for kind, most in (
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_AS, ADDRESS_SPACE),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (bound, bound))
