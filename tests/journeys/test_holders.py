"""Whole stories of holders: sold cards, codes instead of cards, and perks at the window."""

import asyncio
import re
from datetime import timedelta
from typing import Any

from bots import following, texts
from core import identity
from core.database import transaction
from core.perks import Desk, Reason, Verdict
from tests.journeys.conftest import City, Holder, until
from tests.journeys.test_residents import (
    GRACE,
    ask,
    button,
    enter_telegram_room,
    join_from_telegram,
)

HANA = Holder("0x" + "5" * 64)
TARO = Holder("0x" + "6" * 64)


async def window(city: City, facility: str = "akiyoshido") -> Desk:
    """A ticket window that came in by its link and PIN."""
    made = await city.app.desks.make(facility, "1番窓口", by="staff:hanako")
    opened = await city.app.desks.open(made.token, made.pin)
    assert isinstance(opened, Desk)
    return opened


async def show_pass(person: Any, perk: str) -> str:
    """Ask for the card, press the perk, and read the code under the picture."""
    card = await ask(person, "/card", buttons=True)
    label = next(each.label for row in card.buttons for each in row if each.label.startswith(perk))
    await person.presses(label, card)
    while True:
        shown = await person.next_message(timeout=10)
        if (found := re.search(r"\b(\d{4}) (\d{4})\b", shown.text)) is not None:
            return found[1] + found[2]


async def take(city: City, code: str, desk: Desk, request: str) -> Verdict:
    return await city.app.perks.redeem(code, desk, request_id=request)


async def test_a_sold_card_warns_within_one_poll_and_then_closes_the_room(city: City) -> None:
    hana = city.telegram.user("花子", language="ja")
    city.evm.mint(HANA.address)
    await join_from_telegram(city, hana, HANA)
    await enter_telegram_room(city, hana)
    await following.follow(city.app)
    assert ("telegram", "open") in await city.grants()

    await city.sell(HANA)
    await following.follow(city.app)  # no sweep: the transfer itself says who is concerned
    assert ("telegram", "leaving") in await city.grants()
    assert city.in_telegram_room(hana)

    city.clock.advance(GRACE)
    await city.look()
    await until(lambda: not city.in_telegram_room(hana))
    assert "left" in await city.notices()


async def test_an_hour_without_the_chain_takes_nobody_out_and_is_caught_up(city: City) -> None:
    hana = city.telegram.user("花子", language="ja")
    city.evm.mint(HANA.address)
    await join_from_telegram(city, hana, HANA)
    await enter_telegram_room(city, hana)
    await following.follow(city.app)

    city.rpc.status = 503
    await city.sell(HANA)
    for _ in range(4):
        city.clock.advance(GRACE)  # far more than the grace period
        await following.follow(city.app)
        await city.look()
    assert city.in_telegram_room(hana)
    assert ("telegram", "open") in await city.grants()

    city.rpc.status = 200
    async with asyncio.timeout(30):
        while ("telegram", "leaving") not in await city.grants():
            await following.follow(city.app)  # an endpoint that failed rests for a moment


async def test_who_bought_by_credit_card_belongs_by_a_code_and_later_by_a_card(city: City) -> None:
    async with transaction(city.app.sessions) as session:
        _, made = await city.app.proving.codes.make(
            session,
            city.app.town.proofs[0].name,
            count=2,
            expires_at=city.clock() + timedelta(days=30),
            label="窓口",
            by="staff:hanako",
            now=city.clock(),
        )
    first, second = (each.code for each in made)
    hana = city.telegram.user("花子", language="ja")
    answer = await ask(hana, f"/code {first}")
    assert "デジタル住民の広場" in answer.text
    taro = city.telegram.user("太郎", language="ja")
    refused = await ask(taro, f"/code {first}")
    assert "デジタル住民の広場" not in refused.text

    # Later she gets a card too: still one person, in the rooms once.
    city.evm.mint(HANA.address)
    await join_from_telegram(city, hana, HANA)
    assert (await ask(taro, f"/code {second}")).text
    async with city.app.sessions() as session:
        counted = await identity.member_count(session)
    assert counted["members"] == 2


async def test_a_card_sold_between_two_uses_brings_the_buyer_only_what_is_left(city: City) -> None:
    await following.follow(city.app)  # the index has begun: it knows cards by their numbers
    desk = await window(city)
    hana, taro = (city.telegram.user(name, language="ja") for name in ("花子", "太郎"))
    city.evm.mint(HANA.address)
    await join_from_telegram(city, hana, HANA)
    code = await show_pass(hana, "秋芳洞")
    verdict = await take(city, code, desk, "a")
    assert (verdict.ok, verdict.left, verdict.value_yen) == (True, 0, 1600)
    again = await take(city, code, desk, "b")
    assert (again.ok, again.reason) == (False, Reason.PASS_USED)

    # The buyer looks first: the public page of the card says what is left, and not whose it is.
    await following.follow(city.app)  # the index has read that the card was issued
    (token,) = await city.evm.call(city.evm.tokens_of, HANA.address)
    async with city.browser.get(f"{city.url}/tokens/resident-card/{token}") as page:
        shown = await page.text()
    assert page.status == 200
    assert HANA.address.lower() not in shown.lower()

    kept = await show_pass(hana, "美祢市化石館の入館")
    await city.evm.call(city.evm.transfer, HANA.key, TARO.address, token)
    gone = await take(city, kept, await window(city, "fossil-museum"), "c")
    assert (gone.ok, gone.reason) == (False, Reason.NOT_ENTITLED)

    await join_from_telegram(city, taro, TARO)
    card = await ask(taro, "/card", buttons=True)
    labels = [each.label for row in card.buttons for each in row]
    assert not any(label.startswith("秋芳洞") for label in labels)
    assert any(label.startswith("美祢市化石館の入館") for label in labels)


async def test_whoever_leaves_the_town_leaves_their_uses_to_the_settlement(city: City) -> None:
    await following.follow(city.app)  # the index has begun: it knows cards by their numbers
    desk = await window(city)
    hana = city.telegram.user("花子", language="ja")
    city.evm.mint(HANA.address)
    await join_from_telegram(city, hana, HANA)
    assert (await take(city, await show_pass(hana, "秋芳洞"), desk, "a")).ok
    message = await ask(hana, "/mydata", buttons=True)
    await hana.presses(texts.say("chat.mydata.delete", "ja"), message)
    sure = await hana.next_message(timeout=10)
    assert button(sure, texts.say("chat.mydata.yes", "ja"))
    await hana.presses(texts.say("chat.mydata.yes", "ja"), sure)
    deleted = await hana.next_message(timeout=10)
    assert texts.say("chat.mydata.deleted", "ja")[:12] in deleted.text
    (row,) = await city.app.perks.redemptions(facility="akiyoshido")
    settled = await city.app.perks.settlement(city.clock().date(), "akiyoshido")
    assert (settled.count, settled.total_yen) == (1, 1600)
    assert row.value_yen == 1600
