"""Announcing from chat, where something stands in the way: a closed platform, too many words."""

from dataclasses import replace

import pytest
from pydantic import SecretStr

from bots.app import App
from core.testing import FakeMessenger, SetClock
from tests.bots.test_announcing import HANA, desk, flush, press, say, to_preview

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
