"""Memory and load time of the worker processes, beside the libraries in a process of their own."""

import asyncio
import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.measure import heading, load_after, table
from benchmarks.voice import _said
from benchmarks.voice.japanese import OFFERED
from knowledge.language import Language
from knowledge.voice.choice import VoiceChoice
from knowledge.voice.speaking.mouth import open_mouth

TEXT = "秋芳洞の入洞料は大人千三百円です。"


def run() -> None:
    heading("Memory of the workers", "faster-whisper", "pyopenjtalk-plus")
    rows = asyncio.run(_ours())
    for label, part in {"faster-whisper": _raw_ears, "pyopenjtalk": _raw_mouth}.items():
        rows.append([label, *_alone(part)])
    table(["after 20 questions", "MB resident", "MB at most", "s to load"], rows)
    load_after()


async def _ours() -> list[list[str]]:
    rows = []
    sent = [_said.recording("Mei", each.text) for each in _said.VISITORS]
    ears = _said.our_ears()
    cost = (await ears.warm()).cost
    for each in sent:
        await ears.hear(each, languages=OFFERED)
    seconds = f"{cost.seconds:.1f}" if cost else "-"
    rows.append(["hearing (Whisper base, Silero, PyAV)", *_resident(ears.worker_pid), seconds])
    await ears.close()
    choices = {"Mei": "mei", "Kokoro": "kokoro:jf_alpha"}
    for name in _said.voices():
        mouth = open_mouth(names=_said.names(), voice=VoiceChoice(choices[name]))
        began = time.perf_counter()
        await mouth.warm()
        seconds = f"{time.perf_counter() - began:.1f}"
        for asked in _said.VISITORS:
            async for _ in mouth.pieces(asked.text, language=Language.JA):
                pass
        workers = [each.pid for each in multiprocessing.active_children()]
        rows.append([f"speaking ({name})", *_resident(workers[-1]), seconds])
        await mouth.close()
    return rows


def _resident(pid: int | None) -> list[str]:
    status = Path(f"/proc/{pid}/status").read_text("ascii", "replace")
    values = dict(line.split(":", 1) for line in status.splitlines())
    return [str(int(values[key].split()[0]) // 1024) for key in ("VmRSS", "VmHWM")]


def _alone(part: Callable[[list[bytes]], float]) -> list[str]:
    """Run a part in a process of its own and return what that needed."""
    sent = [_said.recording("Mei", each.text) for each in _said.VISITORS]
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        loaded, resident = pool.apply(_measured, (part, sent))
    return [*resident, f"{loaded:.1f}"]


def _measured(part: Callable[[list[bytes]], float], sent: list[bytes]) -> tuple[float, list[str]]:
    return part(sent), _resident(multiprocessing.current_process().pid)


def _raw_ears(sent: list[bytes]) -> float:
    began = time.perf_counter()
    model = _said.raw_whisper()
    loaded = time.perf_counter() - began
    for each in sent:
        list(model.transcribe(_said.samples(each))[0])  # type: ignore[attr-defined]
    return loaded


def _raw_mouth(sent: list[bytes]) -> float:
    began = time.perf_counter()
    import pyopenjtalk

    pyopenjtalk.tts("はい")
    loaded = time.perf_counter() - began
    for _ in sent:
        pyopenjtalk.tts(TEXT)
    return loaded
