"""An open microphone: when what was said so far may be all."""

import asyncio

import numpy as np

from bots.web.voice.listening import FORESEEN, PAUSE, Foresight, Microphone
from knowledge.voice.hearing.activity import FRAME, Turn
from knowledge.voice.port import HEARING_RATE, Heard, Samples

SECONDS = FRAME / HEARING_RATE
HANG_OVER = 18  # frames


class Detector:
    """Takes whatever is not zero for speech."""

    quiet = 0.0
    speaking = False

    def feed(self, samples: Samples) -> Turn | None:
        if samples.any():
            self.quiet = 0.0
            began, self.speaking = not self.speaking, True
            return Turn.BEGAN if began else None
        self.quiet += SECONDS
        if self.speaking and self.quiet > (HANG_OVER - 0.5) * SECONDS:
            self.speaking = False
            return Turn.ENDED
        return None


def frames(count: int, level: int) -> bytes:
    return np.full(count * FRAME, level, "<i2").tobytes()


class Page:
    """One visitor's microphone, with what was begun to be heard ahead."""

    def __init__(self) -> None:
        self.begun: list[bytes] = []
        self.tasks: list[asyncio.Task[Heard] | None] = []
        self.microphone = Microphone(Detector())
        self.foresight = Foresight(self.hear)

    def hear(self, sound: bytes) -> asyncio.Task[Heard] | None:
        self.begun.append(sound)
        self.tasks.append(asyncio.create_task(asyncio.sleep(0, None)))  # type: ignore[arg-type]
        return self.tasks[-1]

    def say(self, speech: int, silence: int) -> bool:
        """Whether the turn has ended; each frame is a message, as the page sends them."""
        ended = False
        for level, count in ((900, speech), (0, silence)):
            for _ in range(count):
                ended = Turn.ENDED in self.microphone.feed(frames(1, level)) or ended
                self.foresight.watch(self.microphone)
        return ended


async def test_what_was_said_until_a_pause_is_heard_once_and_is_that_of_the_turn() -> None:
    page = Page()
    assert page.say(20, HANG_OVER)
    assert len(page.begun) == 1
    assert len(page.begun[0]) < len(page.microphone.taken)
    quiet = (len(page.begun[0]) - 44) / 2 / HEARING_RATE - 20 * SECONDS
    assert PAUSE <= quiet < PAUSE + 2 * SECONDS
    assert page.foresight.of(page.microphone.ended) is page.tasks[0]


async def test_who_goes_on_after_a_pause_is_heard_to_the_end() -> None:
    page = Page()
    assert not page.say(20, HANG_OVER - 4)
    assert page.say(20, HANG_OVER)
    assert len(page.begun) == 2
    assert page.foresight.of(page.microphone.ended) is page.tasks[1]


async def test_a_short_pause_begins_nothing() -> None:
    page = Page()
    assert not page.say(20, 4)
    assert page.begun == []


async def test_what_was_begun_in_one_turn_is_not_that_of_the_next() -> None:
    page = Page()
    assert page.say(20, HANG_OVER)
    first = page.microphone.ended
    assert page.say(20, HANG_OVER)
    assert page.microphone.ended != first
    assert page.foresight.of(first) is None
    assert page.foresight.of(page.microphone.ended) is page.tasks[1]


async def test_a_turn_that_is_cut_for_its_length_has_no_pause() -> None:
    page = Page()
    page.say(20, 0)
    while page.microphone.speaking:
        page.microphone.feed(frames(100, 900))
    assert page.microphone.ended is None
    assert page.foresight.of(page.microphone.ended) is None


async def test_who_speaks_long_is_not_heard_ahead_again_and_again() -> None:
    page = Page()
    for _ in range(12):  # a breath every three seconds
        assert not page.say(round(3 / SECONDS), HANG_OVER - 4)
    assert page.say(round(3 / SECONDS), HANG_OVER)
    assert all((len(each) - 44) / 2 / HEARING_RATE <= FORESEEN for each in page.begun)
    assert len(page.begun) == 2
    assert page.foresight.of(page.microphone.ended) is None
