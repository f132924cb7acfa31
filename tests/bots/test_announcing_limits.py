"""Announcing from chat, where something stands in the way: a closed platform, too many words."""

from dataclasses import replace

import pytest
from pydantic import SecretStr
from sqlalchemy import update

from bots.app import App
from bots.jobs.lives import tell_news
from core import announcements
from core.announcements import AnnouncementState, Audience
from core.announcements.records import audience, keep_audience
from core.database import reading, transaction
from core.tables import AnnouncementRow
from core.testing import FakeMessenger, SetClock
from tests.bots.test_announcing import CHIEF, HANA, desk, flush, press, say, state, to_preview

__all__ = ["desk"]


@pytest.fixture
def letters(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pack lets messages go to people on Discord."""
    table = app.town.announcements.model_copy(update={"direct_on_discord": True})
    monkeypatch.setitem(app.town.__dict__, "announcements", table)


@pytest.mark.usefixtures("letters")
async def test_who_is_only_on_a_closed_platform_is_counted_before_sending(
    app: App, desk: FakeMessenger, clock: SetClock
) -> None:
    await say(app, replace(HANA, platform="discord"), action="messages:on")
    shown = await to_preview(app)
    assert "届く人数：3人" in shown.text
    assert "届けられない方：Discordだけをお使いの1人" in shown.text
    when = await press(app, shown, "この内容でよい")
    await press(app, await press(app, when, "今すぐ送る"), "送る")
    await flush(app, clock)
    assert len(desk.arrived) == 3
    assert "送り終えました" in (await say(app, action="announce:progress:1")).text


@pytest.mark.usefixtures("letters")
async def test_progress_says_which_platform_it_waits_for(
    app: App, desk: FakeMessenger, clock: SetClock
) -> None:
    token = {"discord_token": SecretStr("not-a-real-token")}
    app.settings = app.settings.model_copy(update=token)
    await say(app, replace(HANA, platform="discord"), action="messages:on")
    shown = await to_preview(app)
    assert "届けられない方" not in shown.text
    when = await press(app, shown, "この内容でよい")
    await press(app, await press(app, when, "今すぐ送る"), "送る")
    await flush(app, clock)
    assert len(desk.arrived) == 3
    shown = await say(app, action="announce:progress:1")
    assert "Discordにつながるのを待っています。" in shown.text


FLOWERS = "🌸" * 2_900
"""Few enough characters; each is two of Telegram's."""
LONG = "日本語の文章が、Telegramの1通に収まりません。短くしてください。"


@pytest.mark.usefixtures("desk")
async def test_words_too_long_for_a_platform_are_asked_for_again(app: App) -> None:
    refused = await say(app, command="announce", text=f"山焼き\n{FLOWERS}")
    assert LONG in refused.text
    async with reading(app.sessions) as session:
        assert await announcements.history(session) == []
    kept = await say(app, text="山焼き\n2月に行います。")
    assert "2/7" in kept.text
    await press(app, kept, "文章を書き直す")
    assert (await say(app, text=f"山焼き\n{FLOWERS}")).text == LONG
    async with reading(app.sessions) as session:
        [draft] = await announcements.history(session)
    assert draft.texts["ja"]["body"] == "2月に行います。"


@pytest.mark.usefixtures("desk")
async def test_what_is_too_long_is_shown_and_not_sent(app: App) -> None:
    shown = await to_preview(app)
    when = await press(app, shown, "この内容でよい")
    last = await press(app, when, "今すぐ送る")
    async with transaction(app.sessions) as session:  # as an earlier version would have kept it
        await session.execute(
            update(AnnouncementRow).values(texts={"ja": {"heading": "山焼き", "body": FLOWERS}})
        )
    for refused in (await press(app, last, "送る"), await press(app, when, "今すぐ送る")):
        assert LONG in refused.text
        assert "この内容でよい" not in str(refused.rows)
    assert await state(app) is AnnouncementState.DRAFT
    assert "日本語" in (await press(app, refused, "文章を短くする")).text


async def test_staff_are_told_in_chat_of_a_change_that_waits_and_decide_there(
    app: App, desk: FakeMessenger, clock: SetClock
) -> None:
    when = await press(app, await to_preview(app), "この内容でよい")
    await press(app, await press(app, when, "今すぐ送る"), "送る")
    await flush(app, clock)
    await tell_news(app)
    await flush(app, clock)
    desk.arrived.clear()
    async with transaction(app.sessions) as session:
        row = await session.get_one(AnnouncementRow, 1)
        keep_audience(row, _above(audience(row), 2))
    words = {"ja": {"heading": "山焼きの延期", "body": "3月に行います。"}}
    async with transaction(app.sessions) as session:
        by, now = "telegram:900", clock()
        assert not await announcements.change_sent(session, 1, words, by=by, now=now)
    for _ in range(2):  # told once, however often the clock comes by
        await tell_news(app)
    await flush(app, clock)
    [(target, notice)] = desk.arrived
    assert (target, notice.heading) == ("901", "お知らせの書きかえの承認をお願いします")
    assert notice.action == (("内容を見る", "announce:look:1"),)

    looked = await say(app, CHIEF, action="announce:look:1")
    assert looked.preview is not None
    assert looked.preview.heading == "山焼きの延期"
    own = await press(app, looked, "承認して書きかえる")
    assert "ご自分では承認できません" in own.text
    agreed = await press(app, looked, "承認して書きかえる", CHIEF)
    assert agreed.text.startswith("承認しました。")
    again = await press(app, looked, "そのままにする", CHIEF)
    assert again.text == "このお知らせは、もう承認待ちではありません。"
    async with reading(app.sessions) as session:
        assert (await announcements.progress(session, 1)).heading == "山焼きの延期"


def _above(whom: Audience, people: int) -> Audience:
    return replace(whom, terms=replace(whom.terms, approve_above=people))
