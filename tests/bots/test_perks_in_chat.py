"""Perks in a chat: what is left, a pass as a picture, the way to the page that renews itself."""

from dataclasses import replace

import pytest

from bots import texts
from bots.app import App
from bots.conversation import Incoming, Reply
from core.database import transaction
from core.identity import account, link_wallet
from core.perks import CHAT_LIFETIME, Reason
from core.testing import FakeHoldings

HANA = Incoming(platform="telegram", account="1", name="花子", language="ja")
ADDRESS = "0x" + "1" * 40
CHAIN = 131277322940537
PERK = "akiyoshido-entry"


async def say(app: App, who: Incoming = HANA, **what: object) -> Reply:
    reply = await app.conversation.handle(replace(who, **what))  # type: ignore[arg-type]
    assert reply is not None
    return reply


async def take_card(app: App, holdings: FakeHoldings) -> int:
    async with transaction(app.sessions) as session:
        mine = await account(session, "telegram", "1", locale="ja", now=app.clock())
        await link_wallet(session, mine.member_id, ADDRESS, CHAIN, now=app.clock())
    holdings.give_tokens(ADDRESS, "resident-card", {7: 1})
    return mine.member_id


def actions(reply: Reply) -> list[str]:
    return [button.action for row in reply.buttons for button in row if button.action]


def links(reply: Reply) -> list[str]:
    return [button.url for row in reply.buttons for button in row if button.url]


async def test_the_card_says_what_it_is_not_and_offers_what_can_be_used(
    app: App, holdings: FakeHoldings
) -> None:
    await take_card(app, holdings)
    reply = await say(app, command="card")
    assert reply.private
    assert "法律上の住民票ではありません" in reply.text
    assert "あと1回(秋芳洞)" in reply.text
    assert f"pass:{PERK}" in actions(reply)
    assert "/card/open/" in links(reply)[0]


async def test_a_stranger_s_card_offers_coupons_and_says_what_is_missing(app: App) -> None:
    reply = await say(app, command="card")
    assert actions(reply) == ["pass:museum-coupon"]
    assert "会員証が見つかりません" in reply.text


async def test_a_perk_s_button_sends_a_picture_that_a_window_takes_for_five_minutes(
    app: App, holdings: FakeHoldings
) -> None:
    member = await take_card(app, holdings)
    reply = await say(app, action=f"pass:{PERK}")
    assert reply.document is not None
    assert reply.document.is_picture
    assert reply.document.content.startswith(b"\x89PNG")
    assert reply.private
    assert f"pass:{PERK}" in actions(reply)  # to renew it
    until = app.clock() + CHAT_LIFETIME
    assert f"{(until.hour + 9) % 24}:{until.minute:02}まで" in reply.text
    made = await app.desks.make("akiyoshido", "窓口", by="staff")
    code = reply.text.rpartition(": ")[2]
    verdict = await app.perks.redeem(code, made.desk, request_id="1")
    assert verdict.reason is Reason.OK
    again = await say(app, action=f"pass:{PERK}")
    assert again.failed
    assert again.document is None
    assert "使い終わりました" in again.text
    assert "秋芳洞" in again.text
    assert member


async def test_the_button_of_a_perk_that_is_gone_shows_the_card(app: App) -> None:
    assert "デジタル住民票" in (await say(app, action="pass:no-such-perk")).text


async def test_on_the_web_the_card_s_button_leads_to_the_browser_s_own_page(app: App) -> None:
    reply = await say(app, replace(HANA, platform="web"), command="card")
    card = f"{app.settings.address}/card"
    assert links(reply) == [f"{card}/museum-coupon", card]


@pytest.mark.parametrize("language", texts.LANGUAGES)
async def test_perks_speak_every_language(app: App, holdings: FakeHoldings, language: str) -> None:
    await take_card(app, holdings)
    await say(app, action=f"lang:{language}")
    replies = (
        await say(app, command="card"),
        await say(app, command="perks"),
        await say(app, action=f"pass:{PERK}"),
    )
    for reply in replies:
        assert reply.language == language
        assert reply.text
        assert "{" not in reply.text + reply.footnote
