"""Claim codes from the console to the room, and purchaser lists."""

import csv
import io
import re
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from eth_account import Account
from playwright.async_api import Browser
from pypdf import PdfReader

from bots.web.session import staff_link
from core import identity
from core.credentials.spelling import read_code
from core.database import transaction
from core.testing import SetClock
from tests.bots.test_plain_words import JARGON
from tests.bots.web.stage import SECRET, Seen, Visitor, World, open_town
from tests.core.credentials.stage import town_with

HANDED = {"proof": "invitation", "count": "3", "label": "移住フェア", "expires": "2027-03-31"}


@pytest.fixture
async def world(tmp_path: Path, clock: SetClock) -> AsyncIterator[World]:
    town = town_with("invitation", "furusato", "buyer", "donor")
    async with open_town(tmp_path, clock, demo=False, town=town) as opened:
        yield opened


@asynccontextmanager
async def staff(world: World, language: str = "ja") -> AsyncIterator[Visitor]:
    async with world.visitor(language) as visitor:
        key = staff_link(SECRET, "花", world.clock()).partition("key=")[2]
        await visitor.post("/console/enter", key=key)
        yield visitor


async def upload(visitor: Visitor, path: str, content: bytes, **fields: str) -> Seen:
    form = aiohttp.FormData({"csrf": await visitor.csrf(), **fields})
    form.add_field("file", io.BytesIO(content), filename="list.csv", content_type="text/csv")
    return await visitor.raw("POST", path, data=form)


async def codes(visitor: Visitor, made: Seen) -> list[dict[str, str]]:
    """What the table of fresh codes holds."""
    found = re.search(r"/console/proofs/fresh/[\w-]+/codes\.csv", made.text)
    assert found is not None
    text = (await visitor.get(found[0])).text
    return list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))


async def test_staff_make_codes_and_a_resident_uses_one(world: World) -> None:
    async with staff(world) as hana, world.visitor() as visitor:
        made = await codes(hana, await hana.post("/console/proofs/codes", HANDED))
        assert [each["通し番号"] for each in made] == ["1", "2", "3"]
        assert made[0]["リンク"].endswith(f"/join?code={made[0]['引換コード']}")
        seen = await visitor.post("/join/code", code=made[0]["引換コード"].lower())
        assert seen.status == 200
        assert "is confirmed" in seen.text
        assert "法律上の住民票ではありません" in seen.text
        overview = (await hana.get("/console/proofs")).text
        assert re.search(
            r'使われた">1</td><td class="number" data-label="まだ使える"><b>2</b>', overview
        )
        async with world.visitor() as other:
            again = await other.post("/join/code", code=made[0]["引換コード"])
            assert (again.status, "has been used already" in again.text) == (409, True)


async def test_looking_at_a_link_with_a_code_uses_nothing(world: World) -> None:
    async with staff(world) as hana, world.visitor() as visitor, world.visitor() as preview:
        made = await codes(hana, await hana.post("/console/proofs/codes", HANDED))
        path = made[0]["リンク"].removeprefix(world.app.settings.address)
        for _ in range(3):
            seen = await preview.get(path)
            assert made[0]["引換コード"] in seen.text
            assert 'content="noindex"' in seen.text
        assert (await visitor.post("/join/code", code=made[0]["引換コード"])).status == 200


async def test_a_slip_says_what_to_do_and_keeps_what_was_typed(world: World) -> None:
    async with world.visitor() as visitor:
        seen = await visitor.post("/join/code", code="ABCD-2345-EFGH-6789")
        assert seen.status == 422
        assert "character by character" in seen.text
        assert 'value="ABCD-2345-EFGH-6789"' in seen.text


async def test_guessing_is_slowed_down(world: World) -> None:
    async with world.visitor() as visitor:
        statuses = [
            (await visitor.post("/join/code", code="ABCD-2345-EFGH-6789")).status for _ in range(12)
        ]
    assert statuses[0] == 422
    assert statuses[-1] == 429


async def test_codes_are_shown_to_who_made_them_and_for_half_an_hour(world: World) -> None:
    async with staff(world) as hana, world.visitor() as stranger:
        made = await hana.post("/console/proofs/codes", HANDED)
        found = re.search(r"/console/proofs/fresh/[\w-]+", made.text)
        assert found is not None
        assert (await stranger.get(found[0])).status == 403
        world.clock.advance(timedelta(minutes=31))
        assert (await hana.get(f"{found[0]}/codes.csv")).status == 404


async def test_only_staff_reach_the_page_and_its_files(world: World) -> None:
    async with world.visitor() as visitor:
        for path in ("", "/fresh/x", "/fresh/x/codes.csv", "/fresh/x/sheet"):
            assert (await visitor.get(f"/console/proofs{path}")).status == 403
        for path in ("/codes", "/orders", "/orders/status", "/lists/buyer", "/batches/1/revoke"):
            assert (await visitor.post(f"/console/proofs{path}")).status == 403


async def test_a_link_from_a_chat_proves_for_that_account(world: World) -> None:
    async with transaction(world.app.sessions) as session:
        now = world.clock()
        taro = await identity.account(session, "telegram", "77", locale="ko", now=now)
        token = await identity.make_link(session, taro.id, now=now)
    world.bots["telegram"] = "@mine_guide_bot"
    async with staff(world) as hana, world.visitor() as visitor:
        made = await codes(hana, await hana.post("/console/proofs/codes", HANDED))
        page = await visitor.get(f"/prove/{token}")
        assert "@mine_guide_bot" in page.text
        assert '<html lang="ko">' in page.text
        await visitor.post(f"/prove/{token}/code", code=made[0]["引換コード"])
        # A link that was passed on opens no pages of the member's own.
        assert (await visitor.get("/mydata/export")).status in {404, 405}
    async with transaction(world.app.sessions) as session:
        assert await identity.has_proof(session, taro.member_id)
    world.clock.advance(timedelta(hours=1))
    async with world.visitor() as late:
        assert (await late.get(f"/prove/{token}")).status == 410


async def test_an_order_list_makes_one_code_an_order_however_often(world: World) -> None:
    content = "受付番号,寄附者氏名,住所\nR8-001,山田,秘密町1\nR8-002,佐藤,秘密町2\n,無名,\n"
    fields = {"proof": "furusato", "expires": "2027-03-31", "label": ""}
    async with staff(world) as hana:
        first = await upload(hana, "/console/proofs/orders", content.encode("cp932"), **fields)
        made = await codes(hana, first)
        assert [each["注文番号"] for each in made] == ["R8-001", "R8-002"]
        assert "4行目" in first.text
        more = content + "R8-003,鈴木,秘密町3\n"
        second = await upload(hana, "/console/proofs/orders", more.encode(), **fields)
        assert [each["注文番号"] for each in await codes(hana, second)] == ["R8-003"]
        third = await upload(hana, "/console/proofs/orders", more.encode(), **fields)
        assert "新しい注文はありませんでした" in third.text
        status = {"proof": "furusato", "order": "r8 001"}
        assert (
            "まだ使われていません"
            in (await hana.post("/console/proofs/orders/status", status)).text
        )
        audit = (await hana.get("/console/audit")).text
    for secret in ("R8-001", "山田", "秘密町"):
        assert secret not in audit


async def test_three_purchasers_one_claim_a_reimport_and_a_wallet_are_one_member(
    world: World,
) -> None:
    content = "注文番号,メールアドレス\nA-1,a@example.jp\nA-2,b@example.jp\nA-3,c@example.jp\n"
    key = Account.create()
    asked = {"proof": "buyer", "order": "ａ１", "email": " A@Example.JP "}
    async with staff(world) as hana, world.visitor() as visitor, world.visitor() as other:
        await import_list(hana, content.encode("cp932"))
        seen = await visitor.post("/join/purchase", asked)
        assert (seen.status, "is confirmed" in seen.text) == (200, True)
        again = await import_list(hana, content.encode())
        assert "新しく0件、すでにある3件" in again.text
        taken = await other.post("/join/purchase", asked)
        assert (taken.status, "Another account" in taken.text) == (409, True)
        wrong = await other.post("/join/purchase", {**asked, "email": "b@example.jp"})
        assert (wrong.status, "did not find it" in wrong.text) == (422, True)
        await visitor.prove(await visitor.link(), key, world.chain_id)
    async with transaction(world.app.sessions) as session:
        assert await identity.member_count(session) == {"members": 1, "proved": 1}


async def import_list(hana: Visitor, content: bytes, *, replace: str = "") -> Seen:
    plan = await upload(hana, "/console/proofs/lists/buyer", content)
    token = re.search(r'name="token" value="([\w-]+)"', plan.text)
    assert token is not None, plan.text
    return await hana.post("/console/proofs/lists/buyer/import", token=token[1], replace=replace)


async def test_who_is_off_the_newest_list_loses_the_proof_and_gets_it_back(world: World) -> None:
    both = "order,email\nA-1,a@example.jp\nA-2,b@example.jp\n"
    one = "order,email\nA-2,b@example.jp\n"
    async with staff(world) as hana, world.visitor() as visitor:
        await import_list(hana, both.encode())
        await visitor.post("/join/purchase", proof="buyer", order="A-1", email="a@example.jp")
        plan = await upload(hana, "/console/proofs/lists/buyer", one.encode())
        assert "住民になっている1人の確認が取り消され" in plan.text
        assert "外した0件" in (await import_list(hana, one.encode())).text
        assert "外した1件" in (await import_list(hana, one.encode(), replace="yes")).text
        gone = await visitor.post(
            "/join/purchase", proof="buyer", order="A-1", email="a@example.jp"
        )
        assert gone.status == 422
        assert "戻った1件" in (await import_list(hana, both.encode())).text
        back = await visitor.post(
            "/join/purchase", proof="buyer", order="A-1", email="a@example.jp"
        )
        assert "was confirmed before" in back.text


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "行がありません", id="empty"),
        pytest.param(b"\x00\x01\x02,\xff", "文字を読み取れません", id="not text"),
        pytest.param("氏名,住所\n山田,美祢\n".encode(), "列が見つかりません", id="other columns"),
        pytest.param(b"x" * 9_000_000, "大き", id="too large"),
    ],
)
async def test_a_file_that_cannot_be_used_says_what_to_do(
    world: World, content: bytes, words: str
) -> None:
    async with staff(world) as hana:
        seen = await upload(hana, "/console/proofs/lists/buyer", content)
        assert seen.status in {413, 422}
        assert words in seen.text


async def test_a_sheet_prints_six_slips_a_page_with_all_that_is_needed(
    world: World, browser: Browser, tmp_path: Path
) -> None:
    async with staff(world) as hana:
        fields = {**HANDED, "count": "8"}
        made_page = await hana.post("/console/proofs/codes", fields)
        made = await codes(hana, made_page)
        found = re.search(r"/console/proofs/fresh/[\w-]+/sheet\?part=1", made_page.text)
        assert found is not None
        html = (await hana.get(found[0])).text
    page = await browser.new_page()
    await page.route("**/sheet", lambda route: route.fulfill(body=html, content_type="text/html"))
    await page.goto(f"{world.url}/sheet")
    overflow = (
        "() => [...document.querySelectorAll('.slip')].some(e => e.scrollHeight > e.clientHeight)"
    )
    assert not await page.evaluate(overflow)
    (tmp_path / "sheet.pdf").write_bytes(await page.pdf(prefer_css_page_size=True))
    pages = PdfReader(tmp_path / "sheet.pdf").pages
    assert len(pages) == 2
    assert abs(float(pages[0].mediabox.width) - 595) < 2  # A4 in points
    text = "".join(each.extract_text() for each in pages)
    # A font may give 民 back as its radical, which no normal form of Unicode takes for it.
    plain = unicodedata.normalize("NFKC", text).replace("\u2ea0", "民")
    squeezed = re.sub(r"[\s-]", "", plain)
    for each in made:
        code = read_code(each["引換コード"])
        assert code is not None
        assert code in squeezed
    for words in ("2027年3月31日まで", "法律上の住民票ではありません", "1回だけ使えます", "Press"):
        assert words in squeezed


@pytest.mark.parametrize("language", ["ja", "en", "zh-TW", "zh-CN", "ko"])
async def test_the_pages_before_the_card_s_own_step_speak_plainly(
    world: World, language: str
) -> None:
    async with world.visitor(language) as visitor:
        for path in ("/", "/join", "/rooms", "/mydata"):
            assert not JARGON.search((await visitor.get(path)).text), path


async def test_withdrawing_the_rest_of_a_batch_is_asked_twice_and_says_how_many(
    world: World,
) -> None:
    path = "/console/proofs/batches/1/revoke"
    async with staff(world) as hana, world.visitor() as visitor:
        made = await codes(hana, await hana.post("/console/proofs/codes", HANDED))
        assert "残り3枚をすべて取り消す" in (await hana.get("/console/proofs")).text
        empty = await hana.post(path, which="one", serial="", reason="紛失")
        assert (empty.status, "その番号のコードは見つかりません" in empty.text) == (422, True)
        assert 'aria-invalid="true" autofocus' in empty.text
        one = await hana.post(path, which="one", serial="1", reason="紛失")
        assert "1枚を取り消しました" in one.text
        asked = await hana.post(path, which="all", reason="中止")
        assert "まだ使われていない2枚をすべて取り消します" in asked.text
        assert "残り2枚をすべて取り消す" in (await hana.get("/console/proofs")).text
        done = await hana.post(path, which="all", reason="中止", sure="yes")
        assert "2枚を取り消しました" in done.text
        assert (await visitor.post("/join/code", code=made[2]["引換コード"])).status == 422


async def test_a_form_without_a_file_says_so_at_that_form(world: World) -> None:
    async with staff(world) as hana:
        form = aiohttp.FormData({"csrf": await hana.csrf()})
        form.add_field("file", b"", filename="", content_type="application/octet-stream")
        seen = await hana.raw("POST", "/console/proofs/lists/buyer", data=form)
        assert seen.status == 422
        where = seen.text.index("ファイルを選んでください。")
        assert seen.text.index('id="list-buyer"') < where < seen.text.index('id="file-buyer"')
