"""Members, pumps and announcements without a desk: what the tests of the pump stand on."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select, update

from core import announcements
from core.announcements import Announcement, Outgoing, Pump, QuietHours
from core.announcements.delivery import outbox
from core.announcements.delivery.lanes import DeliveryState
from core.announcements.nouns import Kind
from core.database import Sessions, reading, transaction
from core.tables import AccountRow, AnnouncementRow, DeliveryRow, MemberRow
from core.testing import FakeMessenger, SetClock

TEXTS = {"ja": {"heading": "山焼き", "body": "2月に行います。"}}
OTHER = {"ja": {"heading": "延期", "body": "雨のため3月に行います。"}}


def plain(
    kind: Kind, texts: Mapping[str, Any], language: str, _topic: str | None = None, /
) -> Outgoing:
    """The words without a locale file."""
    if kind is Kind.NOTICE:
        return Outgoing(texts["key"], "", "town", language=language)
    return Outgoing(texts["ja"]["heading"], texts["ja"]["body"], "town", language=language)


class Lanes:
    """Records with members, and the pumps on them."""

    def __init__(self, sessions: Sessions, clock: SetClock) -> None:
        self.sessions, self.clock = sessions, clock

    async def members(self, count: int, *, zones: Mapping[int, str] | None = None) -> None:
        """Members 1 … `count` on Telegram, each with the account of the same number."""
        zones, now = zones or {}, self.clock()
        numbers = range(1, count + 1)
        people = [
            {
                "id": each,
                "locale": "ja",
                "wants_messages": True,
                "created_at": now,
                "zone": zones.get(each),
            }
            for each in numbers
        ]
        accounts = [
            {
                "id": each,
                "member_id": each,
                "platform": "telegram",
                "external_id": str(each),
                "created_at": now,
            }
            for each in numbers
        ]
        async with transaction(self.sessions) as session:
            await session.execute(insert(MemberRow), people)
            await session.execute(insert(AccountRow), accounts)

    async def announce(
        self,
        *,
        policy: str = "resend",
        quiet: bool = False,
        deadline: datetime | None = None,
    ) -> int:
        """Let an announcement to everybody leave."""
        async with transaction(self.sessions) as session:
            row = AnnouncementRow(
                kind=Kind.DIRECT,
                state="sending",
                author="staff",
                texts=TEXTS,
                extras={"policy": policy, "quiet": quiet},
                deadline=deadline,
                created_at=self.clock(),
                confirmed_at=self.clock(),
            )
            session.add(row)
            await session.flush()
            await outbox.begin(session, row.id, ("telegram",), self.clock())
            return row.id

    async def put(self, number: int, **columns: object) -> None:
        """Change an announcement's row."""
        async with transaction(self.sessions) as session:
            await session.execute(
                update(AnnouncementRow).where(AnnouncementRow.id == number).values(**columns)
            )

    async def change(self, number: int, *, retract: bool = False) -> None:
        """Other words, or none, for those who have it."""
        async with transaction(self.sessions) as session:
            row = await session.get_one(AnnouncementRow, number)
            row.revision, row.amended, row.amend_failed = row.revision + 1, 0, 0
            row.texts = OTHER
            row.retracted_at = self.clock() if retract else None
            await outbox.amend(session, number)

    async def shown(self, number: int) -> Announcement:
        async with reading(self.sessions) as session:
            return await announcements.progress(session, number)

    async def states(self, number: int) -> dict[int, DeliveryState]:
        async with reading(self.sessions) as session:
            rows = await session.execute(
                select(DeliveryRow.recipient, DeliveryRow.state).where(
                    DeliveryRow.announcement_id == number
                )
            )
            return {recipient: DeliveryState(state) for recipient, state in rows.all()}

    def pump(
        self,
        messenger: FakeMessenger,
        worker: str = "w1",
        *,
        rate: float = 1000,
        window: int = 256,
        quiet: QuietHours | None = None,
        **more: Any,
    ) -> Pump:
        async def wait(seconds: float) -> None:
            self.clock.advance(timedelta(seconds=seconds))

        return Pump(
            *(self.sessions, messenger, plain, self.clock),
            rate=rate,
            worker=worker,
            pause=wait,
            window=window,
            quiet=quiet,
            **more,
        )

    async def drain(self, *pumps: Pump, step: timedelta = timedelta(minutes=7)) -> None:
        """Tick until nothing has been due for a while."""
        quiet = 0
        while quiet < 2:
            tried = sum([await pump.tick() for pump in pumps])
            quiet = 0 if tried else quiet + 1
            self.clock.advance(step if quiet else timedelta(0))


def targets(messenger: FakeMessenger) -> list[int]:
    return [int(target) for target, _ in messenger.arrived]
