"""What anybody may read of perks, and what staff do with windows, conflicts and months."""

import re
from datetime import timedelta

from bots.spreadsheet import MARK
from bots.web.session import staff_link
from core.perks import Scan
from tests.bots.web.stage import SECRET, Visitor, World
from tests.bots.web.test_report import sell
from tests.bots.web.window import FACILITY, Window, open_window


async def enter(world: World, staff: Visitor) -> None:
    key = staff_link(SECRET, "hana", world.clock()).partition("key=")[2]
    seen = await staff.post("/console/enter", key=key)
    assert seen.status == 200


async def test_the_list_of_perks_says_where_for_whom_and_how_often(world: World) -> None:
    async with world.visitor("en") as reader:
        text = (await reader.get("/perks")).text
        assert "Entry to the Akiyoshido cave" in text
        assert "For:</b> Digital residents<" in text
        assert "counted by card" in text
        assert 'href="/perks"' in (await reader.get("/")).text


async def test_a_buyer_sees_what_is_left_on_a_card_and_not_whose_it_is(world: World) -> None:
    window = await open_window(world, card=7)
    async with world.visitor("ja") as buyer:
        assert "あと1回" in (await buyer.get("/tokens/resident-card/7")).text
        await world.app.perks.redeem(await window.new_pass(), window.made.desk, request_id="1")
        text = (await buyer.get("/tokens/resident-card/7")).text
        assert "使い終わりました" in text
        assert "使った回数は、持ち主が変わっても元に戻りません" in text
        assert "telegram" not in text.lower()
        found = await buyer.get("/tokens?collection=resident-card&number=%23007")
        assert "デジタル住民票(見本) 7番" in found.text
        assert "あと1回" in (await buyer.get("/tokens/resident-card/8")).text


async def test_a_number_that_is_no_card_is_said_to_be_unknown(world: World) -> None:
    async with world.visitor("ja") as buyer:
        for number in ("-1", "abc", "1" * 90, str(2**256), "%E2%91%A6"):
            seen = await buyer.get(f"/tokens/resident-card/{number}")
            assert seen.status == 404
            assert "見つかりません" in seen.text
        assert (await buyer.get("/tokens/no-such/1")).status == 404


async def test_staff_make_a_window_whose_link_and_pin_are_seen_once(world: World) -> None:
    async with world.visitor("ja") as staff, world.visitor("ja") as clerk:
        assert (await staff.get("/console/perks/desks")).status == 403
        await enter(world, staff)
        assert "窓口はまだありません" in (await staff.get("/console/perks/desks")).text
        made = await staff.post("/console/perks/desks", facility=FACILITY, label="正面<入口>")
        link, pin = _link(made.text), _pin(made.text)
        assert "<svg" in made.text
        assert "正面&lt;入口&gt;" in made.text
        listed = (await staff.get("/console/perks/desks")).text
        assert link not in listed
        assert pin not in listed
        assert "読み取る" in (await clerk.post(link, pin=pin)).text
        again = _pin((await staff.post("/console/perks/desks/1/pin")).text)
        assert "暗証番号" in (await clerk.get(link)).text
        assert "読み取る" in (await clerk.post(link, pin=again)).text
        await staff.post("/console/perks/desks/1/revoke")
        assert "このリンクは使えません" in (await clerk.post(link, pin=again)).text


def _link(page: str) -> str:
    found = re.search(r"http://[^/]+(/desk/[\w-]+)", page)
    assert found is not None
    return found[1]


def _pin(page: str) -> str:
    found = re.search(r'sheet-pin">(\d{6})<', page)
    assert found is not None
    return found[1]


async def test_a_window_without_name_or_facility_is_not_made(world: World) -> None:
    async with world.visitor("en") as staff:
        await enter(world, staff)
        for facility, label in ((FACILITY, " "), (FACILITY, "x" * 61), ("nowhere", "x")):
            seen = await staff.post("/console/perks/desks", facility=facility, label=label)
            assert seen.status == 422
    assert await world.app.desks.all() == []


async def conflict(window: Window) -> None:
    """Two windows took one pass without signal."""
    text, at = await window.new_pass(), window.world.clock()
    other = await window.world.app.desks.make(FACILITY, "裏口", by="staff")
    for number, desk in enumerate((window.made.desk, other.desk)):
        scan = Scan(f"00000000-0000-4000-8000-00000000000{number}", at, text)
        await window.world.app.perks.sync(desk, [scan])


async def test_staff_decide_a_conflict_with_a_reason_and_the_facility_is_paid(
    world: World,
) -> None:
    window = await open_window(world)
    await conflict(window)
    async with world.visitor("ja") as staff:
        await enter(world, staff)
        page = (await staff.get("/console/perks")).text
        assert "裏口" in page
        assert "正面窓口" in page
        assert "1件あります" in (await staff.get("/console/perks/settlement")).text
        blank = await staff.post("/console/perks/conflicts/1", do="accept", reason=" ")
        assert "理由を書いてください" in blank.text
        assert "重なった" in (await staff.get("/console/perks")).text
        done = await staff.post("/console/perks/conflicts/1", do="accept", reason="2人で来た")
        assert "決める記録はありません" in done.text
        assert "2人で来た" in done.text
        assert "3,200円" in (await staff.get("/console/perks/settlement")).text
        table = (await staff.get(f"/console/perks/settlement.csv?facility={FACILITY}")).text
        assert table.startswith(MARK)
        assert table.count("入洞") == 2
        assert "職員が認めた分" in table
        assert (
            await staff.post("/console/perks/conflicts/99", do="reject", reason="x")
        ).status == 404


async def test_staff_take_a_use_back_at_any_time_with_a_reason(world: World) -> None:
    window = await open_window(world)
    await world.app.perks.redeem(await window.new_pass(), window.made.desk, request_id="1")
    world.clock.advance(timedelta(hours=2))
    async with world.visitor("ja") as staff:
        await enter(world, staff)
        number = (await world.app.perks.redemptions())[0].id
        seen = await staff.post(f"/console/perks/uses/{number}/undo", reason="窓口のまちがい")
        assert "取り消し済み" in seen.text
        assert "窓口のまちがい" in seen.text
    assert await window.uses() == []


async def test_the_pages_of_perks_have_words_when_there_is_nothing(world: World) -> None:
    async with world.visitor("en") as staff:
        await enter(world, staff)
        assert "Nothing has been used today" in (await staff.get("/console/perks")).text
        nothing = await staff.get("/console/perks/settlement?month=2026-10")
        assert "Nothing was used in this month" in nothing.text
        figures = await staff.get("/console/perks/figures?since=bad&until=2026-11-21")
        assert "Nothing was used in these days" in figures.text


async def test_figures_show_uses_and_the_share_that_nobody_used(world: World) -> None:
    window = await open_window(world)
    await world.app.perks.redeem(await window.new_pass(), window.made.desk, request_id="1")
    async with world.visitor("en") as staff:
        await enter(world, staff)
        text = (await staff.get("/console/perks/figures")).text
        assert "Entry to the Akiyoshido cave" in text
        assert "1,600" in text


async def test_a_card_that_nobody_holds_is_not_said_to_have_uses_left(world: World) -> None:
    async with world.visitor("ja") as buyer:
        unread = await buyer.get("/tokens/resident-card/1")
        assert "まだ確かめられません" in unread.text
    await sell(world, 3, 2)
    async with world.visitor("ja") as buyer:
        assert "まだ確かめられません" not in (await buyer.get("/tokens/resident-card/2")).text
        for number in ("3", "999"):
            seen = await buyer.get(f"/tokens/resident-card/{number}")
            assert (seen.status, "見つかりません" in seen.text) == (404, True)
            assert "あと1回" not in seen.text


async def test_staff_settle_what_they_asked_for_and_nothing_else(world: World) -> None:
    async with world.visitor("ja") as hana:
        await enter(world, hana)
        page = "/console/perks/settlement"
        assert (await hana.get(f"{page}?facility=akiyoshido&month=2026-11")).status == 200
        for query in ("facility=nowhere", "month=2026-13", "month=last"):
            assert (await hana.get(f"{page}?{query}")).status == 404
        wrong = await hana.get("/console/perks/figures?since=2026-11-20&until=2026-11-01")
        assert (wrong.status, "期間が正しくありません" in wrong.text) == (422, True)
