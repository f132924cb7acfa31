"""The staff console: who gets in, and an announcement from the first word to its results."""

from bots.web.session import staff_link
from core import audit
from core.database import transaction
from core.tables import AuditRow
from tests.bots.web.stage import SECRET, Visitor, World

WORDS = {"heading-ja": "山焼きのお知らせ", "body-ja": "2月に行います。<b>"}


async def enter(world: World, visitor: Visitor, name: str = "hana") -> None:
    link = staff_link(SECRET, name, world.clock())
    key = link.partition("key=")[2]
    await visitor.post("/console/enter", key=key)


async def test_a_staff_link_works_once_and_not_by_looking_at_it(world: World) -> None:
    link = staff_link(SECRET, "hana", world.clock())
    key = link.partition("key=")[2]
    async with world.visitor() as looker:
        assert "Hello, hana." in (await looker.get(link)).text
        assert (await looker.get("/console")).status == 403
    async with world.visitor() as hana, world.visitor() as eve:
        assert "How the town stands" in (await hana.post("/console/enter", key=key)).text
        used = await eve.post("/console/enter", key=key)
        assert (used.status, "cannot be used" in used.text) == (403, True)
        assert (await eve.get("/console")).status == 403


async def test_every_page_of_the_console_asks_for_staff(world: World) -> None:
    async with world.visitor() as visitor:
        for path in ("", "/announcements", "/announcements/new", "/announcements/1", "/guide"):
            assert (await visitor.get(f"/console{path}")).status == 403
        for path in ("/announcements/1/progress", "/announcements/1/recipients.csv", "/audit"):
            assert (await visitor.get(f"/console{path}")).status == 403
        assert (await visitor.post("/console/announcements", WORDS)).status == 403
        assert (await visitor.post("/console/announcements/1/confirm")).status == 403


async def test_the_overview_names_what_staff_should_mend(world: World) -> None:
    world.app.troubles["telegram"] = ["The bot may not invite people to <the room>."]
    async with world.visitor() as hana:
        await enter(world, hana)
        seen = await hana.get("/console")
    assert "The bot may not invite people to &lt;the room&gt;." in seen.text


async def test_a_changed_row_of_the_log_is_noticed(world: World) -> None:
    async with world.visitor() as hana:
        await enter(world, hana)
        assert "nothing has been changed" in (await hana.get("/console/audit")).text
        async with transaction(world.app.sessions) as session:
            (await session.get_one(AuditRow, 1)).actor = "staff:somebody else"
        assert "The chain breaks at row 1." in (await hana.get("/console/audit")).text


async def test_a_row_changed_long_ago_is_found_by_the_check_of_the_whole_log(world: World) -> None:
    async with world.visitor() as hana:
        await enter(world, hana)
        async with transaction(world.app.sessions) as session:
            await audit.record(session, actor="kankei", action="x.y", now=world.app.clock())
        assert "nothing has been changed" in (await hana.get("/console/audit")).text
        async with transaction(world.app.sessions) as session:
            (await session.get_one(AuditRow, 1)).actor = "staff:somebody else"
        assert "nothing has been changed" in (await hana.get("/console/audit")).text
        assert "The chain breaks at row 1." in (await hana.post("/console/audit/verify")).text


async def test_the_log_is_worded_filtered_and_saved(world: World) -> None:
    now = world.app.clock()
    async with world.visitor() as hana:
        await enter(world, hana)
        async with transaction(world.app.sessions) as session:
            for number in range(60):
                await audit.record(
                    session,
                    actor="kankei",
                    action="access.opened",
                    subject=f"member:{number}",
                    detail={"gate": "residents", "platform": "web"},
                    now=now,
                )
        seen = await hana.get("/console/audit?area=access&member=7")
        assert "a room was opened" in seen.text
        assert "room: Digital residents&#39; square" in seen.text
        assert "member 7<" in seen.text
        assert "member 8<" not in seen.text
        older = await hana.get("/console/audit?area=access&before=12")
        assert "member 9<" in older.text
        assert "member 30<" not in older.text
        assert "No row fits." in (await hana.get("/console/audit?area=fact")).text
        file = (await hana.get("/console/audit/log.csv?member=7")).text
    assert [line.split(",")[3] for line in file.splitlines()] == ["What", "a room was opened"]


async def test_the_demo_lets_visitors_in_as_staff(demo_world: World) -> None:
    async with demo_world.visitor() as visitor:
        assert "Enter as staff (demo)" in (await visitor.get("/")).text
        assert "How the town stands" in (await visitor.post("/console/demo")).text
        await visitor.post("/console/leave")
        assert (await visitor.get("/console")).status == 403
