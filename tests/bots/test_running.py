"""The town as a process: doors that are away, limits, and what is told."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bots import jobs, serve, texts
from bots.app import App
from bots.happenings import Happenings
from bots.limits import MAX_KEPT, Buckets, TooMany
from bots.notices import render_for
from bots.places import posting_places
from bots.signing import NoKey, WeakKey, secret_of
from bots.voice import Voice
from core.announcements import Kind
from core.errors import PlatformRefused, PlatformUnavailable
from core.settings import Settings
from core.testing import FakeHoldings, FakeKeeper, FakeMessenger
from core.town import TownPack
from knowledge.errors import VoiceError
from knowledge.language import Language
from tests.bots.voice.test_service import Sleeper
from tests.conftest import ROOT


class Door:
    """An adapter whose start goes as prepared."""

    def __init__(self, *starts: Exception | None) -> None:
        self.starts = list(starts)
        self.problems: list[str] = []
        self.made = 0
        self.name = "@door"
        self.keeper = FakeKeeper()
        self.messenger = FakeMessenger()

    def make(self, _: App) -> "Door":
        self.made += 1
        return self

    async def start(self) -> None:
        if self.starts and (fault := self.starts.pop(0)) is not None:
            raise fault

    async def stop(self) -> None:
        """Nothing is open."""


async def test_a_platform_that_is_away_at_the_start_is_tried_again(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "RETRY_SECONDS", 0)
    door = Door(PlatformUnavailable("Telegram does not answer"), None)
    await serve.keep_open(app, "telegram", door.make, 30)
    assert door.made == 2
    assert app.problems() == []
    assert app.adapters == [door]
    assert app.names == {"telegram": "@door"}
    assert "telegram" in app.pumps


async def test_what_waits_for_a_door_that_is_shut_stays_in_the_outbox(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "RETRY_SECONDS", 3600)
    door = Door(PlatformUnavailable("Telegram does not answer"))
    opening = asyncio.create_task(serve.keep_open(app, "telegram", door.make, 30))
    told = asyncio.Event()
    app.happenings.listen(lambda _: told.set())
    await asyncio.wait_for(told.wait(), 5)
    assert "telegram" not in app.pumps, "nobody takes its messages"
    opening.cancel()


async def test_an_unforeseen_mistake_of_a_door_is_told_and_tried_again(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "RETRY_SECONDS", 0)
    door = Door(RuntimeError("a mistake"), None)
    await serve.keep_open(app, "telegram", door.make, 30)
    assert door.made == 2


async def test_a_pump_that_breaks_is_started_again_and_the_other_jobs_go_on(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bots.jobs.clockwork.RESTART_AFTER", timedelta(0))
    turns, again = 0, asyncio.Event()

    async def broken() -> None:
        nonlocal turns
        turns += 1
        if turns == 2:
            again.set()
            await asyncio.Event().wait()
        raise RuntimeError("a mistake")

    monkeypatch.setattr(app.pumps["web"], "run", broken, raising=False)
    running = asyncio.create_task(jobs.run(app))
    await asyncio.wait_for(again.wait(), 5)
    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_the_end_is_in_time_while_somebody_is_being_heard(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "DRAIN_SECONDS", 2)
    app.voice = Voice(ears=Sleeper, mouth=None)
    asking = asyncio.create_task(
        app.voice.question(b"sound", person="telegram:1", languages=(Language.JA,))
    )

    class Listening(Door):
        async def stop(self) -> None:
            await asyncio.wait({asking})  # as an adapter waits for its questions

    app.adapters.append(Listening())
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with jobs.at_work(app, (), duties="pages") as clockwork:
        turning = asyncio.create_task(clockwork.run())
        await serve._end(app, clockwork, [turning], serve.Stop())
    assert loop.time() - began < 6
    assert isinstance(asking.exception(), VoiceError)  # told, not left


@pytest.mark.parametrize("key", ["", "short"])
def test_a_key_that_is_too_short_to_sign_with_is_refused(tmp_path: Path, key: str) -> None:
    (tmp_path / "secret_key").write_text(key, encoding="ascii")
    with pytest.raises(WeakKey):
        secret_of(Settings(data_dir=tmp_path))


async def test_a_wrong_token_is_told_to_staff_and_the_town_runs_on(app: App) -> None:
    heard: list[str] = []
    app.happenings.listen(heard.append)
    door = Door(PlatformRefused("Telegram refused the token"))
    await serve.keep_open(app, "telegram", door.make, 30)
    assert app.problems() == ["Telegram refused the token"]
    assert heard == ["職員の確認が必要です：Telegram refused the token"]
    assert app.adapters == []


async def test_a_door_that_opens_later_gets_a_pump_of_its_own(app: App) -> None:
    running = asyncio.create_task(jobs.run(app))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    messenger = FakeMessenger("discord")
    app.add_platform(FakeKeeper("discord"), messenger, rate=100)
    again = FakeMessenger("discord")
    app.add_platform(FakeKeeper("discord"), again, rate=100)
    assert app.pumps["discord"].messenger is again
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_one_bad_turn_of_a_job_does_not_end_the_clock() -> None:
    turns = 0
    done = asyncio.Event()

    async def job() -> None:
        nonlocal turns
        turns += 1
        if turns == 3:
            done.set()
        raise RuntimeError("a bad turn")

    running = asyncio.create_task(jobs.every(timedelta(0), job))
    await asyncio.wait_for(done.wait(), 5)
    assert not running.done()
    running.cancel()


async def test_an_outage_is_told_once_and_its_end_once(app: App, holdings: FakeHoldings) -> None:
    from core import identity
    from core.database import transaction

    async with transaction(app.sessions) as session:
        account = await identity.account(session, "telegram", "1", locale="ja", now=app.clock())
        await identity.link_wallet(session, account.member_id, "0x" + "1" * 40, 1, now=app.clock())
    heard: list[str] = []
    app.happenings.listen(heard.append)
    holdings.outage = {"latest", "finalized"}
    for _ in range(3):
        await jobs.recheck_everybody(app)
    assert heard == [texts.say("chat.happening.unreachable", "ja")]
    assert app.problems() == heard
    holdings.outage = set()
    await jobs.recheck_everybody(app)
    assert heard[1:] == [texts.say("chat.happening.reachable", "ja")]
    assert app.problems() == []


def test_an_announcement_is_posted_where_the_pack_says(town: TownPack) -> None:
    gate = town.gates[0].model_copy(update={"telegram_chat": -100, "discord_channel": 7})
    pack = town.model_copy(update={"gates": (gate,)})
    keepers: Any = {"telegram": None, "web": None}
    assert posting_places(pack, keepers, "residents") == (
        ("telegram", "-100"),
        ("web", "residents"),
    )
    assert posting_places(pack, keepers, None) == (("web", "board"),)


def test_an_announcement_is_read_in_the_nearest_language_that_staff_wrote(town: TownPack) -> None:
    render = render_for(town)
    stored = {
        "ja": {"heading": "見出し", "body": "本文"},
        "en": {"heading": "Heading", "body": "Body"},
    }
    assert render(Kind.ROOM, stored, "ko").heading == "Heading"
    assert render(Kind.ROOM, stored, "ja-easy").heading == "見出し"
    assert "/mydata" in render(Kind.DIRECT, stored, "en").footnote


def test_a_notice_says_which_room_and_until_when(town: TownPack) -> None:
    stored = {
        "key": "leaving",
        "values": {"room": "residents", "leave_at": "2026-11-28T20:00:00+00:00"},
        "action": None,
    }
    for language in texts.LANGUAGES:
        notice = render_for(town)(Kind.NOTICE, stored, language)
        assert town.gates[0].title.get(language) in notice.body
        assert "29" in notice.body, "the day in the town's own zone"


def test_a_bucket_fills_again_and_the_oldest_is_forgotten() -> None:
    now = 0.0
    buckets = Buckets(rate=1, burst=2, clock=lambda: now)
    buckets.take("a")
    buckets.take("a")
    with pytest.raises(TooMany):
        buckets.take("a")
    now = 1.0
    buckets.take("a")
    for number in range(MAX_KEPT + 10):
        buckets.take(f"b{number}")
    assert len(buckets._buckets) == MAX_KEPT


def test_what_happens_is_kept_for_a_while_only() -> None:
    happenings = Happenings()
    for _ in range(500):
        happenings.tell("chat.happening.join")
    assert len(happenings.recent) == 200


def test_nothing_that_is_filled_in_can_reach_another_value() -> None:
    text = texts.say("chat.sample", "ja", town="{url}", url="https://secret.example")
    assert text.count("https://secret.example") == 1


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("zh-TW", "zh-Hant"),
        ("zh_HK", "zh-Hant"),
        ("zh-CN", "zh-Hans"),
        ("zh", "zh-Hans"),
        ("en-GB", "en"),
        ("fr", "en"),
        ("ja-JP", "ja"),
        (None, "ja"),
    ],
)
def test_a_platforms_language_is_met_by_the_nearest_of_ours(tag: str | None, language: str) -> None:
    assert texts.nearest(tag) == language


async def test_a_job_that_makes_an_error_of_its_cancellation_ends_all_the_same() -> None:
    begun = asyncio.Event()

    async def job() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as error:
            raise RuntimeError("the connection broke") from error

    running = asyncio.create_task(jobs.every(timedelta(0), job))
    await asyncio.wait_for(begun.wait(), 5)
    running.cancel()
    await asyncio.wait({running}, timeout=5)
    assert running.cancelled()


async def test_a_worker_makes_no_key_where_the_towns_is_missing(tmp_path: Path) -> None:
    """As on another machine: with a key of its own it would void what the town has signed."""
    settings = Settings(_env_file=None, data_dir=tmp_path / "var", town=ROOT / "towns" / "mine")

    def nothing(_: object) -> None:
        raise AssertionError("it got further than it should")

    with pytest.raises(NoKey):
        await serve.work(settings, worker="b", progress=nothing, ready=nothing)
    assert not (tmp_path / "var" / "secret_key").exists()
