"""Addresses of web pages and of people, which nobody wants to hear, and pictures within texts."""

import re
from typing import Final

from knowledge.language import Language

_URL: Final = (
    r"(?:https?://|www\.)[!-'*-;=?-Z\\^-z~%]+"
    r"|(?<![\w@.])(?:[a-z0-9][a-z0-9-]*\.)+(?:com|jp|org|net|info|io|dev|gov|tokyo|town)"
    r"(?:/[!-'*-;=?-Z\\^-z~%]*)?(?![\w@])"
)
_MAIL: Final = r"(?:mailto:)?[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+"
_MAIL_OR_URL: Final = re.compile(f"(?P<mail>{_MAIL})|(?P<url>{_URL})")
_EMOJI: Final = re.compile(
    "[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\ufe0e\ufe0f\u200d\u20e3\U000e0020-\U000e007f]"
)
_EMPTY: Final = re.compile(
    r"[（(〈<「『\[【]\s*(?:(?:URL|HP|Web|サイト|出典|source|mail|e-?mail|メール)?\s*[:：]?)\s*"
    r"[）)〉>」』\]】]",
    re.IGNORECASE,
)
_LABEL: Final = re.compile(
    r"(?:URL|HP|ホームページ|サイト|メール|e-?mail|website|网站|網站|홈페이지|出典|source|link)"
    r"\s*[:：]\s*(?=$|[。、.,）)])",
    re.IGNORECASE,
)
_WORDS: Final = {
    Language.JA: ("ホームページ", "メール"),
    Language.JA_EASY: ("ホームページ", "メール"),
    Language.EN: ("the website", "e-mail"),
    Language.ZH_HANT: ("網站", "電子郵件"),
    Language.ZH_HANS: ("网站", "电子邮件"),
    Language.KO: ("홈페이지", "이메일"),
}
# What stands around an address that the sentence needs.
_NEEDED_AFTER: Final = re.compile(r"\s*(?:[をでにへがはも]|から|まで|より|에서|에|을|를|로|의|上)")
_NEEDED_BEFORE: Final = re.compile(
    r"(?:\b(?:at|see|visit|on|from|to|via|through|check|under|is|by)|请(?:访问|看|参阅)|請(?:造訪|看)|在)"
    r"[\s:]*$",
    re.IGNORECASE,
)


def without_links(text: str, language: Language) -> str:
    """Leave addresses out, or name their kind where the sentence would break without them."""

    def said(found: re.Match[str]) -> str:
        link = found.group()
        kept = link[len(link.rstrip(".,;:!?)")) :] and link[len(link.rstrip(".,;:!?)")) :]
        after, before = text[found.end() :], text[: found.start()]
        named = before.rstrip().endswith(
            ("ホームページ", "サイト", "website", "site", "网站", "網站")
        )
        needed = _NEEDED_AFTER.match(after) or _NEEDED_BEFORE.search(before)
        if not needed or named:
            return kept
        return _WORDS[language][0 if found["url"] else 1] + kept

    without = _MAIL_OR_URL.sub(said, text)
    for pattern in (_EMPTY, _LABEL, _EMOJI):
        without = pattern.sub("", without)
    return without
