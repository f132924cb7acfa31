"""Texts made of sounds that are no speech."""

import asyncio
from typing import Any

from benchmarks.measure import heading, load_after, table
from benchmarks.voice import _said
from benchmarks.voice.japanese import OFFERED
from knowledge.errors import NothingHeard
from knowledge.voice.codec import AvCodec
from knowledge.voice.hearing.ears import Hearing
from knowledge.voice.hearing.vocabulary import vocabulary
from knowledge.voice.port import Container
from tests.knowledge.voice.sounds import NOT_SPEECH


def run() -> None:
    heading("Sounds that are no speech", "faster-whisper")
    asyncio.run(_run())
    load_after()


async def _run() -> None:
    ears = _said.our_ears()
    model: Any = _said.raw_whisper()
    prompt = vocabulary(_said.names(), _said.guides()).prompts["ja"]
    rows = []
    for sound in NOT_SPEECH:
        clip = sound()
        ours = await _heard(ears, AvCodec().encode(clip, Container.OGG_OPUS))
        told = []
        for extra in ({}, {"initial_prompt": prompt, "language": "ja"}):
            segments, _ = model.transcribe(clip.samples, **extra)
            told.append("".join(each.text for each in segments).strip())
        rows.append([sound.__name__.replace("_", " "), *map(_shown, (ours, *told))])
    await ears.close()
    invented = [str(sum(row[column] != "-" for row in rows)) for column in (1, 2, 3)]
    table(
        ["sound", "ours", "faster-whisper", "the same with our prompt"],
        [*rows, ["invented", *invented]],
    )


async def _heard(ears: Hearing, audio: bytes) -> str:
    try:
        return (await ears.hear(audio, languages=OFFERED)).text
    except NothingHeard:
        return ""


def _shown(text: str) -> str:
    return f"{text[:24]}…" if len(text) > 24 else text or "-"
