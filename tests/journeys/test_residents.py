"""Whole stories of residents, through the real adapters."""

import asyncio
from datetime import timedelta
from typing import Any

import simcord

from bots import texts
from tests.journeys.conftest import City, Holder, until

HANA = Holder("0x" + "7" * 64)
GRACE = timedelta(days=7)


def button(message: Any, label: str) -> Any:
    return next(each for row in message.buttons for each in row if each.label == label)


async def ask(person: Any, words: str, *, buttons: bool = False) -> Any:
    """Write, and read the answer; notices that arrive in between are put aside."""
    while person.unread():
        await person.next_message()
    await person.sends(words)
    while buttons:
        message = await person.next_message(timeout=10)
        if message.buttons:
            return message
    return await person.next_message(timeout=10)


def link_to_verify(message: Any) -> str:
    links = [each.url for row in message.buttons for each in row if each.url]
    return str(next(each for each in links if "/verify/" in each))


async def join_from_telegram(city: City, person: Any, holder: Holder) -> str:
    """Ask for the link, sign on the page, and hear what the page says."""
    message = await ask(person, "/join", buttons=True)
    return await city.sign_in(link_to_verify(message), holder)


async def enter_telegram_room(city: City, person: Any) -> None:
    message = await ask(person, "/rooms", buttons=True)
    link = next(
        each.url for row in message.buttons for each in row if each.url and "t.me" in each.url
    )
    await person.follows(link)
    await until(lambda: city.in_telegram_room(person))


async def test_a_tourist_becomes_a_resident_sells_the_card_and_comes_back(city: City) -> None:
    # A tourist asks in Telegram …
    hana = city.telegram.user("花子", language="ja")
    answer = await ask(hana, "秋芳洞の入洞料はいくらですか?")
    assert "1,600円" in answer.text

    # … joins on the web with a signature …
    city.evm.mint(HANA.address)
    page = await join_from_telegram(city, hana, HANA)
    assert "デジタル住民の広場" in page

    # … enters the Telegram room by a request that the bot approves …
    await enter_telegram_room(city, hana)

    # … and the Discord room with the same card, once Telegram says «that is me».
    fan: simcord.MemberActor = city.guild.add_member(city.discord.create_user("hana"))
    result = await fan.slash(city.plaza, "join")
    assert result.ephemeral
    link = next(
        each["url"]
        for row in components(result)
        for each in row["components"]
        if "/verify/" in each.get("url", "")
    )
    consent = await city.sign_in(link, HANA)
    assert "Telegram" in consent
    while True:
        notice = await hana.next_message(timeout=10)
        if texts.say("chat.notice.merge.heading", "ja") in notice.text:
            break
    await hana.presses(texts.say("chat.notice.merge.yes", "ja"), notice)
    await until(lambda: city.has_role(fan))

    # She sells the card, is warned on both platforms, and stays for the grace period …
    await city.sell(HANA)
    await city.look()
    assert (await city.notices()).count("leaving") == 3  # Telegram, Discord and the web
    assert city.in_telegram_room(hana)
    assert city.has_role(fan)

    # … then is out, politely …
    city.clock.advance(GRACE)
    await city.look()
    assert not city.in_telegram_room(hana)
    assert not city.has_role(fan)
    assert (await city.notices()).count("left") == 3

    # … and comes back with a new card.
    city.evm.mint(HANA.address)
    await city.look()
    assert city.has_role(fan)
    await enter_telegram_room(city, hana)


def components(result: simcord.InteractionResult) -> list[dict[str, Any]]:
    assert result.response is not None
    return list(result.response.components)


async def test_the_node_dies_in_between_and_nobody_is_removed(city: City) -> None:
    hana = city.telegram.user("花子", language="ja")
    city.evm.mint(HANA.address)
    await join_from_telegram(city, hana, HANA)
    await enter_telegram_room(city, hana)
    await city.sell(HANA)
    await city.look()

    city.rpc.status = 503
    city.clock.advance(GRACE * 3)
    for _ in range(3):
        await city.look()
    assert city.in_telegram_room(hana)
    assert await city.notices() == ["linked", "leaving", "leaving"]
    assert city.app.problems() == [texts.say("chat.happening.unreachable", "ja")]

    city.rpc.status = 200
    async with asyncio.timeout(20):
        while city.in_telegram_room(hana):  # an endpoint rests for a moment after it failed
            await city.look()
    assert city.app.problems() == []


async def test_a_stranger_who_asks_at_the_door_is_shown_the_way_and_not_let_in(city: City) -> None:
    taro = city.telegram.user("太郎", language="ja")
    await taro.requests_to_join(city.room)
    message = await taro.next_message(timeout=10)
    assert message.text
    assert not city.in_telegram_room(taro)


async def test_two_people_with_one_card_are_one_resident(city: City) -> None:
    hana = city.telegram.user("花子", language="ja")
    taro = city.telegram.user("太郎", language="ja")
    city.evm.mint(HANA.address)
    await join_from_telegram(city, hana, HANA)
    message = await ask(taro, "/join", buttons=True)
    page = await city.sign_in(link_to_verify(message), HANA)
    assert texts.say("web.fault.wallet-taken.text", "ja") in page
    message = await ask(taro, "/rooms", buttons=True)
    assert "△" in message.text


async def test_who_deletes_their_records_is_out_of_every_room(city: City) -> None:
    hana = city.telegram.user("花子", language="ja")
    city.evm.mint(HANA.address)
    await join_from_telegram(city, hana, HANA)
    await enter_telegram_room(city, hana)
    message = await ask(hana, "/mydata", buttons=True)
    await hana.presses(texts.say("chat.mydata.delete", "ja"), message)
    sure = await hana.next_message(timeout=10)
    await hana.presses(texts.say("chat.mydata.yes", "ja"), sure)
    while texts.say("chat.mydata.deleted", "ja") not in (await hana.next_message(timeout=10)).text:
        continue
    assert not city.in_telegram_room(hana)
    assert await city.grants() == set()
