"""`kankei ingest`: read a town's documents and report what staff should mend."""

from pathlib import Path
from typing import Annotated

import typer


def ingest(town: Annotated[Path, typer.Argument(help="町のフォルダ / the town's folder")]) -> None:
    """町の文書とデータを読み、直すところを知らせます / Read a town's documents and data."""
    raise NotImplementedError(town)
