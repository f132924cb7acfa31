"""Languages: which of the product's six a text is written in, told by its script alone.

Tags follow BCP 47, except ``ja-easy`` (やさしい日本語), for which no registered subtag exists.
"""

import re
import unicodedata
from enum import StrEnum

from knowledge.kana import romaji


class Language(StrEnum):
    """A language in which guides are written and questions asked."""

    JA = "ja"
    JA_EASY = "ja-easy"
    EN = "en"
    ZH_HANT = "zh-Hant"
    ZH_HANS = "zh-Hans"
    KO = "ko"

    @property
    def japanese(self) -> bool:
        """Whether Japanese passages are this language's own."""
        return self in {Language.JA, Language.JA_EASY}

    @property
    def chinese(self) -> bool:
        """Whether the text is Chinese in either script."""
        return self in {Language.ZH_HANT, Language.ZH_HANS}


# Characters of everyday questions that only one of the three orthographies writes.
_HANS_ONLY = frozenset(
    "这们个说时间车门开关从还没对会让给钱费价样样哪里话电请问买卖码头东长书马鸟鱼见贝页风飞"
    "龙龟达过运进远连边习乡云亚产亲亿仅仓价众优伟传伤况决净减几击创别划刘则刚劝办务动医华单"
    "厅历压厌发变叶号吗听启员园围图圆场块坏坚坛备够头夹夺奋奖妇孙学宁宝实审宽导岁岛帮带干应"
    "庆庙库张弹归当录态总惊戏战户执扩扫报担换据数无旧显晓术机杂权条来极构标树档桥检楼欢气汇"
    "汉济涨温湾灭灯灾点热爱环现电画疗盐监盖着种离积称稳穷窗竞笔签简类红约级纪线组细终经结络"
    "绝统继续绿网罗职联聪肤脑脚节获虑虽补装视觉观规设访证评识诉词试该详语误调谁谢贵贸赛赶跃"
    "轨转轮软轻较输迁选递邮邻郑释钟铁银错键锁镇闭闲闻阅阳阴阶际陆随难雾静顶项顺预领题额验"
)
_HANT_ONLY = frozenset(
    "這們個說嗎麼還沒讓給錢費價樣哪裡裏話電請問買賣碼頭東長書對會從開關門車時間幾點為"
    "與並兩內員圖團圓國學實寫寬將屆島帶廣廳彈後恆愛應戲戰據擇擔擴擊收斷於昇曆條來極樂樓標樹橋檢"
    "權歡歷歸殘氣沖淨溫滿潔澤灣為無燈爭營獨獲獎畫當療發盡監盤眾確禮稅稱種穩窗競筆節範簡類紅"
    "約級紀線組細終經結絡絕統繼續綠網羅職聯聲聽膚臺舉舊艙花華葉號處蟲補裝視覺觀規設訪證評識"
    "訴詞試該詳語誤調誰謝貴貿賽趕躍軌轉輪軟輕較輸遷選遞郵鄰釋鐘鐵銀錯鍵鎖鎮閉閒閱陽陰階際陸"
    "隨難霧靜頂項順預領題額驗館餐馬鳥魚龍龜廁票嬰兒輛"
)
_JA_ONLY = frozenset("円駅図売読県気広験観発駐営関歩対沢桜楽焼険歳浅済検権徳戻桟込峠畑働辻栃")
_CHINESE_WORDS = re.compile(
    "[吗嗎呢呀哪您您的了么麼]|什|怎|多少|可以|是否|今天|明天|請|请|小孩|孩子|我|你|门票|門票|在那"
)


def detect(text: str, default: Language) -> Language:
    """Tell the language of a text from its script; `default` decides what the script cannot.

    Kana means Japanese (`JA_EASY` if that is the default), hangul Korean, Latin letters English
    unless they spell Japanese ("akiyoshido no nagasa wa").
    Han characters alone are told apart by characters that only one orthography writes; a few of
    them in an English sentence (a name) do not change its language.
    """
    kana = hangul = han = latin = 0
    shown = unicodedata.normalize("NFKC", text)
    for character in shown:
        if "ぁ" <= character <= "ヿ":
            kana += 1
        elif "가" <= character <= "힣" or "ᄀ" <= character <= "ᇿ":
            hangul += 1
        elif "一" <= character <= "鿿" or "㐀" <= character <= "䶿":
            han += 1
        elif character.isascii() and character.isalpha():
            latin += 1
    japanese = default if default.japanese else Language.JA
    if hangul and hangul >= kana:
        return Language.KO
    if kana:
        return japanese
    if han and latin <= 2 * han:
        return _han(shown, default)
    if latin:
        return japanese if not han and romaji(shown) else Language.EN
    return default


def _han(text: str, default: Language) -> Language:
    simplified = sum(character in _HANS_ONLY - _HANT_ONLY for character in text)
    traditional = sum(character in _HANT_ONLY - _HANS_ONLY for character in text)
    japanese = sum(character in _JA_ONLY for character in text)
    if _CHINESE_WORDS.search(text) is None and not default.chinese:
        # 料金, 営業時間: a bare noun is what a Japanese reader types; 时间 is not Japanese.
        if simplified > traditional and simplified > japanese:
            return Language.ZH_HANS
        return default if default.japanese else Language.JA
    if simplified != traditional:
        return Language.ZH_HANS if simplified > traditional else Language.ZH_HANT
    return default if default.chinese else Language.ZH_HANT
