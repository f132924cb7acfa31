"""Names read aloud: with the town's dictionary, and as pyopenjtalk reads them by itself."""

import tempfile
from pathlib import Path

from benchmarks.measure import heading, table
from benchmarks.voice import _said
from knowledge.text import hiragana_to_katakana
from knowledge.voice.hearing.recovery import fold
from knowledge.voice.speaking.dictionary import Dictionary

_MARKS = str.maketrans("", "", "’・、。")


def run() -> None:
    heading("Names read aloud", "pyopenjtalk-plus")
    import pyopenjtalk

    pyopenjtalk.unset_user_dict()
    alone = _wrong()
    with tempfile.TemporaryDirectory() as folder:
        Dictionary(_said.names()).load(Path(folder))
        ours = _wrong()
    total = len(_said.names())
    rows = [["ours", f"{len(ours)} / {total}"], ["pyopenjtalk", f"{len(alone)} / {total}"]]
    table(["names of Mine", "read wrong"], rows)
    print("wrong by itself: " + "、".join(alone))
    if ours:
        print("wrong with ours: " + "、".join(ours))


def _wrong() -> list[str]:
    import pyopenjtalk

    return [
        each.surface
        for each in _said.names()
        if fold(str(pyopenjtalk.g2p(each.surface, kana=True)).translate(_MARKS))
        != fold(hiragana_to_katakana(each.reading))
    ]
