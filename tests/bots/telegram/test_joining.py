"""Somebody asks to enter a group of the town."""

import asyncio

import pytest

from bots import texts
from core.access import Admitted, Refused, Unknown
from core.errors import RecordsUnavailable
from tests.bots.telegram.conftest import Hall
from tests.telegram_server import Chat, Status, TelegramServer, User


@pytest.fixture
def owner(server: TelegramServer) -> User:
    return server.user("町長", started=True)


@pytest.fixture
def room(server: TelegramServer, owner: User, hall: Hall) -> Chat:
    made = server.supergroup("住民の部屋", owner=owner, joins_by_request=True, username="town")
    hall.opens(made)
    return made


def gate(hall: Hall) -> str:
    return hall.town.gates[0].name


def is_inside(server: TelegramServer, room: Chat, user: User) -> bool:
    return user.account in server.world.inside(room)


async def test_who_holds_the_pass_is_let_in_and_welcomed(
    server: TelegramServer, hall: Hall, room: Chat
) -> None:
    hana = server.user("花子", started=True)
    hall.doorkeeper.decision = Admitted(gate(hall))
    async with hall.open():
        await hana.requests_to_join(room)
        welcome = await hana.next_message()
    assert is_inside(server, room, hana)
    assert welcome.text == texts.say("telegram.knock.welcome", "ja", room=hall.room)
    assert hall.doorkeeper.knocks == [("telegram", str(hana.id), str(room.id))]


async def test_who_does_not_is_declined_and_told_the_way_in(
    server: TelegramServer, hall: Hall, room: Chat
) -> None:
    hana = server.user("花子", language="en")  # has never written to the bot
    hall.doorkeeper.decision = Refused(gate(hall), held=0, needed=1)
    async with hall.open():
        await hana.requests_to_join(room)
        told = await hana.next_message()
        await server.until(lambda: not room.join_requests)
    assert not is_inside(server, room, hana)
    assert "“Digital resident card (sample)”: 1 or more" in told.text
    assert told.buttons[0][0].url == "https://t.me/kankei_test_bot?start=join"


async def test_when_nobody_can_tell_the_request_stays_and_is_looked_at_again(
    server: TelegramServer, hall: Hall, room: Chat
) -> None:
    hana = server.user("花子", started=True)
    hall.doorkeeper.decision = Unknown(gate(hall), "no node answers")
    async with hall.open() as adapter:
        await hana.requests_to_join(room)
        assert (await hana.next_message()).text == texts.say("telegram.knock.unknown", "ja")
        await adapter.retry_pending()
        assert hana.id in room.join_requests
        assert hana.unread() == [], "said once"

        hall.doorkeeper.decision = Admitted(gate(hall))
        await adapter.retry_pending()
        assert is_inside(server, room, hana)
        assert (await hana.next_message()).text == texts.say(
            "telegram.knock.welcome", "ja", room=hall.room
        )
        await adapter.retry_pending()
    assert len(hall.doorkeeper.knocks) == 3, "decided once"


async def test_a_database_that_is_away_declines_nobody(
    server: TelegramServer, hall: Hall, room: Chat
) -> None:
    hana = server.user("花子", started=True)
    hall.doorkeeper.decision = RecordsUnavailable("locked")
    async with hall.open():
        await hana.requests_to_join(room)
        await hana.next_message()
    assert hana.id in room.join_requests


async def test_a_lost_answer_of_telegram_is_made_up_for(
    server: TelegramServer, hall: Hall, room: Chat
) -> None:
    hana = server.user("花子", started=True)
    hall.doorkeeper.decision = Refused(gate(hall), held=0, needed=1)
    server.fail_next("declineChatJoinRequest", 502)
    async with hall.open() as adapter:
        await hana.requests_to_join(room)
        await hana.next_message()
        async with asyncio.timeout(5):
            while room.join_requests:
                await asyncio.sleep(0.01)
                await adapter.retry_pending()
    assert hana.unread() == [], "told once"


async def test_a_request_that_an_administrator_decided_is_forgotten(
    server: TelegramServer, hall: Hall, room: Chat, owner: User
) -> None:
    hana = server.user("花子", started=True)
    hall.doorkeeper.decision = Unknown(gate(hall), "no node answers")
    async with hall.open() as adapter:
        await hana.requests_to_join(room)
        await hana.next_message()
        await owner.approves(hana, room)
        await server.until(lambda: len(hall.doorkeeper.knocks) == 2)  # she has come in
        hall.doorkeeper.decision = Refused(gate(hall), held=0, needed=1)
        await adapter.retry_pending()
        knocks = len(hall.doorkeeper.knocks)
        await adapter.retry_pending()
    assert len(hall.doorkeeper.knocks) == knocks
    assert is_inside(server, room, hana), "taking out is the sweep's business"


async def test_a_group_that_is_no_room_of_the_town_decides_for_itself(
    server: TelegramServer, hall: Hall, room: Chat
) -> None:
    assert room
    hana = server.user("花子", started=True)
    other = server.supergroup("他の会", joins_by_request=True, username="others")
    hall.doorkeeper.decision = None
    async with hall.open() as adapter:
        await hana.requests_to_join(other)
        await server.until_taken()
        await adapter.retry_pending()
    assert hana.id in other.join_requests
    assert hana.unread() == []


async def test_a_right_lost_meanwhile_is_told_to_staff_and_the_request_waits(
    server: TelegramServer, hall: Hall, room: Chat, owner: User
) -> None:
    hana = server.user("花子", started=True)
    hall.has_staff(owner)
    hall.doorkeeper.decision = Unknown(gate(hall), "no node answers")
    async with hall.open() as adapter:
        await hana.requests_to_join(room)
        await hana.next_message()
        await owner.promotes(server.bot, room, rights=frozenset({"can_restrict_members"}))
        assert "Invite Users via Link" in (await owner.next_message()).text

        hall.doorkeeper.decision = Admitted(gate(hall))
        await adapter.retry_pending()
        assert not is_inside(server, room, hana)
        await owner.promotes(server.bot, room)
        assert "直りました" in (await owner.next_message()).text
        await adapter.retry_pending()
    assert is_inside(server, room, hana)


async def test_the_personal_link_leads_through_the_same_door(
    server: TelegramServer, hall: Hall, room: Chat
) -> None:
    hana, mallory = server.user("花子", started=True), server.user("他人", started=True)
    async with hall.open() as adapter:
        admission = await adapter.keeper.admit(str(room.id), str(hana.id))
        assert admission.link is not None
        hall.doorkeeper.decision = Refused(gate(hall), held=0, needed=1)
        await mallory.follows(admission.link)
        await server.until(lambda: mallory.id not in room.join_requests)
        hall.doorkeeper.decision = Admitted(gate(hall))
        await hana.follows(admission.link)
        await server.until(lambda: is_inside(server, room, hana))
    assert server.world.standing(room, mallory.account).status is Status.LEFT
