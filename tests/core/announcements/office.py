"""Staff at work, and the members whom they tell: the world of these tests."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import insert, select, text, update

from core import announcements, identity
from core.announcements import (
    PLATFORMS,
    Announcement,
    Audience,
    Extras,
    Kind,
    Outgoing,
    Preview,
    Pump,
    Segment,
)
from core.database import Sessions, reading, transaction
from core.tables import (
    AccountRow,
    AuditRow,
    CredentialRow,
    DeskRow,
    GrantRow,
    MemberRow,
    RedemptionRow,
)
from core.testing import FakeMessenger, SetClock
from core.town import Everybody, Localised, Tier, TokenRule, TownPack
from core.town.model import Topic

TEXTS = {"ja": {"heading": "山焼きのお知らせ", "body": "2月に行います。"}}
OTHER = {"ja": {"heading": "山焼きの延期", "body": "雨のため3月に行います。"}}
DIRECT = Audience(Kind.DIRECT)
ROOM = Audience(Kind.ROOM, gate="residents", places=(("telegram", "-100"), ("web", "residents")))
LONG_AGO = datetime.fromisoformat("2026-01-01T00:00:00+00:00")


def words(text: str) -> Localised:
    return Localised({"ja": text})


def told(town: TownPack, **changes: object) -> TownPack:
    """The town with other keys under ``[announcements]``, and three tiers."""
    tiers = (
        Tier(name="friend", title=words("友"), rule=Everybody(everybody=True)),
        Tier(name="fan", title=words("会員"), rule=TokenRule(collection="resident-card")),
        Tier(
            name="patron",
            title=words("支える人"),
            rule=TokenRule(collection="resident-card", at_least=3),
        ),
    )
    topics = (
        Topic(name="events", title=words("催し")),
        Topic(name="seasons", title=words("季節"), default=False),
    )
    table = town.announcements.model_copy(update={"topics": topics, **changes})
    return town.model_copy(update={"announcements": table, "tiers": tiers})


def plain(
    kind: Kind, texts: Mapping[str, Any], language: str, _topic: str | None = None, /
) -> Outgoing:
    """The words without a locale file."""
    if kind is Kind.NOTICE:
        return Outgoing(texts["key"], "", "town", language=language)
    return Outgoing(texts["ja"]["heading"], texts["ja"]["body"], "town", language=language)


class Office:
    """One town's announcement desk."""

    def __init__(self, town: TownPack, sessions: Sessions, clock: SetClock) -> None:
        self.town, self.sessions, self.clock = town, sessions, clock

    # Members

    async def member(
        self, external_id: str, platform: str = "telegram", *, wants: bool = True, **columns: object
    ) -> int:
        """Somebody with one account; `columns` of their row. Returns the member's number."""
        async with transaction(self.sessions) as session:
            account = await identity.account(
                session, platform, external_id, locale="ja", now=self.clock()
            )
            await identity.set_wants_messages(session, account.member_id, wants=wants)
            if columns:
                await session.execute(
                    update(MemberRow).where(MemberRow.id == account.member_id).values(**columns)
                )
            return account.member_id

    async def crowd(self, count: int, platform: str = "telegram", **columns: object) -> None:
        """Many members at once, as the database takes them fastest."""
        async with transaction(self.sessions) as session:
            last = await session.scalar(select(MemberRow.id).order_by(MemberRow.id.desc()).limit(1))
            first = (last or 0) + 1
            people = [
                {
                    "id": number,
                    "locale": "ja",
                    "wants_messages": True,
                    "created_at": LONG_AGO,
                    **columns,
                }
                for number in range(first, first + count)
            ]
            accounts = [
                {
                    "member_id": number,
                    "platform": platform,
                    "external_id": f"{platform}-{number}",
                    "created_at": LONG_AGO,
                }
                for number in range(first, first + count)
            ]
            for start in range(0, count, 1_000):
                await session.execute(insert(MemberRow), people[start : start + 1_000])
                await session.execute(insert(AccountRow), accounts[start : start + 1_000])
            if session.get_bind().dialect.name == "postgresql":  # ids of ours move no sequence
                await session.execute(
                    text("SELECT setval('member_id_seq', :last)"), {"last": first + count}
                )

    async def also(self, member_id: int, platform: str, external_id: str) -> None:
        """A further account of the same person."""
        async with transaction(self.sessions) as session:
            session.add(
                AccountRow(
                    member_id=member_id,
                    platform=platform,
                    external_id=external_id,
                    created_at=self.clock(),
                )
            )

    async def inside(self, member_id: int, gate: str, state: str = "open") -> None:
        async with transaction(self.sessions) as session:
            account = await session.scalar(
                select(AccountRow.id).where(AccountRow.member_id == member_id)
            )
            session.add(
                GrantRow(
                    member_id=member_id,
                    account_id=account,
                    gate=gate,
                    platform="telegram",
                    place="-100",
                    state=state,
                    granted_at=self.clock(),
                )
            )

    async def proved(
        self,
        member_id: int,
        *,
        expires_at: datetime | None = None,
        revoked_at: datetime | None = None,
    ) -> None:
        async with transaction(self.sessions) as session:
            session.add(
                CredentialRow(
                    member_id=member_id,
                    proof="invitation",
                    subject=f"s{member_id}",
                    proved_at=self.clock(),
                    expires_at=expires_at,
                    revoked_at=revoked_at,
                )
            )

    async def visited(self, member_id: int, at: datetime, *, undone: bool = False) -> None:
        """Took a perk at a window."""
        async with transaction(self.sessions) as session:
            desk = DeskRow(
                facility="cave",
                label="gate",
                link_digest=f"{member_id}-{at.isoformat()}",
                pin_hash="",
                created_by="staff",
                created_at=at,
                expires_at=at,
            )
            session.add(desk)
            await session.flush()
            session.add(
                RedemptionRow(
                    perk="cave",
                    facility="cave",
                    desk_id=desk.id,
                    request_id="1",
                    member_id=member_id,
                    kind="use",
                    source="live",
                    at=at,
                    day=date(2026, 11, 1),
                    recorded_at=at,
                    undone_at=at if undone else None,
                )
            )

    # Staff

    async def draft(
        self,
        audience: Audience = DIRECT,
        *,
        texts: Mapping[str, Mapping[str, str]] = TEXTS,
        extras: Extras | None = None,
        author: str = "staff:hana",
    ) -> int:
        async with transaction(self.sessions) as session:
            return await announcements.compose(
                session,
                town=self.town,
                author=author,
                audience=audience,
                texts=texts,
                extras=extras or Extras(),
                now=self.clock(),
                platforms=PLATFORMS,
            )

    async def preview(
        self,
        number: int,
        rates: Mapping[str, float] | None = None,
        platforms: Sequence[str] = PLATFORMS,
    ) -> Preview:
        async with reading(self.sessions) as session:
            return await announcements.preview(
                session,
                number,
                town=self.town,
                rates=rates or {"telegram": 10, "discord": 5, "web": 100},
                now=self.clock(),
                platforms=platforms,
            )

    async def reached(self, segment: Segment | None = None, **changes: Any) -> Mapping[str, int]:
        """How many messages would leave, by platform."""
        audience = Audience(Kind.DIRECT, segment=segment or Segment(), **changes)
        return (await self.preview(await self.draft(audience))).recipients

    async def confirm(
        self,
        number: int,
        *,
        by: str = "staff:hana",
        start_at: datetime | None = None,
        deadline: datetime | None = None,
        platforms: Sequence[str] = PLATFORMS,
    ) -> Announcement:
        async with transaction(self.sessions) as session:
            return await announcements.confirm(
                session,
                number,
                town=self.town,
                by=by,
                now=self.clock(),
                start_at=start_at,
                deadline=deadline,
                platforms=platforms,
            )

    async def send(self, audience: Audience = DIRECT, **changes: Any) -> int:
        number = await self.draft(audience, **changes)
        await self.confirm(number)
        return number

    async def revise(self, number: int, by: str = "staff:hana", **changes: Any) -> None:
        async with transaction(self.sessions) as session:
            await announcements.revise(
                session,
                number,
                town=self.town,
                by=by,
                now=self.clock(),
                **{"platforms": PLATFORMS, **changes},
            )

    async def do(self, what: str, number: int, by: str = "staff:hana", **more: Any) -> Any:
        """approve, refuse, pause, resume, cancel, retract, missed."""
        async with transaction(self.sessions) as session:
            return await getattr(announcements, what)(
                session, number, by=by, now=self.clock(), **more
            )

    async def start_due(self) -> list[int]:
        async with transaction(self.sessions) as session:
            return await announcements.start_due(session, now=self.clock())

    async def shown(self, number: int) -> Announcement:
        async with reading(self.sessions) as session:
            return await announcements.progress(session, number)

    async def steps(self) -> list[str]:
        """The log's actions on announcements, oldest first."""
        async with reading(self.sessions) as session:
            rows = await session.scalars(
                select(AuditRow.action)
                .where(AuditRow.action.startswith("announcement."))
                .order_by(AuditRow.id)
            )
            return [each.removeprefix("announcement.") for each in rows]

    # The platforms

    def pump(self, messenger: FakeMessenger, rate: float = 1000) -> Pump:
        async def wait(seconds: float) -> None:
            self.clock.advance(timedelta(seconds=seconds))

        return Pump(self.sessions, messenger, plain, self.clock, rate=rate, worker="w1", pause=wait)

    async def deliver(self, *messengers: FakeMessenger) -> None:
        """Until nothing has been due for a while."""
        for messenger in messengers:
            pump, quiet = self.pump(messenger), 0
            while quiet < 2:
                quiet = 0 if await pump.tick() else quiet + 1
                self.clock.advance(timedelta(minutes=7 if quiet else 0))


def arrived(messenger: FakeMessenger) -> Sequence[str]:
    return sorted(target for target, _ in messenger.arrived)
