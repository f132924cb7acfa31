"""Who is one person: merging, browsers, and what is kept of somebody."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Delete, UniqueConstraint, delete, exists, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from core import audit
from core.errors import LinkExpired, NotAllowed, NotFound, WalletTaken
from core.identity.accounts import Account, Aloud, account_by_id, accounts_of
from core.identity.replies import join_replies, lock_events
from core.identity.wallets import has_proof
from core.identity.wishes import join_wishes, wishes_of
from core.tables import (
    AccountRow,
    Base,
    GrantRow,
    MemberRow,
    MergeRow,
    OverrideRow,
    RoomPostRow,
    StandingRow,
    WalletRow,
    WebMessageRow,
)

MERGE_LIFETIME = timedelta(hours=24)


async def propose_merge(
    session: AsyncSession, *, member_id: int, other_id: int, now: datetime
) -> str:
    """`member_id` proved a wallet of `other_id`; a code with which the other may agree.

    While one proposal of the two waits there is no second.

    Raises `WalletTaken` if both have an account on the same platform: then it is two persons, or
    one who must leave with one account first.
    """
    mine = {each.platform for each in await accounts_of(session, member_id)}
    theirs = {each.platform for each in await accounts_of(session, other_id)}
    if mine & theirs:
        raise WalletTaken
    waits = await open_proposal(session, member_id=member_id, other_id=other_id, now=now)
    if waits is not None:
        return waits
    code = secrets.token_hex(16)
    session.add(
        MergeRow(code=code, member_id=member_id, other_id=other_id, expires_at=now + MERGE_LIFETIME)
    )
    return code


async def open_proposal(
    session: AsyncSession, *, member_id: int, other_id: int, now: datetime
) -> str | None:
    """The code of a proposal of these two that waits; others who look have to wait for us."""
    other = select(MemberRow.id).where(MemberRow.id == other_id)
    await session.execute(other.with_for_update(key_share=True))
    return await session.scalar(
        select(MergeRow.code).where(
            MergeRow.member_id == member_id,
            MergeRow.other_id == other_id,
            MergeRow.expires_at > now,
        )
    )


async def merge(session: AsyncSession, code: str, *, by_member: int, now: datetime) -> int:
    """Make one member of two, at the word of the one who was there first. Returns who remains.

    Raises `LinkExpired` for an unknown or old code, `NotAllowed` if somebody else presses.
    """
    row = await session.get(MergeRow, code)
    if row is None or row.expires_at <= now:
        raise LinkExpired
    if row.other_id != by_member:
        raise NotAllowed("only the member who was there first may agree")
    await lock_events(session, row.member_id, row.other_id)
    # Locked, and looked at again: others may have joined either of the two since the proposal.
    both = select(MemberRow).where(MemberRow.id.in_((row.member_id, row.other_id)))
    people = list(await session.scalars(both.order_by(MemberRow.id).with_for_update()))
    mine = {each.platform for each in await accounts_of(session, row.member_id)}
    theirs = {each.platform for each in await accounts_of(session, row.other_id)}
    if mine & theirs:
        raise WalletTaken
    if len(people) < 2:  # noqa: PLR2004 - one of the two has left meanwhile
        raise LinkExpired
    gone = row.member_id
    leaves, stays = sorted(people, key=lambda each: each.id == row.other_id)
    await join_wishes(session, leaves, stays)
    stays.area, stays.zone = stays.area or leaves.area, stays.zone or leaves.zone
    stays.aloud = _quieter(stays.aloud, leaves.aloud)
    await session.flush()
    await _move_all(session, gone, row.other_id)
    await session.execute(delete(MergeRow).where(MergeRow.code == code))
    await session.execute(delete(MemberRow).where(MemberRow.id == gone))
    await audit.record(
        session,
        actor=f"member:{by_member}",
        action="member.merged",
        subject=f"member:{by_member}",
        detail={"with": gone},
        now=now,
    )
    return by_member


def _quieter(*chosen: str | None) -> str | None:
    """Of what two people chose about answers aloud; what nobody chose stays open."""
    for each in (Aloud.NEVER, Aloud.WHEN_SPOKEN_TO, Aloud.ALWAYS):
        if each in chosen:
            return each
    return None


async def _move_all(session: AsyncSession, gone: int, stays: int) -> None:
    """Everything that names a member names the one who stays, whichever domain keeps it.

    Where a member stands in a key, what both have stays once. What a last reading said of the one
    who goes (`StandingRow`) is read again: it was of half of what they own now.
    """
    await session.execute(
        delete(StandingRow)
        .where(StandingRow.member_id == gone)
        .execution_options(synchronize_session=False)
    )
    await join_replies(session, gone, stays)
    for column in member_columns():
        for key in keys_of(column):
            await session.execute(_doubles(column, key, gone, stays))
        await session.execute(
            column.table.update().where(column == gone).values({column.name: stays})
        )
    session.expire_all()


def keys_of(column: Column[Any]) -> list[tuple[Column[Any], ...]]:
    """The primary and unique keys of a column's table in which it stands."""
    table = column.table
    keys = [tuple(table.primary_key.columns)]
    keys += [tuple(each.columns) for each in table.constraints if type(each) is UniqueConstraint]
    keys += [tuple(each.columns) for each in table.indexes if each.unique]
    return [key for key in keys if column in key]


def _doubles(column: Column[Any], key: Sequence[Column[Any]], gone: int, stays: int) -> Delete:
    """Delete the rows of `gone` of which `stays` has one with the same rest of the key."""
    other = column.table.alias()
    same = [other.c[each.name] == each for each in key if each is not column]
    twin = exists().where(other.c[column.name] == stays, *same)
    return delete(column.table).where(column == gone, twin)


def member_columns() -> list[Column[Any]]:
    """Every column that says whose a row is; proposals to merge are no one's."""
    return [
        key.parent
        for table in Base.metadata.sorted_tables
        for key in sorted(table.foreign_keys, key=lambda each: each.parent.name)
        if key.column.table is MemberRow.__table__ and table is not MergeRow.__table__
    ]


async def refuse_merge(session: AsyncSession, code: str, *, by_member: int) -> None:
    await session.execute(
        delete(MergeRow).where(MergeRow.code == code, MergeRow.other_id == by_member)
    )


async def web_account(session: AsyncSession, member_id: int, *, now: datetime) -> Account:
    """The member's web account, made if they came from another platform."""
    for each in await accounts_of(session, member_id):
        if each.platform == "web":
            return each
    row = AccountRow(
        member_id=member_id,
        platform="web",
        external_id=secrets.token_urlsafe(16),
        created_at=now,
    )
    session.add(row)
    await session.flush()
    return await account_by_id(session, row.id)


async def move_to_browser(session: AsyncSession, account_id: int) -> Account:
    """Let a web account be only in the browser that proves it now: the old cookie is void."""
    await session.execute(
        update(AccountRow)
        .where(AccountRow.id == account_id)
        .values(external_id=secrets.token_urlsafe(16))
    )
    return await account_by_id(session, account_id)


async def only_a_browser(session: AsyncSession, account: Account) -> bool:
    """Whether a member has nothing but this one web account."""
    accounts = await accounts_of(session, account.member_id)
    alone = account.platform == "web" and [each.id for each in accounts] == [account.id]
    return alone and not await has_proof(session, account.member_id)


async def export(session: AsyncSession, member_id: int) -> Mapping[str, Any]:
    """What this module and access keep of a member; `core.mydata.export` has the whole."""
    member = await session.get(MemberRow, member_id)
    if member is None:
        raise NotFound(f"member {member_id}")
    wallets = await session.scalars(select(WalletRow).where(WalletRow.member_id == member_id))
    grants = await session.scalars(select(GrantRow).where(GrantRow.member_id == member_id))
    decided = await session.scalars(select(OverrideRow).where(OverrideRow.member_id == member_id))
    posts = await session.scalars(select(RoomPostRow).where(RoomPostRow.member_id == member_id))
    accounts = await accounts_of(session, member_id)
    messages = await session.scalars(
        select(WebMessageRow).where(WebMessageRow.account_id.in_([each.id for each in accounts]))
    )
    return {
        "member": member.id,
        "language": member.locale,
        "wants_messages": member.wants_messages,
        "topics": await wishes_of(session, member_id),
        "area": member.area,
        "zone": member.zone,
        "answers_aloud": member.aloud,
        "tier": {"name": member.tier, "as_of": member.tier_at.isoformat()}
        if member.tier and member.tier_at
        else None,
        "since": member.created_at.isoformat(),
        "accounts": [{"platform": each.platform, "id": each.external_id} for each in accounts],
        "wallets": [
            {
                "address": each.address,
                "chain": each.proved_on,
                "counts_on": each.chain_id or "every chain",
                "proved": each.proved_at.isoformat(),
                "by": each.via or each.address,
            }
            for each in wallets
        ],
        "rooms": [
            {
                "room": each.gate,
                "platform": each.platform,
                "state": each.state,
                "since": each.granted_at.isoformat(),
                "opened_by": each.why,
                "missing": each.reason,
                "leaves": each.leave_at.isoformat() if each.leave_at else None,
            }
            for each in grants
        ],
        "decisions_of_staff": [
            {
                "room": each.gate,
                "effect": each.effect,
                "reason": each.reason,
                "until": each.until.isoformat(),
            }
            for each in decided
        ],
        "posts": [
            {"room": each.gate, "at": each.created_at.isoformat(), "text": each.body}
            for each in posts
        ],
        "messages": [
            {
                "at": each.created_at.isoformat(),
                "heading": each.heading,
                "text": each.body,
                "opened": each.opened_at.isoformat() if each.opened_at else None,
            }
            for each in messages
        ],
    }


async def forget(session: AsyncSession, member_id: int, *, now: datetime) -> None:
    """Delete a member and all that is theirs. Their doors must be closed before.

    The audit log keeps the member's number, which then leads to nobody.
    """
    await session.execute(delete(RoomPostRow).where(RoomPostRow.member_id == member_id))
    await session.execute(delete(MemberRow).where(MemberRow.id == member_id))
    await audit.record(
        session,
        actor=f"member:{member_id}",
        action="member.forgotten",
        subject=f"member:{member_id}",
        now=now,
    )
