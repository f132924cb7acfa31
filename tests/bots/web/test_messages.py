"""What the outbox delivers on the web: once, whatever happens twice."""

import pytest

from bots.web.keeper import WebKeeper
from bots.web.messenger import WebMessenger
from core import board, identity
from core.announcements import Blocked, Delivered, Outgoing
from core.database import Sessions, transaction
from core.testing import SetClock
from core.town import TownPack

HELLO = Outgoing("山焼き", "2月に行います。", "美祢市", footnote="見本です。")


@pytest.fixture
def messenger(sessions: Sessions, clock: SetClock) -> WebMessenger:
    return WebMessenger(sessions, clock)


async def test_a_post_delivered_twice_stands_in_the_room_once(
    sessions: Sessions, messenger: WebMessenger
) -> None:
    first = await messenger.post("residents", HELLO, delivery=7)
    assert isinstance(first, Delivered)
    assert await messenger.post("residents", HELLO, delivery=7) == first
    async with transaction(sessions) as session:
        (post,) = await board.posts(session, "residents")
        assert (post.official, post.author, post.heading) == (True, "美祢市", "山焼き")
        assert await board.posts(session, board.BOARD) == []


async def test_a_message_delivered_twice_is_read_once(
    sessions: Sessions, messenger: WebMessenger, clock: SetClock
) -> None:
    async with transaction(sessions) as session:
        reader = await identity.account(session, "web", "hana", locale="ja", now=clock())
    assert isinstance(await messenger.send_direct("hana", HELLO, delivery=3), Delivered)
    assert isinstance(await messenger.send_direct("hana", HELLO, delivery=3), Delivered)
    async with transaction(sessions) as session:
        (message,) = await board.messages(session, reader.id)
    assert message.body == "2月に行います。\n\n見本です。"


async def test_a_message_to_somebody_who_left_is_blocked(messenger: WebMessenger) -> None:
    assert isinstance(await messenger.send_direct("nobody", HELLO, delivery=1), Blocked)


async def test_a_room_on_the_web_is_a_place_named_like_its_gate(town: TownPack) -> None:
    keeper = WebKeeper("https://town.example")
    gate = town.gates[0]
    assert keeper.place(gate) == gate.name
    assert keeper.place(gate.model_copy(update={"web_room": False})) is None
    admission = await keeper.admit(gate.name, "hana")
    assert admission.link == f"https://town.example/rooms/{gate.name}"
