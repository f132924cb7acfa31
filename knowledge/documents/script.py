"""Script: the language of a whole document, by the shares of its scripts.

One word in another script decides nothing here: a Chinese leaflet names a bath in kana, an English
one a shrine in kanji. Between the three orthographies of Han, `knowledge.language` decides.
"""

from knowledge.language import Language, detect

_SOME = 0.05  # of the characters beyond ASCII: less is a name
_MOST = 0.3


def language_of(text: str, default: Language) -> Language:
    """Tell the language of a document; `default` if it holds no words."""
    kana = sum("ぁ" <= each <= "ヿ" for each in text)
    hangul = sum("가" <= each <= "힣" for each in text)
    han = sum("一" <= each <= "鿿" for each in text)
    latin = sum(each.isascii() and each.isalpha() for each in text)
    wide = kana + hangul + han
    if not wide and not latin:
        return default
    if latin > wide * 5:  # a wide character says as much as several letters
        return Language.EN
    if hangul > wide * _MOST:
        return Language.KO
    if kana > wide * _SOME:
        return default if default.japanese else Language.JA
    if not wide:
        return Language.EN
    return detect("".join(each for each in text if "一" <= each <= "鿿"), default)
