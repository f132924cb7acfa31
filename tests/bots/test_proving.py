"""Joining in chat by other ways than a card, and taking things off again."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path

import pytest
from eth_account import Account as Keys

from bots.app import App, running
from bots.conversation import ChatKind, Incoming, Reply
from core import identity
from core.credentials.spelling import written
from core.database import transaction
from core.settings import Settings
from core.testing import FakeHoldings, SetClock
from core.town import TownPack
from knowledge.answer import Guide
from knowledge.language import Language
from knowledge.voice.port import Heard
from tests.conftest import ROOT
from tests.core.credentials.stage import town_with
from tests.world.records import begin


@pytest.fixture
async def app(
    tmp_path: Path, clock: SetClock, holdings: FakeHoldings, mine_guide: Guide
) -> AsyncIterator[App]:
    town = town_with("invitation", "buyer", "person")
    async with town_app(town, tmp_path, clock, holdings, mine_guide) as app:
        yield app


def town_app(
    town: TownPack, folder: Path, clock: SetClock, holdings: FakeHoldings, guide: Guide
) -> AbstractAsyncContextManager[App]:
    begin(folder / "kankei.sqlite3")
    settings = Settings(town=ROOT / "towns" / "mine", data_dir=folder, port=8080, _env_file=None)
    return running(settings, clock=clock, holdings=holdings, guide=guide, town=town)


async def say(app: App, text: str = "", who: str = "1", **more: str) -> Reply:
    reply = await app.conversation.handle(
        Incoming("telegram", who, "花", text, language="ja", **more)  # type: ignore[arg-type]
    )
    assert reply is not None
    return reply


async def codes(app: App, count: int = 1) -> list[str]:
    async with transaction(app.sessions) as session:
        _, made = await app.proving.codes.make(
            session,
            "invitation",
            count=count,
            expires_at=app.clock() + timedelta(days=30),
            label="試験",
            by="staff:hana",
            now=app.clock(),
        )
    return [written(each.code) for each in made]


async def test_joining_offers_every_way_of_the_town_in_plain_words(app: App) -> None:
    reply = await say(app, command="join")
    for words in ("会員証(NFT)", "引換コード", "購入・寄附の記録", "デジタル認証アプリ"):
        assert words in reply.text
    assert "法律上の住民票ではありません" in reply.text
    urls = [button.url for row in reply.buttons for button in row if button.url]
    assert {url.split("/")[3] for url in urls} == {"verify", "prove"}
    assert reply.private


async def test_the_page_of_a_link_knows_whose_it_is_and_the_records_do_not(app: App) -> None:
    reply = await say(app, command="join")
    urls = [button.url for row in reply.buttons for button in row if button.url]
    (token,) = {url.rsplit("/", 1)[1] for url in urls if "/verify/" in url}
    assert app.enrolment.name_of(token) == "花"
    async with transaction(app.sessions) as session:
        assert "花" not in str(await identity.export(session, 1))


async def test_a_code_sent_as_it_is_makes_a_member_and_says_what_opened(app: App) -> None:
    (code,) = await codes(app)
    reply = await say(app, code.lower().replace("-", " "))
    assert "「招待」を確認しました" in reply.text
    assert "まで有効です" in reply.text
    assert "デジタル住民の広場" in reply.text
    async with transaction(app.sessions) as session:
        account = await identity.find_account(session, "telegram", "1")
        assert account is not None
        assert await identity.has_proof(session, account.member_id)
    assert "すでに使われています" in (await say(app, code, who="2")).text
    assert "すでに確認が済んでいます" in (await say(app, command="code", text=code)).text


async def test_a_code_sent_in_place_of_a_misheard_question_is_redeemed(app: App) -> None:
    (code,) = await codes(app)
    heard = Heard("秋芳堂のクリームは", Language.JA, 0.9, 2.0)
    spoken = Incoming("telegram", "1", "花", language="ja", heard=heard)
    wrong = await app.conversation.handle(spoken)
    assert wrong is not None
    actions = [each.action or "" for row in wrong.buttons for each in row]
    await say(app, action=next(each for each in actions if each.startswith("heard:no:")))
    assert "「招待」を確認しました" in (await say(app, code)).text


async def test_a_slip_is_told_and_a_sentence_is_a_question(app: App) -> None:
    assert "まちがいがある" in (await say(app, "ABCD-2345-EFGH-6789")).text
    assert "引換コードを、このまま" in (await say(app, command="code")).text
    assert "コードの文字" not in (await say(app, "秋芳洞は何時まで入れますか")).text


async def test_a_code_is_not_taken_from_what_is_said_in_a_group(app: App) -> None:
    (code,) = await codes(app)
    incoming = Incoming("telegram", "1", "花", code, language="ja", chat=ChatKind.GROUP)
    reply = await app.conversation.handle(incoming)
    assert reply is not None
    assert "確認しました" not in reply.text
    assert "「招待」を確認しました" in (await say(app, code)).text


async def test_guessing_ends_after_a_while(app: App) -> None:
    replies = [(await say(app, "ABCD-2345-EFGH-6789")).text for _ in range(12)]
    assert "まちがいがある" in replies[0]
    assert "続けて何度も" in replies[-1]


async def test_a_town_with_codes_alone_does_not_speak_of_cards(
    tmp_path: Path, clock: SetClock, holdings: FakeHoldings, mine_guide: Guide
) -> None:
    bare = town_with("invitation").model_copy(
        update={"collections": (), "chains": (), "gates": (), "perks": ()}
    )
    async with town_app(bare, tmp_path, clock, holdings, mine_guide) as app:
        reply = await say(app, command="join")
        assert "引換コード" in reply.text
        assert "NFT" not in reply.text
        assert "カード" not in reply.text
        assert not [button for row in reply.buttons for button in row if button.url]


async def test_what_is_linked_is_listed_and_taken_off_after_a_second_yes(app: App) -> None:
    (code,) = await codes(app)
    await say(app, code)
    key = Keys.create()
    async with transaction(app.sessions) as session:
        account = await identity.find_account(session, "telegram", "1")
        assert account is not None
        await identity.link_wallet(session, account.member_id, key.address, 137, now=app.clock())
    listed = await say(app, action="links")
    assert key.address not in listed.text
    assert f"{key.address[:4]}…{key.address[-2:]}" in listed.text
    actions = [str(row[0].action) for row in listed.buttons]
    assert actions.pop() == "vault"
    assert len(actions) == 2
    assert all(len(each.encode()) <= 60 for each in actions)
    for action in actions:
        asked = await say(app, action=action)
        assert "よろしいですか" in asked.text
        done = await say(app, action=f"{action}:yes")
        assert "を外しました" in done.text
        assert "もうつながっていません" in (await say(app, action=f"{action}:yes")).text
    assert "まだありません" in (await say(app, action="links")).text


async def test_nobody_takes_off_what_is_not_theirs(app: App) -> None:
    (code,) = await codes(app)
    await say(app, code)
    action = str((await say(app, action="links")).buttons[0][0].action)
    assert "もうつながっていません" in (await say(app, who="2", action=f"{action}:yes")).text
    for odd in ("unlink:", "unlink:c:x:yes", "unlink:w:0x:yes", "unlink:c:999999999999999999:yes"):
        assert "もうつながっていません" in (await say(app, action=odd)).text
    assert (await say(app, action="links")).buttons
