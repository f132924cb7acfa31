"""Members, their accounts on the platforms, and the wallets they have proved to control.

A member is a number, a language and what they asked of us. One account belongs to one member, one
wallet to one member. When somebody proves a wallet that stands for another member, both are one
person as soon as the first account says so too (`propose_merge`, `merge`).
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NewType

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core import audit
from core.errors import LinkExpired, NotAllowed, NotFound, WalletTaken
from core.tables import (
    AccountRow,
    ChallengeRow,
    GrantRow,
    InboxRow,
    LinkRow,
    MemberRow,
    MergeRow,
    RoomPostRow,
    WalletRow,
    WebMessageRow,
)

LINK_LIFETIME = timedelta(minutes=30)
MERGE_LIFETIME = timedelta(hours=24)

LinkToken = NewType("LinkToken", str)
"""The secret part of a personal link. Shown once, kept only as a hash, never logged."""


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


def _account(row: AccountRow, member: MemberRow) -> Account:
    return Account(
        row.id,
        row.member_id,
        row.platform,
        row.external_id,
        member.locale,
        row.reachable,
        member.wants_messages,
    )


async def first_time(
    session: AsyncSession, platform: str, update_id: str, *, now: datetime
) -> bool:
    """Whether this update is new. The same update delivered twice is handled once."""
    try:
        async with session.begin_nested():
            session.add(InboxRow(platform=platform, update_id=update_id[:64], at=now))
    except IntegrityError:
        return False
    return True


async def take_update(
    session: AsyncSession, platform: str, update_id: str, *, now: datetime
) -> bool | None:
    """Write an update down. True: it is new; None: begun before, not finished; False: done."""
    if await first_time(session, platform, update_id, now=now):
        return True
    row = await session.get_one(InboxRow, (platform, update_id[:64]))
    return False if row.done else None


async def finish_update(session: AsyncSession, platform: str, update_id: str) -> None:
    await session.execute(
        update(InboxRow)
        .where(InboxRow.platform == platform, InboxRow.update_id == update_id[:64])
        .values(done=True)
    )


async def forget_browsers(session: AsyncSession, *, before: datetime) -> None:
    """Delete members who are only a browser that asked something long ago."""
    await session.execute(delete(MemberRow).where(MemberRow.created_at < before, ~_belongs()))


def _belongs() -> ColumnElement[bool]:
    """More than a browser that once asked something."""
    chats = select(AccountRow.member_id).where(AccountRow.platform != "web")
    written = select(RoomPostRow.member_id).where(RoomPostRow.member_id.is_not(None))
    return or_(
        MemberRow.wants_messages.is_(True),
        *(
            MemberRow.id.in_(each)
            for each in (chats, written, select(WalletRow.member_id), select(GrantRow.member_id))
        ),
    )


async def forget_updates(session: AsyncSession, *, before: datetime) -> None:
    """Delete what was needed only for a while: updates, links, challenges and merge codes."""
    await session.execute(delete(InboxRow).where(InboxRow.at < before))
    for table in (LinkRow, ChallengeRow, MergeRow):
        await session.execute(delete(table).where(table.expires_at < before))


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
                await audit.record(
                    session,
                    actor="kankei",
                    action="member.joined",
                    subject=f"member:{member.id}",
                    detail={"platform": platform},
                    now=now,
                )
    except IntegrityError:
        pass  # somebody was quicker with the same account; theirs is the one
    found = await find_account(session, platform, external_id)
    if found is None:
        raise NotFound(f"account on {platform}")
    return found


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


async def set_locale(session: AsyncSession, member_id: int, locale: str) -> None:
    await session.execute(update(MemberRow).where(MemberRow.id == member_id).values(locale=locale))


async def set_wants_messages(session: AsyncSession, member_id: int, *, wants: bool) -> None:
    await session.execute(
        update(MemberRow).where(MemberRow.id == member_id).values(wants_messages=wants)
    )


async def set_reachable(session: AsyncSession, account_id: int, *, reachable: bool) -> None:
    await session.execute(
        update(AccountRow).where(AccountRow.id == account_id).values(reachable=reachable)
    )


# Personal links


async def make_link(session: AsyncSession, account_id: int, *, now: datetime) -> LinkToken:
    """A personal link for `LINK_LIFETIME`. It carries the session in itself."""
    token = LinkToken(secrets.token_urlsafe(24))
    session.add(
        LinkRow(
            digest=_digest(token),
            account_id=account_id,
            created_at=now,
            expires_at=now + LINK_LIFETIME,
        )
    )
    return token


async def use_up_link(session: AsyncSession, token: str) -> None:
    """A link has done its work; it opens nothing more."""
    await session.execute(delete(LinkRow).where(LinkRow.digest == _digest(token)))


async def follow_link(
    session: AsyncSession, token: str, *, now: datetime, grace: timedelta = timedelta(0)
) -> Account:
    """Whose link this is. Raises `LinkExpired`.

    `grace` is for finishing what was begun in time: co-signers of a contract wallet take hours.
    """
    row = await session.get(LinkRow, _digest(token))
    if row is None or row.expires_at + grace <= now:
        raise LinkExpired
    return await account_by_id(session, row.account_id)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


# Wallets


async def wallets_of(session: AsyncSession, member_id: int) -> list[str]:
    rows = await session.scalars(
        select(WalletRow.address)
        .where(WalletRow.member_id == member_id)
        .order_by(WalletRow.address)
    )
    return list(rows)


async def members_with_proof(session: AsyncSession) -> list[int]:
    return list(await session.scalars(select(WalletRow.member_id).distinct()))


async def holder_of(session: AsyncSession, address: str) -> int | None:
    """The member a wallet stands for."""
    return await session.scalar(select(WalletRow.member_id).where(WalletRow.address == address))


async def link_wallet(
    session: AsyncSession, member_id: int, address: str, chain_id: int, *, now: datetime
) -> None:
    """Let a proved wallet stand for a member; again for the same member is fine.

    Raises `WalletTaken` if it stands for another. The primary key decides a race.
    """
    holder = await holder_of(session, address)
    if holder is None:
        try:
            async with session.begin_nested():
                session.add(
                    WalletRow(
                        address=address, member_id=member_id, chain_id=chain_id, proved_at=now
                    )
                )
        except IntegrityError:
            holder = await holder_of(session, address)
        else:
            await audit.record(
                session,
                actor=f"member:{member_id}",
                action="wallet.linked",
                subject=f"member:{member_id}",
                now=now,
            )
            return
    if holder != member_id:
        raise WalletTaken


# One person, two accounts


async def propose_merge(
    session: AsyncSession, *, member_id: int, other_id: int, now: datetime
) -> str:
    """`member_id` proved a wallet of `other_id`; a code with which the other may agree.

    Raises `WalletTaken` if both have an account on the same platform: then it is two persons, or
    one who must leave with one account first.
    """
    mine = {each.platform for each in await accounts_of(session, member_id)}
    theirs = {each.platform for each in await accounts_of(session, other_id)}
    if mine & theirs:
        raise WalletTaken
    code = secrets.token_hex(16)
    session.add(
        MergeRow(code=code, member_id=member_id, other_id=other_id, expires_at=now + MERGE_LIFETIME)
    )
    return code


async def merge(session: AsyncSession, code: str, *, by_member: int, now: datetime) -> int:
    """Make one member of two, at the word of the one who was there first. Returns who remains.

    Raises `LinkExpired` for an unknown or old code, `NotAllowed` if somebody else presses.
    """
    row = await session.get(MergeRow, code)
    if row is None or row.expires_at <= now:
        raise LinkExpired
    if row.other_id != by_member:
        raise NotAllowed("only the member who was there first may agree")
    # Locked, and looked at again: others may have joined either of the two since the proposal.
    both = select(MemberRow).where(MemberRow.id.in_((row.member_id, row.other_id)))
    people = list(await session.scalars(both.order_by(MemberRow.id).with_for_update()))
    mine = {each.platform for each in await accounts_of(session, row.member_id)}
    theirs = {each.platform for each in await accounts_of(session, row.other_id)}
    if mine & theirs:
        raise WalletTaken
    wants = any(person.wants_messages for person in people)
    await set_wants_messages(session, row.other_id, wants=wants)
    for table in (AccountRow, WalletRow, GrantRow, RoomPostRow):
        await session.execute(
            update(table).where(table.member_id == row.member_id).values(member_id=row.other_id)
        )
    gone = row.member_id
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


async def refuse_merge(session: AsyncSession, code: str, *, by_member: int) -> None:
    await session.execute(
        delete(MergeRow).where(MergeRow.code == code, MergeRow.other_id == by_member)
    )


# Browsers


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


async def give_way(session: AsyncSession, account: Account, *, now: datetime) -> bool:
    """Forget a member who has nothing but this one web account. Returns whether it was so."""
    accounts = await accounts_of(session, account.member_id)
    alone = account.platform == "web" and [each.id for each in accounts] == [account.id]
    if not alone or await wallets_of(session, account.member_id):
        return False
    await forget(session, account.member_id, now=now)
    return True


# What is kept of a person


async def export(session: AsyncSession, member_id: int) -> Mapping[str, Any]:
    """What this module and access keep of a member; `core.mydata.export` has the whole."""
    member = await session.get(MemberRow, member_id)
    if member is None:
        raise NotFound(f"member {member_id}")
    wallets = await session.scalars(select(WalletRow).where(WalletRow.member_id == member_id))
    grants = await session.scalars(select(GrantRow).where(GrantRow.member_id == member_id))
    posts = await session.scalars(select(RoomPostRow).where(RoomPostRow.member_id == member_id))
    accounts = await accounts_of(session, member_id)
    messages = await session.scalars(
        select(WebMessageRow).where(WebMessageRow.account_id.in_([each.id for each in accounts]))
    )
    return {
        "member": member.id,
        "language": member.locale,
        "wants_messages": member.wants_messages,
        "since": member.created_at.isoformat(),
        "accounts": [{"platform": each.platform, "id": each.external_id} for each in accounts],
        "wallets": [
            {"address": each.address, "chain": each.chain_id, "proved": each.proved_at.isoformat()}
            for each in wallets
        ],
        "rooms": [
            {
                "room": each.gate,
                "platform": each.platform,
                "state": each.state,
                "since": each.granted_at.isoformat(),
            }
            for each in grants
        ],
        "posts": [
            {"room": each.gate, "at": each.created_at.isoformat(), "text": each.body}
            for each in posts
        ],
        "messages": [
            {"at": each.created_at.isoformat(), "heading": each.heading, "text": each.body}
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


async def member_count(session: AsyncSession) -> Mapping[str, int]:
    """How many people and how many of them have proved something, for staff."""
    members = await session.scalar(select(func.count()).select_from(MemberRow).where(_belongs()))
    proved = await session.scalar(select(func.count(WalletRow.member_id.distinct())))
    return {"members": members or 0, "proved": proved or 0}
