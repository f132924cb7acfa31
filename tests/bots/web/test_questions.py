"""The console's queue: from a question on the page to the town's own answer, and back."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from core import questions
from core.database import transaction
from core.questions import Filter, Kind
from core.testing import SetClock
from knowledge.answer import Guide
from knowledge.ingest import read_guides
from knowledge.language import Language
from knowledge.library import Library
from knowledge.passage import Kind as PassageKind
from knowledge.passage import Passage
from knowledge.testing import FakeEncoder, table, write_guide
from tests.bots.web.stage import Visitor, World, open_town
from tests.bots.web.test_console import enter

OPEN = "水城洞にコインロッカーはありますか"
ANSWER = "はい。入口に12台あります。<b>"


@pytest.fixture(scope="module")
def guide(tmp_path_factory: pytest.TempPathFactory) -> Guide:
    folder = tmp_path_factory.mktemp("guides")
    fees = table(("水城洞 入洞料(大人)", "1,600円"), ("水城洞 駐車場", "50台"))
    write_guide(folder, "fees", body=f"# 料金\n\n{fees}", facility="水城洞", review_by="2026-01-31")
    write_guide(folder, "old", body="昔の道は土の道でした。", title="道", status="unconfirmed")
    return Guide.open(folder, cache=tmp_path_factory.mktemp("cache"), models=[FakeEncoder()])


@pytest.fixture
async def world(tmp_path: Path, clock: SetClock, guide: Guide) -> AsyncIterator[World]:
    async with open_town(tmp_path, clock, demo=False, guide=guide) as world:
        world.app.conversation = world.talk._real
        yield world


async def waiting(world: World) -> list[questions.Cluster]:
    async with world.app.sessions() as session:
        return (await questions.listed(session, Filter()))[0]


async def ask(visitor: Visitor, text: str = OPEN) -> str:
    return (await visitor.post("/chat", text=text)).text


def button(page: str, label: str) -> str:
    found = re.findall(rf'name="action" value="([^"]+)">[^<]*{re.escape(label)}', page)
    assert found, label
    return str(found[-1])


async def answer(hana: Visitor, number: int, **fields: str) -> str:
    """Write and confirm; the path of the fact."""
    given = {"question": OPEN, "answer-ja": ANSWER, **fields}
    draft = await hana.post(f"/console/questions/{number}/answer", given)
    path = str(draft.answer.url.path)
    assert re.fullmatch(r"/console/facts/\d+", path)
    await hana.post(f"{path}/confirm")
    return path


async def test_a_question_on_the_page_becomes_the_towns_answer_and_its_asker_reads_it(
    world: World,
) -> None:
    async with world.visitor("ja") as taro, world.visitor("ja") as hana, world.visitor("ja") as eve:
        page = await ask(taro)
        assert "職員に伝わるようにしました" in page
        told = await taro.post("/chat", action=button(page, "回答があったら知らせて"))
        assert "わたしの部屋" in told.text

        await enter(world, hana)
        assert OPEN in (await hana.get("/console/questions")).text
        (group,) = await waiting(world)
        shown = (await hana.get(f"/console/questions/{group.id}")).text
        assert "水城洞 駐車場" in shown
        given = {"question": OPEN, "answer-ja": ANSWER, "source": "観光課"}
        draft = await hana.post(f"/console/questions/{group.id}/answer", given)
        assert "この内容で確定しますか" in draft.text
        assert "町役場の回答（観光課）" in draft.text
        assert "12台あります。&lt;b&gt;" in draft.text
        assert ANSWER.removesuffix("<b>") not in await ask(eve)
        await hana.post(f"{draft.answer.url.path}/confirm")

        known = await ask(eve)
        assert "12台あります。" in known
        assert "町役場の回答（観光課）" in known
        assert "2026年11月21日時点" in known
        await world.app.pumps["web"].tick()
        assert "おたずねの件に" in (await taro.get("/rooms")).text
        assert "答えを待っている質問はありません" in (await hana.get("/console/questions")).text


async def test_thumbs_stand_under_an_answer_and_one_down_is_in_the_queue(world: World) -> None:
    async with world.visitor("ja") as taro:
        page = await ask(taro, "水城洞の入洞料はいくらですか")
        assert "1,600円" in page
        thanks = await taro.post("/chat", action=button(page, "ちがう・足りない"))
        assert "職員が確かめます" in thanks.text
    (group,) = await waiting(world)
    assert group.kinds == (Kind.UNHELPFUL,)


async def test_every_page_of_the_queue_asks_for_staff(world: World) -> None:
    async with world.visitor() as visitor:
        await ask(visitor)
        for path in ("questions", "questions/1", "facts", "facts/1", "facts/export.md"):
            assert (await visitor.get(f"/console/{path}")).status == 403
        assert (await visitor.get("/console/freshness")).status == 403
        for path in ("answer", "dismiss", "reopen", "merge", "split/1"):
            assert (await visitor.post(f"/console/questions/1/{path}")).status == 403
        for path in ("edit", "confirm", "withdraw", "restore"):
            assert (await visitor.post(f"/console/facts/1/{path}")).status == 403


async def test_a_form_of_another_page_changes_nothing(world: World) -> None:
    async with world.visitor() as hana:
        await ask(hana)
        await enter(world, hana)
        for path in ("/console/questions/1/dismiss", "/console/questions/1/answer"):
            assert (await hana.post(path, csrf="forged", reason="x")).status == 403
    assert len(await waiting(world)) == 1


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"answer-ja": ""}, "write the answer"),
        ({"answer-ja": "長" * 501}, "too long"),
        ({"question": ""}, "write the question"),
        ({"source": "長" * 201}, "source is too long"),
        ({"review": "morgen"}, "date is not right"),
        ({"review": "2020-01-01"}, "must lie after today"),
        ({"valid": "2020-01-01"}, "must lie after today"),
    ],
)
async def test_an_answer_that_is_not_whole_says_what_is_missing_and_keeps_the_rest(
    world: World, fields: dict[str, str], sentence: str
) -> None:
    async with world.visitor() as hana:
        await ask(hana)
        await enter(world, hana)
        given = {"question": OPEN, "answer-ja": "はい。", "answer-en": "Yes indeed.", **fields}
        if "answer-ja" in fields and not fields["answer-ja"]:
            given["answer-en"] = ""
        seen = await hana.post("/console/questions/1/answer", given)
        assert (seen.status, sentence in seen.text) == (422, True)
        assert given["answer-en"] in seen.text


async def test_the_queue_is_filtered_and_odd_addresses_are_harmless(world: World) -> None:
    async with world.visitor() as hana:
        await ask(hana)
        await enter(world, hana)
        assert OPEN in (await hana.get("/console/questions?q=ロッカー&kind=unknown")).text
        for query in ("q=zzz", "kind=unhelpful", "state=dismissed"):
            assert OPEN not in (await hana.get(f"/console/questions?{query}")).text
        for query in ("state=moon&kind=x&sort=y&page=-1", "page=99999999999", "q=%25", "page=²"):
            assert (await hana.get(f"/console/questions?{query}")).status == 200
        for path in ("questions/99", "facts/99", "facts/export.md?language=xx"):
            assert (await hana.get(f"/console/{path}")).status == 404
        assert (await hana.post("/console/questions/99/dismiss", reason="x")).status == 404


async def test_a_question_is_split_off_joined_dismissed_and_brought_back(world: World) -> None:
    async with world.visitor() as hana, world.visitor() as taro:
        await ask(hana)
        await ask(taro, f"{OPEN}?")
        await enter(world, hana)
        (group,) = await waiting(world)
        second = group.questions[1].id
        await hana.post(f"/console/questions/{group.id}/split/{second}")
        alone = next(each.id for each in await waiting(world) if each.id != group.id)
        assert (await hana.post(f"/console/questions/{alone}/split/4711")).status == 404
        assert (await hana.post(f"/console/questions/{alone}/merge", into="4711")).status == 422
        await hana.post(f"/console/questions/{alone}/merge", into=f"#{group.id}")
        assert [each.count for each in await waiting(world)] == [2]

        assert (await hana.post(f"/console/questions/{group.id}/dismiss")).status == 422
        gone = await hana.post(f"/console/questions/{group.id}/dismiss", reason="not ours <i>")
        assert "not ours &lt;i&gt;" in gone.text
        assert await waiting(world) == []
        await hana.post(f"/console/questions/{group.id}/reopen")
        assert len(await waiting(world)) == 1


async def test_the_second_of_two_is_told_who_was_first(world: World) -> None:
    async with world.visitor() as hana, world.visitor() as jiro:
        await ask(hana)
        await enter(world, hana, "hana")
        await enter(world, jiro, "jiro")
        given = {"question": OPEN, "answer-ja": "いいえ。"}
        other = str((await jiro.post("/console/questions/1/answer", given)).answer.url.path)
        await answer(hana, 1)
        late = await jiro.post(f"{other}/confirm")
        assert (late.status, "staff:hana" in late.text) == (409, True)


async def test_an_answer_is_edited_withdrawn_and_put_back(world: World) -> None:
    async with world.visitor("en") as hana, world.visitor("ja") as eve:
        await ask(hana)
        await enter(world, hana)
        path = await answer(hana, 1)
        world.clock.advance(timedelta(days=30))
        await enter(world, hana, "hana2")
        edited = {"question": OPEN, "answer-ja": "24台あります。", "version": "1"}
        await hana.post(f"{path}/edit", edited)
        page = await ask(eve)
        assert "24台あります。" in page
        assert "2026年12月21日時点" in page
        assert (await hana.post(f"{path}/edit", edited)).status == 409

        await hana.post(f"{path}/withdraw")
        assert "24台" not in (await ask(eve)).rpartition(OPEN)[2]
        assert OPEN in (await hana.get("/console/questions")).text
        assert "Withdrawn" in (await hana.get("/console/facts")).text
        await hana.post(f"{path}/restore")
        assert "24台" in (await ask(eve)).rpartition(OPEN)[2]


async def test_the_answers_leave_as_a_guide_that_passes_the_check(
    world: World, tmp_path: Path
) -> None:
    async with world.visitor() as hana:
        await ask(hana)
        await enter(world, hana)
        odd = "はい | *12台* あります。[ここ](x) `code` <b> _x_ \\ # 1,600円"
        await answer(hana, 1, **{"answer-ja": odd, "answer-en": "Yes, 12.", "source": "A|B"})
        for language in ("ja", "en"):
            file = await hana.get(f"/console/facts/export.md?language={language}")
            (tmp_path / f"{language}.md").write_text(file.text, encoding="utf-8")
    (tmp_path / "var").rename(tmp_path.parent / f"{tmp_path.name}-var")
    library = read_guides(tmp_path)
    assert library.problems == ()
    facts = {each.language.value: each for each in library.passages if each.item}
    assert facts["ja"].value == odd
    assert (facts["ja"].item, facts["ja"].as_of) == (OPEN, "2026-11-21")
    assert facts["en"].value == "Yes, 12."
    assert [str(each.review_by) for each in library.documents] == ["2027-11-21"] * 2


async def test_what_is_stale_or_unconfirmed_is_listed(world: World) -> None:
    async with world.visitor() as hana:
        await ask(hana)
        await enter(world, hana)
        await answer(hana, 1)
        page = (await hana.get("/console/freshness")).text
        assert "fees" in page
        assert "昔の道は土の道でした。" in page
        assert "No answer of the town is past its review." in page
        world.clock.advance(timedelta(days=366))
        await enter(world, hana, "later")
        assert f'dir="auto">{OPEN}</a>' in (await hana.get("/console/freshness")).text


def stated(document: str, value: str, as_of: str | None) -> Passage:
    item = "入洞料(大人)"
    text = f"{item}: {value}"
    return Passage(
        *(document, document, document, (), text, PassageKind.FACT, Language.JA),
        facility="水城洞",
        item=item,
        value=value,
        as_of=as_of,
    )


async def _there() -> None:
    """The guide has been read."""


async def test_documents_that_disagree_are_listed_with_what_each_says(world: World) -> None:
    said = (stated("fees", "1,600円<i>", "2026-02"), stated("leaflet", "1,300円<i>", None))
    library = Library(said, ())
    world.app.guide = cast("Guide", SimpleNamespace(library=library, wait=_there))
    async with world.visitor() as hana:
        await enter(world, hana)
        page = (await hana.get("/console/freshness")).text
    for words in (
        "入洞料(大人)",
        "水城洞",
        "1,600円&lt;i&gt;",
        "2026-02",
        "1,300円&lt;i&gt;",
        "leaflet",
    ):
        assert words in page


async def test_a_long_queue_has_pages(world: World) -> None:
    async with transaction(world.app.sessions) as session:
        from core import identity

        now = world.app.clock()
        for number in range(questions.PAGE + 2):
            account = await identity.account(session, "web", f"w{number}", locale="ja", now=now)
            await questions.record(
                session,
                account.id,
                text=f"質問 その{number}",
                language="ja",
                kind=Kind.UNKNOWN,
                platform="web",
                cluster=None,
                now=now,
            )
    async with world.visitor() as hana:
        await enter(world, hana)
        first = (await hana.get("/console/questions")).text
        assert "Page 1 of 2" in first
        assert first.count('<li class="card">') == questions.PAGE
        assert (await hana.get("/console/questions?page=2")).text.count('<li class="card">') == 2


async def test_staff_answer_from_the_pages_chat_too(world: World) -> None:
    async with world.visitor("ja") as hana, world.visitor("ja") as eve:
        await ask(eve)
        assert "職員だけ" in await ask(eve, "/answer")
        await enter(world, hana)
        shown = await ask(hana, "/answer 1 はい、あります。")
        done = await hana.post("/chat", action=button(shown, "この答えで確定"))
        assert "町の回答として登録しました" in done.text
        assert "はい、あります。" in await ask(eve)
