"""A town with events and members, on a clock that stands still."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import select

from core import events, identity
from core.access import decide
from core.database import Sessions, transaction
from core.events import Events, NotTaken, Plan, Refusal, ReplyState, Taken
from core.identity import Account
from core.tables import AnnouncementRow, AuditRow, DeliveryRow, NewsRow, ReplyRow
from core.testing import FakeEvidence, SetClock
from core.town import Event as PackEvent
from core.town import TownPack

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)  # 12:00 in Asia/Tokyo
STARTS = NOW + timedelta(days=7)
LINK = "https://meet.example/mayor"
GATE = "residents"


def plan(**more: Any) -> Plan:
    """An open meeting in a week, unless `more` says otherwise."""
    given: dict[str, Any] = {
        "title": {"ja": "町長と話す夕べ(見本)", "en": "An evening with the mayor (sample)"},
        "text": {"ja": "町長とオンラインで話します。"},
        "place": {"ja": "集会所(見本)"},
        "starts_at": STARTS,
        "ends_at": STARTS + timedelta(hours=1),
        **more,
    }
    return Plan(**given)


def pack_event(name: str = "salon", **more: Any) -> PackEvent:
    """The same as a town pack would say it, in the town's own time."""
    return PackEvent.model_validate(
        {
            "name": name,
            "title": {"ja": "サロン(見本)", "en": "Salon (sample)"},
            "text": {"ja": "見本です。"},
            "starts": "2026-11-29T12:00:00",
            "ends": "2026-11-29T13:00:00",
            "place": {"ja": "集会所(見本)"},
            **more,
        }
    )


class World:
    """One town, its members and what they were told."""

    def __init__(self, town: TownPack, sessions: Sessions) -> None:
        self.town = town
        self.sessions = sessions
        self.clock = SetClock(NOW)
        self.chain = FakeEvidence()
        self.events = self.again()

    def again(self, *pack: PackEvent) -> Events:
        """The same town after a restart, with these events in its pack."""
        self.town = self.town.model_copy(update={"events": pack})
        self.events = Events(
            self.town,
            self.sessions,
            self.chain,
            partial(decide, town=self.town),
            self.clock,
            patience=timedelta(seconds=0.5),
        )
        return self.events

    async def follow(self, *pack: PackEvent) -> None:
        await self.again(*pack).follow_pack()

    async def member(self, name: str, *cards: int, platform: str = "telegram") -> Account:
        async with transaction(self.sessions) as session:
            account = await identity.account(session, platform, name, locale="ja", now=self.clock())
        if cards:
            self.chain.give(account.member_id, *cards)
        return account

    async def event(self, **more: Any) -> int:
        async with transaction(self.sessions) as session:
            return await events.make(session, plan(**more), by="staff:hana", now=self.clock())

    async def change(self, event: int, **more: Any) -> None:
        async with transaction(self.sessions) as session:
            await events.change(session, event, plan(**more), by="staff:hana", now=self.clock())

    async def cancel(self, event: int) -> None:
        async with transaction(self.sessions) as session:
            await events.cancel(session, event, by="staff:hana", now=self.clock())

    async def come(self, event: int, who: Account, companions: int = 0) -> ReplyState | Refusal:
        said = await self.events.come(event, who, companions)
        return said.reply.state if isinstance(said, Taken) else said.reason

    async def decline(self, event: int, who: Account) -> ReplyState | Refusal:
        said = await self.events.decline(event, who)
        return said.reason if isinstance(said, NotTaken) else said.reply.state

    async def state(self, event: int, who: Account) -> ReplyState:
        async with transaction(self.sessions) as session:
            row = await session.get_one(ReplyRow, (event, who.member_id))
            return ReplyState(row.state)

    async def link(self, event: int, who: Account) -> str | None:
        return (await self.events.view(event, who.member_id)).link

    async def told(self, who: Account) -> list[str]:
        """The keys of the notices to somebody, the oldest first."""
        return [each["key"] for each in await self.notices(who)]

    async def notices(self, who: Account) -> list[dict[str, Any]]:
        async with transaction(self.sessions) as session:
            rows = await session.scalars(
                select(AnnouncementRow.texts)
                .join(DeliveryRow, DeliveryRow.announcement_id == AnnouncementRow.id)
                .where(DeliveryRow.recipient == who.id)
                .order_by(AnnouncementRow.id)
            )
            return list(rows)

    async def actions(self) -> list[str]:
        async with transaction(self.sessions) as session:
            return list(await session.scalars(select(AuditRow.action).order_by(AuditRow.id)))

    async def news(self) -> int:
        """Pieces of news of which not everybody has been told."""
        async with transaction(self.sessions) as session:
            rows = await session.scalars(select(NewsRow.id).where(NewsRow.done_at.is_(None)))
            return len(rows.all())

    def at(self, moment: datetime) -> None:
        self.clock.now = moment
