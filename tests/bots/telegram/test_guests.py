"""People who come into a group of the town by another way than our own links."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from core import identity
from core.access import Admitted, Refused, Unknown
from core.database import transaction
from core.tables import AnnouncementRow, AuditRow, GuestRow
from core.testing import ShiftedClock
from tests.bots.telegram.conftest import Hall
from tests.telegram_server import Chat, TelegramServer, User


@pytest.fixture
def owner(server: TelegramServer) -> User:
    return server.user("町長", started=True)


@pytest.fixture
def room(server: TelegramServer, owner: User, hall: Hall) -> Chat:
    made = server.supergroup("住民の部屋", owner=owner)
    hall.opens(made)
    hall.clock = ShiftedClock()
    return made


def later(hall: Hall, minutes: int) -> None:
    assert isinstance(hall.clock, ShiftedClock)
    hall.clock.advance(timedelta(minutes=minutes))


def refused(hall: Hall) -> Refused:
    return Refused(hall.town.gates[0].name, held=0, needed=1)


def is_inside(server: TelegramServer, room: Chat, user: User) -> bool:
    return user.account in server.world.inside(room)


async def guests(hall: Hall) -> list[GuestRow]:
    async with hall.sessions() as session:
        return list(await session.scalars(select(GuestRow)))


async def test_a_stranger_is_told_how_to_join_and_leaves_when_the_time_is_over(
    server: TelegramServer, hall: Hall, room: Chat, owner: User
) -> None:
    link = await owner.makes_link(room)
    hana = server.user("花子", started=True)
    hall.doorkeeper.decision = refused(hall)
    async with hall.open() as adapter:
        await hana.follows(link)
        told = await hana.next_message()
        assert "花子さん、ようこそ。" in told.text
        assert "「デジタル住民票(見本)」1枚以上" in told.text
        assert "10分のあいだ" in told.text
        assert told.buttons[0][0].url == "https://t.me/kankei_test_bot?start=join"
        await adapter.retry_pending()
        assert is_inside(server, room, hana)
        later(hall, 11)
        await adapter.retry_pending()
        assert not is_inside(server, room, hana)
        assert await guests(hall) == []
        await hana.follows(link)  # taken out is not banned
    async with hall.sessions() as session:
        actions = list(await session.scalars(select(AuditRow.action)))
    assert "access.guest-out" in actions


async def test_who_cannot_be_written_to_is_told_in_the_group(
    server: TelegramServer, hall: Hall, room: Chat, owner: User
) -> None:
    hana = server.user("Hana", language="en")  # has never written to the bot
    hall.doorkeeper.decision = refused(hall)
    async with hall.open():
        await owner.adds(hana, room)
        told = await hana.next_message(chat=room)
    assert "Welcome, Hana." in told.text


async def test_who_becomes_a_resident_in_time_stays(
    server: TelegramServer, hall: Hall, room: Chat, owner: User
) -> None:
    hana = server.user("花子", started=True)
    hall.doorkeeper.decision = refused(hall)
    async with hall.open() as adapter:
        await owner.adds(hana, room)
        await hana.next_message()
        hall.doorkeeper.decision = Admitted(hall.town.gates[0].name)
        later(hall, 11)
        await adapter.retry_pending()
    assert is_inside(server, room, hana)
    assert await guests(hall) == []


async def test_a_room_may_say_at_once(
    server: TelegramServer, hall: Hall, room: Chat, owner: User
) -> None:
    first, *rest = hall.town.gates
    gates = (first.model_copy(update={"guest_minutes": 0}), *rest)
    hall.town = hall.town.model_copy(update={"gates": gates})
    hana = server.user("花子", started=True)
    hall.doorkeeper.decision = refused(hall)
    async with hall.open():
        await owner.adds(hana, room)
        assert "いったんご退出いただきます" in (await hana.next_message()).text
        await server.until(lambda: not is_inside(server, room, hana))


async def test_while_nobody_can_tell_a_guest_stays_and_is_told_later(
    server: TelegramServer, hall: Hall, room: Chat, owner: User
) -> None:
    hana = server.user("花子", started=True)
    hall.doorkeeper.decision = Unknown(hall.town.gates[0].name, "no node answers")
    async with hall.open() as adapter:
        await owner.adds(hana, room)
        await server.until(lambda: len(hall.doorkeeper.knocks) == 1)
        later(hall, 60)
        await adapter.retry_pending()
        assert is_inside(server, room, hana)
        assert hana.unread() == []
        hall.doorkeeper.decision = refused(hall)
        await adapter.retry_pending()
        assert "10分のあいだ" in (await hana.next_message()).text
        await adapter.retry_pending()
        assert is_inside(server, room, hana)
        later(hall, 11)
        await adapter.retry_pending()
    assert not is_inside(server, room, hana)


async def test_administrators_bots_and_the_protected_are_left_alone(
    server: TelegramServer, hall: Hall, room: Chat, owner: User
) -> None:
    hana, ken = server.user("花子", started=True), server.user("健", started=True)
    access = hall.town.access.model_copy(update={"protected": (f"telegram:{ken.id}",)})
    hall.town = hall.town.model_copy(update={"access": access})
    hall.doorkeeper.decision = refused(hall)
    async with hall.open() as adapter:
        await owner.promotes(hana, room)
        await owner.adds(ken, room)
        last = server.user("最後", started=True)
        await owner.adds(last, room)
        await last.next_message()
        later(hall, 60)
        await adapter.retry_pending()
    assert is_inside(server, room, hana)
    assert is_inside(server, room, ken)
    assert hana.unread() == ken.unread() == []


async def test_a_resident_taken_out_by_hand_is_told_how_to_come_back(
    server: TelegramServer, hall: Hall, room: Chat, owner: User
) -> None:
    hana = server.user("花子", started=True)
    async with transaction(hall.sessions) as session:
        await identity.account(session, "telegram", str(hana.id), locale="ja", now=hall.clock())
    hall.doorkeeper.decision = Admitted(hall.town.gates[0].name)
    async with hall.open():
        await owner.adds(hana, room)
        await owner.unbans(hana, room)  # out, but not banned
        await server.until(lambda: len(hall.doorkeeper.knocks) == 2)
    async with hall.sessions() as session:
        (notice,) = await session.scalars(select(AnnouncementRow))
    assert notice.texts["key"] == "given-back"


async def test_a_moderators_ban_and_a_leave_of_ones_own_stand(
    server: TelegramServer, hall: Hall, room: Chat, owner: User
) -> None:
    hana, ken = server.user("花子", started=True), server.user("健", started=True)
    hall.doorkeeper.decision = Admitted(hall.town.gates[0].name)
    async with hall.open():
        await owner.adds(hana, room)
        await owner.adds(ken, room)
        await owner.removes(hana, room)
        await ken.leaves(room)
        await server.until(lambda: len(hall.doorkeeper.knocks) == 2)
    async with hall.sessions() as session:
        assert list(await session.scalars(select(AnnouncementRow))) == []
