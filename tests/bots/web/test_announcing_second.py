"""The second person sees everything that changed, and a page stands whatever is kept."""

from datetime import timedelta
from pathlib import Path

from sqlalchemy import update

from bots import texts
from core.database import transaction
from core.tables import AnnouncementRow
from core.testing import SetClock
from tests.bots.web.announcing import NEW, WORDS, drafted, members, office
from tests.bots.web.test_console import enter


async def test_a_changed_audience_time_picture_and_button_are_shown_to_the_second_person(
    tmp_path: Path, clock: SetClock
) -> None:
    async with (
        office(tmp_path, clock, approve_above=2) as world,
        world.visitor() as hana,
        world.visitor() as ken,
    ):
        await members(world, 3)
        await members(world, 3, locale="ko")
        await enter(world, hana)
        await enter(world, ken, "ken")
        path = await drafted(hana)
        await hana.post(f"{path}/confirm", when="now")
        clock.advance(timedelta(minutes=1))
        await ken.post(f"{path}/refuse", reason="韓国語の方だけに")
        button = {"link-1": "https://example.jp/apply", "label-1-ja": "申し込む"}
        given = {**WORDS, **button, "reach": "direct", "languages": "ko"}
        await hana.post(f"{path}/edit", given)
        times = {"when": "later", "start-day": "2026-12-24", "start-time": "17:45"}
        await hana.post(f"{path}/confirm", times)
        seen = (await ken.get(path)).text
        changed = seen.partition("What changed since it was last checked")[2]
        assert "한국어" in changed
        assert "申し込む https://example.jp/apply" in changed
        assert "17:45" in changed
        assert "The words have not changed." not in seen
        for key in ("To", "Buttons (up to three)", "Start"):
            assert f"<h4>{key}</h4>" in changed
        assert "<h4>Map</h4>" not in changed
        kept = texts.say("announcing.to.direct", "en")
        assert f'<span class="to-part">{kept}</span>' in changed
        assert f"<del>{texts.say('announcing.to.everybody', 'en')}</del>" in changed
        assert "Begun as booked, it is done around" in seen
        assert "Sent now" not in seen


async def test_a_page_stands_for_an_announcement_without_japanese_words(
    tmp_path: Path, clock: SetClock
) -> None:
    async with office(tmp_path, clock, approve_above=0) as world, world.visitor() as hana:
        await members(world, 1)
        await enter(world, hana)
        path = await drafted(hana)
        english = {"en": {"heading": "Grassland burning", "body": "On 15 February."}}
        async with transaction(world.app.sessions) as session:
            await session.execute(
                update(AnnouncementRow)
                .where(AnnouncementRow.id == int(path.rpartition("/")[2]))
                .values(texts=english)
            )
        for page in (path, f"{path}/edit", NEW, f"{path}/recipients", f"{path}/delete"):
            seen = await hana.get(page)
            assert (seen.status, "Grassland burning" in seen.text) == (200, True), page
        shown = (await hana.get(path)).text
        assert texts.say("announcing.check.no_japanese", "en") in shown
        assert "differ" not in shown
        assert f'action="{path}/confirm"' not in shown
        refused = await hana.post(f"{path}/confirm", when="now")
        assert refused.status == 422


async def test_words_changed_after_the_question_are_shown_though_nobody_sent_it_back(
    tmp_path: Path, clock: SetClock
) -> None:
    async with (
        office(tmp_path, clock, approve_above=2) as world,
        world.visitor() as hana,
        world.visitor() as ken,
    ):
        await members(world, 3)
        await enter(world, hana)
        await enter(world, ken, "ken")
        path = await drafted(hana)
        await hana.post(f"{path}/confirm", when="now")
        first = (await ken.get(path)).text
        assert texts.say("announcing.ask.first", "en") in first
        clock.advance(timedelta(minutes=1))
        await hana.post(f"{path}/edit", {**WORDS, "reach": "direct", "heading-ja": "延期"})
        await hana.post(f"{path}/confirm", when="now")
        changed = (await ken.get(path)).text.partition("What changed since it was last checked")[2]
        assert "<del>" in changed
        assert "<ins>延期</ins>" in changed
