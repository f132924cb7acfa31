"""Japanese questions heard: ours through its worker, and the library as it comes."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from benchmarks.measure import heading, load_after, percentile, table
from benchmarks.voice import _said
from benchmarks.voice._said import Asked, Score
from knowledge.errors import NothingHeard
from knowledge.language import Language
from knowledge.voice.hearing.ears import Hearing

OFFERED = (Language.JA, Language.EN, Language.ZH_HANT, Language.ZH_HANS, Language.KO)
LINES = ("voice message", "Opus 12 kbit/s", "noise 20 dB")


async def by_ours(ears: Hearing, recordings: Sequence[bytes]) -> tuple[list[str], list[float]]:
    heard, taken = [], []
    for each in recordings:
        began = time.perf_counter()
        try:
            heard.append((await ears.hear(each, languages=OFFERED)).text)
        except NothingHeard:
            heard.append("")
        taken.append(time.perf_counter() - began)
    return heard, taken


def by_library(model: Any, recordings: Sequence[bytes]) -> tuple[list[str], list[float]]:
    heard, taken = [], []
    for each in recordings:
        began = time.perf_counter()
        segments, _ = model.transcribe(_said.samples(each))
        heard.append("".join(segment.text for segment in segments))
        taken.append(time.perf_counter() - began)
    return heard, taken


def row(
    label: Sequence[str], asked: Sequence[Asked], made: tuple[list[str], list[float]]
) -> list[str]:
    score = Score()
    for question, heard in zip(asked, made[0], strict=True):
        score.add(question, heard)
    return [*label, *score.cells, f"{percentile(made[1], 0.5):.2f}"]


def run() -> None:
    heading("Japanese questions", "faster-whisper", "ctranslate2")
    asyncio.run(_run())
    load_after()


async def _run() -> None:
    ears = _said.our_ears()
    await ears.warm()
    model = _said.raw_whisper()
    sets = {"visitors": _said.VISITORS, "labelled": _said.labelled()}
    rows = []
    for voice in _said.voices():
        for line in LINES:
            asked = sets["visitors"]
            sent = [_said.recording(voice, each.text, line=line) for each in asked]
            label = [f"{len(asked)} visitors' questions, {voice}, {line}"]
            rows.append(row([*label, "ours"], asked, await by_ours(ears, sent)))
            if line == LINES[0]:
                rows.append(row([*label, "faster-whisper"], asked, by_library(model, sent)))
    asked = sets["labelled"]
    sent = [_said.recording("Mei", each.text) for each in asked]
    label = [f"{len(asked)} labelled questions, Mei"]
    rows.append(row([*label, "ours"], asked, await by_ours(ears, sent)))
    rows.append(row([*label, "faster-whisper"], asked, by_library(model, sent)))
    await ears.close()
    head = ["said", "heard by", "CER", "CER of readings", "names spelled", "names read", "loops"]
    table([*head, "s, median"], rows)
