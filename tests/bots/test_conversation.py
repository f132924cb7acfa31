"""The conversation, without a platform: what is asked and what is said back."""

import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from sqlalchemy import text

from bots import texts
from bots.app import App
from bots.conversation import ChatKind, Incoming, Reply
from core.database import transaction
from core.errors import ChainUnavailable
from core.testing import FakeHoldings, FakeKeeper, FakeMessenger, SetClock

HANA = Incoming(platform="telegram", account="1", name="花子", language="ja")
STAFF = Incoming(platform="telegram", account="900", name="職員", language="ja")
KEY = "0x" + "7" * 64
ADDRESS = str(Account.from_key(KEY).address)
CHAIN = 131277322940537


async def say(app: App, who: Incoming = HANA, **what: object) -> Reply:
    reply = await app.conversation.handle(replace(who, **what))  # type: ignore[arg-type]
    assert reply is not None
    return reply


async def prove(app: App, who: Incoming = HANA) -> None:
    """Follow the link of /join and sign."""
    reply = await say(app, who, command="join")
    token = str(reply.buttons[0][0].url).rpartition("/")[2]
    challenge = await app.enrolment.challenge(token, ADDRESS, CHAIN)
    signed = Account.from_key(KEY).sign_message(encode_defunct(text=challenge.message))
    await app.enrolment.prove(token, challenge.message, bytes(signed.signature))


def actions(reply: Reply) -> list[str]:
    return [button.action for row in reply.buttons for button in row if button.action]


async def test_the_first_greeting_says_that_the_town_is_a_sample_and_where_the_truth_is(
    app: App,
) -> None:
    reply = await say(app, command="start")
    assert "ミネドン" in reply.text
    assert "見本" in reply.footnote
    assert "https://www2.city.mine.lg.jp/" in reply.footnote
    assert {"join", "rooms", "language"} <= set(actions(reply))


@pytest.mark.parametrize("language", texts.LANGUAGES)
async def test_every_command_answers_in_every_language(app: App, language: str) -> None:
    who = replace(HANA, account=language)
    await say(app, who, action=f"lang:{language}")
    for command in ("start", "help", "join", "rooms", "ask", "language", "mydata"):
        reply = await say(app, who, command=command)
        assert reply.text
        assert reply.language == language
        assert "{" not in reply.text + reply.footnote


async def test_a_question_is_answered_with_the_figure_its_source_and_its_date(app: App) -> None:
    reply = await say(app, text="秋芳洞の入洞料はいくらですか?")
    assert "1,600円" in reply.text
    assert reply.sources
    assert "2026年2月時点" in reply.sources[0].note


async def test_a_follow_up_keeps_its_subject(app: App) -> None:
    await say(app, text="秋芳洞の入洞料はいくらですか?")
    reply = await say(app, text="それは何時まで?")
    assert "17:30" in reply.text


async def test_what_the_documents_do_not_know_is_said_with_a_desk_to_ask(app: App) -> None:
    reply = await say(app, text="秋芳洞の照明を設計した会社の資本金は?")
    assert "見つかりませんでした" in reply.text
    assert "0837-62-0115" in reply.text


async def test_an_emergency_comes_before_everything(app: App) -> None:
    reply = await say(app, text="助けて!友だちが倒れた")
    assert (
        reply.text.startswith("火事・救急は、今すぐ 119番") or "119番" in reply.text.split("\n")[0]
    )


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("   \n\t", id="blank"),
        pytest.param("🦇🦇🦇", id="emoji only"),
        pytest.param("\u200b\u200d\ufeff", id="zero-width"),
        pytest.param("\u202eمرحبا", id="right-to-left"),
        pytest.param("\x00\x01\x02\xff", id="binary"),
        pytest.param("あ" * 1_000_000, id="a megabyte"),
        pytest.param("{text} {0} %s <b>&amp;", id="format characters"),
        pytest.param("'; DROP TABLE member; --", id="SQL"),
        pytest.param("\ud800", id="half a surrogate pair"),
    ],
)
async def test_no_text_leaves_a_person_without_an_answer(app: App, text: str) -> None:
    reply = await say(app, text=text)
    assert reply.text
    assert reply.text != texts.say("errors.unexpected", "ja")
    assert len(reply.text) < 5_000


async def test_the_same_update_delivered_twice_is_answered_once(app: App) -> None:
    first = replace(HANA, command="start", update="77")
    assert await app.conversation.handle(first) is not None
    assert await app.conversation.handle(first) is None


async def test_an_update_at_which_the_process_died_is_answered_when_it_comes_again(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Died(BaseException):
        """The process ended here."""

    async def die(*_: object) -> None:
        raise Died

    first = replace(HANA, command="start", update="78")
    with monkeypatch.context() as patched:
        patched.setattr(app.conversation, "_dispatch", die)
        with pytest.raises(Died):
            await app.conversation.handle(first)
    assert await app.conversation.handle(first) is not None
    assert await app.conversation.handle(first) is None


async def test_too_many_messages_in_a_minute_are_told_to_wait(app: App) -> None:
    replies = [await say(app, command="help") for _ in range(25)]
    assert replies[-1].text == texts.say("errors.too-many", "ja")
    other = await say(app, replace(HANA, account="2"), command="help")
    assert other.text != texts.say("errors.too-many", "ja")


async def test_joining_says_what_the_card_is_not_and_what_we_never_ask(app: App) -> None:
    reply = await say(app, command="join")
    assert "法律上の住民票ではありません" in reply.text
    assert "決してありません" in reply.text
    assert reply.private
    assert re.fullmatch(r"http://127\.0\.0\.1:8080/verify/[\w-]{32}", reply.buttons[0][0].url or "")


def test_no_word_of_the_trade_comes_before_the_step_that_needs_it() -> None:
    for language in texts.LANGUAGES:
        words = texts.catalogue(language)
        text = "\n".join(
            value for key, value in words.items() if key.startswith(("chat.", "errors."))
        )
        assert not re.search(
            r"wallet|ウォレット|NFT|\bgas\b|mint|ミント|지갑|錢包|钱包", text, re.IGNORECASE
        )


async def test_a_card_opens_the_room_and_the_reply_leads_in(
    app: App, holdings: FakeHoldings
) -> None:
    app.keepers["telegram"] = FakeKeeper()
    await prove(app)
    holdings.give(ADDRESS, 1)
    reply = await say(app, command="rooms")
    assert "◯ デジタル住民の広場" in reply.text
    assert reply.buttons[0][0].url == "https://door.example/1"


async def test_a_room_that_is_closed_says_what_is_missing(app: App) -> None:
    app.keepers["telegram"] = FakeKeeper()
    reply = await say(app, command="rooms")
    assert "「デジタル住民票(見本)」1枚以上(いま0枚)" in reply.text
    assert "join" in actions(reply)


async def test_who_sold_the_card_reads_until_when_the_room_stays_open(
    app: App, holdings: FakeHoldings
) -> None:
    app.keepers["telegram"] = FakeKeeper()
    await prove(app)
    holdings.give(ADDRESS, 1)
    await say(app, command="rooms")
    holdings.give(ADDRESS, 0)
    reply = await say(app, command="rooms")
    assert "2026年11月28日までは今のまま" in reply.text


async def test_an_outage_is_called_one(app: App, holdings: FakeHoldings) -> None:
    app.keepers["telegram"] = FakeKeeper()
    await prove(app)
    holdings.outage = {"latest", "finalized"}
    reply = await say(app, command="rooms")
    assert "いま確認がとれません" in reply.text


async def test_mydata_hands_over_everything_and_deletes_after_a_second_yes(app: App) -> None:
    keeper = app.keepers["telegram"] = FakeKeeper()
    await prove(app)
    export = await say(app, action="mydata:export")
    assert export.document is not None
    kept = json.loads(export.document.content)
    assert kept["wallets"][0]["address"] == ADDRESS

    assert "元には戻せません" in (await say(app, action="mydata:delete")).text
    await say(app, action="mydata:delete:yes")
    assert keeper.inside.get("place-of-residents", set()) == set()
    async with app.sessions() as session:
        assert (await session.execute(text("select count(*) from wallet"))).scalar_one() == 0


async def test_who_has_left_is_written_to_no_more_and_named_in_no_result(
    app: App, clock: SetClock
) -> None:
    await say(app, action="messages:on")
    await say(app, STAFF, command="announce", text="見出し\n本文")
    for step in ("to:1:topic:-", "confirm:1:now", "send:1:now:1"):
        await say(app, STAFF, action=f"announce:{step}")
    await say(app, action="mydata:delete:yes")
    messenger = FakeMessenger("telegram")
    app.add_platform(FakeKeeper(), messenger, rate=1000)
    clock.advance(timedelta(minutes=1))
    await app.pumps["telegram"].tick()
    assert messenger.arrived == []
    async with app.sessions() as session:
        rows = (await session.execute(text("select recipient from delivery"))).all()
        states = (await session.execute(text("select state from announcement"))).scalars().all()
    assert rows == []
    assert states == ["done"]


async def test_thanks_are_answered_with_the_mascots_farewell(app: App) -> None:
    await say(app, text="秋芳洞の入洞料はいくらですか?")
    assert "ミネドン" in (await say(app, text="こんにちは")).text
    assert (await say(app, text="ありがとう")).text == app.town.persona.closing.get("ja")


async def test_the_second_account_joins_the_first_when_it_says_yes(
    app: App, holdings: FakeHoldings
) -> None:
    app.keepers["telegram"], discord = FakeKeeper(), FakeKeeper("discord")
    app.keepers["discord"] = discord
    holdings.give(ADDRESS, 1)
    await prove(app)
    await prove(app, replace(HANA, platform="discord", account="9"))
    messenger = FakeMessenger("telegram")
    app.add_platform(app.keepers["telegram"], messenger, rate=1000)
    await app.pumps["telegram"].tick()
    (notice,) = [each for _, each in messenger.arrived if each.action]
    assert {target for target, _ in messenger.arrived} == {"1"}
    assert "Discord の方が" in notice.body
    reply = await say(app, action=notice.action[0][1])
    assert reply.text == texts.say("chat.merge.done", "ja")
    assert discord.inside["place-of-residents"] == {"9"}


async def test_only_staff_announce(app: App) -> None:
    reply = await say(app, command="announce", text="見出し\n本文")
    assert reply.text == texts.say("errors.not-allowed", "ja")
    reply = await say(app, action="announce:send:1:room:residents")
    assert reply.text == texts.say("errors.not-allowed", "ja")


async def test_staff_write_look_confirm_and_follow(app: App) -> None:
    asked = await say(app, STAFF, command="announce", text="山焼きのお知らせ\n2月に行います。")
    assert asked.quotes == ("山焼きのお知らせ\n2月に行います。",)
    shown = await say(app, STAFF, action="announce:to:1:room:-")
    assert "ウェブ 1通" in shown.text
    sent = await say(app, STAFF, action="announce:send:1:now:1")
    assert "全1件" in sent.text
    await app.pumps["web"].tick()
    done = await say(app, STAFF, action=actions(sent)[0])
    assert "届いた 1" in done.text
    async with app.sessions() as session:
        posts = (await session.execute(text("select heading from room_post"))).scalars().all()
    assert posts == ["山焼きのお知らせ"]


@pytest.mark.parametrize("action", ["", ":", "nothing", "lang:xx", "ask:99", "announce:show:x:y:z"])
async def test_an_old_or_forged_button_is_told_so(app: App, action: str) -> None:
    reply = await say(app, STAFF, action=action)
    assert reply.text == texts.say("errors.old-button", "ja")


async def test_an_answer_in_a_group_does_not_show_what_is_personal(app: App) -> None:
    for command in ("join", "rooms", "mydata"):
        assert (await say(app, command=command, chat=ChatKind.GROUP)).private


async def test_an_outage_of_the_ledger_has_its_own_words(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise ChainUnavailable("nobody answers")

    monkeypatch.setattr(app.doorkeeper, "recheck", away)
    assert (await say(app, command="rooms")).text == texts.say("errors.chain-unavailable", "ja")


async def test_a_locked_database_is_told_kindly_and_nothing_is_lost(app: App) -> None:
    async with app.engine.connect() as holder:
        await holder.execute(text("select 1"))  # takes the writer's place
        async with app.engine.connect() as other:
            await other.rollback()
        engine_timeout = texts.say("errors.records-unavailable", "ja")
        reply = await say(app, command="rooms")
        assert reply.text == engine_timeout
        await holder.rollback()
    assert (await say(app, command="rooms")).text != engine_timeout


async def test_a_subject_is_forgotten_after_half_an_hour(app: App, clock: SetClock) -> None:
    await say(app, text="景清洞の入洞料はいくらですか?")
    assert "景清洞" in (await say(app, text="それは何時まで?")).text
    clock.advance(timedelta(minutes=31))
    assert "景清洞" not in (await say(app, text="それは何時まで?")).text


async def test_what_happens_is_told_without_names_addresses_or_words(app: App) -> None:
    heard: list[str] = []
    app.happenings.listen(heard.append)
    await say(app, text="秋芳洞の入洞料はいくらですか?")
    await prove(app)
    assert len(heard) == 2
    assert not any("花子" in line or ADDRESS in line or "入洞料" in line for line in heard)


async def test_forgetting_old_updates_keeps_the_inbox_small(app: App, clock: SetClock) -> None:
    from bots.jobs import tidy

    await app.conversation.handle(replace(HANA, command="start", update="1"))
    clock.advance(timedelta(days=3))
    await tidy(app)
    async with transaction(app.sessions) as session:
        assert (await session.execute(text("select count(*) from inbox"))).scalar_one() == 0


async def test_other_sights_are_offered_in_the_reader_s_language_and_answer_the_same_question(
    app: App,
) -> None:
    visitor = replace(HANA, account="77", language="en")
    reply = await say(app, visitor, text="How much is admission?")
    offered = {
        button.label: button.action
        for row in reply.buttons
        for button in row
        if button.action and button.action.startswith("about:")
    }
    assert not any("秋芳洞" in label for label in offered)  # that one was just answered
    (taisho,) = [action for label, action in offered.items() if label == "Taishodo Cave (大正洞)"]
    assert "1,300 yen" in (await say(app, visitor, action=taisho)).text
    assert (await say(app, visitor, action="about:99")).text == texts.say("errors.old-button", "en")
