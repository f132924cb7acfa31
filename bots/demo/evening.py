"""The demo's sample event, always a few days ahead, so that there is something to come to."""

from datetime import datetime, time, timedelta
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from core import events
from core.clock import Clock
from core.database import Sessions, transaction
from core.events import Events, Plan
from core.town import TownPack, moment_of

DAYS_AHEAD: Final = 3
BEGINS: Final = time(19, 0)
LASTS: Final = timedelta(hours=1)
LINK: Final = "https://meet.example/sample"
"""Leads nowhere: ``.example`` is reserved (RFC 2606)."""

TITLE: Final = {
    "ja": "(見本)町の人とオンラインで話す夕べ",
    "ja-easy": "（みほん）町（まち）の 人（ひと）と オンラインで 話（はな）す 会（かい）",
    "en": "(Sample) An evening online with people of the town",
    "zh-Hant": "（範例）與鎮上的人線上聊聊",
    "zh-Hans": "（示例）与镇上的人线上聊聊",
    "ko": "(견본) 마을 사람들과 온라인으로 이야기하는 저녁",
}
TEXT: Final = {
    "ja": "申込やお知らせを試すための見本です。本当の催しではありません。",
    "ja-easy": "ためす ための みほんです。本当（ほんとう）の イベントでは ありません。",
    "en": "A sample for trying replies, reminders and calendars. It does not take place.",
    "zh-Hant": "這是用來試用報名與提醒的範例，並非真實活動。",
    "zh-Hans": "这是用来试用报名与提醒的示例，并非真实活动。",
    "ko": "신청과 알림을 시험하기 위한 견본입니다. 실제 행사가 아닙니다.",
}


class Town(Protocol):
    """What this module asks of a running town."""

    @property
    def town(self) -> TownPack: ...
    @property
    def sessions(self) -> Sessions: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def events(self) -> Events: ...


async def plan_evening(app: Town) -> None:
    """Make the sample event, if the town has none to come. The demo calls it at every start."""
    if await app.events.open():
        return
    zone, now = ZoneInfo(app.town.town.timezone), app.clock()
    day = now.astimezone(zone).date() + timedelta(days=DAYS_AHEAD)
    starts = moment_of(datetime.combine(day, BEGINS), zone) or now + timedelta(days=DAYS_AHEAD)
    plan = Plan(
        title=TITLE,
        text=TEXT,
        starts_at=starts,
        ends_at=starts + LASTS,
        online=LINK,
        gate=next((gate.name for gate in app.town.gates), None),
        capacity=20,
        companions=1,
    )
    async with transaction(app.sessions) as session:
        await events.make(session, plan, by="kankei", now=now)
    await app.events.open()
