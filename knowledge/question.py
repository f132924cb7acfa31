"""Questions: what is asked, of which sight, for whom, and what of it the guides have never heard.

A short follow-up (「それは何時まで?」, "how about children?") keeps the subject of the turn before.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from knowledge.hanzi import in_japanese_forms
from knowledge.kana import romaji
from knowledge.language import Language
from knowledge.lexicon import AGES, MEMBERSHIP, PRICE, RECOMMENDING, Scope, lexicon
from knowledge.mentions import mentioned
from knowledge.names import Name
from knowledge.retrieval.index import Index
from knowledge.spelling import corrected, homophones
from knowledge.text import clean, fold, is_han, is_kana, katakana_to_hiragana, without_ruby
from knowledge.words import stem

_RUN = re.compile(
    r"[가-힣]{2,}?(?=(?:은|는|이|가|을|를|에|의|로|도|와|과)?(?![가-힣]))|[一-鿿]{2,}|[a-z]{3,}"
)
_LONGEST_FOLLOW_UP = 40  # characters
_AGE = re.compile(
    r"(\d{1,2})\s*(?:歳児?|才児?|サイ(?!ン)|-?years?[ -]olds?|yo\b|岁|歲|살|세(?![가-힣]))"
)
_SCHOOL = ((6, "preschool"), (12, "primary"), (15, "junior"), (130, "adult"))
"""The ages below which a child is what (学校教育法): school begins in the April after the sixth
birthday, so an age at a limit may be either; the younger is taken."""
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d\d)(?!\d)")
_WHERE = frozenset({"address"})


@dataclass(frozen=True, slots=True)
class Asked:
    """One question, understood as far as words go."""

    text: str
    language: Language
    names: tuple[Name, ...]
    concepts: frozenset[str]  # named in the question
    implied: frozenset[str]  # only asked for: いくら, where
    qualifiers: frozenset[str]
    past: bool
    terms: tuple[str, ...]  # all content terms
    rest: tuple[str, ...]  # terms that are neither names nor in the lexicon
    unknown: tuple[str, ...] = field(default=())  # names among them that no passage holds
    subject: str | None = None  # what the question asks the meaning of, in lower case
    more: bool = False  # whether it says anything that was not understood
    town: bool = False  # whether it names the town itself
    scope: Scope = Scope.SIGHT  # the widest of its concepts

    @property
    def all_concepts(self) -> frozenset[str]:
        """Everything asked for, named or not."""
        return self.concepts | self.implied

    @property
    def bare(self) -> bool:
        """Whether it is a name and nothing else: it asks what that is, or the topic before."""
        other = self.all_concepts or self.rest or self.unknown or self.subject or self.more
        return bool(self.names) and not other

    @property
    def broad(self) -> bool:
        """Whether recommendations are asked for rather than one fact."""
        return RECOMMENDING in self.all_concepts

    def overview(self, index: Index) -> bool:
        """Whether the question is what there is to see in the town at all."""
        return (
            self.all_concepts - _WHERE == {RECOMMENDING}
            and index.titled.issuperset(self.rest)
            and all(index.names.town in each.others for each in self.names)
        )

    @property
    def listing(self) -> bool:
        """Whether the question is what there is of a kind in the town: places to stay, food."""
        asked = self.all_concepts - {RECOMMENDING} - _WHERE
        return self.scope is Scope.AROUND and len(asked) == 1 and not (self.names or self.rest)

    @property
    def about_a_sight(self) -> bool:
        """Whether a sight is named, or could be meant without being named."""
        return bool(self.names) or self.scope is not Scope.TOWN


def understand(question: str, language: Language, index: Index) -> Asked:
    """Read one question on its own."""
    known = lexicon()
    shown = _as_written(corrected(without_ruby(clean(question)), index))
    names, shown = mentioned(shown, language, index)
    folded = fold(shown)
    ages = list(_AGE.finditer(folded))
    spans = [
        *_name_spans(folded, names, index),
        *_town_spans(folded, index.names.town),
        *(each.span() for each in ages),
    ]
    plain = _blanked(folded, spans)
    kana = romaji(plain) if language.japanese else None
    concepts = known.named(plain) | (known.heard(kana) if kana else frozenset())
    implied = known.asked(plain) - concepts
    if language.japanese and not concepts:
        concepts = homophones(plain, index) - implied
    rest, unknown = _rest(shown, language, spans, index) if kana is None else ((), ())
    asked = Asked(
        text=shown,
        language=language,
        names=names,
        concepts=concepts,
        implied=implied,
        qualifiers=known.qualified(shown) | {_of_age(int(each[1])) for each in ages},
        past=known.past.search(folded) is not None or _long_ago(folded, index),
        terms=tuple(index.words.terms(shown, language)),
        rest=rest,
        unknown=unknown,
        scope=_scope(concepts | implied),
        more=_more(folded, language, spans),
        town=bool(_town_spans(folded, index.names.town)),
    )
    if language.japanese and not (rest or unknown or concepts or implied):
        asked = replace(asked, rest=_verbs(shown, spans, index))
    asked = replace(asked, subject=_subject(asked))
    return _for_whom(asked) if names else asked


def _as_written(shown: str) -> str:
    """Return a question typed in katakana alone (ｱｷﾖｼﾄﾞｳ ﾉ ﾘｮｳｷﾝ) in hiragana, as words are."""
    letters = [each for each in shown if each.isalpha()]
    typed = bool(letters) and all(is_kana(each) and each > "ゖ" for each in letters)
    return katakana_to_hiragana(shown) if typed and len(letters) > _LONGEST_WORD else shown


_LONGEST_WORD = 8  # kana; a single word in katakana is a name


def _more(folded: str, language: Language, spans: Sequence[tuple[int, int]]) -> bool:
    """Whether a Chinese or Korean question holds words beyond names, lexicon and particles."""
    if language.japanese or language is Language.EN:
        return False
    left = _blanked(folded, [*lexicon().spans(folded), *spans, *_circumstances(folded)])
    return sum(is_han(each) or "가" <= each <= "힣" for each in left) > 1


def _of_age(age: int) -> str:
    return next(name for limit, name in _SCHOOL if age < limit)


def _long_ago(folded: str, index: Index) -> bool:
    """Whether a question names a year before all that the guides state of today."""
    years = [int(each[1]) for each in _YEAR.finditer(folded)]
    return bool(years) and max(years) < index.year


def _for_whom(asked: Asked) -> Asked:
    """Take an age beside a sight and nothing else for a question of its fee: 「秋芳洞 小学生」."""
    more = asked.all_concepts or asked.rest or asked.unknown or asked.subject
    return (
        asked if more or not asked.qualifiers & AGES else replace(asked, implied=frozenset({PRICE}))
    )


def _scope(concepts: frozenset[str]) -> Scope:
    scopes = {lexicon().concepts[each].scope for each in concepts}
    return next((each for each in (Scope.TOWN, Scope.AROUND) if each in scopes), Scope.SIGHT)


def _subject(asked: Asked) -> str | None:
    """Return what is to be defined, if that is all that the question asks."""
    if asked.all_concepts - {MEMBERSHIP}:
        return None
    shown = asked.text.casefold().strip(_EDGES)
    left = shown
    for pattern in lexicon().definitions:
        left = pattern.sub(" ", left).strip()
    if left == shown:
        return None
    return _ARTICLE.sub("", left.strip(_EDGES)).strip() or shown


_EDGES = " ?!.。、,・「」『』\"'“”"
_ARTICLE = re.compile(r"^(?:the|an?)\s+")


def in_conversation(asked: Asked, before: Sequence[Asked]) -> Asked:
    """Give a follow-up the subject of the last turn that had one, and its topic if it has none.

    A question is a follow-up if it names no sight and either points back (それ, there) or says
    nothing beyond what and whom it asks about. One that names a sight and nothing else
    (「じゃあ景清洞は?」) asks of it what was asked before. What the town has but once (a hospital,
    its membership) is never asked of a sight.
    """
    if not before or asked.unknown or len(asked.text) > _LONGEST_FOLLOW_UP:
        return asked
    last = before[-1]
    if asked.names:
        if not asked.bare or not last.about_a_sight:
            return asked
        return replace(asked, concepts=last.concepts, implied=last.implied)
    pointing = points_back(asked.text)
    if asked.scope is Scope.TOWN or (asked.rest and not pointing):
        return asked
    subject = next((each for each in reversed(before) if each.names), None)
    if subject is None:
        return asked
    if asked.all_concepts or asked.subject is not None:
        return replace(asked, names=subject.names)
    if asked.qualifiers & AGES and PRICE not in last.all_concepts:
        return _for_whom(replace(asked, names=subject.names))
    return replace(asked, names=subject.names, concepts=last.concepts, implied=last.implied)


_THERE_IS = re.compile(r"\b(?:is|are|was|were) there\b|\bthere(?:'s| is| are)\b")


def points_back(text: str) -> bool:
    """Whether a question points at something said before: それ, there, it."""
    return lexicon().pointing.search(_THERE_IS.sub(" ", fold(text))) is not None


def search_text(asked: Asked, before: Sequence[Asked]) -> str:
    """Return what to search for: a follow-up together with the question it follows."""
    if not before or not asked.names or any(n in _squeezed(asked.text) for n in _spellings(asked)):
        return asked.text
    if asked.language.japanese and asked.concepts:
        return f"{asked.names[0].facility} {asked.text}"
    return f"{before[-1].text} {asked.text}"


def _spellings(asked: Asked) -> frozenset[str]:
    return frozenset(each for name in asked.names for each in name.others)


def _squeezed(text: str) -> str:
    return fold(text).replace(" ", "")


def _rest(
    shown: str, language: Language, names: Sequence[tuple[int, int]], index: Index
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the terms beyond names and lexicon, and those names that no passage holds."""
    folded = fold(shown)
    covered = [*lexicon().spans(folded), *names]
    if language.japanese:
        return _japanese_rest(shown, covered, index)
    left = _blanked(shown, [*covered, *_circumstances(folded)])
    if language is Language.EN:
        rest = index.words.terms(left, language)
        named = {stem(each.casefold()) for each in re.findall(r"(?<=[a-z,] )[A-Z][A-Za-z']+", left)}
        return _unique(rest), _unique(
            each for each in rest if each in named and not index.knows(each)
        )
    rest, unknown = [], []
    for run in _RUN.findall(left.casefold()):
        pairs = index.words.pairs(run)
        if language.chinese:
            pairs = [_as_guides_write(each, index) for each in pairs]
        known = [each for each in pairs if index.knows(each)]
        rest += known
        unknown += [run] if len(known) < len(pairs) / 2 else []
    return _unique(rest), _unique(unknown)


def _circumstances(folded: str) -> list[tuple[int, int]]:
    """Return where a question speaks of the asker: with whom, when, how politely."""
    return [each.span() for each in lexicon().circumstance.finditer(folded)]


def _as_guides_write(term: str, index: Index) -> str:
    return term if index.knows(term) else in_japanese_forms(term)


def _blanked(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """Return the text with spaces where the spans are."""
    return "".join(
        " " if any(start <= position < end for start, end in spans) else character
        for position, character in enumerate(text)
    )


def _unique(terms: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(terms))


def _japanese_rest(
    shown: str, covered: Sequence[tuple[int, int]], index: Index
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Only nouns count: verbs and adjectives vary too freely to be looked for in a passage."""
    rest, unknown = [], []
    previous = False
    for word in index.words.morphemes(shown):
        known = any(start < word.end and word.begin < end for start, end in covered)
        suffix = word.part_of_speech[0] == "接尾辞" and previous
        previous = known or suffix
        if previous or not (word.noun or word.part_of_speech[0] == "接尾辞"):
            continue
        if {word.surface, word.term} & lexicon().circumstances:
            continue
        if word.content and any(each.isalnum() for each in word.term):
            term = stem(word.term) if word.term.isascii() else word.term
            rest.append(term)
            if not index.knows(term) and (word.proper or _foreign(word.surface)):
                unknown.append(term)
    return _unique(rest), _unique(unknown)


def _verbs(shown: str, names: Sequence[tuple[int, int]], index: Index) -> tuple[str, ...]:
    """Return what is asked about where only a verb says it: 誰が見つけたか."""
    covered = [*lexicon().spans(fold(shown)), *names]
    return _unique(
        word.term
        for word in index.words.morphemes(shown)
        if word.content
        and word.part_of_speech[0] in {"動詞", "形容詞"}
        and not any(start < word.end and word.begin < end for start, end in covered)
    )


def _foreign(surface: str) -> bool:
    """Whether a Japanese noun is written as names and loanwords are: katakana or Latin."""
    return (
        len(surface) > 1
        and not any(is_han(each) or "ぁ" <= each <= "ゖ" for each in surface)
        and (surface.isascii() or any(is_kana(each) for each in surface))
    )


def _name_spans(text: str, names: tuple[Name, ...], index: Index) -> list[tuple[int, int]]:
    """Return where names stand; Latin and hangul names may be spaced differently."""
    positions = [at for at, character in enumerate(text) if character not in " -・'"]
    squeezed = fold("".join(text[at] for at in positions))
    spans = []
    if len(squeezed) == len(positions):
        for name in names:
            for spelling in sorted(name.others, key=len, reverse=True):
                while (start := squeezed.find(spelling)) >= 0:
                    spans.append((positions[start], positions[start + len(spelling) - 1] + 1))
                    squeezed = squeezed.replace(spelling, "\0" * len(spelling), 1)
    if not spans:
        heard = (index.names.heard_at(text, name) for name in names)
        spans += [each for each in heard if each is not None]
    return spans


def _town_spans(text: str, town: str) -> list[tuple[int, int]]:
    """Return where the town's own name stands: it narrows nothing down."""
    if not town:
        return []
    return [each.span() for each in re.finditer(rf"{re.escape(town)}(?!駅|IC|インター)", text)]
