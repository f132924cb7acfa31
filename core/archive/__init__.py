"""Archives: one file from which a town can be opened again, on SQLite or PostgreSQL.

A tar file, compressed with gzip, readable to its owner alone. It holds every record as of one
moment (the town may go on writing), the keys of the data folder, and on request the town pack::

    records/member/00001.jsonl    one row a line, as a JSON array in the manifest's column order
    files/secret_key              what cannot be made anew
    pack/town.toml                if it was asked for
    manifest.json                 last: what is inside, counted, with SHA-256 of every part

The manifest comes last, so a file that was cut off has none. Left out is what is made again or void
elsewhere: the index of the guide, which workers are alive, and the store of running workflows (the
records say what is to be done; it is taken up from them).
"""

from core.archive.format import FORMAT, ArchiveRefused, Manifest, TableEntry
from core.archive.notes import last, note
from core.archive.reading import check
from core.archive.restoring import Restored, restore
from core.archive.writing import FILES, write

__all__ = [
    "FILES",
    "FORMAT",
    "ArchiveRefused",
    "Manifest",
    "Restored",
    "TableEntry",
    "check",
    "last",
    "note",
    "restore",
    "write",
]
