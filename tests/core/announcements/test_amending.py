"""After the first message: other words, taking back, those who were missed, and who has read it."""

from datetime import timedelta

import pytest

from core import announcements, board
from core.announcements import (
    AnnouncementState,
    Audience,
    Blocked,
    Delivered,
    Fault,
    Kind,
    Outcome,
    Outgoing,
    Segment,
)
from core.database import reading, transaction
from core.errors import BadAnnouncement, NotAllowed
from core.identity import Account, accounts_on, find_account, set_reachable
from core.testing import FakeMessenger
from tests.core.announcements.office import DIRECT, OTHER, ROOM, TEXTS, Office, arrived, told
from tests.core.announcements.test_pictures import drawn, keep

State = AnnouncementState


@pytest.fixture
def telegram() -> FakeMessenger:
    return FakeMessenger("telegram")


@pytest.fixture
async def sent(office: Office, telegram: FakeMessenger) -> int:
    """An announcement that three people have; a fourth had blocked the bot."""
    for number in range(4):
        await office.member(str(number))
    telegram.prepared = [Blocked("blocked")]
    number = await office.send()
    await office.deliver(telegram)
    shown = await office.shown(number)
    assert (shown.state, shown.delivered, shown.blocked) == (State.DONE, 3, 1)
    return number


async def change(office: Office, number: int, by: str = "staff:taro") -> None:
    async with transaction(office.sessions) as session:
        await announcements.change_sent(session, number, OTHER, by=by, now=office.clock())


async def test_what_has_arrived_reads_as_it_was_changed(
    office: Office, telegram: FakeMessenger, sent: int
) -> None:
    await change(office, sent)
    await office.deliver(telegram)
    assert [message.heading if message else None for _, _, message in telegram.amended] == [
        OTHER["ja"]["heading"]
    ] * 3
    shown = await office.shown(sent)
    assert (shown.revision, shown.amended, shown.amend_failed) == (2, 3, 0)
    assert len(telegram.arrived) == 3
    assert (await office.steps())[-1] == "changed"


async def test_the_same_words_change_nothing(
    office: Office, telegram: FakeMessenger, sent: int
) -> None:
    await change(office, sent)
    await change(office, sent)
    await office.deliver(telegram)
    assert len(telegram.amended) == 3
    assert (await office.shown(sent)).revision == 2


async def test_what_has_not_left_leaves_in_the_new_words(
    office: Office, telegram: FakeMessenger
) -> None:
    await office.member("1")
    number = await office.send()
    await change(office, number)
    await office.deliver(telegram)
    assert [message.heading for _, message in telegram.arrived] == [OTHER["ja"]["heading"]]


async def test_a_draft_is_revised_not_changed(office: Office) -> None:
    number = await office.draft()
    for step in ("change", "retract"):
        with pytest.raises(NotAllowed):
            await (change(office, number) if step == "change" else office.do("retract", number))
    assert await office.steps() == ["drafted"]


async def test_what_is_taken_back_is_gone_from_all_who_had_it(
    office: Office, telegram: FakeMessenger, sent: int
) -> None:
    await office.do("retract", sent)
    await office.do("retract", sent)
    await office.deliver(telegram)
    assert [message for _, _, message in telegram.amended] == [None] * 3
    shown = await office.shown(sent)
    assert shown.retracted_at is not None
    assert (shown.amended, shown.amend_failed) == (3, 0)
    assert (await office.steps()).count("retracted") == 1


async def test_what_is_taken_back_does_not_go_on_leaving(
    office: Office, telegram: FakeMessenger
) -> None:
    await office.crowd(3)
    number = await office.send()
    await office.do("retract", number)
    await office.deliver(telegram)
    assert telegram.arrived == []
    shown = await office.shown(number)
    assert (shown.state, shown.paused_why) == (State.CANCELLED, "retracted")
    with pytest.raises(NotAllowed):
        await office.do("resume", number)


async def test_what_was_taken_back_is_not_changed_any_more(office: Office, sent: int) -> None:
    await office.do("retract", sent)
    with pytest.raises(NotAllowed):
        await change(office, sent)


async def test_a_post_in_a_room_is_changed_in_its_place(
    office: Office, telegram: FakeMessenger
) -> None:
    number = await office.send(ROOM)
    web = FakeMessenger("web")
    await office.deliver(telegram, web)
    await change(office, number)
    await office.deliver(telegram, web)
    assert [place for place, _, _ in telegram.amended] == ["-100"]
    assert [place for place, _, _ in web.amended] == ["residents"]


# Those whom it did not reach


async def who_blocked(office: Office) -> Account:
    """Who has blocked the bot."""
    async with reading(office.sessions) as session:
        (found,) = [each for each in await accounts_on(session, "telegram") if not each.reachable]
    return found


async def test_who_was_missed_gets_it_and_nobody_else_twice(
    office: Office, telegram: FakeMessenger, sent: int
) -> None:
    account = await who_blocked(office)
    async with transaction(office.sessions) as session:
        await set_reachable(session, account.id, reachable=True)  # they wrote to us again
    draft = await office.do("missed", sent)
    assert (await office.preview(draft)).people == 1
    await office.confirm(draft)
    again = FakeMessenger("telegram")
    await office.deliver(again)
    assert sorted([*arrived(telegram), *arrived(again)]) == ["0", "1", "2", "3"]
    assert [message.heading for _, message in again.arrived] == [TEXTS["ja"]["heading"]]


async def test_who_was_missed_on_one_account_is_told_on_another(office: Office, sent: int) -> None:
    await office.also((await who_blocked(office)).member_id, "web", "browser")
    draft = await office.do("missed", sent)
    assert (await office.preview(draft)).recipients == {"web": 1}


async def test_an_announcement_that_was_stopped_halfway_is_finished_for_the_rest(
    office: Office,
) -> None:
    await office.crowd(30)
    number = await office.send()
    pump = office.pump(FakeMessenger("telegram"), rate=20)
    some = await pump.tick()
    assert 0 < some < 30
    await office.do("cancel", number)
    draft = await office.do("missed", number)
    assert (await office.preview(draft)).people == 30 - some


async def test_who_came_later_was_not_missed(office: Office, sent: int) -> None:
    await office.member("later")
    draft = await office.do("missed", sent)
    assert (await office.preview(draft)).people == 0


async def test_the_conditions_of_the_first_hold_for_the_rest(office: Office) -> None:
    await office.member("1", locale="ko")
    await office.member("2")
    telegram = FakeMessenger("telegram")
    telegram.prepared = [Blocked("blocked")]
    number = await office.send(Audience(Kind.DIRECT, segment=Segment(languages=("ko",))))
    await office.deliver(telegram)
    draft = await office.do("missed", number)
    segment = (await office.shown(draft)).audience.segment
    assert segment == Segment(languages=("ko",), missed=number)


@pytest.mark.parametrize("audience", [DIRECT, ROOM], ids=["everybody has it", "a post"])
async def test_of_whom_nobody_was_missed_there_is_no_draft(
    office: Office, audience: Audience
) -> None:
    await office.member("1")
    number = await office.send(audience)
    await office.deliver(FakeMessenger("telegram"), FakeMessenger("web"))
    with pytest.raises(BadAnnouncement) as found:
        await office.do("missed", number)
    assert found.value.reason == Fault.MISSED


async def test_while_it_is_on_its_way_nobody_is_missed_yet(office: Office) -> None:
    await office.member("1")
    number = await office.send()
    with pytest.raises(NotAllowed):
        await office.do("missed", number)


async def test_the_draft_for_the_rest_has_a_picture_of_its_own(office: Office) -> None:
    await office.member("1")
    picture = await keep(office, drawn())
    number = await office.send(extras=announcements.Extras(picture=picture))
    telegram = FakeMessenger("telegram")
    telegram.prepared = [Blocked("blocked")]
    await office.deliver(telegram)
    draft = await office.do("missed", number)
    kept = (await office.shown(draft)).extras.picture
    assert kept not in {None, picture}
    async with reading(office.sessions) as session:
        assert kept is not None
        assert (await announcements.picture(session, kept)).descriptions["ja"]


# Read


class Board(FakeMessenger):
    """The web: messages are kept in our own records."""

    def __init__(self, office: Office) -> None:
        super().__init__("web")
        self._office = office

    async def send_direct(self, account: str, message: Outgoing, *, delivery: int) -> Outcome:
        async with transaction(self._office.sessions) as session:
            reader = await find_account(session, "web", account)
            assert reader is not None
            now = self._office.clock()
            number = await board.send(session, reader.id, message, delivery=delivery, now=now)
        return Delivered(str(number))


async def test_a_message_on_the_web_is_read_when_its_person_had_it_before_them(
    office: Office,
) -> None:
    for name in ("one", "two"):
        await office.member(name, "web")
    await office.member("3")
    number = await office.send()
    await office.deliver(Board(office), FakeMessenger("telegram"))
    assert (await office.shown(number)).reads == {"web": 0}
    async with transaction(office.sessions) as session:
        account = await find_account(session, "web", "one")
        assert account is not None
        for _ in range(2):
            await board.opened(session, account.id, now=office.clock())
    assert (await office.shown(number)).reads == {"web": 1}


async def test_where_no_platform_says_so_nothing_is_said_about_reading(
    office: Office, sent: int
) -> None:
    assert (await office.shown(sent)).reads == {}


@pytest.fixture
async def agreed(office: Office) -> int:
    """An announcement to three people, to which a second member of staff has agreed."""
    office.town = told(office.town, approve_above=2)
    for number in range(3):
        await office.member(str(number))
    number = await office.send()
    await office.do("approve", number, "staff:taro")
    await office.deliver(FakeMessenger())
    return number


async def test_other_words_for_many_need_a_second_person_too(office: Office, agreed: int) -> None:
    assert not await office.do("change_sent", agreed, texts=OTHER)
    shown = await office.shown(agreed)
    assert (shown.texts, shown.revision) == (TEXTS, 1)
    assert shown.change is not None
    with pytest.raises(NotAllowed):
        await office.do("approve_change", agreed, "staff:hana", asked_at=shown.change.at)
    await office.do("approve_change", agreed, "staff:taro", asked_at=shown.change.at)
    shown = await office.shown(agreed)
    assert (shown.texts, shown.revision, shown.change) == (OTHER, 2, None)


async def test_nobody_agrees_to_other_words_than_they_saw(office: Office, agreed: int) -> None:
    await office.do("change_sent", agreed, texts=OTHER)
    seen = (await office.shown(agreed)).change
    office.clock.advance(timedelta(seconds=1))
    third = {"ja": {"heading": "別", "body": "別"}}
    await office.do("change_sent", agreed, texts=third)
    assert seen is not None
    with pytest.raises(NotAllowed):
        await office.do("approve_change", agreed, "staff:taro", asked_at=seen.at)
    await office.do("refuse_change", agreed, "staff:taro")
    assert (await office.shown(agreed)).change is None


async def test_a_machines_unread_words_do_not_replace_what_has_arrived(office: Office) -> None:
    await office.member("1")
    number = await office.send()
    await office.deliver(FakeMessenger())
    unread = {**OTHER, "en": {"heading": "x", "body": "y", "machine": "unread"}}
    with pytest.raises(BadAnnouncement) as caught:
        await office.do("change_sent", number, texts=unread)
    assert caught.value.reason == Fault.UNREAD
