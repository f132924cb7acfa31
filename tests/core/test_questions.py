"""The queue of questions and the town's facts, on SQLite and PostgreSQL alike."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from core import audit, browsers, identity, questions
from core.database import Sessions, transaction
from core.errors import NotFound
from core.questions import (
    Cluster,
    ClusterState,
    Confirmed,
    Fact,
    Filter,
    Kind,
    Recorded,
    Sort,
    Taken,
    Wording,
    redact,
)
from core.tables import AnnouncementRow, CounterRow, QuestionRow

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
TODAY = date(2026, 11, 21)
WORDING = Wording("犬は入れますか", {"ja": "いいえ。", "en": "No."}, "観光課", date(2027, 11, 21))


async def person(sessions: Sessions, name: str, locale: str = "ja") -> identity.Account:
    async with transaction(sessions) as session:
        return await identity.account(session, "telegram", name, locale=locale, now=NOW)


async def ask(
    sessions: Sessions,
    account: identity.Account,
    text: str = "犬は入れますか",
    *,
    kind: Kind = Kind.UNKNOWN,
    cluster: int | None = None,
    now: datetime = NOW,
) -> Recorded | None:
    async with transaction(sessions) as session:
        return await questions.record(
            session,
            account.id,
            text=text,
            language=account.locale,
            kind=kind,
            platform=account.platform,
            cluster=cluster,
            now=now,
        )


async def asked(sessions: Sessions, account: identity.Account, **more: object) -> Recorded:
    recorded = await ask(sessions, account, **more)  # type: ignore[arg-type]
    assert recorded is not None
    return recorded


async def listed(sessions: Sessions, which: Filter | None = None) -> list[Cluster]:
    async with sessions() as session:
        return (await questions.listed(session, which or Filter()))[0]


async def drafted(sessions: Sessions, cluster: int, by: str = "staff:hana") -> Fact:
    async with transaction(sessions) as session:
        return await questions.draft(session, cluster, WORDING, by=by, today=TODAY, now=NOW)


async def confirm(sessions: Sessions, fact: int, by: str = "staff:hana") -> Confirmed | Taken:
    async with transaction(sessions) as session:
        return await questions.confirm(session, fact, by=by, now=NOW)


async def notices(sessions: Sessions) -> list[dict[str, str]]:
    async with sessions() as session:
        rows = await session.scalars(select(AnnouncementRow).order_by(AnnouncementRow.id))
        return [row.texts["values"] for row in rows if row.state == "sending"]


# What is kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        pytest.param("hana.y+x@mail.example.jp へ", "[email] へ", id="e-mail"),
        pytest.param("090-1234-5678に電話", "[phone]に電話", id="mobile"),
        pytest.param("09012345678に電話", "[phone]に電話", id="mobile without hyphens"),
        pytest.param("０９０－１２３４－５６７８です", "[phone]です", id="full width"),
        pytest.param("連絡はhana@example.jpへ", "連絡は[email]へ", id="inside Japanese"),
        pytest.param("(0837)62-0115 は何番", "[phone] は何番", id="with brackets"),
        pytest.param("call +81 90 1234 5678", "call [phone]", id="international"),
        pytest.param("0x" + "aB" * 20 + "のカード", "[wallet]のカード", id="wallet"),
        pytest.param("vitalik.eth です", "[wallet] です", id="name of a wallet"),
        pytest.param("マイナンバー 1234 5678 9012", "マイナンバー [number]", id="twelve digits"),
        pytest.param("カード4111111111111111", "カード[number]", id="card"),
        pytest.param("@hanako_y に聞いて", "[account] に聞いて", id="account name"),
        pytest.param("〇九〇-一二三四-五六七八です", "[phone]です", id="in Chinese numerals"),
        pytest.param("tel:090/1234/5678", "tel:[phone]", id="with slashes"),
        pytest.param("会員123,456,789です", "会員[number]です", id="with commas"),
        pytest.param("わたしはtaro#1234です", "わたしは[account]です", id="Discord's tag"),
        pytest.param("山田太郎@example.jp", "[email]", id="Japanese before the sign"),
        pytest.param("山田@日本.jpへ", "[email]へ", id="Japanese on both sides"),
        pytest.param("tarō@exämple.jp", "[email]", id="letters with marks"),
        pytest.param("12,300/10,500/7,000円", "12,300/10,500/7,000円", id="fees stay"),
        pytest.param("予算は123,456,789円", "予算は123,456,789円", id="an amount stays"),
        pytest.param("11/21,11/22,11/23は?", "11/21,11/22,11/23は?", id="days stay"),
        pytest.param("部屋 #1234", "部屋 #1234", id="a number alone stays"),
        pytest.param("2026-11-21 10:30に行く", "2026-11-21 10:30に行く", id="a date stays"),
        pytest.param("大人2人で3,200円?", "大人2人で3,200円?", id="a fee stays"),
        pytest.param("8:30〜17:00ですか", "8:30〜17:00ですか", id="hours stay"),
        pytest.param("〒759-2292", "〒759-2292", id="a postal code stays"),
    ],
)
def test_what_leads_to_a_person_is_taken_out_and_the_rest_stays(text: str, kept: str) -> None:
    assert redact(text) == kept


@given(st.text(max_size=300))
def test_redacting_twice_changes_nothing_and_no_long_number_stays(text: str) -> None:
    once = redact(text)
    assert redact(once) == once
    assert not any(
        len(run) >= 7
        for run in "".join(each if each in "0123456789" else " " for each in once).split()
    )


async def test_who_leaves_takes_questions_items_and_drafts_along_and_every_worker_hears_of_it(
    sessions: Sessions,
) -> None:
    hana, taro = await person(sessions, "1"), await person(sessions, "2")
    mine = await asked(sessions, hana, text=WORDING.question)
    shared = await asked(sessions, taro, text="犬もいいですか")
    draft = await drafted(sessions, mine.cluster)
    async with transaction(sessions) as session:
        before = await questions.version(session)
        await questions.left(session, [hana.id])
    async with sessions() as session:
        assert await questions.version(session) > before
        assert await questions.wordings(session, [mine.cluster]) == {}
        with pytest.raises(NotFound):
            await questions.fact(session, draft.id)
    assert [each.id for each in await listed(sessions)] == [shared.cluster]


async def test_who_leaves_and_never_asked_changes_nothing(sessions: Sessions) -> None:
    hana, taro = await person(sessions, "1"), await person(sessions, "2")
    await asked(sessions, taro)
    async with transaction(sessions) as session:
        before = await questions.version(session)
        await questions.left(session, [hana.id])
        assert await questions.version(session) == before


async def test_a_question_past_its_time_is_heard_of_though_its_item_stays(
    sessions: Sessions,
) -> None:
    hana, taro = await person(sessions, "1"), await person(sessions, "2")
    first = await asked(sessions, hana)
    later = NOW + timedelta(days=2)
    await asked(sessions, taro, text="犬もいいですか", cluster=first.cluster, now=later)
    async with transaction(sessions) as session:
        before = await questions.version(session)
        await questions.forget(session, before=NOW + timedelta(days=1), drafts_before=NOW)
        assert await questions.version(session) > before
    (group,) = await listed(sessions)
    assert [each.text for each in group.questions] == ["犬もいいですか"]


async def test_a_person_who_asks_the_same_again_counts_once(sessions: Sessions) -> None:
    hana = await person(sessions, "1")
    first = await asked(sessions, hana)
    again = await asked(sessions, hana, text="犬は、入れますか？", now=NOW + timedelta(hours=1))
    assert (again.id, again.new) == (first.id, False)
    (group,) = await listed(sessions)
    assert (group.count, group.last_at) == (1, NOW + timedelta(hours=1))


async def test_a_question_sent_twice_at_once_is_there_once(sessions: Sessions) -> None:
    hana = await person(sessions, "1")
    recorded = await asyncio.gather(*(ask(sessions, hana) for _ in range(6)))
    assert len({each.id for each in recorded if each}) == 1


async def test_a_question_is_kept_redacted_and_bounded(sessions: Sessions) -> None:
    await ask(sessions, await person(sessions, "1"), "090-1234-5678 " + "長" * 2_000)
    (group,) = await listed(sessions)
    assert group.questions[0].text.startswith("[phone] 長")
    assert len(group.questions[0].text) == questions.MAX_TEXT


async def test_one_account_fills_the_queue_only_so_far_a_day(sessions: Sessions) -> None:
    hana, taro = await person(sessions, "1"), await person(sessions, "2")
    for number in range(questions.PER_DAY):
        assert await ask(sessions, hana, f"質問 その{number}") is not None
    assert await ask(sessions, hana, "もう一つ") is None
    assert await ask(sessions, taro, "もう一つ") is not None
    assert await ask(sessions, hana, "もう一つ", now=NOW + timedelta(days=1, hours=1)) is not None


async def test_a_full_queue_counts_what_it_cannot_take(
    lite: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.questions import queue

    monkeypatch.setattr(queue, "MAX_OPEN", 2)
    for number in range(4):
        await ask(lite, await person(lite, str(number)), f"質問 その{number}")
    async with lite() as session:
        assert await session.scalar(select(func.count()).select_from(QuestionRow)) == 2
        assert (await session.get_one(CounterRow, queue.OVERFLOW)).value == 2


async def test_of_a_refused_question_only_the_kind_is_counted(sessions: Sessions) -> None:
    for kind in ("personal", "harmful", "personal"):
        async with transaction(sessions) as session:
            await questions.count_refused(session, kind, now=NOW)
    async with sessions() as session:
        assert await questions.refused(session, now=NOW) == {"personal": 2, "harmful": 1}
        assert await questions.refused(session, now=NOW + timedelta(days=31)) == {}


async def test_counters_raised_at_once_lose_nothing(sessions: Sessions) -> None:
    async def count() -> None:
        async with transaction(sessions) as session:
            await questions.count_refused(session, "personal", now=NOW)

    await asyncio.gather(*(count() for _ in range(8)))
    async with sessions() as session:
        assert await questions.refused(session, now=NOW) == {"personal": 8}


async def test_nobody_can_take_back_or_follow_another_s_question(sessions: Sessions) -> None:
    hana, eve = await person(sessions, "1"), await person(sessions, "2")
    mine = await asked(sessions, hana)
    async with transaction(sessions) as session:
        assert await questions.want(session, mine.id, eve.id, wants=True) is None
        assert await questions.retract(session, mine.id, eve.id) is False
        assert await questions.retract(session, mine.id, hana.id) is True
    assert await listed(sessions) == []


async def test_a_forgotten_member_leaves_no_question(sessions: Sessions) -> None:
    hana = await person(sessions, "1")
    await ask(sessions, hana)
    async with transaction(sessions) as session:
        (kept,) = await questions.export(session, [hana.id])
        assert kept["text"] == "犬は入れますか"
        await identity.forget(session, hana.member_id, now=NOW)
    async with sessions() as session:
        assert await session.scalar(select(func.count()).select_from(QuestionRow)) == 0


async def test_a_browser_that_waits_for_an_answer_is_not_forgotten(sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        waits, idle = [
            await identity.account(session, "web", name, locale="ja", now=NOW) for name in "ab"
        ]
    for each in (waits, idle):
        recorded = await asked(sessions, each)
        async with transaction(sessions) as session:
            await questions.want(session, recorded.id, each.id, wants=each is waits)
    async with transaction(sessions) as session:
        await browsers.forget_browsers(session, before=NOW + timedelta(days=1), now=NOW)
        assert await identity.find_account(session, "web", "a") is not None
        assert await identity.find_account(session, "web", "b") is None


# The queue


async def test_the_queue_is_sorted_filtered_searched_and_paged(sessions: Sessions) -> None:
    people = [await person(sessions, str(number)) for number in range(3)]
    dogs = await asked(sessions, people[0], text="犬は入れますか")
    for each in people[1:]:
        await ask(sessions, each, "犬を連れて行ける?", cluster=dogs.cluster)
    await ask(sessions, people[0], "100%の雨?", kind=Kind.UNHELPFUL, now=NOW + timedelta(hours=1))
    await ask(sessions, people[0], "1000円の宿", kind=Kind.OFF_TOPIC, now=NOW - timedelta(hours=1))

    async def first(**which: object) -> list[str]:
        rows = await listed(sessions, replace(Filter(), **which))  # type: ignore[arg-type]
        return [each.questions[0].text for each in rows]

    assert (await first())[0] == "犬は入れますか"
    assert (await first(sort=Sort.LAST))[0] == "100%の雨?"
    assert (await first(sort=Sort.FIRST))[0] == "1000円の宿"
    assert await first(kind=Kind.UNHELPFUL) == ["100%の雨?"]
    assert await first(search="連れて") == ["犬は入れますか"]
    assert await first(search="100%") == ["100%の雨?"]
    assert await first(state=ClusterState.DISMISSED) == []
    assert await first(page=2) == []
    group = (await listed(sessions))[0]
    assert (group.count, group.wanting, group.languages) == (3, 0, ("ja",))


async def test_a_page_holds_so_many_and_the_total_counts_all(lite: Sessions) -> None:
    for number in range(questions.PAGE + 3):
        await ask(lite, await person(lite, str(number)), f"質問 その{number}")
    async with lite() as session:
        one, total = await questions.listed(session, Filter())
        two, _ = await questions.listed(session, Filter(page=2))
    assert (len(one), len(two), total) == (questions.PAGE, 3, questions.PAGE + 3)


async def test_what_is_not_the_same_is_split_off_and_joined_again(sessions: Sessions) -> None:
    hana, taro = await person(sessions, "1"), await person(sessions, "2")
    dogs = await asked(sessions, hana)
    cats = await asked(sessions, taro, text="猫は入れますか", cluster=dogs.cluster)
    async with transaction(sessions) as session:
        alone = await questions.split(session, cats.id, by="staff:x", now=NOW)
        assert await questions.split(session, cats.id, by="staff:x", now=NOW) == alone
    assert {each.id: each.count for each in await listed(sessions)} == {dogs.cluster: 1, alone: 1}
    async with transaction(sessions) as session:
        assert await questions.merge(session, alone, dogs.cluster, by="staff:x", now=NOW)
    assert [(each.id, each.count) for each in await listed(sessions)] == [(dogs.cluster, 2)]
    with pytest.raises(NotFound):
        async with transaction(sessions) as session:
            await questions.merge(session, dogs.cluster, 4711, by="staff:x", now=NOW)


async def test_a_dismissal_says_why_and_can_be_undone(sessions: Sessions) -> None:
    recorded = await asked(sessions, await person(sessions, "1"))
    async with transaction(sessions) as session:
        assert await questions.dismiss(
            session, recorded.cluster, reason="株価", by="staff:x", now=NOW
        )
        assert not await questions.dismiss(
            session, recorded.cluster, reason="", by="staff:y", now=NOW
        )
    (gone,) = await listed(sessions, Filter(ClusterState.DISMISSED))
    assert (gone.reason, gone.decided_by) == ("株価", "staff:x")
    async with transaction(sessions) as session:
        assert await questions.reopen(session, recorded.cluster, by="staff:x", now=NOW)
    assert [each.reason for each in await listed(sessions)] == [""]


# Facts


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        pytest.param({"question": " "}, "question", id="no question"),
        pytest.param({"answers": {}}, "answer", id="no answer"),
        pytest.param({"answers": {"ja": "  "}}, "answer", id="a blank answer"),
        pytest.param({"answers": {"ja": "長" * 501}}, "long", id="a long answer"),
        pytest.param({"source": "長" * 201}, "source", id="a long source"),
    ],
)
def test_a_line_that_cannot_stand_is_refused_by_the_field(
    change: dict[str, object], fault: str
) -> None:
    with pytest.raises(ValueError, match=fault):
        replace(WORDING, **change)  # type: ignore[arg-type]


async def test_everybody_who_wants_to_know_is_told_once_in_their_language(
    sessions: Sessions,
) -> None:
    hana, john, taro = [
        await person(sessions, name, locale)
        for name, locale in (("1", "ja"), ("2", "en"), ("3", "ja"))
    ]
    first = await asked(sessions, hana)
    rest = [await asked(sessions, each, cluster=first.cluster) for each in (john, taro)]
    again = await asked(sessions, hana, kind=Kind.UNHELPFUL, cluster=first.cluster)
    async with transaction(sessions) as session:
        for number, account in ((first.id, hana), (rest[0].id, john), (again.id, hana)):
            await questions.want(session, number, account.id, wants=True)
    fact = await drafted(sessions, first.cluster)
    outcome = await confirm(sessions, fact.id)
    assert isinstance(outcome, Confirmed)
    assert outcome.told == 2
    assert [each["answer"] for each in await notices(sessions)] == ["いいえ。", "No."]
    await confirm(sessions, fact.id)
    assert len(await notices(sessions)) == 2


async def test_who_blocked_us_is_not_written_to(sessions: Sessions) -> None:
    hana = await person(sessions, "1")
    recorded = await asked(sessions, hana)
    async with transaction(sessions) as session:
        await questions.want(session, recorded.id, hana.id, wants=True)
        await identity.set_reachable(session, hana.id, reachable=False)
    await confirm(sessions, (await drafted(sessions, recorded.cluster)).id)
    assert await notices(sessions) == []


async def test_of_those_who_answer_at_once_exactly_one_answers(sessions: Sessions) -> None:
    recorded = await asked(sessions, await person(sessions, "1"))
    drafts = [await drafted(sessions, recorded.cluster, f"staff:{each}") for each in range(5)]
    outcomes = await asyncio.gather(*(confirm(sessions, each.id, each.author) for each in drafts))
    (won,) = [each for each in outcomes if isinstance(each, Confirmed)]
    lost = [each for each in outcomes if isinstance(each, Taken)]
    assert {(each.by, each.fact) for each in lost} == {(won.fact.author, won.fact.id)}
    async with sessions() as session:
        assert [each.id for each in await questions.active(session, TODAY)] == [won.fact.id]
        assert await audit.verify(session) is None


async def test_withdrawing_reopens_the_questions_and_restoring_closes_them(
    sessions: Sessions,
) -> None:
    recorded = await asked(sessions, await person(sessions, "1"))
    fact = await drafted(sessions, recorded.cluster)
    await confirm(sessions, fact.id)
    async with transaction(sessions) as session:
        before = await questions.version(session)
        assert await questions.withdraw(session, fact.id, by="staff:x", now=NOW)
        assert not await questions.withdraw(session, fact.id, by="staff:x", now=NOW)
        assert await questions.version(session) > before
        assert await questions.active(session, TODAY) == []
    assert [each.state for each in await listed(sessions)] == [ClusterState.OPEN]
    async with transaction(sessions) as session:
        await questions.restore(session, fact.id, by="staff:x", now=NOW)
        assert [each.id for each in await questions.active(session, TODAY)] == [fact.id]
    assert await listed(sessions) == []


async def test_a_withdrawn_answer_is_not_restored_over_a_newer_one(sessions: Sessions) -> None:
    recorded = await asked(sessions, await person(sessions, "1"))
    old = await drafted(sessions, recorded.cluster)
    await confirm(sessions, old.id)
    async with transaction(sessions) as session:
        await questions.withdraw(session, old.id, by="staff:x", now=NOW)
    new = await drafted(sessions, recorded.cluster, "staff:jiro")
    await confirm(sessions, new.id, "staff:jiro")
    async with transaction(sessions) as session:
        outcome = await questions.restore(session, old.id, by="staff:x", now=NOW)
    assert outcome == Taken("staff:jiro", new.id)


async def test_an_edit_is_dated_anew_and_does_not_run_over_another_s(sessions: Sessions) -> None:
    recorded = await asked(sessions, await person(sessions, "1"))
    fact = await drafted(sessions, recorded.cluster)
    await confirm(sessions, fact.id)
    outcomes = []
    for text, by in (("はい。", "staff:hana"), ("たぶん。", "staff:jiro")):
        async with transaction(sessions) as session:
            outcomes.append(
                await questions.edit(
                    session,
                    fact.id,
                    replace(WORDING, answers={"ja": text}),
                    version=fact.version,
                    by=by,
                    today=TODAY + timedelta(days=9),
                    now=NOW,
                )
            )
    edited, late = outcomes
    assert isinstance(edited, Fact)
    assert (edited.answers, edited.as_of) == ({"ja": "はい。"}, TODAY + timedelta(days=9))
    assert late == Taken("staff:hana", fact.id)


async def test_a_fact_is_said_up_to_its_last_day(sessions: Sessions) -> None:
    recorded = await asked(sessions, await person(sessions, "1"))
    async with transaction(sessions) as session:
        fact = await questions.draft(
            session,
            recorded.cluster,
            replace(WORDING, valid_until=TODAY),
            by="staff:x",
            today=TODAY,
            now=NOW,
        )
        await questions.confirm(session, fact.id, by="staff:x", now=NOW)
        assert len(await questions.active(session, TODAY)) == 1
        assert await questions.active(session, TODAY + timedelta(days=1)) == []


@pytest.mark.parametrize(
    ("language", "answer"),
    [("ja", "いいえ。"), ("ja-easy", "いいえ。"), ("en", "No."), ("ko", "No."), ("zh-Hant", "No.")],
)
async def test_a_reader_gets_the_answer_they_understand_best(
    lite: Sessions, language: str, answer: str
) -> None:
    recorded = await asked(lite, await person(lite, "1"))
    fact = await drafted(lite, recorded.cluster)
    assert fact.answer(language)[0] == answer


async def test_drafts_and_old_questions_are_forgotten_and_facts_stay(sessions: Sessions) -> None:
    hana = await person(sessions, "1")
    recorded = await asked(sessions, hana)
    kept = await drafted(sessions, recorded.cluster)
    await confirm(sessions, kept.id)
    left = await drafted(sessions, recorded.cluster)
    async with transaction(sessions) as session:
        later = NOW + timedelta(days=1)
        await questions.forget(session, before=later, drafts_before=later)
    async with sessions() as session:
        assert (await questions.fact(session, kept.id)).cluster is None
        with pytest.raises(NotFound):
            await questions.fact(session, left.id)
        with pytest.raises(NotFound):
            await questions.cluster(session, recorded.cluster)
