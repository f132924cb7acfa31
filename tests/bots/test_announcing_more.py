"""From chat: a deadline, a place on the map, an area; and what the second person is shown."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bots.app import App
from bots.conversation.announcing import form_of
from core import announcements, identity
from core.announcements import Announcement, AnnouncementState
from core.database import reading, transaction
from core.testing import FakeMessenger, SetClock
from tests.bots.test_announcing import CHIEF, STAFF, desk, flush, press, say, to_preview

__all__ = ["desk"]


async def shown(app: App, number: int = 1) -> Announcement:
    async with reading(app.sessions) as session:
        return await announcements.progress(session, number)


async def to_the_last_look(app: App) -> None:
    when = await press(app, await to_preview(app), "この内容でよい")
    await press(app, when, "今すぐ送る")


async def test_a_deadline_is_written_or_chosen_and_nothing_leaves_after_it(
    app: App, desk: FakeMessenger, clock: SetClock
) -> None:
    when = await press(app, await to_preview(app), "この内容でよい")
    await press(app, when, "今すぐ送る")
    sure = await say(app, text="11月25日 9:00")
    asked = await press(app, sure, "期限を付ける")
    assert "いつまでに送れなければ" in asked.text
    assert "読み取れませんでした" in (await say(app, text="そのうち")).text
    assert "期限は、送る時より後" in (await say(app, text="11月24日 9:00")).text
    sure = await say(app, text="11月25日 17:00")
    assert "・送る時：11月25日 9:00\n期限：11月25日 17:00（" in sure.text
    bare = await press(app, sure, "期限を外す")
    assert "期限：" not in bare.text
    chosen = await press(app, await press(app, bare, "期限を付ける"), "送り始めから3時間")
    assert "期限：11月25日 12:00（" in chosen.text
    planned = await press(app, chosen, "予約する")
    assert "期限：11月25日 12:00（" in planned.text
    kept = await shown(app)
    assert kept.start_at is not None
    assert kept.deadline == kept.start_at + timedelta(hours=3)
    clock.advance(timedelta(days=8))
    async with transaction(app.sessions) as session:
        await announcements.start_due(session, now=clock())
    await flush(app, clock)
    assert desk.arrived == []
    assert (await shown(app)).state is AnnouncementState.CANCELLED


@pytest.mark.usefixtures("desk")
async def test_a_deadline_is_written_once_more_and_another_start_keeps_it(app: App) -> None:
    await to_the_last_look(app)
    await press(app, await say(app, text="11月25日 9:00"), "期限を付ける")
    sure = await say(app, text="11月25日 7:00")
    assert "期限は、送る時より後" in sure.text
    sure = await say(app, text="11月26日 17:00")
    assert "期限を直すときは" in sure.text
    sure = await say(app, text="11月25日 17:00")
    assert "・送る時：11月25日 9:00\n期限：11月25日 17:00（" in sure.text
    asked = await press(app, sure, "期限を直す")
    assert "いつまでに送れなければ" in asked.text
    sure = await press(app, asked, "← 戻る")
    assert "期限：11月25日 17:00（" in sure.text

    when = await press(app, sure, "← 戻る")
    assert "期限：11月25日 17:00（" in when.text
    refused = await say(app, text="11月25日 18:00")
    assert "期限は、送る時より後" in refused.text
    when = await press(app, refused, "← 戻る")
    assert "期限：11月25日 17:00（" in when.text
    sure = await say(app, text="11月25日 10:00")
    assert "・送る時：11月25日 10:00\n期限：11月25日 17:00（" in sure.text
    sure = await press(app, await press(app, sure, "← 戻る"), "今すぐ送る")
    assert "・送る時：今すぐ\n期限：11月25日 17:00（" in sure.text
    bare = await press(app, await press(app, sure, "← 戻る"), "期限を外す")
    assert "期限：" not in bare.text
    assert "期限：" not in (await press(app, bare, "今すぐ送る")).text


@pytest.mark.usefixtures("desk")
async def test_forms_keep_the_deadline_with_another_start(app: App) -> None:
    discord = replace(STAFF, has_forms=True)
    await to_preview(app)
    sure = await say(app, discord, action="announce:until:1:now", text="11月25日 17:00")
    when = await press(app, sure, "← 戻る", discord)
    action = next(
        str(each.action) for row in when.rows for each in row if each.label == "日時を書く"
    )
    assert form_of(action, "ja") is not None
    sure = await say(app, discord, action=action, text="11月25日 9:00")
    assert "・送る時：11月25日 9:00\n期限：11月25日 17:00（" in sure.text
    change = next(
        str(each.action) for row in sure.rows for each in row if each.label == "期限を直す"
    )
    assert form_of(change, "ja") is not None
    sure = await say(app, discord, action=change, text="11月25日 12:00")
    assert "・送る時：11月25日 9:00\n期限：11月25日 12:00（" in sure.text


@pytest.mark.usefixtures("desk")
async def test_what_is_no_draft_any_more_waits_for_no_deadline(app: App) -> None:
    await to_the_last_look(app)
    await press(app, await say(app, text="11月25日 9:00"), "予約する")
    shown = await say(app, action="announce:until:1:now")
    assert "予約してあります" in shown.text
    assert "期限" not in (await say(app, text="11月25日 17:00")).text


@pytest.mark.usefixtures("desk")
async def test_a_menu_that_does_not_hold_all_areas_says_where_the_others_are(app: App) -> None:
    preview = await to_preview(app)
    for number in range(1, 27):
        account = f"5{number}"
        await say(app, replace(STAFF, account=account), action="messages:on")
        async with transaction(app.sessions) as session:
            found = await identity.find_account(session, "telegram", account)
            assert found is not None
            await identity.set_area(session, found.member_id, f"JP-{number:02}")
        if number == 25:
            asked = await press(app, preview, "住む地域で絞る")
            assert "管理画面" not in asked.text
    asked = await press(app, preview, "住む地域で絞る")
    assert len(asked.menu) == 25
    assert "ほかの地域は、管理画面で選べます" in asked.text


@pytest.mark.usefixtures("desk")
async def test_a_deadline_survives_a_restart_while_it_is_waited_for(app: App) -> None:
    await to_the_last_look(app)
    await say(app, action="announce:until:1:now")
    sure = await say(app, text="11月25日 17:00")
    assert "・送る時：今すぐ\n期限：11月25日 17:00" in sure.text
    sent = await press(app, sure, "送る")
    assert "期限：11月25日 17:00" in sent.text


@pytest.mark.usefixtures("desk")
async def test_a_place_is_read_from_coordinates_or_a_map_and_goes_with_the_message(
    app: App,
) -> None:
    await to_preview(app)
    step = await say(app, action="announce:go:1:link")
    asked = await press(app, step, "地図の場所を付ける")
    assert "緯度・経度" in asked.text
    assert "読み取れませんでした" in (await say(app, text="秋芳洞")).text
    assert "名前も要ります" in (await say(app, text="34.2333, 131.3000")).text
    step = await say(app, text="秋芳洞\nhttps://www.openstreetmap.org/#map=16/34.2279/131.3034")
    assert "付けた場所：秋芳洞" in step.text
    place = (await shown(app)).extras.location
    assert place is not None
    assert (place.latitude, place.longitude) == (34.2279, 131.3034)
    preview = (await say(app, action="announce:go:1:preview")).preview
    assert preview is not None
    assert preview.links[0][0] == "秋芳洞"
    step = await press(app, await say(app, action="announce:go:1:link"), "場所を外す")
    assert "付けた場所" not in step.text
    assert (await shown(app)).extras.location is None


async def test_direct_messages_may_go_to_one_area_alone(
    app: App, desk: FakeMessenger, clock: SetClock
) -> None:
    preview = await to_preview(app)
    assert "まだいません" in (await press(app, preview, "住む地域で絞る")).text
    async with transaction(app.sessions) as session:
        account = await identity.find_account(session, "telegram", "2")
        assert account is not None
        await identity.set_area(session, account.member_id, "JP-35")
    asked = await press(app, preview, "住む地域で絞る")
    narrowed = await press(app, asked, "山口県")
    assert "（山口県にお住まいの方）\n届く人数：1人" in narrowed.text
    sure = await press(app, await press(app, narrowed, "この内容でよい"), "今すぐ送る")
    await press(app, sure, "送る")
    await flush(app, clock)
    assert [target for target, _ in desk.arrived] == ["2"]


@pytest.mark.usefixtures("desk")
async def test_an_area_is_left_out_again(app: App) -> None:
    preview = await to_preview(app)
    await say(app, action="announce:area:1:JP-35")
    asked = await press(app, preview, "住む地域で絞る")
    assert "届く人数：3人" in (await press(app, asked, "地域で絞らない")).text
    refused = await say(app, action="announce:area:1:XX-99")
    assert "この地域は使えません" in refused.text


@pytest.mark.parametrize("action", ["announce:place:1", "announce:until:1:now"])
def test_what_is_written_is_a_form_where_there_are_forms(action: str) -> None:
    form = form_of(action, "ja")
    assert form is not None
    assert all(len(each.label) <= 45 for each in form.blanks)


@pytest.mark.usefixtures("desk")
async def test_forms_fill_in_a_place_and_a_deadline(app: App) -> None:
    discord = replace(STAFF, has_forms=True)
    await to_preview(app)
    step = await say(app, discord, action="announce:place:1", text="秋芳洞\n34.2279, 131.3034")
    assert "付けた場所：秋芳洞" in step.text
    sure = await say(app, discord, action="announce:until:1:now", text="11月25日 17:00")
    assert "期限：11月25日 17:00" in sure.text


@pytest.mark.usefixtures("desk")
async def test_the_second_person_is_shown_what_changed_since_somebody_was_asked(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = app.town.announcements.model_copy(update={"approve_above": 2})
    monkeypatch.setitem(app.town.__dict__, "announcements", few)
    await to_the_last_look(app)
    draft = await shown(app)
    asked = await say(app, action=f"announce:send:1:now:{draft.revision}:")
    assert "承認を待っています" in asked.text
    first = await say(app, CHIEF, action="announce:look:1")
    assert "変わったところ" not in first.text
    await say(app, action="announce:words:1:ja", text="山焼きの延期\n三月に行います。")
    await say(app, action=f"announce:send:1:now:{(await shown(app)).revision}:")
    again = await say(app, CHIEF, action="announce:look:1")
    assert "前に承認をお願いしたときから変わったところ：日本語\n前の文章：" in again.text
    assert again.quotes == ("山焼き\n二月に行います。",)
    assert again.preview is not None
    assert again.preview.heading == "山焼きの延期"
