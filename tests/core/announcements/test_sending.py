"""From a draft to messages that leave: confirmed once, agreed to by two, planned, stopped, told."""

import asyncio
from datetime import datetime, timedelta
from importlib import import_module

import pytest
from sqlalchemy import func, select, update

from core import announcements, identity
from core.announcements import (
    PLATFORMS,
    Announcement,
    AnnouncementState,
    Audience,
    Blocked,
    Extras,
    Failed,
    Fault,
    Kind,
    Link,
    Location,
    Segment,
)
from core.announcements.delivery.changes import count
from core.announcements.news import failing, tell_news
from core.database import reading, transaction
from core.errors import BadAnnouncement, NotAllowed, NotFound
from core.tables import AnnouncementRow
from core.testing import FakeMessenger
from tests.core.announcements.office import DIRECT, OTHER, ROOM, TEXTS, Office, arrived, told

State = AnnouncementState
HOUR = timedelta(hours=1)


async def test_a_thousand_of_whom_three_blocked_us_are_997_and_3_and_sending_again_is_none(
    office: Office,
) -> None:
    """Row M6 of the capabilities."""
    office.town = told(office.town, approve_above=0)
    await office.crowd(1_000)
    messenger = FakeMessenger()
    messenger.prepared = [Blocked("blocked by the person")] * 3
    number = await office.send()
    await office.deliver(messenger)
    shown = await office.shown(number)
    assert (shown.total, shown.delivered, shown.blocked) == (1_000, 997, 3)
    assert (shown.state, shown.waiting) == (State.DONE, 0)
    assert (await office.confirm(number)).state is State.DONE
    await office.deliver(messenger)
    assert len(messenger.arrived) == 997


async def test_confirming_twice_at_once_sends_once(office: Office) -> None:
    for number in range(4):
        await office.member(str(number))
    draft = await office.draft()
    await asyncio.gather(office.confirm(draft), office.confirm(draft, by="staff:taro"))
    messenger = FakeMessenger()
    await office.deliver(messenger)
    assert arrived(messenger) == ["0", "1", "2", "3"]
    assert await office.steps() == ["drafted", "confirmed"]


# A second person


@pytest.fixture
async def asked(office: Office) -> int:
    """An announcement to three people in a town that lets one decide about two."""
    office.town = told(office.town, approve_above=2)
    for number in range(3):
        await office.member(str(number))
    draft = await office.draft()
    assert (await office.preview(draft)).needs_second
    assert (await office.confirm(draft)).state is State.ASKED
    return draft


async def test_what_reaches_many_waits_for_a_second_person(office: Office, asked: int) -> None:
    messenger = FakeMessenger()
    await office.deliver(messenger)
    assert messenger.arrived == []
    await office.do("approve", asked, "staff:taro")
    await office.deliver(messenger)
    shown = await office.shown(asked)
    assert len(messenger.arrived) == 3
    assert (shown.asked_by, shown.approved_by) == ("staff:hana", "staff:taro")
    assert await office.steps() == ["drafted", "asked", "approved"]


@pytest.mark.parametrize("name", ["staff:hana", " Staff:Hana "])
async def test_the_second_person_is_somebody_else(office: Office, asked: int, name: str) -> None:
    with pytest.raises(NotAllowed):
        await office.do("approve", asked, name)
    assert (await office.shown(asked)).state is State.ASKED


async def test_of_two_who_approve_at_once_one_sends(office: Office, asked: int) -> None:
    both = [office.do("approve", asked, f"staff:{name}") for name in ("taro", "jiro")]
    results = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(each).__name__ for each in results) == ["NoneType", "NotAllowed"]
    messenger = FakeMessenger()
    await office.deliver(messenger)
    assert len(messenger.arrived) == 3


async def test_what_was_refused_is_a_draft_again(office: Office, asked: int) -> None:
    await office.do("refuse", asked, "staff:taro")
    shown = await office.shown(asked)
    assert (shown.state, shown.asked_by) == (State.DRAFT, None)
    assert (await office.confirm(asked)).state is State.ASKED


async def test_nobody_agrees_to_words_that_were_changed_meanwhile(
    office: Office, asked: int
) -> None:
    await office.revise(asked, texts=OTHER)
    with pytest.raises(NotAllowed):
        await office.do("approve", asked, "staff:taro")
    assert (await office.shown(asked)).state is State.DRAFT


async def test_revising_without_a_change_voids_nothing(office: Office, asked: int) -> None:
    await office.revise(asked, texts=TEXTS)
    assert (await office.shown(asked)).state is State.ASKED
    assert (await office.shown(asked)).revision == 1


async def test_a_post_is_seen_by_all_who_are_inside(office: Office) -> None:
    office.town = told(office.town, approve_above=1)
    for number in range(2):
        await office.inside(await office.member(str(number)), "residents")
    draft = await office.draft(ROOM)
    preview = await office.preview(draft)
    assert (preview.recipients, preview.people) == ({"telegram": 1, "web": 1}, 2)
    assert preview.needs_second


async def test_zero_asks_nobody(office: Office) -> None:
    office.town = told(office.town, approve_above=0)
    await office.crowd(600)
    assert (await office.confirm(await office.draft())).state is State.SENDING


# Planned


async def planned(office: Office, *, deadline: datetime | None = None) -> int:
    await office.member("1")
    draft = await office.draft()
    shown = await office.confirm(draft, start_at=office.clock() + HOUR, deadline=deadline)
    assert shown.state is State.SCHEDULED
    return draft


async def test_a_planned_announcement_starts_at_its_time_and_once(office: Office) -> None:
    number = await planned(office)
    assert await office.start_due() == []
    office.clock.advance(HOUR)
    begun = await asyncio.gather(office.start_due(), office.start_due())
    assert sorted(begun) == [[], [number]]
    messenger = FakeMessenger()
    await office.deliver(messenger)
    assert arrived(messenger) == ["1"]
    assert await office.steps() == ["drafted", "confirmed", "started"]


async def test_who_joins_before_the_start_is_told(office: Office) -> None:
    await planned(office)
    await office.member("2")
    office.clock.advance(HOUR)
    await office.start_due()
    messenger = FakeMessenger()
    await office.deliver(messenger)
    assert arrived(messenger) == ["1", "2"]


async def test_a_town_that_was_switched_off_past_the_deadline_sends_nothing(
    office: Office,
) -> None:
    number = await planned(office, deadline=office.clock() + 2 * HOUR)
    office.clock.advance(3 * HOUR)
    assert await office.start_due() == []
    shown = await office.shown(number)
    assert (shown.state, shown.paused_why) == (State.CANCELLED, "deadline")
    assert (await office.steps())[-1] == "too-late"


async def test_what_is_being_sent_stops_at_its_deadline(office: Office) -> None:
    for number in range(3):
        await office.member(str(number))
    draft = await office.draft()
    await office.confirm(draft, deadline=office.clock() + HOUR)
    office.clock.advance(HOUR)
    await office.start_due()
    shown = await office.shown(draft)
    assert (shown.state, shown.paused_why) == (State.CANCELLED, "deadline")
    assert shown.waiting == shown.total - shown.delivered


async def test_what_nobody_agreed_to_in_time_is_given_up(office: Office, asked: int) -> None:
    async with transaction(office.sessions) as session:
        await session.execute(update(AnnouncementRow).values(deadline=office.clock() + HOUR))
    office.clock.advance(2 * HOUR)
    await office.start_due()
    assert (await office.shown(asked)).state is State.CANCELLED
    with pytest.raises(NotAllowed):
        await office.do("approve", asked, "staff:taro")


async def test_a_planned_announcement_may_be_changed_until_it_starts(office: Office) -> None:
    number = await planned(office)
    await office.revise(number, texts=OTHER)
    assert (await office.shown(number)).state is State.SCHEDULED
    office.clock.advance(HOUR)
    await office.start_due()
    messenger = FakeMessenger()
    await office.deliver(messenger)
    assert [message.heading for _, message in messenger.arrived] == [OTHER["ja"]["heading"]]
    with pytest.raises(NotAllowed):
        await office.revise(number, texts=TEXTS)


async def test_a_planned_announcement_that_two_agreed_to_needs_both_again(
    office: Office, asked: int
) -> None:
    await office.do("refuse", asked, "staff:taro")
    await office.confirm(asked, start_at=office.clock() + HOUR)
    await office.do("approve", asked, "staff:taro")
    assert (await office.shown(asked)).state is State.SCHEDULED
    await office.revise(asked, texts=OTHER)
    shown = await office.shown(asked)
    assert (shown.state, shown.approved_by) == (State.DRAFT, None)


async def test_a_planned_announcement_may_be_cancelled(office: Office) -> None:
    number = await planned(office)
    await office.do("cancel", number)
    await office.do("cancel", number)
    office.clock.advance(HOUR)
    assert await office.start_due() == []
    assert await office.steps() == ["drafted", "confirmed", "cancelled"]


@pytest.mark.parametrize(
    ("start", "deadline", "fault"),
    [
        (-1, None, Fault.START),
        (0, None, Fault.START),
        (24 * 400, None, Fault.START),
        (None, 0, Fault.DEADLINE),
        (2, 1, Fault.DEADLINE),
    ],
)
async def test_times_that_cannot_be_are_refused(
    office: Office, start: int | None, deadline: int | None, fault: Fault
) -> None:
    draft = await office.draft()
    now = office.clock()
    with pytest.raises(BadAnnouncement) as found:
        await office.confirm(
            draft,
            start_at=now + start * HOUR if start is not None else None,
            deadline=now + deadline * HOUR if deadline is not None else None,
        )
    assert found.value.reason == fault
    assert (await office.shown(draft)).state is State.DRAFT


# Stopped


async def test_only_what_is_on_its_way_can_be_paused(office: Office) -> None:
    draft = await office.draft()
    with pytest.raises(NotAllowed):
        await office.do("pause", draft)
    with pytest.raises(NotAllowed):
        await office.do("resume", draft)
    with pytest.raises(NotFound):
        await office.do("pause", 99)


async def results(office: Office, number: int, **counters: int) -> bool:
    """As the outbox counts results; whether it is paused after that."""
    async with transaction(office.sessions) as session:
        await count(session, number, counters, now=office.clock())
    return (await office.shown(number)).state is State.PAUSED


@pytest.fixture
async def running(office: Office) -> int:
    """An announcement on its way to two hundred, in a town that bears a failure in five."""
    await office.crowd(200)
    return await office.send()


async def test_a_burst_of_failures_pauses_and_says_so(office: Office, running: int) -> None:
    assert not await results(office, running, delivered=40, failed=10)
    assert await results(office, running, delivered=5, failed=6, unsure=5)
    shown = await office.shown(running)
    assert (shown.state, shown.paused_why) == (State.PAUSED, "failures")
    assert (await office.steps())[-1] == "failing"


async def test_few_results_say_nothing_yet(office: Office, running: int) -> None:
    assert not await results(office, running, failed=10)


async def test_who_blocked_the_bot_has_not_failed(office: Office, running: int) -> None:
    assert not await results(office, running, delivered=10, blocked=60)


async def test_failures_of_long_ago_do_not_pause_what_goes_well_now(
    office: Office, running: int
) -> None:
    assert not await results(office, running, delivered=42, failed=8)
    assert not await results(office, running, delivered=44, failed=6)
    assert not await results(office, running, failed=10)


async def test_what_failed_before_staff_looked_does_not_pause_it_again(
    office: Office, running: int
) -> None:
    assert await results(office, running, failed=20)
    await office.do("resume", running)
    assert not await results(office, running, delivered=1, failed=2)
    assert await results(office, running, failed=9)


async def test_an_announcement_that_fails_on_the_way_pauses_and_goes_on(
    office: Office, running: int
) -> None:
    telegram = FakeMessenger()
    telegram.prepared = [Failed("wrong rights")] * 60
    await office.deliver(telegram)
    shown = await office.shown(running)
    assert shown.state is State.PAUSED
    assert 11 <= shown.failed <= 60
    telegram.prepared = []
    await office.do("resume", running)
    await office.deliver(telegram)
    done = await office.shown(running)
    assert (done.state, done.delivered + done.failed) == (State.DONE, 200)


async def test_a_town_that_wants_no_such_pause_has_none(office: Office) -> None:
    office.town = told(office.town, pause_at_failures=0)
    await office.crowd(60)
    number = await office.send()
    assert not await results(office, number, failed=50)


async def test_staff_who_can_be_told_are_told_of_a_pause_once(office: Office, running: int) -> None:
    await office.member("77")
    assert await results(office, running, failed=20)
    async with reading(office.sessions) as session:
        assert [each.id for each in await failing(session)] == [running]
    staff = {("telegram", "77"): "telegram:77", ("discord", "9"): "discord:9"}
    for expected in (1, 0):
        async with transaction(office.sessions) as session:
            assert await tell_news(session, staff, now=office.clock()) == expected
    messenger = FakeMessenger()
    await office.deliver(messenger)
    assert [message.heading for _, message in messenger.arrived] == ["announcement-paused"]
    await office.do("resume", running)
    assert await results(office, running, failed=40)
    async with transaction(office.sessions) as session:
        assert await tell_news(session, staff, now=office.clock()) == 1


async def test_a_pause_by_staff_is_no_news_to_them(office: Office, running: int) -> None:
    await office.do("pause", running)
    async with transaction(office.sessions) as session:
        assert await tell_news(session, {("telegram", "1"): "ken"}, now=office.clock()) == 0
        assert await failing(session) == []


# What goes with the words


LINK = Link({"ja": "申し込む"}, "https://example.jp/apply")
PLACE = Location(34.2273, 131.3036, {"ja": "秋芳洞"})


@pytest.mark.parametrize(
    ("extras", "fault"),
    [
        (Extras(links=(LINK,) * 4), Fault.LINKS),
        (Extras(links=(Link({"ja": ""}, LINK.url),)), Fault.LABEL),
        (Extras(links=(Link({"ja": "長" * 41}, LINK.url),)), Fault.LABEL),
        (Extras(links=(Link({"en": "Apply"}, LINK.url),)), Fault.LABEL),
        (Extras(links=(Link({"ja": "x"}, "http://example.jp"),)), Fault.ADDRESS),
        (Extras(links=(Link({"ja": "x"}, "javascript:alert(1)"),)), Fault.ADDRESS),
        (Extras(links=(Link({"ja": "x"}, "https://town.jp@evil.example/"),)), Fault.ADDRESS),
        (Extras(links=(Link({"ja": "x"}, "https://example.jp/a b"),)), Fault.ADDRESS),
        (Extras(links=(Link({"ja": "x"}, "https://" + "a" * 500),)), Fault.ADDRESS),
        (Extras(location=Location(91, 0, {"ja": "北"})), Fault.LOCATION),
        (Extras(location=Location(float("nan"), 0, {"ja": "無"})), Fault.LOCATION),
        (Extras(location=Location(0, 0, {})), Fault.LOCATION),
        (Extras(picture=99), Fault.PICTURE),
    ],
    ids=str,
)
async def test_what_no_platform_could_show_is_refused_before_anything_is_kept(
    office: Office, extras: Extras, fault: Fault
) -> None:
    with pytest.raises(BadAnnouncement) as found:
        await office.draft(extras=extras)
    assert found.value.reason == fault
    async with reading(office.sessions) as session:
        assert await session.scalar(select(func.count(AnnouncementRow.id))) == 0


async def test_what_is_kept_reads_back_as_it_was_written(office: Office) -> None:
    extras = Extras(links=(LINK,), location=PLACE, policy="hold", quiet=False)
    segment = Segment(languages=("ja",), joined_since=office.clock().date())
    number = await office.draft(Audience(Kind.DIRECT, segment=segment), extras=extras)
    shown = await office.shown(number)
    assert shown.extras == extras
    assert shown.audience.segment == segment
    assert shown.texts == TEXTS


async def test_characters_that_no_screen_shows_do_not_leave(office: Office) -> None:
    number = await office.draft(texts={"ja": {"heading": " a\x00b ", "body": "一\r\n二\x1b"}})
    assert (await office.shown(number)).texts == {"ja": {"heading": "ab", "body": "一\n二"}}


# What was said when


async def test_every_revision_is_kept_with_who_wrote_it(office: Office) -> None:
    number = await office.draft()
    await office.revise(number, "staff:taro", texts=OTHER)
    await office.revise(number, "staff:taro", extras=Extras(links=(LINK,)))
    async with reading(office.sessions) as session:
        kept = await announcements.revisions(session, number)
    assert [(each.number, each.by, each.texts) for each in kept] == [
        (3, "staff:taro", OTHER),
        (2, "staff:taro", OTHER),
        (1, "staff:hana", TEXTS),
    ]
    assert kept[0].extras.links == (LINK,)
    assert await office.steps() == ["drafted", "revised", "revised"]


async def seen(office: Office, **filters: object) -> list[int]:
    async with reading(office.sessions) as session:
        found: list[Announcement] = await announcements.history(session, **filters)  # type: ignore[arg-type]
    return [each.id for each in found]


async def test_the_history_is_newest_first_and_by_what_staff_look_for(office: Office) -> None:
    await office.member("1")
    post = await office.draft(ROOM, author="staff:taro")
    topic = await office.draft(Audience(Kind.DIRECT, topic="events"))
    sent = await office.send()
    async with transaction(office.sessions) as session:
        account = await identity.find_account(session, "telegram", "1")
        assert account is not None
        await announcements.notify(session, account, "leaving", {}, now=office.clock())
    assert await seen(office) == [sent, topic, post]
    assert await seen(office, states=[State.DRAFT]) == [topic, post]
    assert await seen(office, kind=Kind.ROOM) == [post]
    assert await seen(office, topic="events") == [topic]
    assert await seen(office, author="staff:taro") == [post]
    assert await seen(office, before=topic) == [post]
    assert await seen(office, limit=1) == [sent]


async def test_a_notice_to_one_person_is_no_business_of_the_desk(office: Office) -> None:
    await office.member("1")
    async with transaction(office.sessions) as session:
        account = await identity.find_account(session, "telegram", "1")
        assert account is not None
        notice = await announcements.notify(session, account, "leaving", {}, now=office.clock())
    for step in ("pause", "cancel", "retract", "approve"):
        with pytest.raises(NotFound):
            await office.do(step, notice)


async def test_nobody_wants_it_and_it_is_over_at_once(office: Office) -> None:
    number = await office.send(DIRECT)
    shown = await office.shown(number)
    assert (shown.state, shown.total) == (State.DONE, 0)


async def test_what_a_platform_will_never_take_is_counted_as_failed(office: Office) -> None:
    await office.member("1")
    messenger = FakeMessenger()
    messenger.prepared = [Failed("too long")]
    number = await office.send()
    await office.deliver(messenger)
    assert (await office.shown(number)).failed == 1


async def test_what_was_planned_for_few_and_grew_waits_for_a_second_person(office: Office) -> None:
    office.town = told(office.town, approve_above=2)
    await office.crowd(2)
    number = await office.draft()
    planned = await office.confirm(number, start_at=office.clock() + HOUR)
    assert planned.state is State.SCHEDULED
    await office.crowd(1)
    office.clock.advance(2 * HOUR)
    assert await office.start_due() == []
    shown = await office.shown(number)
    assert (shown.state, shown.asked_by, shown.people) == (State.ASKED, "staff:hana", 3)
    with pytest.raises(NotAllowed):
        await office.do("approve", number, "staff:hana")
    await office.do("approve", number, "staff:taro")
    assert (await office.shown(number)).state is State.SENDING


async def test_planned_words_that_a_machine_wrote_since_do_not_leave_unread(
    office: Office,
) -> None:
    await office.member("1")
    number = await office.draft()
    await office.confirm(number, start_at=office.clock() + HOUR)
    unread = {**TEXTS, "en": {"heading": "x", "body": "y", "machine": "unread"}}
    await office.revise(number, texts=unread)
    assert (await office.shown(number)).state is State.DRAFT
    async with transaction(office.sessions) as session:  # as a version before left it
        await session.execute(
            update(AnnouncementRow).where(AnnouncementRow.id == number).values(state="scheduled")
        )
    office.clock.advance(2 * HOUR)
    assert await office.start_due() == []
    shown = await office.shown(number)
    assert (shown.state, shown.paused_why) == (State.DRAFT, "unread")


async def test_nothing_is_counted_while_others_wait_to_write(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.town = told(office.town, approve_above=2)
    await office.crowd(3)
    number = await office.draft()
    async with reading(office.sessions) as session:
        counted = await announcements.count_audience(
            session,
            number,
            town=office.town,
            now=office.clock(),
            platforms=PLATFORMS,
        )

    async def fail(*_: object, **__: object) -> None:
        raise AssertionError("counted within the transaction")

    counting = import_module("core.announcements.reach")  # the package has a function of that name
    for name in ("count", "people"):
        monkeypatch.setattr(counting, name, fail)
    monkeypatch.setattr("core.announcements.delivery.outbox.count", fail)
    async with transaction(office.sessions) as session:
        await announcements.confirm(
            session,
            number,
            town=office.town,
            by="staff:hana",
            now=office.clock(),
            counted=counted,
            platforms=PLATFORMS,
        )
    await office.do("approve", number, "staff:taro", counted=counted)
    assert (await office.shown(number)).total == 3
