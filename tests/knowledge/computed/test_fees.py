"""What a party pays is the sum of the rows' prices, and nothing that no row states."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.computed.fees import ANY_CHILD, Category, Fees, Guests, Party, fees
from knowledge.language import Language
from knowledge.retrieval.index import Index
from tests.knowledge.computed.conftest import Town

ADULTS = Guests(2, (Category.ADULT,))


def of(index: Index, facility: str = "水城洞", language: Language = Language.JA) -> Fees:
    found = fees(index, index.names.of(facility), language)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("item", "value", "note", "expected"),
    [
        ("大人(高校生以上)の入洞料", "1,600円", "", {"adult": 1600, "high": 1600, "junior": None}),
        ("入館料(小中学生)", "150円", "", {"primary": 150, "junior": 150, "adult": None}),
        ("入館料", "大人500円、小学生以下は無料", "", {"adult": 500, "primary": 0, "preschool": 0}),
        ("入館料", "一般200円、高校生以下は無料", "", {"adult": 200, "high": 0, "primary": 0}),
        (
            "拝観料",
            "500円",
            "高校生は300円という記録がある",
            {"adult": 500, "high": None, "junior": None},
        ),
        ("入館料", "無料", "", {"adult": 0, "preschool": 0}),
        ("入館料", "千六百円", "", {"adult": 1600, "primary": None}),
        ("入館料", "500円から", "", None),
        ("駐車場の料金", "500円", "", None),
        ("探検コースの大人の料金(入洞料込み)", "1,400円", "", None),
        ("年間パスの料金", "5,000円", "", None),
    ],
)
def test_fee_rows_are_read_as_towns_write_them(
    town: Town, item: str, value: str, note: str, expected: dict[str, int | None] | None
) -> None:
    index = town((f"水城洞 {item}", value, note))
    found = fees(index, index.names.of("水城洞"))
    if expected is None:
        assert found is None
        return
    assert found is not None
    rates = {each: found.rate(Category(each), 1) for each in expected}
    assert {each: rate and rate.yen for each, rate in rates.items()} == expected


def test_a_group_pays_its_rate_from_the_number_that_the_row_names(town: Town) -> None:
    found = of(town(("水城洞 入館料(大人)", "300円", "20名以上の団体は250円")))
    for size, yen in ((19, 300), (20, 250), (45, 250)):
        total = found.total(Party((Guests(size, (Category.ADULT,)),)))
        assert total.low == total.high == size * yen


def test_two_rows_that_disagree_state_no_price(town: Town) -> None:
    found = of(town(("水城洞 大人の入洞料", "500円", ""), ("水城洞 入洞料(大人)", "600円", "")))
    assert found.rate(Category.ADULT, 1) is None


def test_who_is_in_no_row_is_missing_and_not_free(mine: Index) -> None:
    total = of(mine, "大正洞").total(Party((ADULTS, Guests(1, (Category.JUNIOR,)))))
    assert total.low == 2600
    assert [each.category for each in total.missing] == [Category.JUNIOR]
    assert not total.complete


def test_a_child_of_unknown_age_leaves_a_range(mine: Index) -> None:
    total = of(mine, "秋芳洞").total(Party((ADULTS, Guests(1, ANY_CHILD))))
    assert (total.low, total.high) == (3200, 4500)


def test_reductions_are_named_and_not_subtracted(mine: Index) -> None:
    total = of(mine, "秋芳洞").total(Party((ADULTS,), frozenset({"jaf"})))
    assert total.low == 3200
    assert [each.item for each in total.offers] == ["秋芳洞 JAF会員の割引"]


def test_old_prices_are_in_no_total(mine: Index) -> None:
    assert {1200, 950, 600, 1050, 700}.isdisjoint(each.yen for each in of(mine, "秋芳洞").rates)


def test_unconfirmed_prices_are_marked(mine: Index) -> None:
    assert of(mine, "景清洞").total(Party((ADULTS,))).unconfirmed
    assert not of(mine, "大正洞").total(Party((ADULTS,))).unconfirmed


@given(
    counts=st.lists(
        st.tuples(st.integers(1, 60), st.sampled_from([c for c in Category if c != "child"])),
        min_size=1,
        max_size=6,
    )
)
def test_a_total_is_the_sum_of_rate_times_count(
    towns: dict[str, Index], counts: list[tuple[int, Category]]
) -> None:
    party = Party(tuple(Guests(count, (category,)) for count, category in counts))
    for facility in ("秋芳洞", "大正洞", "景清洞", "美祢市化石館", "長登銅山"):
        found = of(towns["mine"], facility)
        total = found.total(party)
        rates = [found.rate(category, party.size) for _, category in counts]
        known = zip(counts, rates, strict=True)
        expected = sum(count * rate.yen for (count, _), rate in known if rate is not None)
        assert total.low == total.high == expected
        assert total.complete == all(rates)
        assert len(total.missing) == sum(each is None for each in rates)


MANY_PEOPLE = "大人 高校生 中学生 小学生 幼児 シニア 小人 成人 子供 乳幼児 " * 3


@pytest.mark.parametrize(
    ("item", "value", "note"),
    [
        pytest.param(f"{MANY_PEOPLE}団体券", "500円", "", id="item"),
        pytest.param("入館料", f"{MANY_PEOPLE}は別表のとおり", "", id="value"),
        pytest.param("入館料", "500円", f"{MANY_PEOPLE}は別表のとおり", id="note"),
    ],
)
def test_a_list_of_thirty_kinds_of_people_is_read_or_left_at_once(
    town: Town, item: str, value: str, note: str
) -> None:
    index = town((f"水城洞 {item}", value, note), ("水城洞 入館料", "大人300円", ""))
    rate = of(index).rate(Category.ADULT, 1)
    assert rate is not None
    assert rate.yen == 300


def test_thirty_kinds_of_people_before_one_price_all_pay_it(town: Town) -> None:
    found = of(town(("水城洞 入館料", f"{MANY_PEOPLE}500円", "")))
    paid = {each: found.rate(each, 1) for each in (Category.ADULT, Category.JUNIOR, Category.CHILD)}
    assert {rate and rate.yen for rate in paid.values()} == {500}


@pytest.mark.parametrize("cell", ["item", "value", "note"])
def test_a_cell_too_long_for_a_price_leaves_its_row_unread(town: Town, cell: str) -> None:
    row = {"item": "水城洞 入館料", "value": "大人500円", "note": ""}
    long = {
        "item": "料金" * 100,
        "value": "、小学生200円" * 30,
        "note": "20名以上の団体は250円、" * 20,
    }
    row[cell] += long[cell]
    index = town((row["item"], row["value"], row["note"]))
    assert fees(index, index.names.of("水城洞")) is None
