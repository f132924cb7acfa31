"""Who speaks, and when a turn begins and ends."""

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import pytest

from knowledge.voice.hearing.activity import FRAME, HANG_OVER, Silero, Turn
from knowledge.voice.port import HEARING_RATE, Clip, Samples
from tests.knowledge.voice.sounds import NOT_SPEECH, with_noise

FRAME_SECONDS = FRAME / HEARING_RATE


@pytest.fixture(scope="module")
def silero() -> Silero:
    return Silero()


def pause(seconds: float) -> Samples:
    return np.zeros(round(seconds * HEARING_RATE), np.float32)


def frames(samples: Samples) -> Iterator[Samples]:
    for start in range(0, len(samples) - FRAME + 1, FRAME):
        yield samples[start : start + FRAME]


def told(silero: Silero, samples: Samples) -> list[tuple[float, Turn]]:
    """What a listener said of a stream, with the seconds that had passed."""
    turns = silero.turns()
    heard = ((turns.feed(each), number) for number, each in enumerate(frames(samples), 1))
    return [(number * FRAME_SECONDS, turn) for turn, number in heard if turn]


@pytest.mark.parametrize("sound", NOT_SPEECH, ids=lambda each: each.__name__)
def test_nobody_speaks_in_other_sounds(silero: Silero, sound: Callable[[], Clip]) -> None:
    clip = sound()
    assert silero.spans(clip) == ()
    assert told(silero, clip.samples) == []


def test_speech_is_found_where_it_is(silero: Silero, question: Clip) -> None:
    samples = np.concatenate([pause(2.0), question.samples, pause(2.0)])
    (span,) = silero.spans(Clip(samples, HEARING_RATE))
    assert span.start == pytest.approx(2.0, abs=0.15)
    assert span.end == pytest.approx(2.0 + question.seconds, abs=0.2)


def test_a_pause_within_a_sentence_ends_nothing(silero: Silero, question: Clip) -> None:
    short = np.concatenate([question.samples, pause(0.4), question.samples])
    assert len(silero.spans(Clip(short, HEARING_RATE))) == 1


def test_two_questions_are_two_spans(silero: Silero, question: Clip) -> None:
    samples = np.concatenate([question.samples, pause(2.0), question.samples])
    first, second = silero.spans(Clip(samples, HEARING_RATE))
    assert first.end < second.start


@pytest.mark.parametrize("decibels", [30, 10, 5])
def test_a_turn_begins_at_once_and_ends_after_the_hang_over(
    silero: Silero, question: Clip, decibels: float
) -> None:
    stream = Clip(np.concatenate([pause(2.0), question.samples, pause(2.0)]), HEARING_RATE)
    noisy = with_noise(stream, decibels)
    (began, first), (ended, second) = told(silero, noisy.samples)
    assert (first, second) == (Turn.BEGAN, Turn.ENDED)
    assert 0 < began - 2.0 < 0.25
    assert HANG_OVER - 0.1 < ended - (2.0 + question.seconds) < HANG_OVER + 0.2


def test_a_listener_hears_one_turn_after_another(silero: Silero, question: Clip) -> None:
    samples = np.concatenate([question.samples, pause(1.5)] * 3)
    turns = [turn for _, turn in told(silero, samples)]
    assert turns == [Turn.BEGAN, Turn.ENDED] * 3


def test_frames_may_come_in_other_sizes(silero: Silero, question: Clip) -> None:
    turns = silero.turns()
    samples = np.concatenate([pause(1.0), question.samples, pause(1.5)])
    cuts = [*range(0, len(samples), 441), len(samples)]
    heard = [turns.feed(samples[start:end]) for start, end in pairwise(cuts)]
    assert [each for each in heard if each] == [Turn.BEGAN, Turn.ENDED]
    assert not turns.speaking


def test_too_much_at_once_is_refused(silero: Silero) -> None:
    with pytest.raises(ValueError, match="at most"):
        silero.turns().feed(pause(1.0))


def test_another_rate_is_refused(silero: Silero) -> None:
    with pytest.raises(ValueError, match="16000"):
        silero.spans(Clip(pause(1.0), 48_000))


def test_an_empty_clip_holds_nothing(silero: Silero) -> None:
    assert silero.spans(Clip(pause(0.0), HEARING_RATE)) == ()
