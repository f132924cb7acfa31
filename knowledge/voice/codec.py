"""Codec: recordings of phones and browsers to sound, and sound to what they play (PyAV, FFmpeg).

* Ogg/Opus: RFC 7845; the voice messages of Telegram and Discord
* WebM or Matroska, MP4 or QuickTime: what browsers record
* Opus packets: RFC 6716; what a Discord voice channel takes

Recordings are untrusted. The container is told by its first bytes and never guessed by FFmpeg,
whose play lists and subtitles would open further files; only decoders of speech and music run, only
the first sound track is read, and decoding ends with the sample after the limit. Nothing is written
to disk. FFmpeg is large and written in C: call `decode` in a worker process.
"""

import io
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, NoReturn

import numpy as np

from knowledge.errors import AudioTooLong, AudioUnreadable
from knowledge.voice.extras import missing
from knowledge.voice.port import SPEAKING_RATE, Clip, Container, Samples

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.resampler import AudioResampler
    from av.audio.stream import AudioStream
    from av.container import InputContainer

LARGEST: Final = 20_000_000
"""Bytes of a recording; an hour of Opus. Callers have narrower limits of their own."""
OPUS_BITS: Final = 28_000
"""Per second; speech of one voice at 48 kHz needs no more."""
AAC_BITS: Final = 64_000
PACKET: Final = SPEAKING_RATE // 50
"""Samples of a packet of 20 ms."""

AUDIBLE: Final = 0.01  # of full scale
LEAD: Final = 0.04  # seconds: a plosive begins softly
TAIL: Final = 0.06  # seconds: a vowel ends softly
CEILING: Final = 0.97
"""Full scale that an encoder may be given; lossy codecs overshoot a little."""

PADDING: Final = 0.1
"""Seconds that encoders add to a recording of exactly the limit."""

_RATES: Final = range(4_000, 192_001)
_CHANNELS: Final = 8
_DECODERS: Final = frozenset(
    {"opus", "libopus", "vorbis", "aac", "aac_latm", "mp3", "mp3float", "flac", "alac", "amrnb"}
    | {"amrwb", "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_u8"}
    | {"pcm_alaw", "pcm_mulaw"}
)
_MPEG_SYNC: Final = 0xE0
_ADTS: Final = 0xF6
_MUXERS: Final = {
    Container.OGG_OPUS: ("ogg", "libopus", OPUS_BITS, "flt"),
    Container.MP4_AAC: ("mp4", "aac", AAC_BITS, "fltp"),
    Container.WAV: ("wav", "pcm_s16le", None, "s16"),
}


class AvCodec:
    """The `Codec` port by PyAV."""

    def decode(self, audio: bytes, *, rate: int, limit: float) -> Clip:
        """Decode the first sound track to mono at `rate` Hz.

        Raises `AudioUnreadable`, `AudioTooLong` as soon as more than `limit` seconds are there, and
        `VoiceMissing` without PyAV.
        """
        av = _av()
        demuxer = _demuxer(audio)
        samples: list[Samples] = []
        count, most = 0, int((limit + PADDING) * rate)
        try:
            with _opened(av, audio, demuxer) as container:
                for each in _mono(av, container, rate):
                    samples.append(each)
                    if (count := count + len(each)) > most:
                        raise AudioTooLong(f"the recording is longer than {limit:g} seconds")
        except (av.error.FFmpegError, ValueError, EOFError, MemoryError, OSError) as error:
            raise AudioUnreadable("the recording is damaged") from error
        if not count:
            raise AudioUnreadable("the recording holds no sound")
        whole = np.nan_to_num(np.concatenate(samples), copy=False)
        return Clip(np.clip(whole, -1.0, 1.0, out=whole), rate)

    def encode(self, clip: Clip, container: Container) -> bytes:
        """Write a whole file, mono at `SPEAKING_RATE`; too loud a clip is scaled, never clipped."""
        av = _av()
        muxer, codec, bits, layout = _MUXERS[container]
        out = io.BytesIO()
        with av.open(out, "w", format=muxer) as written:
            stream: AudioStream = written.add_stream(codec, rate=SPEAKING_RATE, layout="mono")
            if bits is not None:
                stream.bit_rate = bits
            size = PACKET if container is Container.OGG_OPUS else None
            for frame in _frames(av, clip, layout, "mono", size):
                written.mux(stream.encode(frame))
            written.mux(stream.encode(None))
        return out.getvalue()

    def packets(self, clip: Clip) -> Iterator[bytes]:
        """Yield raw Opus packets of 20 ms, 48 kHz, two channels; the last is filled with silence.

        They hold the encoder's look-ahead of 6.5 ms at their start.
        """
        av = _av()
        encoder = av.CodecContext.create("libopus", "w")
        encoder.sample_rate = SPEAKING_RATE
        encoder.layout = "stereo"
        encoder.format = "flt"
        encoder.bit_rate = 2 * OPUS_BITS
        encoder.time_base = Fraction(1, SPEAKING_RATE)
        encoder.options = {"frame_duration": "20", "application": "audio"}
        for frame in _frames(av, _filled(clip), "flt", "stereo", PACKET):
            for packet in encoder.encode(frame):
                yield bytes(packet)
        for packet in encoder.encode(None):
            yield bytes(packet)


def _av() -> "Any":
    try:
        import av
        import av.audio.resampler
    except ImportError as error:
        raise missing("av") from error
    return av


def _demuxer(audio: bytes) -> str:
    """Tell the container by its first bytes, as FFmpeg names its demuxer."""
    if len(audio) > LARGEST:
        raise AudioUnreadable(f"the recording is larger than {LARGEST:,} bytes")
    head = audio[:12]
    if head[4:8] in {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"}:
        return "mov"
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return "wav"
    for magic, demuxer in (
        (b"OggS", "ogg"),
        (b"\x1a\x45\xdf\xa3", "matroska"),
        (b"ID3", "mp3"),
        (b"fLaC", "flac"),
        (b"#!AMR", "amr"),
        (b"caff", "caf"),
    ):
        if head.startswith(magic):
            return demuxer
    if len(head) > 1 and head[0] == 0xFF and head[1] & _MPEG_SYNC == _MPEG_SYNC:  # noqa: PLR2004
        return "aac" if head[1] & _ADTS == 0xF0 else "mp3"  # noqa: PLR2004
    raise AudioUnreadable("no recording in a form that is known here")


def _opened(av: "Any", audio: bytes, demuxer: str) -> "InputContainer":
    def refuse(*_: object, **__: object) -> NoReturn:
        raise ValueError("a recording does not open other files")

    allowed = {"codec_whitelist": ",".join(sorted(_DECODERS))}
    opened: InputContainer = av.open(
        io.BytesIO(audio),
        "r",
        format=demuxer,
        container_options=allowed,
        metadata_errors="ignore",  # recorders of Japan name themselves in Shift_JIS
        io_open=refuse,
    )
    return opened


def _mono(av: "Any", container: "InputContainer", rate: int) -> Iterator[Samples]:
    """Yield the sound of the first track, piece by piece."""
    stream = next(iter(container.streams.audio), None)
    if stream is None or stream.codec_context.name not in _DECODERS:
        raise AudioUnreadable("the recording holds no sound of a kind that is known here")
    resampler = None
    known: tuple[str, str, int] | None = None
    for frame in container.decode(stream):
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if resampler is None or kind != known:
            _check(frame)
            if resampler is not None:
                yield from _taken(resampler, None)
            resampler, known = av.AudioResampler("flt", "mono", rate), kind
        frame.pts = None
        yield from _taken(resampler, frame)
    if resampler is not None:
        yield from _taken(resampler, None)


def _check(frame: "AudioFrame") -> None:
    if frame.sample_rate not in _RATES or not 1 <= frame.layout.nb_channels <= _CHANNELS:
        raise AudioUnreadable("the recording has an impossible rate or number of channels")


def _taken(resampler: "AudioResampler", frame: "AudioFrame | None") -> Iterator[Samples]:
    for each in resampler.resample(frame):
        yield each.to_ndarray().reshape(-1).astype(np.float32, copy=False)


def _frames(
    av: "Any", clip: Clip, sample_format: str, layout: str, size: int | None
) -> "Iterator[AudioFrame]":
    """Yield a clip as frames at `SPEAKING_RATE`, of `size` samples but for the last."""
    samples = quiet_enough(np.asarray(clip.samples, np.float32))
    resampler = av.AudioResampler(sample_format, layout, SPEAKING_RATE, size)
    block = clip.rate
    for start in range(0, len(samples), block):
        part = np.ascontiguousarray(samples[start : start + block])
        frame = av.AudioFrame.from_ndarray(part.reshape(1, -1), format="flt", layout="mono")
        frame.sample_rate = clip.rate
        frame.pts = start
        frame.time_base = Fraction(1, clip.rate)
        yield from resampler.resample(frame)
    if len(samples):
        yield from resampler.resample(None)


def _filled(clip: Clip) -> Clip:
    """Fill a clip up to whole packets."""
    whole = clip.rate // 50
    lacking = -len(clip.samples) % whole
    return Clip(np.pad(clip.samples, (0, lacking)), clip.rate) if lacking else clip


def trimmed(clip: Clip) -> Clip:
    """Cut the silence around what is said: before it time waited, after it a pause of any length.

    A sound that dies away keeps its end.
    """
    loud = np.flatnonzero(np.abs(clip.samples) > AUDIBLE)
    if not len(loud):
        return clip
    begin = max(int(loud[0]) - int(LEAD * clip.rate), 0)
    return Clip(clip.samples[begin : int(loud[-1]) + int(TAIL * clip.rate)], clip.rate)


def quiet_enough(samples: Samples) -> Samples:
    """Scale what goes beyond full scale: clipping is heard, a little less loudness is not."""
    peak = float(np.max(np.abs(samples), initial=0.0))
    if not np.isfinite(peak):
        return quiet_enough(np.nan_to_num(samples, posinf=0.0, neginf=0.0))
    return samples * np.float32(CEILING / peak) if peak > CEILING else samples
