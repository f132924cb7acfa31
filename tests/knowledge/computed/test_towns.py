"""Every row of the sample towns that states a time is read, or is known not to be opening hours.

And what is computed from the rows stands in them: promise 3 of the design.
"""

from collections.abc import Iterator

import pytest

from knowledge.computed.fees import fees
from knowledge.computed.hours import reading_of, stated
from knowledge.computed.rows import rows
from knowledge.figures import FigureKind, figures, unsupported
from knowledge.language import Language
from knowledge.names import Name
from knowledge.passage import Kind, Passage, Status
from knowledge.retrieval.index import Index
from knowledge.text import clean, without_ruby
from tests.knowledge.computed.conftest import SLUGS

NOT_THE_HOURS_OF_A_SIGHT = {
    "buses and trains": ("バスの例",),
    "other entrances, told beside the main one": (
        "黒谷口", "黑谷口", "Kurotani", "구로타니",
    ),
    "when it is quiet": ("すいている時間",),
    "tours and shows": (
        "闇のロマン", "舞の", "dance performance", "춤 공연", "舞蹈表演", "火入れ", "交通規制",
    ),
    "weather": ("大雨", "heavy rain", "큰비"),
    "checking in and out": ("チェックイン", "チェックアウト"),
    "doctors and advice": ("当番医", "医者", "でんわ相談"),
    "the tourist office's telephone": ("観光協会",),
    "restaurants, foot baths and bicycles": (
        "レストラン", "足湯", "レンタサイクル",
    ),
    "another bath, which has no guide of its own": ("総湯",),
    "hours and fee in one row": ("Masuda history and folklore museum",),
    "a name that the guide's front matter does not know": ("大噴水の時間",),
}  # fmt: skip
UNREADABLE = {
    "only when it opens": ("秋吉台サファリランドの開園時刻",),
    "a fountain, once an hour": (
        "月山湖大噴水の",
        "Gassan Lake Fountain",
        "갓산호 대분수",
        "月山湖大喷泉",
        "月山湖大噴泉",
    ),
}


def names(index: Index) -> Iterator[Name]:
    seen = set()
    for document in index.library.documents:
        for surface in (document.facility, *document.aliases) if document.facility else ():
            found = index.names.find(surface or "")
            if found and found[0].surface not in seen:
                seen.add(found[0].surface)
                yield found[0]


def timed(index: Index) -> Iterator[Passage]:
    for each in index.library.passages:
        stated_in = f"{each.value} {each.note or ''}"
        current = each.kind is Kind.FACT and each.status is not Status.OLD
        if current and any(one.kind is FigureKind.TIME for one in figures(stated_in)):
            yield each


def plain(item: str) -> str:
    return clean(without_ruby(item)).replace(" ", "")


def listed(passage: Passage, reasons: dict[str, tuple[str, ...]]) -> bool:
    shown = plain(passage.item or "")
    return any(plain(each) in shown for fragments in reasons.values() for each in fragments)


@pytest.mark.parametrize("slug", SLUGS)
def test_every_row_with_a_time_is_read_or_listed(towns: dict[str, Index], slug: str) -> None:
    index = towns[slug]
    read = {}
    for name in names(index):
        for language in Language:
            for row in rows(index, name, language):
                if (reading := reading_of(row)) is not None:
                    read[row.passage.id] = reading[1]
    for passage in timed(index):
        said = read.get(passage.id)
        if said is None:
            assert listed(passage, NOT_THE_HOURS_OF_A_SIGHT), passage.text
        elif said.unread:
            assert listed(passage, UNREADABLE), (passage.text, said.unread)


@pytest.mark.parametrize("slug", SLUGS)
def test_the_languages_of_a_town_say_the_same(towns: dict[str, Index], slug: str) -> None:
    index = towns[slug]
    for facility in index.sights:
        name = index.names.of(facility)
        readings = [stated(index, name, language) for language in Language]
        hours = [
            {(each.days, each.times) for each in one.hours}
            for one in readings
            if one is not None and one.hours
        ]
        spans = [{times for _, times in one} for one in hours]
        assert all(each == spans[0] for each in spans), facility
        prices = [fees(index, name, language) for language in Language]
        known = [{each.yen for each in one.rates} for one in prices if one is not None]
        assert all(each <= known[0] for each in known), facility


WRITTEN = {
    Language.JA: "{}円", Language.JA_EASY: "{}円", Language.EN: "{} yen",
    Language.ZH_HANT: "{}日圓", Language.ZH_HANS: "{}日元", Language.KO: "{}엔",
}  # fmt: skip


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize("language", list(Language))
def test_every_price_and_every_time_stands_in_the_row_it_is_from(
    towns: dict[str, Index], slug: str, language: Language
) -> None:
    index = towns[slug]
    for facility in index.sights:
        name = index.names.of(facility)
        prices = fees(index, name, language)
        for rate in prices.rates if prices is not None else ():
            if rate.yen:
                shown = WRITTEN[language].format(f"{rate.yen:,}")
                assert unsupported(shown, [rate.passage]) == ()
        found = stated(index, name, language)
        for each in found.hours if found is not None else ():
            for minute in filter(None, each.times):
                shown = f"{minute // 60}:{minute % 60:02d}"
                assert unsupported(shown, each.passages) == ()
