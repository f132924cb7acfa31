"""The whole way of an announcement over the Bot API: an unmodified client, our own conversation."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from pydantic import SecretStr

from bots import qr
from bots.app import App
from bots.telegram.adapter import TelegramAdapter
from core.testing import SetClock
from tests.telegram_server import Message, TelegramServer, User

PICTURE = qr.png("K1")


@pytest.fixture
async def clerk(app: App, server: TelegramServer) -> AsyncIterator[User]:
    """A member of staff in a private chat with the bot of a running town."""
    clerk = server.user("職員", started=True)
    app.settings = app.settings.model_copy(
        update={
            "telegram_token": SecretStr(server.token),
            "telegram_api_url": server.base_url,
            "telegram_file_url": server.base_file_url,
            "public_url": "https://town.example",
            "staff": dict.fromkeys([f"telegram:{clerk.id}"], ""),
        }
    )
    adapter = TelegramAdapter(app, webhook_secret="s")
    await adapter.start()
    app.add_platform(adapter.keeper, adapter.messenger, rate=30)
    yield clerk
    await adapter.stop()


async def pressed(user: User, label: str, message: Message) -> Message:
    """Press the button whose label begins so; the message that answers."""
    button = next(b for row in message.buttons for b in row if b.label.startswith(label))
    await user.presses(button, message)
    return await user.next_message()


async def test_an_announcement_with_a_picture_from_the_first_word_to_the_last_recipient(
    app: App, server: TelegramServer, clerk: User, clock: SetClock
) -> None:
    hana = server.user("花子", started=True)
    await hana.sends("/mydata")
    await pressed(hana, "お知らせを直接受け取る", await hana.next_message())

    await clerk.sends("/announce")
    assert "お知らせを作る（1/7 文章）" in (await clerk.next_message()).text
    await clerk.sends("山焼き\n二月に行います。")
    shown = await clerk.next_message()
    assert "（2/7 外国語）" in shown.text
    shown = await pressed(clerk, "次へ", shown)
    assert "（3/7 写真）" in shown.text
    await clerk.sends_photo(PICTURE)
    assert "一行で送ってください" in (await clerk.next_message()).text
    await clerk.sends("燃える丘")
    shown = await clerk.next_message()
    assert "付ける写真：燃える丘" in shown.text
    shown = await pressed(clerk, "次へ", shown)
    shown = await pressed(clerk, "付けずに次へ", shown)
    assert "（5/7 宛先）" in shown.text

    preview = await pressed(clerk, "「催しもの」を希望した方に直接", shown)
    reach = await clerk.next_message()
    assert preview.file is not None
    assert "（6/7 確かめる）" in reach.text
    assert "届く人数：1人（Telegram 1通）" in reach.text

    shown = await pressed(clerk, "この内容でよい", reach)
    shown = await pressed(clerk, "今すぐ送る", shown)
    assert "・届く人数：1人" in shown.text
    sent = await pressed(clerk, "送る", shown)
    assert "送っています" in sent.text
    for _ in range(3):  # the answers above go first: they have moved the lane
        clock.advance(timedelta(seconds=2))
        await app.pumps["telegram"].tick()

    got = await hana.next_message()
    assert (got.text, got.html, got.buttons) == (preview.text, preview.html, preview.buttons)
    assert got.file is not None
    assert got.file.content == preview.file.content
    assert "<b>山焼き</b>" in got.html
    assert "写真：燃える丘" in got.text

    stopped = await pressed(hana, "「催しもの」のお知らせを止める", got)
    assert stopped.text.startswith("「催しもの」のお知らせを止めました。")


async def test_a_test_to_oneself_is_the_announcement_itself(
    server: TelegramServer, clerk: User
) -> None:
    await clerk.sends("/announce 山焼き\n二月に行います。")
    shown = await clerk.next_message()
    preview = await pressed(clerk, "町のみなさんの場所に投稿", shown)
    tested = await pressed(clerk, "自分にためし送り", await clerk.next_message())
    assert tested.html == preview.html
    assert "ためし送りをしました（1通）" in (await clerk.next_message()).text
    assert len(server.calls("sendPhoto")) == 0


async def test_a_picture_of_somebody_else_is_asked_for_in_words(
    server: TelegramServer, clerk: User
) -> None:
    assert clerk
    hana = server.user("花子", started=True)
    await hana.sends_photo(PICTURE)
    assert "文章で送ってください" in (await hana.next_message()).text
    assert server.calls("getFile") == []


async def test_a_picture_of_staff_that_nobody_waits_for_is_not_fetched(
    server: TelegramServer, clerk: User
) -> None:
    await clerk.sends_photo(PICTURE)
    assert "/announce" in (await clerk.next_message()).text
    assert server.calls("getFile") == []


@pytest.mark.parametrize("caption", ["", "燃える丘"])
async def test_a_file_that_is_no_picture_is_not_taken_for_one(clerk: User, caption: str) -> None:
    await clerk.sends("/announce")
    await clerk.next_message()
    await clerk.sends("山焼き\n二月に行います。")
    await pressed(clerk, "次へ", await clerk.next_message())
    await clerk.sends_document("plan.pdf", b"%PDF-1.7", caption=caption)
    refused = await clerk.next_message()
    assert "写真として読めませんでした" in refused.text
    assert "（3/7 写真）" in (await pressed(clerk, "← 戻る", refused)).text
