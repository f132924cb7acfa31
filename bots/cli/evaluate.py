"""`kankei eval`: ask a town's guide the questions of a file and score what it says."""

from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    town: Annotated[Path, typer.Argument(help="町のフォルダ / the town's folder")],
    questions: Annotated[Path, typer.Argument(help="質問のファイル / the file of questions")],
) -> None:
    """案内役の答えを採点します / Score what the guide answers."""
    raise NotImplementedError(town, questions)
