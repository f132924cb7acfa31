"""Members and their accounts on the platforms."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Select, literal, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core import audit
from core.errors import NotFound
from core.identity.areas import is_area, zones
from core.tables import (
    AccountRow,
    MemberRow,
)


class Aloud(StrEnum):
    """When somebody wants answers to be said as well as written."""

    WHEN_SPOKEN_TO = "spoken"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Account:
    """One member's account on one platform."""

    id: int
    member_id: int
    platform: str
    external_id: str
    locale: str
    reachable: bool
    wants_messages: bool
    area: str | None = None
    zone: str | None = None
    aloud: Aloud = Aloud.WHEN_SPOKEN_TO


def _account(row: AccountRow, member: MemberRow) -> Account:
    return Account(
        row.id,
        row.member_id,
        row.platform,
        row.external_id,
        member.locale,
        row.reachable,
        member.wants_messages,
        member.area,
        member.zone,
        Aloud(member.aloud or Aloud.WHEN_SPOKEN_TO),
    )


async def find_account(session: AsyncSession, platform: str, external_id: str) -> Account | None:
    found = (
        await session.execute(
            select(AccountRow, MemberRow)
            .join(MemberRow, MemberRow.id == AccountRow.member_id)
            .where(AccountRow.platform == platform, AccountRow.external_id == external_id)
        )
    ).first()
    return _account(*found) if found else None


async def account(
    session: AsyncSession, platform: str, external_id: str, *, locale: str, now: datetime
) -> Account:
    """The account, made with a member of its own at the first meeting."""
    if (found := await find_account(session, platform, external_id)) is not None:
        return found
    try:
        async with session.begin_nested():
            member = MemberRow(locale=locale, created_at=now)
            session.add(member)
            await session.flush()
            session.add(
                AccountRow(
                    member_id=member.id,
                    platform=platform,
                    external_id=external_id,
                    created_at=now,
                )
            )
            if platform != "web":  # a browser has only asked something so far
                await _joined(session, member.id, platform, now)
    except IntegrityError:
        pass  # somebody was quicker with the same account; theirs is the one
    found = await find_account(session, platform, external_id)
    if found is None:
        raise NotFound(f"account on {platform}")
    return found


async def note_arrival(session: AsyncSession, member_id: int, *, now: datetime) -> None:
    """Whoever was only a browser so far joins by a first proof; the log says it once."""
    if not await audit.has(session, "member.joined", f"member:{member_id}"):
        await _joined(session, member_id, "web", now)


async def _joined(session: AsyncSession, member_id: int, platform: str, now: datetime) -> None:
    await audit.record(
        session,
        actor="kankei",
        action="member.joined",
        subject=f"member:{member_id}",
        detail={"platform": platform},
        now=now,
    )


async def account_by_id(session: AsyncSession, account_id: int) -> Account:
    found = (
        await session.execute(
            select(AccountRow, MemberRow)
            .join(MemberRow, MemberRow.id == AccountRow.member_id)
            .where(AccountRow.id == account_id)
        )
    ).first()
    if found is None:
        raise NotFound(f"account {account_id}")
    return _account(*found)


async def accounts_of(session: AsyncSession, member_id: int) -> list[Account]:
    rows = await session.execute(
        select(AccountRow, MemberRow)
        .join(MemberRow, MemberRow.id == AccountRow.member_id)
        .where(AccountRow.member_id == member_id)
        .order_by(AccountRow.id)
    )
    return [_account(*row) for row in rows]


def accounts_asked(member_id: int) -> Select[str, str, str]:
    """For one question with others: ``account``, the platform, and the number there."""
    return select(literal("account"), AccountRow.platform, AccountRow.external_id).where(
        AccountRow.member_id == member_id
    )


async def accounts_of_many(
    session: AsyncSession, members: Sequence[int]
) -> dict[int, list[Account]]:
    """The accounts of each of these members, in one question."""
    rows = await session.execute(
        select(AccountRow, MemberRow)
        .join(MemberRow, MemberRow.id == AccountRow.member_id)
        .where(AccountRow.member_id.in_(members))
        .order_by(AccountRow.id)
    )
    found: dict[int, list[Account]] = {}
    for row in rows:
        found.setdefault(row[0].member_id, []).append(_account(*row))
    return found


async def set_locale(session: AsyncSession, member_id: int, locale: str) -> None:
    await session.execute(update(MemberRow).where(MemberRow.id == member_id).values(locale=locale))


async def set_area(session: AsyncSession, member_id: int, area: str | None) -> None:
    """Where they live, as they said: ISO 3166-2 ``JP-35`` or ISO 3166-1 ``KR``; none: not said.

    Raises `ValueError` for what is no area.
    """
    if area is not None and not is_area(area):
        raise ValueError(f"{area}: neither a prefecture such as JP-35 nor a country such as KR")
    await session.execute(update(MemberRow).where(MemberRow.id == member_id).values(area=area))


async def areas_in_use(session: AsyncSession, *, limit: int = 300) -> list[str]:
    """Where members said they live, in the order of the codes; nobody is counted."""
    rows = await session.scalars(
        select(MemberRow.area)
        .where(MemberRow.area.is_not(None))
        .distinct()
        .order_by(MemberRow.area)
        .limit(limit)
    )
    return [each for each in rows if each is not None]


async def set_zone(session: AsyncSession, member_id: int, zone: str | None) -> None:
    """Their time zone, as they said: an IANA name such as ``Asia/Seoul``; none: the town's.

    Raises `ValueError` for what is no zone.
    """
    if zone is not None and zone not in zones():
        raise ValueError(f"{zone}: not a time zone such as Asia/Tokyo")
    await session.execute(update(MemberRow).where(MemberRow.id == member_id).values(zone=zone))


async def set_aloud(session: AsyncSession, member_id: int, aloud: Aloud) -> None:
    """When they want answers to be said, too."""
    await session.execute(update(MemberRow).where(MemberRow.id == member_id).values(aloud=aloud))


async def set_tier(
    session: AsyncSession, member_id: int, tier: str | None, *, now: datetime
) -> None:
    """What a complete reading said of a member's tier. The same again is written once a day."""
    await session.execute(
        update(MemberRow)
        .where(
            MemberRow.id == member_id,
            or_(
                MemberRow.tier.is_distinct_from(tier),
                MemberRow.tier_at.is_(None),
                MemberRow.tier_at < now - timedelta(days=1),
            ),
        )
        .values(tier=tier, tier_at=now)
        .execution_options(synchronize_session=False)
    )


async def members_with_tier(session: AsyncSession) -> Sequence[int]:
    """Who has a tier, as of the last complete reading; also who has nothing to show for it."""
    return (await session.scalars(select(MemberRow.id).where(MemberRow.tier.is_not(None)))).all()


async def set_reachable(session: AsyncSession, account_id: int, *, reachable: bool) -> None:
    await session.execute(
        update(AccountRow).where(AccountRow.id == account_id).values(reachable=reachable)
    )


async def set_unreachable(session: AsyncSession, account_ids: Sequence[int]) -> None:
    """These blocked us, or are gone: nothing is sent there until they write."""
    await session.execute(
        update(AccountRow)
        .where(AccountRow.id.in_(account_ids))
        .values(reachable=False)
        .execution_options(synchronize_session=False)
    )


async def accounts_on(
    session: AsyncSession,
    platform: str,
    *,
    external: Sequence[str] | None = None,
    numbers: Sequence[int] | None = None,
    after: int = 0,
    limit: int | None = None,
) -> list[Account]:
    """Accounts of one platform: those with these ids of its own, or of ours, or the next few."""
    query = (
        select(AccountRow, MemberRow)
        .join(MemberRow, MemberRow.id == AccountRow.member_id)
        .where(AccountRow.platform == platform, AccountRow.id > after)
        .order_by(AccountRow.id)
        .limit(limit)
    )
    if numbers is not None:
        query = query.where(AccountRow.id.in_(numbers))
    if external is None:
        return [_account(*row) for row in await session.execute(query)]
    found: list[Account] = []
    for start in range(0, len(external), 500):  # databases bound the values of a statement
        some = AccountRow.external_id.in_(external[start : start + 500])
        found += [_account(*row) for row in await session.execute(query.where(some))]
    return found
