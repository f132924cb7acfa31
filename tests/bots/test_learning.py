"""A question that the guides leave open, from the person who asked to the town's own answer."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from bots import jobs, texts
from bots.app import App
from bots.conversation import Incoming, Reply
from core import audit, identity, questions
from core.database import transaction
from core.errors import RecordsUnavailable
from core.questions import Filter
from core.testing import FakeKeeper, FakeMessenger, SetClock

HANA = Incoming(platform="telegram", account="1", name="花子", language="ja")
TARO = replace(HANA, account="2", name="太郎")
STAFF = Incoming(platform="telegram", account="900", name="職員", language="ja")
OTHER = Incoming(platform="web", account="b", name="", language="ja", staff="jiro")
OPEN = "秋芳洞にコインロッカーはありますか?"
ANSWER = "はい。正面入口の案内所に、コインロッカーが12台あります。"


async def say(app: App, who: Incoming = HANA, **what: object) -> Reply:
    reply = await app.conversation.handle(replace(who, **what))  # type: ignore[arg-type]
    assert reply is not None
    return reply


def actions(reply: Reply) -> list[str]:
    return [button.action for row in reply.buttons for button in row if button.action]


async def press(app: App, reply: Reply, kind: str, who: Incoming = HANA) -> Reply:
    """Press the first button whose action begins so."""
    action = next(each for each in actions(reply) if each.startswith(kind) or kind in each)
    assert len(action.encode()) <= 64
    return await say(app, who, action=action)


async def waiting(app: App) -> list[questions.Cluster]:
    async with app.sessions() as session:
        return (await questions.listed(session, Filter()))[0]


async def answer(app: App, line: str = ANSWER) -> Reply:
    (open_,) = await waiting(app)
    shown = await say(app, STAFF, command="answer", text=f"{open_.id} {line}")
    return await press(app, shown, "answer:yes", STAFF)


def messenger_of(app: App, platform: str = "telegram") -> FakeMessenger:
    messenger = FakeMessenger(platform)
    app.add_platform(FakeKeeper(platform), messenger, rate=1000)
    return messenger


async def test_an_open_question_is_answered_by_staff_used_at_once_and_told_to_who_asked(
    app: App,
) -> None:
    messenger = messenger_of(app)
    first = await say(app, text=OPEN)
    assert texts.say("queue.noted", "ja") in first.text
    promised = await press(app, first, "tell:")
    assert "一度だけお知らせします" in promised.text

    done = await answer(app)
    assert "1人に知らせます" in done.text
    await app.pumps["telegram"].tick()
    ((account, notice),) = messenger.arrived
    assert account == "1"
    assert OPEN.replace("?", "?") in notice.body
    assert ANSWER in notice.body
    assert "2026年11月21日時点" in notice.body

    again = await say(app, TARO, text=OPEN)
    assert ANSWER in "".join((again.text, *again.quotes))
    assert [each.title for each in again.sources] == ["町役場の回答"]
    assert "2026年11月21日時点" in again.sources[0].note
    assert await waiting(app) == []
    await app.pumps["telegram"].tick()
    assert len(messenger.arrived) == 1


async def test_who_asks_in_other_words_gets_the_answer_once(app: App) -> None:
    await say(app, text=OPEN)
    await say(app, TARO, text="秋芳洞のコインロッカーはある?")
    (group,) = await waiting(app)
    assert group.count == 2
    await answer(app)
    reply = await say(app, TARO, text="秋芳洞のコインロッカーはある?")
    assert "".join((reply.text, *reply.quotes)).count("12台") == 1


async def test_who_does_not_want_to_be_told_is_not(app: App) -> None:
    messenger = messenger_of(app)
    first = await say(app, text=OPEN)
    promised = await press(app, first, "tell:")
    await press(app, promised, ":no")
    second = await say(app, TARO, text=OPEN)
    await press(app, second, "tell:", TARO)
    await say(app, TARO, action="messages:off")
    assert "0人に知らせます" in (await answer(app)).text
    await app.pumps["telegram"].tick()
    assert messenger.arrived == []


@pytest.mark.parametrize(
    ("platform", "word"),
    [("telegram", "ボット"), ("discord", "ダイレクト"), ("web", "わたしの部屋")],
)
async def test_how_an_answer_can_reach_a_person_is_said_honestly(
    app: App, platform: str, word: str
) -> None:
    who = replace(HANA, platform=platform)
    promised = await press(app, await say(app, who, text=OPEN), "tell:", who)
    assert word in promised.text


async def test_who_asks_to_be_told_after_the_answer_reads_it_at_once(app: App) -> None:
    first = await say(app, text=OPEN)
    await answer(app)
    assert ANSWER in "".join((await press(app, first, "tell:")).quotes)


async def test_a_thumb_down_puts_an_answered_question_into_the_queue_once(app: App) -> None:
    reply = await say(app, text="秋芳洞の入洞料はいくらですか?")
    thanks = await press(app, reply, ":down")
    await press(app, reply, ":down")
    assert "職員が確かめます" in thanks.text
    (group,) = await waiting(app)
    assert [each.kind for each in group.questions] == [questions.Kind.UNHELPFUL]
    assert {"thumb", "tell"} == {each.partition(":")[0] for each in actions(thanks)}


@pytest.mark.parametrize("change", [":undo", ":up"])
async def test_a_thumb_can_be_taken_back(app: App, change: str) -> None:
    reply = await say(app, text="秋芳洞の入洞料はいくらですか?")
    thanks = await press(app, reply, ":down")
    await press(app, thanks if change == ":undo" else reply, change)
    assert await waiting(app) == []
    await press(app, reply, ":down")
    assert len(await waiting(app)) == 1


async def test_a_thumb_of_long_ago_is_asked_to_ask_again(app: App, clock: SetClock) -> None:
    reply = await say(app, text="秋芳洞の入洞料はいくらですか?")
    clock.advance(timedelta(days=2))
    assert "もう一度おたずねください" in (await press(app, reply, ":down")).text
    assert await waiting(app) == []


async def test_in_a_group_where_everybody_reads_the_reply_nothing_is_to_be_pressed(
    app: App,
) -> None:
    for question in ("秋芳洞の入洞料はいくらですか?", OPEN):
        reply = await say(app, text=question, presses_unseen=False)
        assert actions(reply) == []
    assert len(await waiting(app)) == 1


async def test_of_a_question_about_somebody_only_its_kind_is_counted(app: App) -> None:
    await say(app, text="市役所の田中さんの携帯番号を教えて")
    async with app.sessions() as session:
        assert (await session.execute(text("select count(*) from question"))).scalar_one() == 0
    assert await app.learning.kept() == {"personal": 1}


async def test_an_address_or_number_in_a_question_is_not_kept(app: App) -> None:
    await say(
        app, text="秋芳洞のロッカーの忘れ物は 090-1234-5678 か hana@example.jp に連絡できますか"
    )
    (group,) = await waiting(app)
    assert (
        group.questions[0].text == "秋芳洞のロッカーの忘れ物は [phone] か [email] に連絡できますか"
    )


async def test_no_question_stands_in_the_log_or_on_the_terminal(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    await say(app, text=OPEN)
    await answer(app)
    everything = caplog.text + "".join(app.happenings.recent)
    assert "ロッカー" not in everything
    async with app.sessions() as session:
        rows = await audit.search(session, audit.Filter())
    told = [row.action for row in rows if row.action != "member.joined"]
    assert told == ["fact.confirmed", "question.answered"]
    assert "ロッカー" not in str([(row.subject, row.detail) for row in rows])


async def test_an_answer_is_given_though_its_question_cannot_be_kept(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise RecordsUnavailable("full")

    monkeypatch.setattr(app.learning, "record", away)
    assert "見つかりませんでした" in (await say(app, text=OPEN)).text


async def test_my_data_holds_my_questions_and_deleting_takes_them_along(app: App) -> None:
    await say(app, text=OPEN)
    await say(app, TARO, text=OPEN)
    export = await say(app, action="mydata:export")
    assert export.document is not None
    (mine,) = json.loads(export.document.content)["questions"]
    assert (mine["text"], mine["state"], mine["kind"]) == (OPEN, "open", "unknown")
    await say(app, action="mydata:delete:yes")
    (group,) = await waiting(app)
    assert group.count == 1


async def test_who_has_left_is_quoted_in_no_notice_any_more(app: App) -> None:
    await press(app, await say(app, text=OPEN), "tell:")
    await answer(app)
    await say(app, action="mydata:delete:yes")
    async with app.sessions() as session:
        rows = (await session.execute(text("select texts from announcement"))).scalars().all()
    assert rows
    assert "ロッカー" not in json.dumps([json.loads(each) for each in rows], ensure_ascii=False)


async def test_questions_are_forgotten_when_the_town_says_and_answers_stay(
    app: App, clock: SetClock
) -> None:
    await say(app, text=OPEN)
    await answer(app)
    await say(app, text="秋芳洞の照明を設計した会社の資本金は?")
    clock.advance(timedelta(days=app.town.retention.question_days + 1))
    await jobs.tidy(app)
    assert await waiting(app) == []
    async with app.sessions() as session:
        assert [each.question for each in await questions.facts(session)] == [OPEN]
        assert (await session.execute(text("select count(*) from question"))).scalar_one() == 0


async def test_what_a_person_wrote_leaves_the_memory_and_the_guide_with_them(app: App) -> None:
    own = "秋芳洞のコインロッカーはある?"
    await say(app, TARO, text=OPEN)
    await say(app, text=own)
    await answer(app)
    await say(app, text="秋芳洞の照明を設計した会社の資本金は?")
    await app.learning.refresh()
    assert own in {each.question for each in app.learning._guide.taught}
    assert "資本金" in compared(app)

    await say(app, action="mydata:delete:yes")
    await app.learning.refresh()
    assert [each.question for each in app.learning._guide.taught] == [OPEN]
    assert "資本金" not in compared(app)


async def test_a_wording_that_says_nothing_by_itself_is_not_taught(app: App) -> None:
    hana = await identity_of(app)
    for wording in ("いくら?", "それはどこですか?", "料金はいくらですか?"):
        async with transaction(app.sessions) as session:
            waits = await questions.listed(session, Filter())
            await questions.record(
                session,
                hana.id,
                text=wording,
                language="ja",
                kind=questions.Kind.UNHELPFUL,
                platform="telegram",
                cluster=waits[0][0].id if waits[0] else None,
                now=app.clock(),
            )
    (group,) = await waiting(app)
    written = app.learning.wording(ANSWER, "秋芳洞のロッカーはいくらですか?")
    fact = await app.learning.draft(group.id, written, by="staff:hana")
    await app.learning.confirm(fact.id, by="staff:hana")
    assert [each.question for each in app.learning._guide.taught] == [
        "秋芳洞のロッカーはいくらですか?"
    ]


async def test_a_question_that_says_nothing_by_itself_is_to_be_completed_by_staff(
    app: App,
) -> None:
    hana = await identity_of(app)
    await app.learning.record(hana.id, "telegram", "いくら?", "ja", questions.Kind.UNHELPFUL)
    (group,) = await waiting(app)
    reply = await say(app, STAFF, command="answer", text=f"{group.id} 500円です。")
    assert reply.text == texts.say("console.answer.alone", "ja")
    assert actions(reply) == []
    fact = await app.learning.draft(
        group.id, app.learning.wording("500円です。", "いくら?"), by="staff:hana"
    )
    await app.learning.confirm(fact.id, by="staff:hana")
    assert list(app.learning._guide.taught) == []


async def test_staff_see_the_whole_question_before_it_becomes_the_towns_wording(
    app: App,
) -> None:
    long = "秋芳洞にコインロッカーはありますか? " + "大きな荷物を持って行きます。" * 10
    await say(app, text=long)
    (group,) = await waiting(app)
    shown = await say(app, STAFF, command="answer", text=f"{group.id} {ANSWER}")
    assert group.questions[0].text in shown.text
    assert "町の言葉として" in shown.text


def compared(app: App) -> str:
    """All that a new question is compared with in memory."""
    clusters = app.learning._clusters
    assert clusters is not None
    return "\n".join(clusters._by_text)


async def identity_of(app: App) -> identity.Account:
    async with transaction(app.sessions) as session:
        return await identity.account(session, "telegram", "1", locale="ja", now=app.clock())


# Staff


async def test_only_staff_answer(app: App) -> None:
    for what in ({"command": "answer"}, {"action": "answer:list"}):
        assert (await say(app, **what)).text == texts.say("errors.not-allowed", "ja")  # type: ignore[arg-type]
    assert "/answer" not in (await say(app, command="help")).text
    assert "/answer" in (await say(app, STAFF, command="help")).text


async def test_the_list_shows_what_waits_by_number(app: App) -> None:
    assert "ありません" in (await say(app, STAFF, command="answer")).text
    await say(app, text=OPEN)
    (group,) = await waiting(app)
    listed = await say(app, STAFF, command="answer")
    assert f"#{group.id}(1人){OPEN}" in listed.text
    shown = await press(app, listed, "answer:show", STAFF)
    assert shown.quotes == (OPEN,)
    assert f"/answer {group.id}" in shown.text


async def test_a_line_that_is_too_long_or_numberless_is_explained(app: App) -> None:
    await say(app, text=OPEN)
    (group,) = await waiting(app)
    assert (
        "500字" in (await say(app, STAFF, command="answer", text=f"{group.id} {'長' * 501}")).text
    )
    assert "/answer 12" in (await say(app, STAFF, command="answer", text="はい")).text
    assert (await say(app, STAFF, command="answer", text="99 はい")).text == texts.say(
        "errors.not-found", "ja"
    )


async def test_nothing_is_said_before_somebody_confirms(app: App) -> None:
    await say(app, text=OPEN)
    (group,) = await waiting(app)
    shown = await say(app, STAFF, command="answer", text=f"{group.id} {ANSWER}")
    assert ANSWER in shown.quotes
    assert [each.title for each in shown.sources] == ["町役場の回答"]
    assert ANSWER not in "".join((await say(app, TARO, text=OPEN)).quotes)


async def test_of_two_who_answer_at_once_the_second_learns_who_was_first(app: App) -> None:
    await say(app, text=OPEN)
    (group,) = await waiting(app)
    one = await say(app, STAFF, command="answer", text=f"{group.id} {ANSWER}")
    other = await say(app, OTHER, command="answer", text=f"{group.id} いいえ、ありません。")
    await press(app, one, "answer:yes", STAFF)
    late = await press(app, other, "answer:yes", OTHER)
    assert "telegram:900" in late.text
    assert ANSWER in "".join((await say(app, TARO, text=OPEN)).quotes)


async def test_an_answer_taken_back_is_not_said_any_more_and_nobody_is_told(app: App) -> None:
    messenger = messenger_of(app)
    await press(app, await say(app, text=OPEN), "tell:")
    done = await answer(app)
    back = await press(app, done, "answer:undo", STAFF)
    await app.pumps["telegram"].tick()
    assert messenger.arrived == []
    assert ANSWER not in "".join((await say(app, TARO, text=OPEN)).quotes)
    assert len(await waiting(app)) == 1

    await press(app, back, "answer:again", STAFF)
    assert ANSWER in "".join((await say(app, TARO, text=OPEN)).quotes)
    await app.pumps["telegram"].tick()
    assert [account for account, _ in messenger.arrived] == ["1"]


async def test_a_question_that_gets_no_answer_leaves_the_queue_and_can_come_back(app: App) -> None:
    await say(app, text=OPEN)
    (group,) = await waiting(app)
    shown = await say(app, STAFF, command="answer", text=str(group.id))
    dropped = await press(app, shown, "answer:drop", STAFF)
    await say(app, TARO, text=OPEN)
    assert await waiting(app) == []
    await press(app, dropped, "answer:back", STAFF)
    assert [each.count for each in await waiting(app)] == [2]


async def test_a_question_whose_answer_did_not_help_waits_again(app: App) -> None:
    await say(app, text=OPEN)
    await answer(app)
    reply = await say(app, text=OPEN)
    await press(app, reply, ":down")
    (group,) = await waiting(app)
    assert [each.kind for each in group.questions] == [questions.Kind.UNHELPFUL]


async def test_what_another_worker_answered_is_said_here_too(app: App) -> None:
    await say(app, text=OPEN)
    (group,) = await waiting(app)
    wording = app.learning.wording(ANSWER, OPEN)
    now, today = app.clock(), app.learning.today()
    async with transaction(app.sessions) as session:
        fact = await questions.draft(session, group.id, wording, by="other", today=today, now=now)
        await questions.confirm(session, fact.id, by="other", now=now)
    assert ANSWER not in "".join((await say(app, TARO, text=OPEN)).quotes)
    await app.learning.refresh()
    assert ANSWER in "".join((await say(app, TARO, text=OPEN)).quotes)


async def test_after_its_last_day_an_answer_is_not_said(app: App, clock: SetClock) -> None:
    await say(app, text=OPEN)
    (group,) = await waiting(app)
    usual = app.learning.wording(ANSWER, OPEN)
    wording = replace(usual, valid_until=app.learning.today() + timedelta(days=3))
    fact = await app.learning.draft(group.id, wording, by="staff:x")
    await app.learning.confirm(fact.id, by="staff:x")
    clock.advance(timedelta(days=3))
    await app.learning.refresh()
    assert ANSWER in "".join((await say(app, TARO, text=OPEN)).quotes)
    clock.advance(timedelta(days=1))
    await app.learning.refresh()
    assert ANSWER not in "".join((await say(app, TARO, text=OPEN)).quotes)


@pytest.mark.parametrize("language", texts.LANGUAGES)
async def test_the_notice_reads_in_every_language(app: App, language: str) -> None:
    messenger = messenger_of(app)
    await say(app, action=f"lang:{language}")
    await press(app, await say(app, text=OPEN), "tell:")
    await answer(app)
    await app.pumps["telegram"].tick()
    ((_, notice),) = messenger.arrived
    assert notice.heading == texts.say("chat.notice.answered.heading", language)
    assert ANSWER in notice.body
    assert "{" not in notice.body
    foreign = texts.say("queue.tell.foreign", language) in notice.body
    assert foreign == (language not in {"ja", "ja-easy"})


async def test_who_asks_again_after_an_answer_that_did_not_help_is_joined_by_others(
    app: App,
) -> None:
    await say(app, text=OPEN)
    await answer(app)
    async with transaction(app.sessions) as session:
        account = await identity.find_account(session, "telegram", "1")
        other = await identity.account(session, "telegram", "7", locale="ja", now=app.clock())
    assert account is not None
    recorded = [
        await app.learning.record(each.id, "telegram", OPEN, "ja", questions.Kind.UNKNOWN)
        for each in (account, other)
    ]
    assert len({each.cluster for each in recorded if each}) == 1
    assert [each.count for each in await waiting(app)] == [2]
