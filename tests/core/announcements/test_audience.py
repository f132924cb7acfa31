"""Whom an announcement reaches: by room, tier, proof, language, area, days, and what they wish."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import event, select, text, update

from core import announcements, identity
from core.announcements import PLATFORMS, AnnouncementState, Audience, Fault, Kind, Segment
from core.announcements.audience import candidates
from core.database import reading, transaction
from core.errors import BadAnnouncement
from core.tables import AccountRow, AnnouncementRow, MemberRow
from core.testing import FakeMessenger
from tests.core.announcements.office import DIRECT, OTHER, Office, arrived, told


async def test_a_room_is_who_is_inside_and_who_is_leaving_not_who_left(office: Office) -> None:
    for number, state in enumerate(("open", "leaving", "closed", "opening")):
        await office.inside(await office.member(str(number)), "residents", state)
    await office.member("outside")
    assert await office.reached(Segment(rooms=("residents",))) == {"telegram": 2}
    assert await office.reached(gate="residents") == {"telegram": 2}


async def test_a_tier_is_what_the_last_complete_reading_said(office: Office) -> None:
    now = office.clock()
    await office.member("1", tier="fan", tier_at=now)
    await office.member("2", tier="patron", tier_at=now)
    await office.member("3", tier=None, tier_at=now)
    assert await office.reached(Segment(tiers=("fan",))) == {"telegram": 1}
    assert await office.reached(Segment(tiers=("fan", "patron"))) == {"telegram": 2}


async def test_who_has_shown_nothing_is_in_the_tier_that_is_open_to_all(office: Office) -> None:
    await office.member("1", tier="fan", tier_at=office.clock())
    await office.member("2")
    assert await office.reached(Segment(tiers=("friend",))) == {"telegram": 1}


async def test_a_proof_counts_while_it_lives(office: Office) -> None:
    now = office.clock()
    await office.proved(await office.member("1"))
    await office.proved(await office.member("2"), expires_at=now + timedelta(days=1))
    await office.proved(await office.member("3"), expires_at=now - timedelta(days=1))
    await office.proved(await office.member("4"), revoked_at=now)
    assert await office.reached(Segment(proofs=("invitation",))) == {"telegram": 2}


async def test_a_language_is_the_one_that_members_chose(office: Office) -> None:
    await office.member("1", locale="ko")
    await office.member("2", locale="zh-Hant")
    await office.member("3")
    assert await office.reached(Segment(languages=("ko", "zh-Hant"))) == {"telegram": 2}


async def test_a_country_has_all_of_its_prefectures(office: Office) -> None:
    for number, area in enumerate(("JP-35", "JP-13", "JP", "KR", None)):
        await office.member(str(number), area=area)
    assert await office.reached(Segment(areas=("JP",))) == {"telegram": 3}
    assert await office.reached(Segment(areas=("JP-35", "KR"))) == {"telegram": 2}


async def test_a_day_begins_in_the_morning_of_the_town(office: Office) -> None:
    midnight = datetime(2026, 10, 31, 15, tzinfo=UTC)  # 1 November in Japan
    await office.member("1", created_at=midnight)
    await office.member("2", created_at=midnight - timedelta(seconds=1))
    assert await office.reached(Segment(joined_since=date(2026, 11, 1))) == {"telegram": 1}


async def test_who_visited_took_a_perk_at_a_window(office: Office) -> None:
    evening = datetime(2026, 11, 10, 9, tzinfo=UTC)
    await office.visited(await office.member("1"), evening)
    await office.visited(await office.member("2"), evening, undone=True)
    await office.visited(await office.member("3"), evening - timedelta(days=30))
    await office.member("4")
    assert await office.reached(Segment(visited_since=date(2026, 11, 1))) == {"telegram": 1}


async def test_every_condition_that_is_set_must_hold(office: Office) -> None:
    await office.member("1", locale="ko", area="KR")
    await office.member("2", locale="ko", area="JP-35")
    await office.member("3", area="KR")
    assert await office.reached(Segment(languages=("ko",), areas=("KR",))) == {"telegram": 1}


async def test_who_visited_twice_is_told_once(office: Office) -> None:
    member = await office.member("1")
    for day in (3, 4):
        await office.visited(member, datetime(2026, 11, day, tzinfo=UTC))
    await office.inside(member, "residents")
    segment = Segment(rooms=("residents",), visited_since=date(2026, 11, 1))
    assert await office.reached(segment) == {"telegram": 1}


async def test_a_person_is_told_where_it_rings_and_only_there(office: Office) -> None:
    member = await office.member("browser", "web")
    await office.also(member, "telegram", "1")
    await office.also(member, "telegram", "2")
    assert await office.reached() == {"telegram": 1}


async def test_who_blocked_one_account_is_told_at_the_other(office: Office) -> None:
    member = await office.member("1")
    await office.also(member, "web", "browser")
    async with transaction(office.sessions) as session:
        account = await identity.find_account(session, "telegram", "1")
        assert account is not None
        await identity.set_reachable(session, account.id, reachable=False)
    assert await office.reached() == {"web": 1}


async def test_on_discord_nobody_gets_direct_messages_unless_the_pack_says_so(
    office: Office,
) -> None:
    await office.member("1", "discord")
    assert await office.reached() == {}
    office.town = told(office.town, direct_on_discord=True)
    assert await office.reached() == {"discord": 1}


@pytest.mark.parametrize(
    ("audience", "fault"),
    [
        (Audience(Kind.DIRECT, gate="nowhere"), Fault.ROOM),
        (Audience(Kind.ROOM, gate="nowhere", places=(("web", "x"),)), Fault.ROOM),
        (Audience(Kind.ROOM, gate="residents"), Fault.PLACES),
        (Audience(Kind.DIRECT, segment=Segment(rooms=("nowhere",))), Fault.ROOM),
        (Audience(Kind.DIRECT, segment=Segment(tiers=("gold",))), Fault.TIER),
        (Audience(Kind.DIRECT, segment=Segment(proofs=("passport",))), Fault.PROOF),
        (Audience(Kind.DIRECT, segment=Segment(languages=("fr",))), Fault.LANGUAGE),
        (Audience(Kind.DIRECT, segment=Segment(areas=("JP-48",))), Fault.AREA),
        (Audience(Kind.DIRECT, segment=Segment(missed=99)), Fault.MISSED),
        (Audience(Kind.DIRECT, topic="taxes"), Fault.TOPIC),
    ],
    ids=str,
)
async def test_a_name_that_the_pack_has_not_is_refused_before_anything_is_kept(
    office: Office, audience: Audience, fault: Fault
) -> None:
    with pytest.raises(BadAnnouncement) as found:
        await office.draft(audience)
    assert found.value.reason == fault
    async with reading(office.sessions) as session:
        assert await announcements.history(session) == []
    assert await office.steps() == []


async def test_the_preview_counts_whom_the_sending_reaches(office: Office) -> None:
    for number in range(4):
        await office.member(str(number), locale="ko")
    await office.member("browser", "web", locale="ko")
    await office.member("other")
    number = await office.draft(Audience(Kind.DIRECT, segment=Segment(languages=("ko",))))
    preview = await office.preview(number)
    assert preview.recipients == {"telegram": 4, "web": 1}
    assert preview.people == 5
    await office.confirm(number)
    telegram, web = FakeMessenger("telegram"), FakeMessenger("web")
    await office.deliver(telegram, web)
    assert arrived(telegram) == ["0", "1", "2", "3"]
    assert arrived(web) == ["browser"]


async def test_counting_keeps_nobody_from_writing(office: Office) -> None:
    await office.crowd(3)
    number = await office.draft()
    async with reading(office.sessions) as session, transaction(office.sessions) as writer:
        await writer.execute(update(MemberRow).values(locale="en"))
        found = await announcements.preview(
            session,
            number,
            town=office.town,
            rates={},
            now=office.clock(),
            platforms=PLATFORMS,
        )
    assert found.people == 3


EVERYTHING = Audience(
    Kind.DIRECT,
    gate="residents",
    segment=Segment(
        rooms=("residents",),
        tiers=("fan",),
        proofs=("invitation",),
        languages=("ja",),
        areas=("JP", "KR"),
        joined_since=date(2026, 1, 1),
        visited_since=date(2026, 1, 1),
    ),
    topic="events",
)


@pytest.mark.parametrize("analysed", [True, False])
async def test_the_next_few_are_found_without_walking_over_all_members(
    office: Office, *, analysed: bool
) -> None:
    """The claim of a turn asks for a few after a cursor; every other table is asked by its key.

    Also on a SQLite that has never counted its rows, as it is in a town.
    """
    await office.crowd(3_000)
    page = (
        candidates(EVERYTHING, "telegram", now=office.clock())
        .where(AccountRow.id > 1_500)
        .order_by(AccountRow.id)
        .limit(100)
    )
    async with transaction(office.sessions) as session:
        on_sqlite = session.get_bind().dialect.name == "sqlite"
        if analysed or not on_sqlite:  # PostgreSQL counts by itself
            await session.execute(text("ANALYZE"))
        plain = page.compile(
            dialect=session.get_bind().dialect, compile_kwargs={"literal_binds": True}
        )
        explain = "EXPLAIN QUERY PLAN" if on_sqlite else "EXPLAIN"
        rows = await session.execute(text(f"{explain} {plain}".replace(":", r"\:")))
        plan = "\n".join(str(row[-1]) for row in rows)
    if on_sqlite:
        assert "SCAN" not in plan, plan
        assert "TEMP B-TREE" not in plan, plan
        assert "platform=?" not in plan, plan
    else:
        assert "Seq Scan on member" not in plan, plan


async def test_members_are_counted_in_one_statement(office: Office) -> None:
    await office.crowd(2_000)
    number = await office.draft()
    said: list[str] = []
    async with reading(office.sessions) as session:
        connection = await session.connection()
        plain = connection.sync_connection
        assert plain is not None

        @event.listens_for(plain, "before_cursor_execute")
        def _note(_: object, __: object, statement: str, *___: object) -> None:
            said.append(statement)

        found = await announcements.preview(
            session,
            number,
            town=office.town,
            rates={},
            now=office.clock(),
            platforms=PLATFORMS,
        )
    assert found.recipients == {"telegram": 2_000}
    assert len([each for each in said if "account" in each]) == 1


async def test_an_announcement_keeps_the_terms_of_the_pack_as_they_were(office: Office) -> None:
    number = await office.draft(Audience(Kind.DIRECT, topic="seasons"))
    kept = (await office.shown(number)).audience
    assert kept.terms.topic_default is False
    assert kept.terms.platforms == ("telegram", "web")
    assert kept.terms.open_tier == "friend"
    async with reading(office.sessions) as session:
        row = (await session.scalars(select(AnnouncementRow))).one()
    assert row.topic == "seasons"
    assert DIRECT.terms.pause_at == 0


OPEN = ("telegram", "web")


async def test_nobody_is_waited_for_on_a_platform_that_is_not_open(office: Office) -> None:
    """They are told where they can be told; who can be told nowhere is counted beforehand."""
    office.town = told(office.town, direct_on_discord=True)
    await office.member("1")
    await office.member("2", "discord")
    both = await office.member("3", "discord")
    await office.also(both, "web", "browser")
    number = await office.draft()
    assert (await office.preview(number)).unreachable == {}
    preview = await office.preview(number, platforms=OPEN)
    assert (preview.recipients, preview.people) == ({"telegram": 1, "web": 1}, 2)
    assert preview.unreachable == {"discord": 1}
    await office.confirm(number, platforms=OPEN)
    telegram, web = FakeMessenger("telegram"), FakeMessenger("web")
    await office.deliver(telegram, web)
    assert arrived(telegram) == ["1"]
    assert arrived(web) == ["browser"]
    shown = await office.shown(number)
    assert (shown.state, shown.total) == (AnnouncementState.DONE, 2)


async def test_a_post_leaves_out_places_that_are_not_open(office: Office) -> None:
    places = (("telegram", "-100"), ("discord", "9"))
    room = Audience(Kind.ROOM, gate="residents", places=places)
    number = await office.draft(room)
    assert (await office.preview(number, platforms=OPEN)).recipients == {"telegram": 1}
    await office.confirm(number, platforms=OPEN)
    await office.deliver(FakeMessenger("telegram"))
    assert (await office.shown(number)).state is AnnouncementState.DONE
    with pytest.raises(BadAnnouncement) as nowhere:
        await office.confirm(await office.draft(room), platforms=("web",))
    assert nowhere.value.reason == Fault.PLACES


async def test_what_is_planned_stays_within_open_platforms_when_it_is_rewritten(
    office: Office,
) -> None:
    office.town = told(office.town, direct_on_discord=True)
    await office.member("1")
    await office.member("2", "discord")
    number = await office.draft()
    later = office.clock() + timedelta(hours=1)
    await office.confirm(number, start_at=later, platforms=OPEN)
    await office.revise(number, texts=OTHER, platforms=OPEN)
    office.clock.advance(timedelta(hours=2))
    assert await office.start_due() == [number]
    async with reading(office.sessions) as session:
        assert await announcements.under_way_on(session, number) == ["telegram"]
    await office.deliver(FakeMessenger("telegram"))
    assert (await office.shown(number)).state is AnnouncementState.DONE
    async with reading(office.sessions) as session:
        assert await announcements.under_way_on(session, number) == []
