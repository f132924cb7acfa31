"""A visitor without scripts: the home page, the chat as plain forms, errors with a next step."""

import json
import re
from collections.abc import AsyncIterator

import pytest

from bots import texts
from bots.web.guard import MAX_BODY
from tests.bots.web.stage import CSRF, World

# A value that was not filled in; the scripts fill in {count} themselves.
LEFT_OVER = re.compile(r"\{(?!count\})\w+\}|&lt;ruby|Undefined")


async def test_the_home_page_says_that_it_is_a_sample_and_no_certificate_of_residence(
    world: World,
) -> None:
    async with world.visitor("ja") as visitor:
        seen = await visitor.get("/")
    assert seen.status == 200
    assert "これは美祢市の見本のページです" in seen.text
    assert "https://www2.city.mine.lg.jp/" in seen.text
    assert "法律上の住民票ではありません" in seen.text
    assert "ウォレット" not in seen.text


@pytest.mark.parametrize("language", texts.LANGUAGES)
async def test_every_page_is_there_in_every_language(demo_world: World, language: str) -> None:
    async with demo_world.visitor(language) as visitor:
        await visitor.post("/language", language=language)
        link = await visitor.link()
        pages = [await visitor.get(link), await visitor.post(f"{link}/demo")]
        await visitor.post("/console/demo")
        for path in ("/", "/about", "/join", "/rooms", "/rooms/residents", "/mydata", "/console"):
            pages.append(await visitor.get(path))  # noqa: PERF401 - one after the other
        for path in ("/announcements", "/announcements/new", "/guide", "/audit"):
            pages.append(await visitor.get(f"/console{path}"))  # noqa: PERF401
        for seen in pages:
            assert seen.status == 200
            assert not LEFT_OVER.search(seen.text)


async def test_the_page_on_digital_residents_says_what_they_are_not(world: World) -> None:
    async with world.visitor("ja") as visitor:
        seen = await visitor.get("/about")
    for sentence in (
        "いいえ。法律上の住民票ではありません。住所、選挙権、税金",
        "会員証は投資の商品ではありません",
        "町から先に、秘密の言葉・送金・許可をお願いすることは決してありません",
        "本物のページは 127.0.0.1",
    ):
        assert sentence in seen.text
    assert "/about" in seen.text


async def test_a_note_that_is_true_of_several_perks_is_said_once(world: World) -> None:
    async with world.visitor("ja") as visitor:
        seen = await visitor.get("/about")
    town = world.app.town
    notes = [each.legal_note.get("ja") for each in town.perks]
    assert len(notes) > len(set(notes)), "the town has perks with the same note"
    for perk in town.perks:
        assert perk.title.get("ja") in seen.text
    ways = {each.legal_note.get("ja") for each in town.collections}
    ways |= {each.legal_note.get("ja") for each in town.proofs}
    for note in set(notes) - ways:
        assert seen.text.count(note) == 1


async def test_a_question_is_answered_without_a_script(world: World) -> None:
    async with world.visitor() as visitor:
        seen = await visitor.post("/chat", text="How much is it?")
        assert "You asked: How much is it?" in seen.text
        assert '<blockquote lang="' in seen.text
        assert "2026年2月時点" in re.sub(r"<[^>]+>", "", seen.text)
        assert "You asked: How much is it?" in (await visitor.get("/")).text
    async with world.visitor() as stranger:
        assert "You asked" not in (await stranger.get("/")).text


async def test_follow_up_questions_belong_to_one_thread(world: World) -> None:
    async with world.visitor() as visitor:
        await visitor.post("/chat", text="one")
        await visitor.post("/chat", text="two")
        await visitor.post("/chat/clear")
        await visitor.post("/chat", text="three")
    first, second, third = world.talk.heard
    assert first.thread == second.thread != third.thread
    assert first.platform == "web"


async def test_a_command_in_the_chat_is_a_command(world: World) -> None:
    async with world.visitor() as visitor:
        await visitor.post("/chat", text="/ask how late?")
    assert (world.talk.heard[0].command, world.talk.heard[0].text) == ("ask", "how late?")


async def test_an_answer_comes_piece_by_piece_and_then_whole(world: World) -> None:
    async with world.visitor() as visitor:
        seen = await visitor.post("/chat/stream", text="why?")
    *pieces, last = [json.loads(line) for line in seen.text.splitlines()]
    assert "".join(each["piece"] for each in pieces) == "You asked: why? "
    assert "You asked: why?" in last["html"]


async def test_what_cannot_be_answered_has_a_sentence_and_a_next_step(world: World) -> None:
    async with world.visitor() as visitor:
        assert "The question is empty." in (await visitor.post("/chat", text=" \u200b ")).text
        assert "The question is too long." in (await visitor.post("/chat", text="あ" * 501)).text
        assert "I could not make an answer." in (await visitor.post("/chat", text="break")).text
        seen = await visitor.post("/chat/stream", text="break")
        assert "I could not make an answer." in seen.text
    assert [each.text for each in world.talk.heard] == ["break", "break"]


async def test_what_people_write_is_never_markup(world: World) -> None:
    async with world.visitor() as visitor:
        seen = await visitor.post("/chat", text="<script>alert(1)</script>")
    assert "<script>alert" not in seen.text
    assert "&lt;script&gt;alert" in seen.text


async def test_a_chosen_language_stays_and_follows_the_member(world: World) -> None:
    async with world.visitor("ja") as visitor:
        await visitor.link()
        seen = await visitor.post("/language", language="ko", back="/rooms")
        assert '<html lang="ko">' in seen.text
        assert "나의 방" in seen.text
        seen = await visitor.post("/language", language="ja-easy", back="//evil.example")
        assert '<html lang="ja">' in seen.text
        assert "<ruby>" in seen.text
        assert str(seen.answer.url) == f"{world.url}/"


async def test_every_error_has_a_page_with_a_next_step(world: World) -> None:
    async with world.visitor() as visitor:
        missing = await visitor.get("/nowhere")
        assert (missing.status, "There is no such page" in missing.text) == (404, True)
        letters = await visitor.get("/chat/documents/none")
        assert letters.status == 404
        staff = await visitor.get("/console")
        assert (staff.status, "This page is for staff" in staff.text) == (403, True)
        large = await visitor.post("/chat", text="x" * (MAX_BODY + 1))
        assert (large.status, "too large" in large.text) == (413, True)


async def test_a_body_without_a_length_is_cut_off_too(world: World) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield b"text=" + b"x" * 100_000

    async with world.visitor() as visitor:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        seen = await visitor.raw("POST", "/chat", data=endless(), headers=headers)
    assert seen.status == 413


async def test_a_form_from_elsewhere_changes_nothing(world: World) -> None:
    async with world.visitor() as visitor:
        csrf = await visitor.csrf()
        for fields, headers in (
            ({"text": "hello"}, {}),
            ({"text": "hello", "csrf": "wrong"}, {}),
            ({"text": "hello", "csrf": csrf}, {"Sec-Fetch-Site": "cross-site"}),
        ):
            seen = await visitor.raw("POST", "/chat", data=fields, headers=headers)
            assert seen.status == 403
    async with world.visitor() as stranger:
        seen = await stranger.raw("POST", "/chat", data={"text": "hello", "csrf": csrf})
        assert seen.status == 403
    assert world.talk.heard == []


async def test_who_asks_too_often_waits(world: World) -> None:
    async with world.visitor() as visitor:
        answers = [(await visitor.post("/join")).status for _ in range(8)]
        assert answers[:6] == [200] * 6
        assert answers[-1] == 429
        last = await visitor.post("/join")
        assert "Too many requests" in last.text
        assert last.answer.headers["Retry-After"] == "60"


async def test_every_response_carries_the_security_headers(world: World) -> None:
    async with world.visitor() as visitor:
        for path in ("/", "/nowhere", "/static/kankei.css", "/healthz"):
            headers = (await visitor.get(path)).answer.headers
            assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
            assert "unsafe" not in headers["Content-Security-Policy"]
            assert headers["Referrer-Policy"] == "no-referrer"
            assert headers["X-Content-Type-Options"] == "nosniff"
        home = await visitor.get("/")
        assert home.answer.headers["Cache-Control"] == "no-store"
        cookie = home.answer.headers.get("Set-Cookie") or ""
        assert CSRF.search(home.text)
        assert "<script>" not in home.text
        assert "style=" not in home.text
        assert cookie == "" or "httponly" in cookie
        styles = await visitor.get("/static/kankei.css?v=1")
        assert "immutable" in styles.answer.headers["Cache-Control"]


async def test_telegram_is_let_in_with_its_secret_only(world: World) -> None:
    taken: list[bytes] = []

    async def receive(secret: str, body: bytes) -> bool:
        if secret == "right":
            taken.append(body)
        return secret == "right"

    async with world.visitor() as visitor:
        assert (await visitor.raw("POST", "/telegram/webhook", data=b"{}")).status == 404
        world.app.telegram_receive = receive
        header = "X-Telegram-Bot-Api-Secret-Token"
        wrong = await visitor.raw("POST", "/telegram/webhook", data=b"{}", headers={header: "x"})
        right = await visitor.raw(
            "POST", "/telegram/webhook", data=b"{}", headers={header: "right"}
        )
    assert (wrong.status, right.status, taken) == (403, 200, [b"{}"])
