"""`kankei new`: a town's folder that passes the check, ready to be written on."""

import re
import shutil
from pathlib import Path
from string import Template

from core.town.model import municipality_check_digit

_HERE = Path(__file__).parent


class BadSlug(ValueError):
    """A town's folder name is lower-case letters, digits and hyphens."""


class FolderExists(ValueError):
    """Nothing is overwritten."""


def create(towns: Path, slug: str) -> Path:
    """Write the folder and return it. Raises `BadSlug` or `FolderExists`."""
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,40}", slug):
        raise BadSlug(slug)
    folder = towns / slug
    if folder.exists():
        raise FolderExists(folder)
    (folder / "guides").mkdir(parents=True)
    code = "00000"
    template = Template((_HERE / "town.toml").read_text(encoding="utf-8"))
    text = template.substitute(slug=slug, folder=folder, code=code + municipality_check_digit(code))
    (folder / "town.toml").write_text(text, encoding="utf-8")
    shutil.copy(_HERE / "first.md", folder / "guides" / "first.md")
    return folder
