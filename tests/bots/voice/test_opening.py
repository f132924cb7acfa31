"""Which voice a town has: by its settings, and what is told at the start."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from bots import texts
from bots.app import running
from bots.happenings import Happenings
from bots.operations.meters import Meters
from bots.voice import Voice, open_voice, opening, prepare
from core import town as town_pack
from core.settings import Settings
from core.testing import SetClock
from core.town import TownPack
from knowledge.answer import Guide
from knowledge.errors import RecogniserFailed, VoiceMissing
from knowledge.language import Language
from knowledge.testing import FakeEars, FakeMouth
from knowledge.voice.port import Ears, Mouth
from knowledge.voice.process import Cost
from tests.conftest import ROOT


class Loaded(FakeEars):
    """Ears that take a while to load."""

    async def warm(self) -> Cost:
        return Cost(1.24, 435)


@pytest.fixture(scope="module")
def town() -> TownPack:
    return town_pack.load(ROOT / "towns" / "mine")


def settings(tmp_path: Path, **values: object) -> Settings:
    return Settings(_env_file=None, data_dir=tmp_path).model_copy(update=values)


def nothing_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "find_spec", lambda _: None)


def lacking() -> Ears:
    raise VoiceMissing("faster-whisper is not installed; run: pip install 'kankei[voice]'")


def mute() -> Mouth:
    return FakeMouth()


def told(*, language: str = "ja") -> Happenings:
    return Happenings(language)


def test_switched_off_there_is_no_voice(tmp_path: Path, town: TownPack) -> None:
    assert open_voice(settings(tmp_path, voice="off"), town, Meters()) is None


def test_without_the_packages_and_without_a_service_there_is_none_of_itself(
    tmp_path: Path, town: TownPack, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing_is_installed(monkeypatch)
    assert open_voice(settings(tmp_path), town, Meters()) is None


@pytest.mark.parametrize(
    ("values", "hears", "speaks"),
    [
        pytest.param({"transcription_base_url": "http://127.0.0.1:1/v1"}, True, False, id="ears"),
        pytest.param({"speech_base_url": "http://127.0.0.1:1/v1"}, False, True, id="mouth"),
        pytest.param({"voice": "on"}, True, True, id="asked for"),
    ],
)
def test_a_service_elsewhere_is_a_voice_too(
    tmp_path: Path,
    town: TownPack,
    monkeypatch: pytest.MonkeyPatch,
    values: dict[str, str],
    *,
    hears: bool,
    speaks: bool,
) -> None:
    nothing_is_installed(monkeypatch)
    voice = open_voice(settings(tmp_path, **values), town, Meters())
    assert voice is not None
    assert (voice.hears, voice.speaks("ja")) == (hears, speaks)


async def test_the_start_says_what_runs_and_what_it_costs(tmp_path: Path) -> None:
    happenings = told(language="en")
    voice = Voice(ears=Loaded, mouth=FakeMouth)
    assert await prepare(voice, settings(tmp_path), happenings) == []
    hearing = "fake (loaded in 1.2 s, about 435 MB of memory)"
    line = f"The voice is ready. Hearing: {hearing} / Speaking: fake."
    assert list(happenings.recent) == [line]


@pytest.mark.parametrize(
    ("installed", "word"), [(False, "pip install 'kankei[voice-plus]'"), (True, "too slow")]
)
async def test_the_start_says_which_languages_are_only_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str, *, installed: bool
) -> None:
    monkeypatch.setattr(opening, "find_spec", lambda _: object() if installed else None)
    happenings = told(language="en")
    voice = Voice(ears=None, mouth=lambda: FakeMouth(frozenset({Language.JA})))
    await prepare(voice, settings(tmp_path), happenings, ("ja", "en", "zh-Hant", "zh-Hans", "ko"))
    assert happenings.recent[-1].startswith("Answers in English, Chinese are written")
    assert word in happenings.recent[-1]


async def test_the_start_is_silent_of_languages_that_a_town_does_not_offer(tmp_path: Path) -> None:
    happenings = told(language="en")
    voice = Voice(ears=None, mouth=lambda: FakeMouth(frozenset({Language.JA})))
    await prepare(voice, settings(tmp_path), happenings, ("ja", "ko"))
    assert len(happenings.recent) == 1


async def test_the_start_says_what_leaves_the_machine(tmp_path: Path) -> None:
    happenings = told()
    voice = Voice(ears=FakeEars, mouth=None)
    await prepare(voice, settings(tmp_path, transcription_base_url="http://x/v1"), happenings)
    assert "外のサービス" in happenings.recent[0]


@pytest.mark.parametrize(("wanted", "troubles"), [("auto", 0), ("on", 1)])
async def test_what_is_missing_is_one_sentence_and_trouble_only_where_it_was_asked_for(
    tmp_path: Path, wanted: str, troubles: int
) -> None:
    happenings = told(language="en")
    voice = Voice(ears=lacking, mouth=mute)
    found = await prepare(voice, settings(tmp_path, voice=wanted), happenings)
    assert len(found) == troubles
    assert "pip install 'kankei[voice]'" in happenings.recent[-1]
    assert voice.speaks("ja")
    assert not voice.hears


async def test_without_any_voice_one_sentence_says_how_to_have_one(tmp_path: Path) -> None:
    happenings = told()
    assert await prepare(None, settings(tmp_path), happenings) == []
    assert list(happenings.recent) == [texts.say("voice.happening.none", "ja")]
    silent = told()
    await prepare(None, settings(tmp_path, voice="off"), silent)
    assert list(silent.recent) == []


async def test_an_engine_that_does_not_load_is_told_and_tried_again_at_the_first_question(
    tmp_path: Path,
) -> None:
    class Broken(FakeEars):
        async def warm(self) -> Cost:
            raise RecogniserFailed("took longer than 60 seconds to load")

    happenings = told()
    voice = Voice(ears=Broken, mouth=None)
    await prepare(voice, settings(tmp_path), happenings)
    assert "took longer" in happenings.recent[0]
    assert voice.hears


async def test_a_worker_has_no_voice(
    tmp_path: Path, town: TownPack, mine_guide: Guide, clock: SetClock
) -> None:
    here = settings(tmp_path, secret_key=SecretStr("k" * 40), voice="on")
    async with running(here, town=town, guide=mine_guide, clock=clock, joins=True) as app:
        assert app.voice is None
    async with running(here, town=town, guide=mine_guide, clock=clock) as app:
        assert app.voice is not None
        assert app.problems() == []  # nothing is opened before somebody needs it
