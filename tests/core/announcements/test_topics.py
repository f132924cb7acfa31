"""What members want to hear of: their word holds, for one topic or for all."""

import asyncio

import pytest

from core import announcements, identity, mydata
from core.announcements import Audience, Kind
from core.database import reading, transaction
from core.errors import BadAnnouncement
from core.identity import ALL
from core.tables import WishRow
from tests.core.announcements.office import Office

EVENTS = Audience(Kind.DIRECT, topic="events")
SEASONS = Audience(Kind.DIRECT, topic="seasons")  # only for who asks


async def choose(office: Office, member: int, topic: str, *, wants: bool) -> None:
    async with transaction(office.sessions) as session:
        await announcements.set_topic(session, member, topic, wants=wants, town=office.town)


async def wishes(office: Office, member: int) -> dict[str, bool]:
    async with reading(office.sessions) as session:
        return dict(await announcements.wants(session, member, town=office.town))


async def count(office: Office, audience: Audience) -> int:
    return (await office.preview(await office.draft(audience))).people


async def test_who_has_not_chosen_hears_what_the_pack_says(office: Office) -> None:
    member = await office.member("1")
    assert await wishes(office, member) == {"events": True, "seasons": False}
    assert await count(office, EVENTS) == 1
    assert await count(office, SEASONS) == 0


async def test_a_topic_reaches_only_those_who_want_it(office: Office) -> None:
    asks, refuses, _ = [await office.member(str(number)) for number in range(3)]
    await choose(office, asks, "seasons", wants=True)
    await choose(office, refuses, "events", wants=False)
    assert await count(office, EVENTS) == 2
    assert await count(office, SEASONS) == 1


async def test_what_has_no_topic_reaches_all_who_want_messages(office: Office) -> None:
    member = await office.member("1")
    await choose(office, member, "events", wants=False)
    assert await count(office, Audience(Kind.DIRECT)) == 1


async def test_who_wants_no_messages_hears_of_no_topic_and_keeps_their_choice(
    office: Office,
) -> None:
    member = await office.member("1")
    await choose(office, member, "seasons", wants=True)
    async with transaction(office.sessions) as session:
        await mydata.choose_messages(session, member, wants=False)
    assert await count(office, SEASONS) == 0
    async with transaction(office.sessions) as session:
        await mydata.choose_messages(session, member, wants=True)
    assert await count(office, SEASONS) == 1


async def test_the_last_word_holds_however_often_it_is_said(office: Office) -> None:
    member = await office.member("1")
    for wants in (False, True, False, False):
        await choose(office, member, "events", wants=wants)
    assert await wishes(office, member) == {"events": False, "seasons": False}
    await asyncio.gather(*(choose(office, member, "events", wants=True) for _ in range(3)))
    assert (await wishes(office, member))["events"]


async def test_a_topic_that_the_pack_has_not_is_refused(office: Office) -> None:
    member = await office.member("1")
    with pytest.raises(BadAnnouncement):
        await choose(office, member, "taxes", wants=True)


async def test_no_topic_of_a_pack_can_be_called_as_all_of_them(office: Office) -> None:
    assert office.town.topic(ALL) is None


# What is kept of a member


async def test_a_member_sees_and_takes_their_wishes_area_and_zone(office: Office) -> None:
    member = await office.member("1")
    await choose(office, member, "events", wants=False)
    async with transaction(office.sessions) as session:
        await identity.set_area(session, member, "JP-35")
        await identity.set_zone(session, member, "Asia/Seoul")
        await identity.set_tier(session, member, "fan", now=office.clock())
    async with reading(office.sessions) as session:
        kept = await mydata.export(session, member)
    assert kept["topics"] == {"events": False, ALL: True}
    assert (kept["area"], kept["zone"]) == ("JP-35", "Asia/Seoul")
    assert kept["tier"] == {"name": "fan", "as_of": office.clock().isoformat()}


async def test_who_leaves_takes_their_wishes_with_them(office: Office) -> None:
    member = await office.member("1")
    await choose(office, member, "events", wants=False)
    async with transaction(office.sessions) as session:
        await identity.forget(session, member, now=office.clock())
    async with reading(office.sessions) as session:
        assert await session.get(WishRow, (member, "events")) is None


@pytest.mark.parametrize("area", ["JP-00", "JP-48", "XX", "jp-35", "", "Yamaguchi"])
async def test_what_is_no_area_is_refused(office: Office, area: str) -> None:
    member = await office.member("1", area="JP-35")
    async with transaction(office.sessions) as session:
        with pytest.raises(ValueError, match="prefecture"):
            await identity.set_area(session, member, area)
    async with reading(office.sessions) as session:
        assert (await identity.accounts_of(session, member))[0].area == "JP-35"


@pytest.mark.parametrize("zone", ["Tokyo", "../etc/passwd", "Asia/Atlantis", "", "+09:00"])
async def test_what_is_no_zone_is_refused(office: Office, zone: str) -> None:
    member = await office.member("1")
    async with transaction(office.sessions) as session:
        with pytest.raises(ValueError, match="time zone"):
            await identity.set_zone(session, member, zone)


async def test_area_and_zone_can_be_taken_back(office: Office) -> None:
    member = await office.member("1", area="KR", zone="Asia/Seoul")
    async with transaction(office.sessions) as session:
        await identity.set_area(session, member, None)
        await identity.set_zone(session, member, None)
    async with reading(office.sessions) as session:
        (account,) = await identity.accounts_of(session, member)
    assert (account.area, account.zone) == (None, None)


# Two who are one


async def merged(office: Office, one: int, other: int) -> int:
    async with transaction(office.sessions) as session:
        code = await identity.propose_merge(
            session, member_id=one, other_id=other, now=office.clock()
        )
        return await identity.merge(session, code, by_member=other, now=office.clock())


async def test_of_two_wishes_the_stricter_holds(office: Office) -> None:
    one, other = await office.member("1"), await office.member("2", "web")
    await choose(office, one, "events", wants=False)
    await choose(office, other, "events", wants=True)
    await choose(office, one, "seasons", wants=True)
    stays = await merged(office, one, other)
    assert await wishes(office, stays) == {"events": False, "seasons": True}


@pytest.mark.parametrize("first", [True, False])
async def test_who_refused_messages_once_is_not_signed_up_by_merging(
    office: Office, *, first: bool
) -> None:
    one = await office.member("1", wants=first)
    other = await office.member("2", "web", wants=not first)
    stays = await merged(office, one, other)
    async with reading(office.sessions) as session:
        accounts = await identity.accounts_of(session, stays)
    assert [each.wants_messages for each in accounts] == [False, False]


async def test_a_browser_that_nobody_asked_silences_no_chat(office: Office) -> None:
    one = await office.member("1", area="JP-35")
    async with transaction(office.sessions) as session:
        other = await identity.account(session, "web", "b", locale="ja", now=office.clock())
    stays = await merged(office, one, other.member_id)
    async with reading(office.sessions) as session:
        accounts = await identity.accounts_of(session, stays)
    assert {(each.wants_messages, each.area) for each in accounts} == {(True, "JP-35")}
