"""End of speech to the first byte of the answer's sound, and what the chat feels of it.

Among those who ask at once is one long question, whose guesses take the longest to compare. The
recording is complete when the clock starts, as when a button is let go; hands-free adds the
0.6 s of silence that end a turn. The answer is the guide's own extract, by its word tier, without
a language model, as the conversation says it aloud.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from benchmarks.measure import heading, load_after, percentile, table
from benchmarks.voice import _said
from benchmarks.voice.japanese import OFFERED
from bots.conversation.wording import Wording
from core.town import load
from knowledge.answer import Guide
from knowledge.encoders import Tier, encoders
from knowledge.language import Language
from knowledge.voice.choice import VoiceChoice
from knowledge.voice.hearing.ears import Hearing
from knowledge.voice.port import Mouth
from knowledge.voice.speaking.mouth import open_mouth

NOW = datetime(2026, 11, 21, 10, tzinfo=ZoneInfo("Asia/Tokyo"))
TURNS = 1
AT_ONCE = 4
LONG = (
    "来週の土曜日に小学生の子ども二人と両親を連れて秋芳洞と秋吉台と大正洞を一日で見て回りたいのですが、"
    "何時ごろに着けば混まずに入れて、足の悪い父が休める場所や、雨が降ったときに代わりに行ける所はありますか"
)
"""As long as anybody asks aloud."""


@dataclass(frozen=True, slots=True)
class Guided:
    """What answers, and how it is said."""

    guide: Guide
    wording: Wording

    async def ask(self, text: str) -> str:
        answer = await self.guide.ask(text, language=Language.JA, now=NOW)
        return self.wording.word(answer, Language.JA).spoken


def run() -> None:
    heading("End of speech to first sound", "faster-whisper", "pyopenjtalk-plus")
    asyncio.run(_run())
    load_after()


async def _run() -> None:
    guide = Guide.open(_said.MINE / "guides", cache=_said.CACHE, models=encoders(Tier.WORDS))
    guide.catch_up()
    guided = Guided(guide, Wording(load(_said.MINE)))
    ears = _said.our_ears()
    await ears.warm()
    sent = [_said.recording("Mei", each.text) for each in _said.VISITORS]
    long = _said.recording("Mei", LONG)
    rows = []
    for name, choice in _choices().items():
        mouth = open_mouth(names=_said.names(), voice=choice)
        await mouth.warm()
        await _asked(ears, guided, mouth, sent[0])
        taken = [await _asked(ears, guided, mouth, each) for _ in range(TURNS) for each in sent]
        for label, values in zip(
            ("hear", "answer", "speak", "together"), zip(*taken, strict=True), strict=True
        ):
            rows.append([f"{name}: {label}", *_figures(values, 2)])
        lag = await _lag(ears, guided, mouth, [*sent[: AT_ONCE - 1], long])
        rows.append([f"{name}: event loop late, {AT_ONCE} at once", *lag])
        await mouth.close()
    await ears.close()
    rows.append(_raw(sent))
    table(["seconds", "p50", "p95", "most"], rows)


def _choices() -> dict[str, VoiceChoice]:
    kokoro = {"Kokoro": VoiceChoice("kokoro:jf_alpha")} if "Kokoro" in _said.voices() else {}
    return {"Mei": VoiceChoice("mei"), **kokoro}


async def _asked(
    ears: Hearing, guided: Guided, mouth: Mouth, audio: bytes
) -> tuple[float, float, float, float]:
    """Return the seconds of hearing, answering, the first sound, and all of it."""
    began = time.perf_counter()
    heard = await ears.hear(audio, languages=OFFERED)
    understood = time.perf_counter()
    text = await guided.ask(heard.text)
    found = time.perf_counter()
    async with aclosing(mouth.pieces(text, language=Language.JA)) as pieces:
        await anext(pieces)
        spoken = time.perf_counter()
    return understood - began, found - understood, spoken - found, spoken - began


async def _lag(ears: Hearing, guided: Guided, mouth: Mouth, sent: list[bytes]) -> list[str]:
    """Return by how much a timer of 5 ms is late while several ask at once."""
    late: list[float] = []

    async def watch() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.005)
            late.append(time.perf_counter() - began - 0.005)

    watching = asyncio.create_task(watch())
    await asyncio.gather(*(_asked(ears, guided, mouth, each) for each in sent))
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
    return _figures(late, 3)


def _figures(seconds: Sequence[float], digits: int) -> list[str]:
    shares = [percentile(seconds, share) for share in (0.5, 0.95)]
    return [f"{each:.{digits}f}" for each in (*shares, max(seconds))]


def _raw(sent: list[bytes]) -> list[str]:
    """The libraries one after the other, as they come: the whole answer's sound, no worker."""
    import pyopenjtalk

    model = _said.raw_whisper()
    taken = []
    for each in sent:
        began = time.perf_counter()
        segments, _ = model.transcribe(_said.samples(each))  # type: ignore[attr-defined]
        "".join(segment.text for segment in segments)
        pyopenjtalk.tts("秋芳洞の入洞料は大人千三百円です。小中学生は七百円です。")
        taken.append(time.perf_counter() - began)
    return ["faster-whisper + pyopenjtalk: together, no answer", *_figures(taken, 2)]
