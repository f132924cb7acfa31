"""Parties: who comes, as visitors write it in six languages.

「大人2人と小学生1人」, 「夫婦と子ども2人(8歳と13歳)」, "2 adults and 2 kids (5 and 9)", 2大1小.
What could be read in two ways is not read: a total for the wrong people is worse than none.

School ages by the School Education Act (学校教育法): primary school from the April after the sixth
birthday to that after the twelfth, so that a child of 6, 12, 15 or 18 may be of two categories.
"""

import re
import unicodedata

from knowledge.computed.fees import ANY_CHILD, BY_AGE, WHO, Category, Guests, Party
from knowledge.computed.words import words
from knowledge.text import without_ruby

MOST_PEOPLE = 999
OLDEST = 120
_NUMERALS = {
    **{each: value for value, each in enumerate("一二三四五六七八九", start=1)},
    "两": 2, "兩": 2, "十": 10,
}  # fmt: skip
_ENGLISH = {
    each: value
    for value, each in enumerate(
        ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"), start=1
    )
}
_KOREAN = {
    "하나": 1, "둘": 2, "셋": 3, "넷": 4, "한": 1, "두": 2, "세": 3, "네": 4, "다섯": 5, "여섯": 6,
    "일곱": 7, "여덟": 8, "아홉": 9, "열": 10,
}  # fmt: skip
_KANA = {"ひとり": "1人", "ふたり": "2人", "さんにん": "3人", "よにん": "4人", "ごにん": "5人"}
_PEOPLE = {
    "adult": (Category.ADULT,),
    "high": (Category.HIGH,),
    "junior": (Category.JUNIOR,),
    "primary": (Category.PRIMARY,),
    "preschool": (Category.PRESCHOOL,),
    "senior": (Category.SENIOR,),
    "child": ANY_CHILD,
    "primary_junior": (Category.PRIMARY, Category.JUNIOR),
    "primary_junior_high": (Category.PRIMARY, Category.JUNIOR, Category.HIGH),
}
_UNIT = r"(?:人|名|명|位|個|个|분)?(?:様|さま|さん)?"
_NO_COUNT = r"(?!\s{0,3}(?:歳|才|さい|岁|歲|세|살|円|時|月|日|年|:|yen|years?))"
_COUNTED = re.compile(
    rf"(?:{WHO})(?:だけ)?\s{{0,3}}(?:が|は|を|:|×|x|이|가)?\s{{0,3}}"
    rf"(?P<after>\d{{1,3}})(?!\d)\s{{0,3}}{_UNIT}{_NO_COUNT}"
)
_COUNT_OF = (
    r"(?<![\d:])(?P<count>\d{1,3})\s{0,3}(?:人|名|位|個|个|명)?\s{0,3}(?:の|的)?\s{0,3}"
    rf"(?:{WHO})"
)
_BEFORE = re.compile(rf"{_COUNT_OF}(?!\s{{0,3}}\d)")
_ALWAYS_BEFORE = re.compile(_COUNT_OF)
_BARE = re.compile(rf"(?:{WHO})")
_BIG_SMALL = re.compile(
    rf"(?<![\d])(?P<big>\d)\s{{0,3}}大\s{{0,3}}(?P<small>\d)\s{{0,3}}小(?!学|學)(?:\s{{0,3}}\(\s{{0,3}}(?:{WHO})\s{{0,3}}\))?"
)
_EACH = re.compile(rf"(?:{WHO})と(?=[^\d、。,]{{1,6}}(?P<count>\d{{1,3}})人ずつ)")
_COUNT_FIRST = re.compile(rf"(?<!\d)\d{{1,3}}\s{{0,3}}(?:位|個|个|名)(?:的)?(?:{WHO})\s{{0,3}}\d")
_COUPLE = re.compile(words("party", "couple"))
_KIN = re.compile(words("party", "kin"))
_I = re.compile(words("party", "me"))
_AGE_UNIT = r"(?:歳|才|さい|岁|歲|세|살|[- ]?years?[- ]old|[- ]?yrs?[- ]old|\s?yo\b|\s?y/o)"
_AGES = re.compile(rf"(?<![\d.])(?P<age>\d{{1,3}})\s{{0,3}}{_AGE_UNIT}")
_AGE_LIST = re.compile(
    r"(?:\baged?s?:?\s{0,3}|\()(?P<list>\d{1,2}(?:\s{0,3}(?:,|、|・|と|&|and|和|과|와|세|歳)+\s{0,3}\d{1,2})*)"
    rf"(?:{_AGE_UNIT})?(?:\)|(?=\W|$))"
)
_LEADING_AGES = re.compile(
    rf"\d{{1,2}}(?=(?:\s{{0,3}}(?:,|、|・|と|and|&|和|과|와)\s{{0,3}}\d{{1,2}})*\s{{0,3}}{_AGE_UNIT})"
)
_DECLARED = re.compile(
    rf"{words('party', 'all')}\s{{0,3}}(?P<n>\d{{1,3}})\s{{0,3}}{_UNIT}{_NO_COUNT}"
    rf"|(?P<n2>\d{{1,3}})\s{{0,3}}人{words('party', 'counted-as')}"
)
_HEADS = re.compile(
    rf"(?<![\d:年月第])(?P<n>\d{{1,3}})\s{{0,3}}{words('party', 'heads')}(?:様|さま)?(?![気口間以])"
)


def party(question: str) -> Party | None:
    """Return who comes; None if the question does not say, or not in one way."""
    text = _digits(question)
    claims = frozenset(
        name
        for name in ("jaf", "disabled", "group", "student")
        if re.search(words("claim", name), text)
    )
    guests, rest = _named(text)
    if guests is None:
        return None
    declared = _DECLARED.search(rest)
    heads = _HEADS.search(rest)
    if declared is None and not guests:
        if heads is None or not 0 < int(heads["n"]) <= MOST_PEOPLE:
            return None
        return Party((Guests(int(heads["n"]), (Category.ADULT,), assumed=True),), claims)
    found = Party(tuple(guests), claims)
    said = {int(declared["n"] or declared["n2"])} if declared is not None else set()
    said |= {int(heads["n"])} if heads is not None else set()
    if said - {found.size}:
        return None  # 「3人で、うち1人は小学生」: the others are not named
    return found if 0 < found.size <= MOST_PEOPLE else None


def besides(question: str) -> str:
    """Return what a question says when the people, their ages and the asking are taken out."""
    _, rest = _ages(_digits(question))
    for expression in (*_orders(rest), _DECLARED, _HEADS, _COUPLE, _I, _BARE):
        rest = expression.sub(" ", rest)
    rest = re.sub(words("party", "particle"), " ", rest)
    for table, name in (("ask", "price"), ("party", "all"), ("claim", "jaf"), ("claim", "group")):
        rest = re.sub(words(table, name), " ", rest)
    return re.sub(r"\s+", " ", rest)


def _named(text: str) -> tuple[list[Guests] | None, str]:
    """Return the guests that a text names, and what it says besides."""
    ages, rest = _ages(text)
    guests: list[Guests] = []
    children = 0

    def add(name: str, count: int) -> None:
        nonlocal children
        if name == "child" and ages:
            children += count
        elif count:
            guests.append(Guests(count, _PEOPLE[name]))

    for expression in _orders(rest):
        for match in expression.finditer(rest):
            if expression is _BIG_SMALL:
                add("adult", int(match["big"]))
                add(next((each for each in _PEOPLE if match[each]), "child"), int(match["small"]))
            else:
                number = match["after"] if expression is _COUNTED else match["count"]
                add(_who(match), int(number))
        rest = expression.sub(" | ", rest)
    if _COUPLE.search(rest):
        guests.insert(0, Guests(2, (Category.ADULT,)))
        rest = _COUPLE.sub(" ", rest)
    if guests and _KIN.search(rest):
        return None, rest  # 「母と私と小学生1人」: who is of what age is not said
    if _I.search(rest):
        guests.insert(0, Guests(1, (Category.ADULT,)))
    if children and children != len(ages):
        return None, rest
    guests += _by_age(ages, guests, children)
    left = _BARE.search(rest)
    if left is not None and not (_who(left) == "child" and ages):
        return None, rest  # 「大人と小学生1人」: how many adults?
    return guests, rest


def _orders(text: str) -> tuple[re.Pattern[str], ...]:
    """Return how people are counted, first what comes first: 大人2人, or 2個大人1個小學生."""
    if (found := _COUNT_FIRST.search(text)) and not _BARE.search(text[: found.start()]):
        return _BIG_SMALL, _ALWAYS_BEFORE, _COUNTED
    return _BIG_SMALL, _COUNTED, _BEFORE


def _who(match: re.Match[str]) -> str:
    return next(name for name in _PEOPLE if match[name])


def _by_age(ages: list[int], guests: list[Guests], children: int) -> list[Guests]:
    """Return the guests whose age is given, unless they were counted by category before."""
    counted = sum(each.count for each in guests if len(each.options) == 1 and _schooled(each))
    if not children and counted and counted == len(ages):
        return []  # 「小学生2人(8歳と10歳)」 says the same twice
    return [Guests(1, of_age(each), age=each) for each in ages]


def _schooled(guests: Guests) -> bool:
    return guests.options[0] is not Category.ADULT


def of_age(years: int) -> tuple[Category, ...]:
    """Return the categories that a person of an age may be of, the younger first."""
    starts = (0, 6, 12, 15, 18)  # of BY_AGE; in the first year of each both are possible
    at = max(number for number, start in enumerate(starts) if years >= start)
    both = at > 0 and years == starts[at]
    return BY_AGE[at - 1 : at + 1] if both else (BY_AGE[at],)


def _ages(text: str) -> tuple[list[int], str]:
    """Return the ages in a text, and the text without them."""
    ages: list[int] = []

    def take(match: re.Match[str]) -> str:
        ages.extend(int(each) for each in re.findall(r"\d+", match.group()))
        return " "

    rest = _LEADING_AGES.sub(lambda m: f"{m.group()}歳", text)
    if _AGES.search(rest):
        rest = _AGES.sub(take, rest.replace("歳歳", "歳"))
    elif _AGE_LIST.search(rest) and re.search(words("who", "child"), rest):
        rest = _AGE_LIST.sub(take, rest)
    return ([], text) if any(each > OLDEST for each in ages) else (ages, rest)


def _digits(question: str) -> str:
    """Write the numbers of people in digits: ふたり, 两名, 두 명, two adults."""
    text = without_ruby(unicodedata.normalize("NFKC", question)).casefold()
    for kana, digits in _KANA.items():
        text = text.replace(kana, digits)
    text = re.sub(
        r"(?<![一二三四五六七八九十第])([一二三四五六七八九两兩十])(?=\s{0,3}(?:人(?!気|前)|名(?!物|所|前)|位|个|個|大|小|歳|岁|歲|才))",
        lambda match: str(_NUMERALS[match[1]]),
        text,
    )
    text = re.sub(rf"\b({'|'.join(_ENGLISH)})\b", lambda match: str(_ENGLISH[match[1]]), text)
    text = re.sub(rf"\b(?:an?|1) (?={words('party', 'one')})", "1 ", text)
    text = text.replace("1 couple", "couple")
    text = _EACH.sub(lambda match: f"{match.group()[:-1]}{match['count']}人と", text)
    return re.sub(
        r"(?<![가-힣])(하나|둘|셋|넷)(?![가-힣])"
        r"|(?<![가-힣])(한|두|세|네|다섯|여섯|일곱|여덟|아홉|열)(?= ?(?:명|분|살))",
        lambda match: str(_KOREAN[match[1] or match[2]]) + ("명" if match[1] else ""),
        text,
    )
