"""Staff announce from chat, step by step; the transcripts are what staff read."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bots import qr, texts
from bots.app import App
from bots.conversation import ChatKind, Incoming, Reply, Upload
from bots.conversation.announcing import form_of
from bots.conversation.core import Conversation
from bots.jobs.lives import tell_news
from core import announcements, unfinished
from core.announcements import AnnouncementState
from core.database import transaction
from core.identity import find_account
from core.testing import FakeKeeper, FakeMessenger, SetClock

STAFF = Incoming(platform="telegram", account="900", name="職員", language="ja")
CHIEF = replace(STAFF, account="901")
HANA = replace(STAFF, account="1", name="花子")


@pytest.fixture
async def desk(app: App) -> FakeMessenger:
    """A town with two of staff, three who asked for messages, and a Telegram that takes all."""
    app.settings = app.settings.model_copy(
        update={"staff": dict.fromkeys(["telegram:900", "telegram:901"], "")}
    )
    messenger = FakeMessenger("telegram")
    app.add_platform(FakeKeeper(), messenger, rate=30)
    for account in ("1", "2", "3"):
        await say(app, replace(HANA, account=account), action="messages:on")
    for who in (STAFF, CHIEF):
        await say(app, who, command="help")
    return messenger


async def say(app: App, who: Incoming = STAFF, **what: object) -> Reply:
    reply = await app.conversation.handle(replace(who, **what))  # type: ignore[arg-type]
    assert reply is not None
    assert "{" not in reply.text
    assert reply.text != texts.say("errors.unexpected", "ja")
    return reply


async def press(app: App, reply: Reply, label: str, who: Incoming = STAFF) -> Reply:
    """Press the button whose label begins so."""
    for row in reply.rows:
        for button in row:
            if button.label.startswith(label):
                assert len((button.action or "").encode()) <= 64
                return await say(app, who, action=button.action)
    raise AssertionError(f"no {label} among {[b.label for row in reply.rows for b in row]}")


def picture(content: bytes | None = None) -> Upload:
    given = qr.png("K1") if content is None else content

    async def read() -> bytes:
        return given

    return Upload(len(given), read)


async def to_audience(app: App, text: str = "山焼き\n二月に行います。") -> Reply:
    return await say(app, command="announce", text=text)


async def to_preview(app: App, label: str = "お知らせを希望した方全員") -> Reply:
    return await press(app, await to_audience(app), label)


async def state(app: App, number: int = 1) -> AnnouncementState:
    async with transaction(app.sessions) as session:
        return (await announcements.progress(session, number)).state


async def flush(app: App, clock: SetClock) -> None:
    app.clock = clock
    for _ in range(3):
        clock.advance(timedelta(seconds=2))
        await app.pumps["telegram"].tick()


async def test_from_the_first_word_to_the_last_result(
    app: App, desk: FakeMessenger, clock: SetClock
) -> None:
    asked = await say(app, command="announce")
    assert asked.text == (
        "お知らせを作る（1/7 文章）\n\nお知らせの文章を送ってください。一行目が見出し、"
        "二行目からが本文です（見出しは100字、本文は3,000字まで）。"
    )
    shown = await say(app, text="山焼き\n二月に行います。")
    assert shown.text.startswith("下書きを保存しました。\n\nお知らせを作る（2/7 外国語）")
    assert shown.quotes == ("山焼き\n二月に行います。",)

    shown = await press(app, shown, "Englishで書く")
    assert shown.text.startswith("Englishの文章を送ってください。一行目が見出し")
    shown = await say(app, text="Burning the hills\nIn February.")
    assert any(b.label == "✓ English（書き直す）" for row in shown.rows for b in row)

    shown = await press(app, shown, "次へ")
    assert shown.text.startswith("お知らせを作る（3/7 写真）")
    shown = await say(app, text="燃える丘", upload=picture())
    assert "付ける写真：燃える丘" in shown.text

    shown = await press(app, shown, "次へ")
    assert shown.text.startswith("お知らせを作る（4/7 リンク）")
    shown = await say(app, text="くわしく\nhttps://town.example/yamayaki")
    assert "・くわしく https://town.example/yamayaki" in shown.text

    shown = await press(app, shown, "次へ")
    assert shown.text.startswith("お知らせを作る（5/7 宛先）")
    shown = await press(app, shown, "「催しもの」を希望した方に直接")
    assert "届く人数：3人（Telegram 3通）" in shown.text
    assert "までに届き終わる見込みです" in shown.text
    assert "文章を書いた言語：日本語、English" in shown.text
    assert shown.preview is not None
    assert shown.preview.picture is not None
    assert shown.preview.links == (("くわしく", "https://town.example/yamayaki"),)
    assert shown.preview.action == (("「催しもの」のお知らせを止める", "topic:events:off"),)

    tested = await press(app, shown, "自分にためし送り")
    assert tested.text.startswith("ためし送りをしました（2通）")
    assert [target for target, _ in desk.arrived] == ["900", "900"]
    assert desk.arrived[0][1] == shown.preview
    assert desk.arrived[1][1].heading == "Burning the hills"
    desk.arrived.clear()

    when = await press(app, tested, "この内容でよい")
    assert when.text.startswith("お知らせを作る（7/7 送る時）")
    sure = await press(app, when, "今すぐ送る")
    assert sure.text == (
        "次のとおり送ります。\n・見出し：山焼き\n・宛先：「催しもの」を希望した方に直接\n"
        "・届く人数：3人\n・送る時：今すぐ\nよろしいですか。"
    )
    assert desk.arrived == []
    sent = await press(app, sure, "送る")
    assert sent.text.startswith("「山焼き」\n送っています。")
    await flush(app, clock)
    assert sorted(target for target, _ in desk.arrived) == ["1", "2", "3"]
    done = await press(app, sent, "最新の様子を見る")
    assert "送り終えました。\n■■■■■■■■■■ 100%\n全3件：届いた 3" in done.text

    asked = await press(app, done, "取り下げる")
    assert "元には戻せません" in asked.text
    taken = await press(app, asked, "はい、取り下げます")
    assert "取り下げています：済み 0件、できなかった 0件、残り 3件" in taken.text
    await flush(app, clock)
    assert "取り下げました：3件（" in (await press(app, taken, "最新の様子を見る")).text


async def test_the_one_message_form_leads_straight_to_the_audience(
    app: App, desk: FakeMessenger
) -> None:
    assert desk
    shown = await to_audience(app)
    assert "お知らせを作る（5/7 宛先）" in shown.text
    assert shown.menu_label == "宛先を選ぶ"
    shown = await press(app, shown, "町のみなさんの場所に投稿")
    assert "宛先：町のみなさんの場所への投稿" in shown.text
    assert shown.preview is not None
    assert shown.preview.action == ()  # a post has nothing to be stopped by one person


async def test_every_step_leads_back_and_out(app: App, desk: FakeMessenger) -> None:
    shown = await to_preview(app)
    for step in ("5/7 宛先", "4/7 リンク", "3/7 写真", "2/7 外国語", "1/7 文章"):
        shown = await press(app, shown, "← 戻る")
        assert step in shown.text
    assert (await press(app, shown, "取りやめる")).text.startswith("取りやめました")
    assert await state(app) is AnnouncementState.CANCELLED
    assert desk.arrived == []
    # What is written now is a question again.
    assert "見出し" not in (await say(app, text="こんにちは")).text


async def test_a_draft_and_its_step_survive_a_restart(
    app: App, desk: FakeMessenger, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert desk
    await say(app, command="announce")
    shown = await say(app, text="山焼き\n二月に行います。")
    await press(app, shown, "Englishで書く")
    # Another process: nothing but the records is left.
    monkeypatch.setattr(app, "conversation", Conversation(app.conversation._desk))
    shown = await say(app, text="Burning the hills\nIn February.")
    assert any(b.label.startswith("✓ English") for row in shown.rows for b in row)
    begun = await say(app, command="announce")
    assert "2/7" in (await press(app, begun, "書きかけを続ける：山焼き")).text


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("見出しだけ", "見出しと本文の両方が必要です"),
        ("長" * 101 + "\n本文", "見出しは100字、本文は3,000字までです"),
        ("題\n" + "長" * 3_001, "見出しは100字、本文は3,000字までです"),
    ],
)
async def test_words_that_cannot_be_sent_are_asked_for_again(
    app: App, desk: FakeMessenger, text: str, sentence: str
) -> None:
    assert desk
    await say(app, command="announce")
    assert sentence in (await say(app, text=text)).text
    assert "2/7" in (await say(app, text="題\n文")).text


async def test_a_picture_without_words_is_asked_for_them_and_one_that_is_none_is_refused(
    app: App, desk: FakeMessenger
) -> None:
    assert desk
    shown = await to_preview(app)
    for _ in range(3):
        shown = await press(app, shown, "← 戻る")
    assert "3/7" in shown.text
    assert "一行で送ってください" in (await say(app, upload=picture())).text
    assert "付ける写真：丘" in (await say(app, text="丘")).text
    refused = await say(app, text="丘", upload=picture(b"MZ this is no picture"))
    assert "写真として読めませんでした" in refused.text
    huge = replace(picture(), size=11_000_000)
    assert "大きすぎます" in (await say(app, text="丘", upload=huge)).text
    shown = await say(app, action="announce:go:1:picture")
    shown = await press(app, shown, "写真を外す")
    assert "付ける写真：" not in shown.text


async def test_only_addresses_that_are_safe_become_buttons(app: App, desk: FakeMessenger) -> None:
    assert desk
    await to_audience(app)
    await say(app, action="announce:go:1:link")
    for wrong in ("http://town.example", "javascript:alert(1)", "くわしく"):
        assert "https://" in (await say(app, text=wrong)).text
    shown = await say(app, text="https://town.example/a")
    assert "・くわしく見る https://town.example/a" in shown.text
    for number in range(2):
        shown = await say(app, text=f"{number}\nhttps://town.example/{number}")
    assert "3件まで" in (await say(app, text="四\nhttps://town.example/4")).text


async def test_a_time_is_written_as_people_write_it_and_waits_until_then(
    app: App, desk: FakeMessenger
) -> None:
    await press(app, await to_preview(app), "この内容でよい")
    assert "読み取れませんでした" in (await say(app, text="そのうち")).text
    sure = await say(app, text="11月25日 9時")
    assert "・送る時：11月25日 9:00" in sure.text
    planned = await press(app, sure, "予約する")
    assert planned.text == "「山焼き」\n予約してあります。\n11月25日 9:00に送ります。"
    assert desk.arrived == []
    cancelled = await press(app, planned, "予約を取りやめる")
    assert "取りやめました" in cancelled.text


async def test_a_time_that_is_over_is_refused_in_words(app: App, desk: FakeMessenger) -> None:
    assert desk
    await press(app, await to_preview(app), "この内容でよい")
    refused = await say(app, text="2026-11-20 9:00")
    assert "いまより後" in refused.text
    assert "7/7" in (await press(app, refused, "← 戻る")).text
    far = await press(app, await say(app, text="2028-11-20 9:00"), "予約する")
    assert "1年以内" in far.text
    assert "7/7" in (await press(app, far, "← 戻る")).text
    assert await state(app) is AnnouncementState.DRAFT


async def test_at_the_last_look_another_time_may_be_written(app: App, desk: FakeMessenger) -> None:
    when = await press(app, await to_preview(app), "この内容でよい")
    await press(app, when, "今すぐ送る")
    sure = await say(app, text="11月25日 9:00")
    assert "・送る時：11月25日 9:00" in sure.text
    sure = await say(app, text="あす 18時")
    assert "・送る時：11月22日 18:00" in sure.text
    await press(app, sure, "予約する")
    assert await state(app) is AnnouncementState.SCHEDULED
    assert desk.arrived == []
    # What is written from now on is a question again.
    assert "日時" not in (await say(app, text="こんにちは")).text


@pytest.mark.usefixtures("desk")
async def test_every_fault_leads_back_to_where_it_is_mended(app: App) -> None:
    await to_audience(app)
    wrong: list[tuple[str, dict[str, Any], str]] = [
        ("words:1:ja", {"text": "見出しだけ"}, "2/7"),
        ("go:1:picture", {"text": "丘", "upload": picture(b"%PDF-1.7")}, "3/7"),
        ("go:1:picture", {"upload": picture(b"%PDF-1.7")}, "3/7"),
        ("go:1:picture", {"upload": picture()}, "3/7"),
        ("go:1:link", {"text": "くわしく"}, "4/7"),
        ("go:1:time", {"text": "そのうち"}, "7/7"),
    ]
    for step, given, place in wrong:
        await say(app, action=f"announce:{step}")
        fault = await say(app, **given)
        assert [each.label for row in fault.rows for each in row] == ["← 戻る", "取りやめる"]
        assert place in (await press(app, fault, "← 戻る")).text


@pytest.mark.usefixtures("desk")
async def test_a_picture_that_waits_for_its_description_survives_a_restart(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    await to_audience(app)
    await say(app, action="announce:go:1:picture")
    await say(app, upload=picture())
    monkeypatch.setattr(app, "conversation", Conversation(app.conversation._desk))
    assert "付ける写真：丘" in (await say(app, text="丘")).text


@pytest.mark.usefixtures("desk")
async def test_the_one_message_form_without_a_text_says_once_what_is_missing(app: App) -> None:
    asked = await to_audience(app, "見出しだけ")
    assert asked.text == "見出しと本文の両方が必要です。一行目が見出し、二行目からが本文です。"
    assert "2/7" in (await say(app, text="題\n文")).text


@pytest.mark.usefixtures("desk")
async def test_what_leads_nowhere_leads_to_the_desk(app: App) -> None:
    lost = await say(app, action="announce:go:99:preview")
    assert "1/7" in (await press(app, lost, "お知らせの窓口へ")).text
    lost = await say(app, replace(STAFF, account="901"), text="", upload=picture())
    assert "受け取れません" in lost.text
    assert lost.rows


async def test_pressing_send_twice_sends_once(
    app: App, desk: FakeMessenger, clock: SetClock
) -> None:
    when = await press(app, await to_preview(app), "この内容でよい")
    sure = await press(app, when, "今すぐ送る")
    for _ in range(2):
        await press(app, sure, "送る")
    await flush(app, clock)
    assert len(desk.arrived) == 3


async def test_what_was_rewritten_since_it_was_looked_at_is_not_sent(
    app: App, desk: FakeMessenger
) -> None:
    when = await press(app, await to_preview(app), "この内容でよい")
    sure = await press(app, when, "今すぐ送る")
    await say(app, CHIEF, action="announce:words:1:ja")
    await say(app, CHIEF, text="延期\n三月に行います。")
    looked = await press(app, sure, "送る")
    assert "もう一度お確かめください" in looked.text
    assert looked.preview is not None
    assert looked.preview.heading == "延期"
    assert await state(app) is AnnouncementState.DRAFT
    assert desk.arrived == []


async def test_many_people_need_a_second_person_who_is_asked_in_chat(
    app: App, desk: FakeMessenger, clock: SetClock
) -> None:
    few = app.town.announcements.model_copy(update={"approve_above": 2})
    object.__setattr__(app.town, "announcements", few)
    try:
        shown = await to_preview(app)
        assert "別の職員の承認が要ります" in shown.text
        when = await press(app, shown, "この内容でよい")
        asked = await press(app, await press(app, when, "今すぐ送る"), "送る")
        assert "承認を待っています" in asked.text
        for _ in range(2):  # told once, however often the clock comes by
            await tell_news(app)
        await flush(app, clock)
        [(target, notice)] = desk.arrived
        assert (target, notice.heading) == ("901", "お知らせの承認をお願いします")
        assert "3人に送るには、あなたの承認が必要です" in notice.body
        assert notice.action == (("内容を見る", "announce:look:1"),)
        desk.arrived.clear()

        own = await say(app, action="announce:approve:1")
        assert "ご自分では承認できません" in own.text
        looked = await say(app, CHIEF, action="announce:look:1")
        assert looked.preview is not None
        agreed = await press(app, looked, "承認して送る", CHIEF)
        assert agreed.text.startswith("承認しました。")
        await flush(app, clock)
        assert len(desk.arrived) == 3
        desk.arrived.clear()
        await tell_news(app)
        await flush(app, clock)
        assert {target for target, _ in desk.arrived} == {"900", "901"}
        assert "全3件のうち、届いた 3件" in desk.arrived[0][1].body
    finally:
        object.__setattr__(app.town, "announcements", few.model_copy(update={"approve_above": 500}))


async def test_sending_is_paused_resumed_and_cancelled(app: App, desk: FakeMessenger) -> None:
    when = await press(app, await to_preview(app), "この内容でよい")
    sent = await press(app, await press(app, when, "今すぐ送る"), "送る")
    paused = await press(app, sent, "一時停止")
    assert "一時停止中です" in paused.text
    resumed = await press(app, paused, "再開する")
    assert "送っています" in resumed.text
    cancelled = await press(app, resumed, "残りを取りやめる")
    assert "取りやめました" in cancelled.text
    late = await press(app, resumed, "一時停止")  # an old button says how it stands
    assert "取りやめました" in late.text
    assert desk.arrived == []


async def test_nobody_else_may_do_any_of_it(app: App, desk: FakeMessenger) -> None:
    await to_preview(app)
    for verb in ("new", "go:1:preview", "send:1:now:1", "test:1", "approve:1", "retract:1:yes"):
        refused = await say(app, HANA, action=f"announce:{verb}")
        assert refused.text == texts.say("errors.not-allowed", "ja")
    refused = await say(app, HANA, command="announce", text="題\n文")
    assert refused.text == texts.say("errors.not-allowed", "ja")
    assert desk.arrived == []
    assert await state(app) is AnnouncementState.DRAFT


@pytest.mark.parametrize(
    "action",
    [
        *("announce:go:99:preview", "announce:send:99:now:1", "announce:words:1:xx"),
        *("announce:to:1:moon:x", "announce:to:1:room:nowhere", "announce:show:1:room:-"),
        *("announce", "announce:go:1", "announce:go:-1:time", "announce:confirm:1:9999999999"),
    ],
)
async def test_a_button_that_means_nothing_changes_nothing(
    app: App, desk: FakeMessenger, action: str
) -> None:
    await to_preview(app)
    assert (await say(app, action=action)).text
    assert await state(app) is AnnouncementState.DRAFT
    assert desk.arrived == []


async def test_in_a_group_nothing_is_waited_for(app: App, desk: FakeMessenger) -> None:
    assert desk
    await say(app, replace(STAFF, chat=ChatKind.GROUP), command="announce")
    async with transaction(app.sessions) as session:
        account = await find_account(session, "telegram", "900")
        assert account is not None
        assert await unfinished.unfinished(session, account.id) is None


async def test_what_failed_to_arrive_as_a_test_is_said(app: App, desk: FakeMessenger) -> None:
    shown = await to_preview(app)
    desk.prepared = [announcements.Blocked("blocked")]
    tested = await press(app, shown, "自分にためし送り")
    assert tested.text.startswith("ためし送りは届きませんでした")
    assert desk.arrived == []


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize(
    "action", ["new", "words:1:ja", "words:1:ko", "photo:1", "link:1", "type:1"]
)
def test_forms_fit_discord(language: str, action: str) -> None:
    form = form_of(f"announce:{action}", language)
    assert form is not None
    assert len(form.title) <= 45
    assert all(len(blank.label) <= 45 for blank in form.blanks)
    assert len(form.file) <= 45


def test_what_opens_no_form_opens_none() -> None:
    for action in ("rooms", "announce:send:1", "announce:words:1:xx", "announce:words:x:ja"):
        assert form_of(action, "ja") is None


@pytest.mark.usefixtures("desk")
async def test_an_old_step_does_not_open_what_was_cancelled(app: App) -> None:
    shown = await say(app, command="announce", text="見出し\n本文")
    back = next(
        button.action
        for row in shown.rows
        for button in row
        if button.action and ":go:" in button.action
    )
    quit_it = next(
        button.action
        for row in shown.rows
        for button in row
        if button.action and ":quit" in button.action
    )
    await say(app, action=quit_it)
    assert (await say(app, action=back)).text == texts.say("errors.old-button", "ja")


@pytest.mark.usefixtures("desk")
async def test_staff_may_take_every_step_of_an_announcement_without_a_pause(app: App) -> None:
    for _ in range(60):
        assert (await say(app, command="help")).text != texts.say("errors.too-many", "ja")
