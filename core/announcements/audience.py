"""Whom an announcement reaches: one account a member, in one statement.

This reads the tables of other domains (grants, credentials, redemptions): a condition that is
not part of the same statement would be a query a member.
"""

from collections.abc import Collection
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    and_,
    case,
    exists,
    func,
    null,
    or_,
    select,
    true,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from core.announcements.missing import tried_by_member, unreached
from core.announcements.nouns import Audience, Kind, Segment
from core.tables import (
    AccountRow,
    AnnouncementRunRow,
    CredentialRow,
    GrantRow,
    MemberRow,
    RedemptionRow,
    WishRow,
)

INSIDE = ("open", "leaving")
"""States of a grant whose account is in the room."""

_FIRST_DAY, _LAST_DAY = date(1900, 1, 1), date(9000, 1, 1)

Candidates = Select[int, str, str, str | None]


def candidates(audience: Audience, platform: str, *, now: datetime) -> Candidates:
    """(account id, external id, locale, zone) of those to be told on one platform.

    One account a member: the best of the pack's platforms, the oldest account there. Nobody is
    told twice. No order and no limit: the caller adds ``AccountRow.id > cursor``.
    """
    return (
        select(AccountRow.id, AccountRow.external_id, MemberRow.locale, MemberRow.zone)
        .join(MemberRow, MemberRow.id == AccountRow.member_id)
        .where(
            _on(AccountRow, platform),
            AccountRow.reachable.is_(True),
            MemberRow.wants_messages.is_(True),
            _no_better_account(audience.terms.platforms, platform),
            *_not_reached_by(audience),
            *_conditions(audience, now),
        )
    )


Zones = dict[str | None, int]
"""How many people by the zone they told us; none: those who told us none."""


async def by_zone(session: AsyncSession, audience: Audience, *, now: datetime) -> dict[str, Zones]:
    """How many messages would leave, by platform and zone; platforms without any are left out."""
    found: dict[str, Zones] = {}
    if audience.kind is not Kind.DIRECT:
        for platform, _ in audience.places:
            posts = found.setdefault(platform, {None: 0})
            posts[None] += 1
        return found
    if audience.segment.missed is None:
        rows = await session.execute(_members(audience, now))
    else:
        rows = await session.execute(_missed(audience, audience.segment.missed, now))
    for platform, zone, number in rows:
        found.setdefault(platform, {})[zone] = number
    return found


def _members(audience: Audience, now: datetime) -> Select[str, str | None, int]:
    """(platform, zone, members): each with the best platform on which they have an account.

    Both tables are read once; `candidates` asks for each account whether there is a better one.
    """
    platforms, account = audience.terms.platforms, aliased(AccountRow)
    rank = case({each: number for number, each in enumerate(platforms)}, value=account.platform)
    best = (
        select(account.member_id, func.min(rank).label("rank"))
        .where(account.reachable.is_(True), account.platform.in_(platforms))
        .group_by(account.member_id)
        .subquery()
    )
    name = case(dict(enumerate(platforms)), value=best.c.rank)
    return (
        select(name, MemberRow.zone, func.count())
        .join(best, best.c.member_id == MemberRow.id)
        .where(MemberRow.wants_messages.is_(True), *_conditions(audience, now))
        .group_by(best.c.rank, MemberRow.zone)
        .order_by(best.c.rank, MemberRow.zone)
    )


def _missed(audience: Audience, missed: int, now: datetime) -> Select[str, str | None, int]:
    """The same of those whom an announcement did not reach: `unreached`, in one pass.

    Each table is read once and joined: what was tried is put together by member, and who has an
    account with which they would be told now is one row a member.
    """
    platforms, run = audience.terms.platforms, AnnouncementRunRow
    first, tried = _first_accounts(platforms), tried_by_member(missed)
    name = case(dict(enumerate(platforms)), value=first.c.rank)
    turn_never_came = and_(run.cursor < first.c.account_id, first.c.account_id <= run.last)
    return (
        select(name, MemberRow.zone, func.count())
        .select_from(first)
        .join(MemberRow, MemberRow.id == first.c.member_id)
        .outerjoin(tried, tried.c.member_id == first.c.member_id)
        .outerjoin(run, and_(run.announcement_id == missed, run.platform == name))
        .where(
            MemberRow.wants_messages.is_(True),
            or_(tried.c.got == 0, and_(tried.c.got.is_(None), turn_never_came)),
            *_conditions(audience, now),
        )
        .group_by(first.c.rank, MemberRow.zone)
        .order_by(first.c.rank, MemberRow.zone)
    )


def _first_accounts(platforms: tuple[str, ...]) -> Subquery:
    """(member_id, account_id, rank): of each member the account that `candidates` chooses."""
    account = aliased(AccountRow)
    oldest = [
        func.min(case((account.platform == each, account.id))).label(f"oldest_{rank}")
        for rank, each in enumerate(platforms)
    ]
    theirs = (
        select(account.member_id, *oldest)
        .where(account.reachable.is_(True), account.platform.in_(platforms))
        .group_by(account.member_id)
        .subquery()
    )
    by_rank = [theirs.c[each.name] for each in oldest]
    return select(
        theirs.c.member_id,
        func.coalesce(*by_rank, null()).label("account_id"),
        case(*((each.is_not(None), rank) for rank, each in enumerate(by_rank))).label("rank"),
    ).subquery()


async def count(session: AsyncSession, audience: Audience, *, now: datetime) -> dict[str, int]:
    """The same by platform alone."""
    found = await by_zone(session, audience, now=now)
    return {platform: sum(zones.values()) for platform, zones in found.items()}


async def people(session: AsyncSession, audience: Audience, *, now: datetime) -> int:
    """How many people see it. A post in a room is seen by who is inside."""
    if audience.kind is Kind.DIRECT:
        return sum((await count(session, audience, now=now)).values())
    seen = select(func.count()).select_from(MemberRow)
    if audience.gate is not None:
        inside = (GrantRow.gate == audience.gate, GrantRow.state.in_(INSIDE))
        seen = select(func.count(GrantRow.member_id.distinct())).where(*inside)
    return await session.scalar(seen) or 0


async def declined(
    session: AsyncSession, audience: Audience, account_ids: Collection[int]
) -> dict[int, str]:
    """Of these accounts, those who are not to be written to any more, and why."""
    wants = (
        true()
        if audience.topic is None
        else _wants(audience.topic, default=audience.terms.topic_default)
    )
    rows = await session.execute(
        select(AccountRow.id, AccountRow.reachable, MemberRow.wants_messages)
        .join(MemberRow, MemberRow.id == AccountRow.member_id)
        .where(
            AccountRow.id.in_(account_ids),
            or_(~AccountRow.reachable, ~MemberRow.wants_messages, ~wants),
        )
    )
    found = {}
    for account, reachable, wanting in rows.all():
        said = "wants no more of this topic" if wanting else "wants no more messages"
        found[account] = said if reachable else "cannot be reached"
    return found


def _no_better_account(platforms: tuple[str, ...], platform: str) -> ColumnElement[bool]:
    other = aliased(AccountRow)
    better = platforms[: platforms.index(platform)] if platform in platforms else platforms
    older = and_(_on(other, platform), other.id + 0 < AccountRow.id)
    # Counted, for PostgreSQL would make a join of `exists`, over all accounts at every turn.
    found = (
        select(func.count())
        .select_from(other)
        .where(
            other.member_id == AccountRow.member_id,
            other.reachable.is_(True),
            or_(other.platform.in_(better), older) if better else older,
        )
        .correlate(AccountRow)
    )
    return found.scalar_subquery() == 0


def _on(account: type[AccountRow], platform: str) -> ColumnElement[bool]:
    """On a platform, asked so that no index of platforms is used.

    Nearly all accounts are on one. A turn of the pump finds accounts by their number, and the
    others of a member by the member; a planner that knows no better would read them all.
    """
    return account.platform.concat("") == platform


def _not_reached_by(audience: Audience) -> list[ColumnElement[bool]]:
    """It is known of accounts, not of members: over the account of the row at hand."""
    missed = audience.segment.missed
    return [] if missed is None else [unreached(missed)]


def _conditions(audience: Audience, now: datetime) -> list[ColumnElement[bool]]:
    """Every other condition that is set, each over the member of the row at hand."""
    wanted = audience.segment
    found: list[ColumnElement[bool]] = []
    if audience.gate is not None:
        found.append(_inside((audience.gate,)))
    if audience.topic is not None:
        found.append(_wants(audience.topic, default=audience.terms.topic_default))
    if wanted.rooms:
        found.append(_inside(wanted.rooms))
    if wanted.tiers:
        found.append(_stands(wanted.tiers, audience.terms.open_tier))
    if wanted.proofs:
        found.append(_proved(wanted.proofs, now))
    if wanted.languages:
        found.append(MemberRow.locale.in_(wanted.languages))
    if wanted.areas:
        found.append(_lives(wanted.areas))
    return [*found, *_since(wanted, ZoneInfo(audience.terms.timezone))]


def _stands(tiers: tuple[str, ...], open_tier: str | None) -> ColumnElement[bool]:
    """As the last complete reading said; of whom there is none, they have shown nothing."""
    known = MemberRow.tier.in_(tiers)
    return or_(known, MemberRow.tier_at.is_(None)) if open_tier in tiers else known


def _inside(rooms: tuple[str, ...]) -> ColumnElement[bool]:
    return exists().where(
        GrantRow.member_id == MemberRow.id,
        GrantRow.gate.in_(rooms),
        GrantRow.state.in_(INSIDE),
    )


def _wants(topic: str, *, default: bool) -> ColumnElement[bool]:
    """Who chose it; and who chose nothing, where the pack says so."""
    said = exists().where(WishRow.member_id == MemberRow.id, WishRow.topic == topic)
    return ~said.where(WishRow.wants.is_(False)) if default else said.where(WishRow.wants.is_(True))


def _proved(proofs: tuple[str, ...], now: datetime) -> ColumnElement[bool]:
    return exists().where(
        CredentialRow.member_id == MemberRow.id,
        CredentialRow.proof.in_(proofs),
        CredentialRow.revoked_at.is_(None),
        or_(CredentialRow.expires_at.is_(None), CredentialRow.expires_at > now),
    )


def _lives(areas: tuple[str, ...]) -> ColumnElement[bool]:
    """In one of the areas; a country has all that lies in it."""
    within = [MemberRow.area.startswith(f"{each}-") for each in areas if "-" not in each]
    return or_(MemberRow.area.in_(areas), *within)


def _since(wanted: Segment, zone: ZoneInfo) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.joined_since is not None:
        found.append(MemberRow.created_at >= _morning(wanted.joined_since, zone))
    if wanted.visited_since is not None:
        found.append(
            exists().where(
                RedemptionRow.member_id == MemberRow.id,
                RedemptionRow.at >= _morning(wanted.visited_since, zone),
                RedemptionRow.undone_at.is_(None),
            )
        )
    return found


def _morning(day: date, zone: ZoneInfo) -> datetime:
    """Within what every clock and database can say, whatever day somebody kept."""
    day = min(max(day, _FIRST_DAY), _LAST_DAY)
    return datetime.combine(day, time(), zone).astimezone(UTC)
