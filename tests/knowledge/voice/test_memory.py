"""What a recording may take of the memory of the worker that decodes it."""

import os
import resource
import struct
import sys
from collections.abc import AsyncIterator
from functools import partial

import numpy as np
import pytest

from knowledge.errors import (
    AudioUnreadable,
    NothingHeard,
    RecogniserFailed,
    SynthesiserFailed,
)
from knowledge.voice.codec import AvCodec
from knowledge.voice.hearing.listening import Listener
from knowledge.voice.memory import bounded
from knowledge.voice.port import Clip, Container, Samples, Span
from knowledge.voice.process import Process
from knowledge.voice.speaking.voices import Recorder, Utterance

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds address space")

LONG = 30.0
SAMPLES = 20_000_000
BLOCK = 1 << 20


class Deaf:
    """Finds no speech in anything."""

    def spans(self, _: Clip) -> list[Span]:
        return []


def open_deaf() -> Listener:
    return Listener(AvCodec(), Deaf())


def most_used(_: object) -> int:
    """Megabytes that the worker ever had in memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def process_id(_: Listener) -> int:
    return os.getpid()


@pytest.fixture
async def worker() -> AsyncIterator[Process[Listener]]:
    opened = Process(open_deaf, failed=RecogniserFailed)
    yield opened
    await opened.close()


def recording(seconds: float, container: Container = Container.MP4_AAC) -> bytes:
    samples: Samples = np.zeros(round(seconds * 48_000), np.float32)
    return AvCodec().encode(Clip(samples, 48_000), container)


def counting(samples: int) -> bytes:
    """A short M4A whose tables say that it holds `samples` samples of one byte."""
    audio = bytearray(recording(0.3))
    for name, place, value in (
        (b"stsz", 8, struct.pack(">II", 1, samples)),
        (b"stsc", 12, struct.pack(">I", 1)),
        (b"stsc", 16, struct.pack(">I", samples)),
        (b"stts", 12, struct.pack(">II", samples, 1024)),
    ):
        start = audio.index(name) + place
        audio[start : start + len(value)] = value
    return bytes(audio)


@pytest.mark.parametrize("samples", [SAMPLES, 8 * SAMPLES])
async def test_a_file_that_claims_millions_of_samples_is_unreadable_and_costs_no_memory(
    worker: Process[Listener], samples: int
) -> None:
    with pytest.raises(NothingHeard):
        await worker.call(Listener.speech, recording(0.3), 60.0, timeout=LONG)
    before = await worker.call(most_used, timeout=LONG)
    pid = await worker.call(process_id, timeout=LONG)
    with pytest.raises(AudioUnreadable):
        await worker.call(Listener.speech, counting(samples), 60.0, timeout=LONG)
    assert await worker.call(most_used, timeout=LONG) - before < 300
    assert await worker.call(process_id, timeout=LONG) == pid


@pytest.mark.parametrize("samples", [SAMPLES, 8 * SAMPLES])
async def test_a_service_whose_sound_claims_millions_of_samples_costs_no_memory(
    samples: int,
) -> None:
    recorder = Process(Recorder, failed=SynthesiserFailed)

    async def joined(file: bytes) -> Utterance:
        pauses = [0.4]
        return await recorder.call(
            Recorder.joined, [file], pauses, Container.OGG_OPUS, timeout=LONG
        )

    await joined(recording(0.3))
    before = await recorder.call(most_used, timeout=LONG)
    with pytest.raises(AudioUnreadable):
        await joined(counting(samples))
    assert await recorder.call(most_used, timeout=LONG) - before < 300
    await recorder.close()


@pytest.mark.parametrize("container", Container)
async def test_a_whole_minute_needs_no_more_than_a_recording_may_take(
    worker: Process[Listener], container: Container
) -> None:
    audio = recording(60.0, container)
    with pytest.raises(NothingHeard):
        await worker.call(Listener.speech, audio, 60.0, timeout=LONG)


def test_the_bound_is_lifted_afterwards() -> None:
    before = resource.getrlimit(resource.RLIMIT_AS)
    with pytest.raises(MemoryError), bounded(64 * BLOCK):
        bytearray(512 * BLOCK)
    assert resource.getrlimit(resource.RLIMIT_AS) == before
    assert len(bytearray(128 * BLOCK)) == 128 * BLOCK


def test_a_narrower_bound_of_the_machine_stays() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    narrow = partial(resource.getrlimit, resource.RLIMIT_AS)
    with bounded(1024 * BLOCK):
        outer = narrow()
        with bounded(4096 * BLOCK):
            assert narrow() == outer
    assert narrow()[1] == hard
