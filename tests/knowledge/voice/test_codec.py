import io
import struct
from collections.abc import Callable
from fractions import Fraction

import av
import numpy as np
import pytest
from av.audio.stream import AudioStream
from hypothesis import given
from hypothesis import strategies as st

from knowledge.errors import AudioTooLong, AudioUnreadable
from knowledge.voice.codec import AvCodec
from knowledge.voice.port import HEARING_RATE, SPEAKING_RATE, Clip, Container

SECONDS = 1.5
TONE = 440.0


def tone(rate: int = SPEAKING_RATE, *, loud: float = 0.5, seconds: float = SECONDS) -> Clip:
    time = np.arange(int(rate * seconds)) / rate
    return Clip((loud * np.sin(2 * np.pi * TONE * time)).astype(np.float32), rate)


def pitch(clip: Clip) -> float:
    """The loudest frequency of a clip, in Hz."""
    spectrum = np.abs(np.fft.rfft(clip.samples))
    return float(np.argmax(spectrum) * clip.rate / len(clip.samples))


def recorded(muxer: str, codec: str, *, rate: int = 48_000, layout: str = "stereo") -> bytes:
    """What a phone or browser would record of the tone."""
    out = io.BytesIO()
    with av.open(out, "w", format=muxer) as container:
        stream = container.add_stream(codec, rate=rate, layout=layout)
        assert isinstance(stream, AudioStream)
        resampler = av.AudioResampler(stream.format.name, layout, rate, 960)
        samples = tone(rate).samples
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="flt", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        for each in (*resampler.resample(frame), *resampler.resample(None), None):
            container.mux(stream.encode(each))
    return out.getvalue()


@pytest.mark.parametrize(
    "audio",
    [
        pytest.param(lambda: recorded("ogg", "libopus"), id="Firefox and Telegram: Ogg/Opus"),
        pytest.param(lambda: recorded("webm", "libopus"), id="Chromium: WebM/Opus"),
        pytest.param(lambda: recorded("ipod", "aac"), id="Safari: M4A"),
        pytest.param(
            lambda: recorded("mp4", "aac", rate=44_100, layout="mono"), id="an iPhone: MP4"
        ),
        pytest.param(lambda: recorded("mp3", "libmp3lame", rate=44_100), id="MP3"),
        pytest.param(lambda: recorded("adts", "aac"), id="bare AAC"),
        pytest.param(lambda: recorded("wav", "pcm_s16le", rate=8_000, layout="mono"), id="WAV"),
        pytest.param(lambda: recorded("flac", "flac"), id="FLAC"),
    ],
)
def test_what_phones_and_browsers_record_becomes_mono_at_the_rate_asked_for(
    audio: Callable[[], bytes],
) -> None:
    clip = AvCodec().decode(audio(), rate=HEARING_RATE, limit=60)
    assert clip.rate == HEARING_RATE
    assert clip.samples.dtype == np.float32
    assert clip.seconds == pytest.approx(SECONDS, abs=0.15)
    assert pitch(clip) == pytest.approx(TONE, abs=3)


@pytest.mark.parametrize("container", Container)
@pytest.mark.parametrize("rate", [24_000, 48_000])
def test_a_voice_comes_back_from_every_container_as_long_and_as_high(
    container: Container, rate: int
) -> None:
    codec = AvCodec()
    clip = codec.decode(codec.encode(tone(rate), container), rate=SPEAKING_RATE, limit=60)
    assert clip.seconds == pytest.approx(SECONDS, abs=0.05)
    assert pitch(clip) == pytest.approx(TONE, abs=2)


def test_a_voice_beyond_full_scale_is_scaled_and_not_clipped() -> None:
    codec = AvCodec()
    loud = codec.encode(tone(loud=1.4), Container.WAV)
    samples = codec.decode(loud, rate=SPEAKING_RATE, limit=60).samples
    assert 0.95 < np.abs(samples).max() < 0.98
    assert np.mean(np.abs(samples) > 0.965) < 0.1  # a clipped sine rests at its ceiling


def test_a_minute_of_opus_is_small_enough_to_show_as_a_voice_message() -> None:
    audio = AvCodec().encode(tone(seconds=60), Container.OGG_OPUS)
    assert len(audio) < 400_000


def test_packets_are_20_milliseconds_of_stereo_opus() -> None:
    packets = list(AvCodec().packets(tone(seconds=1.01)))
    assert 51 <= len(packets) <= 52
    decoder = av.CodecContext.create("libopus", "r")
    decoder.sample_rate, decoder.layout = SPEAKING_RATE, "stereo"
    frames = [frame for each in packets for frame in decoder.decode(av.Packet(each))]
    assert sum(each.samples for each in frames) == pytest.approx(51 * 960, abs=1920)
    assert {each.layout.nb_channels for each in frames} == {2}


@pytest.mark.parametrize("container", Container)
def test_a_recording_past_the_limit_is_refused_while_it_is_decoded(container: Container) -> None:
    codec = AvCodec()
    audio = codec.encode(tone(seconds=3), container)
    with pytest.raises(AudioTooLong):
        codec.decode(audio, rate=HEARING_RATE, limit=2)
    assert codec.decode(audio, rate=HEARING_RATE, limit=3).seconds == pytest.approx(3, abs=0.1)


def tagged(words: bytes) -> bytes:
    """A WAV file that names its recorder."""
    info = b"LISTxxxxINFOISFT" + struct.pack("<I", len(words)) + words
    info = info.replace(b"xxxx", struct.pack("<I", len(info) - 8), 1)
    whole = AvCodec().encode(tone(), Container.WAV)
    start = whole.index(b"data")
    audio = whole[:start] + info + whole[start:]
    return audio[:4] + struct.pack("<I", len(audio) - 8) + audio[8:]


@pytest.mark.parametrize("encoding", ["shift_jis", "utf-8"])
def test_the_tags_of_a_recorder_are_not_the_recording(encoding: str) -> None:
    audio = tagged("録音機能".encode(encoding))
    assert AvCodec().decode(audio, rate=HEARING_RATE, limit=60).seconds == pytest.approx(SECONDS)


def slow_wav(rate: int) -> bytes:
    """A WAV file whose header claims that its few bytes are hours."""
    size = 100_000
    head = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", size + 36, b"WAVE", b"fmt ", 16, 1, 1, rate,
                       rate, 1, 8)  # fmt: skip
    return head + b"data" + struct.pack("<I", size) + bytes(size)


@pytest.mark.parametrize(
    "audio",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"OggS" + bytes(500), id="only the beginning of a name"),
        pytest.param(b"\xff\xfb" + bytes(3000), id="no MP3 behind its first bytes"),
        pytest.param(b"#EXTM3U\nfile:///etc/hostname\n", id="a play list"),
        pytest.param(b"ffconcat version 1.0\nfile /etc/hostname\n", id="a list of files"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(200), id="a picture"),
        pytest.param(b"RIFF\x24\0\0\0AVI LIST", id="a film"),
        pytest.param(slow_wav(1), id="a rate of 1 Hz"),
    ],
)
def test_what_is_no_recording_is_said_to_be_unreadable(audio: bytes) -> None:
    with pytest.raises(AudioUnreadable):
        AvCodec().decode(audio, rate=HEARING_RATE, limit=60)


def test_a_film_without_sound_is_unreadable() -> None:
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 32
        for _ in range(5):
            frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(AudioUnreadable):
        AvCodec().decode(out.getvalue(), rate=HEARING_RATE, limit=60)


WHOLE = {each: AvCodec().encode(tone(seconds=0.3), each) for each in Container}


@given(
    container=st.sampled_from(list(Container)),
    cut=st.integers(0, 30_000),
    flips=st.lists(st.tuples(st.integers(0, 30_000), st.integers(1, 255)), max_size=12),
)
def test_damaged_recordings_are_sound_or_unreadable_and_nothing_else(
    container: Container, cut: int, flips: list[tuple[int, int]]
) -> None:
    damaged = bytearray(WHOLE[container][: max(1, len(WHOLE[container]) - cut)])
    for position, mask in flips:
        damaged[position % len(damaged)] ^= mask
    try:
        clip = AvCodec().decode(bytes(damaged), rate=HEARING_RATE, limit=5)
    except (AudioUnreadable, AudioTooLong):
        return
    assert np.isfinite(clip.samples).all()
    assert np.abs(clip.samples).max(initial=0) <= 1
