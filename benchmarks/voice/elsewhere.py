"""What was kept back: questions and names of the other sample towns, more English, a man's voice.

Each town has ears of its own, with its own names and its own prompt.
"""

import asyncio

from benchmarks.measure import heading, load_after, table
from benchmarks.voice import _said
from benchmarks.voice._elsewhere import ENGLISH, NAMES, QUESTIONS
from benchmarks.voice._said import Asked, Score
from benchmarks.voice.japanese import OFFERED
from knowledge.errors import NothingHeard
from knowledge.language import Language
from knowledge.voice.hearing.ears import Hearing
from knowledge.voice.hearing.recovery import Recovery

LINES = ("voice message", "noise 20 dB")


def run() -> None:
    heading("Other towns", "faster-whisper", "ctranslate2")
    asyncio.run(_run())
    load_after()


async def _run() -> None:
    voices = ["Mei", *([_said.MAN] if "Kokoro" in _said.voices() else [])]
    asked = {(voice, line): Score() for voice in voices for line in LINES}
    alone = {voice: [0, 0, 0] for voice in voices}  # names, read, taken for another language
    for town, names in NAMES.items():
        folder = _said.MINE.parent / town
        ears, reader = _said.ears_of(folder), _said.reader_of(folder)
        for (voice, line), score in asked.items():
            for each in QUESTIONS.get(town, ()):
                heard, _ = await _heard(ears, _said.recording(voice, each.text, line=line))
                score.add(each, heard, reader)
        for voice, counts in alone.items():
            for name in names:
                heard, language = await _heard(ears, _said.recording(voice, name))
                counts[0] += 1
                counts[1] += _is_read(reader, name, heard)
                counts[2] += language is not None and not language.japanese
        await ears.close()
    rows = [[*label, *score.cells] for label, score in asked.items()]
    table(["said by", "line", "CER", "CER of readings", "spelled", "read", "loops"], rows)
    shown = [[voice, *map(str, counts)] for voice, counts in alone.items()]
    table(["names alone, by", "names", "read", "taken for another language"], shown)
    await _english()


async def _english() -> None:
    if "Kokoro" not in _said.voices():
        return
    ears = _said.our_ears()
    wrong = words = 0
    for each in ENGLISH:
        heard, _ = await _heard(ears, _said.recording("Kokoro", each, "en"))
        counted = _said.word_errors(each, heard)
        wrong, words = wrong + counted[0], words + counted[1]
    await ears.close()
    table(["English", "words", "WER"], [[str(len(ENGLISH)), str(words), f"{wrong / words:.3f}"]])


async def _heard(ears: Hearing, audio: bytes) -> tuple[str, Language | None]:
    try:
        heard = await ears.hear(audio, languages=OFFERED)
    except NothingHeard:
        return "", None
    return heard.text, heard.language


def _is_read(reader: Recovery, name: str, heard: str) -> bool:
    score = Score()
    score.add(Asked(name, (name,)), heard, reader)
    return bool(score.read)
