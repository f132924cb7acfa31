"""What staff do with an announcement: compose, look, confirm, pause, cancel, follow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Select, and_, exists, func, insert, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from core import audit
from core.errors import NotAllowed, NotFound
from core.identity import Account
from core.tables import AccountRow, AnnouncementRow, DeliveryRow, GrantRow, MemberRow

MAX_HEADING = 100
MAX_BODY = 3_000


class Kind(StrEnum):
    ROOM = "room"  # one post in each place of a room: reaches all who are in it at once
    DIRECT = "direct"  # to each member who asked for messages
    NOTICE = "notice"  # to one person, about their own membership


class AnnouncementState(StrEnum):
    DRAFT = "draft"
    SENDING = "sending"
    PAUSED = "paused"
    DONE = "done"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom an announcement is for."""

    kind: Kind
    gate: str | None = None  # for DIRECT: only members inside this room
    places: tuple[tuple[str, str], ...] = ()  # for ROOM: (platform, place)


@dataclass(frozen=True, slots=True)
class Announcement:
    """An announcement as staff see it."""

    id: int
    kind: Kind
    state: AnnouncementState
    author: str
    gate: str | None
    texts: Mapping[str, Mapping[str, str]]
    total: int
    delivered: int
    blocked: int
    failed: int
    unsure: int
    created_at: datetime
    finished_at: datetime | None

    @property
    def waiting(self) -> int:
        return self.total - self.delivered - self.blocked - self.failed - self.unsure


@dataclass(frozen=True, slots=True)
class Preview:
    """What confirming would do."""

    announcement: Announcement
    recipients: Mapping[str, int]  # by platform


def _announcement(row: AnnouncementRow) -> Announcement:
    return Announcement(
        row.id,
        Kind(row.kind),
        AnnouncementState(row.state),
        row.author,
        row.gate,
        row.texts,
        row.total,
        row.delivered,
        row.blocked,
        row.failed,
        row.unsure,
        row.created_at,
        row.finished_at,
    )


async def compose(
    session: AsyncSession,
    *,
    author: str,
    audience: Audience,
    texts: Mapping[str, Mapping[str, str]],
    now: datetime,
) -> int:
    """Keep a draft. `texts` is ``{language: {"heading": …, "body": …}}``, Japanese always there.

    Raises `ValueError` if a text is missing or too long; nothing is kept then.
    """
    for language, text in {"ja": texts.get("ja", {}), **texts}.items():
        heading, body = text.get("heading", "").strip(), text.get("body", "").strip()
        if not heading or not body:
            raise ValueError(f"{language}: heading and body are both needed")
        if len(heading) > MAX_HEADING or len(body) > MAX_BODY:
            raise ValueError(f"{language}: too long")
    row = AnnouncementRow(
        kind=audience.kind,
        state=AnnouncementState.DRAFT,
        author=author[:64],
        gate=audience.gate,
        texts={
            language: {"heading": text["heading"].strip(), "body": text["body"].strip()}
            for language, text in texts.items()
        },
        created_at=now,
    )
    session.add(row)
    await session.flush()
    return row.id


async def preview(session: AsyncSession, announcement_id: int, audience: Audience) -> Preview:
    """How many would receive a draft, by platform."""
    row = await _get(session, announcement_id)
    if audience.kind is Kind.ROOM:
        counts: dict[str, int] = {}
        for platform, _ in audience.places:
            counts[platform] = counts.get(platform, 0) + 1
    else:
        chosen = _chosen_accounts(audience.gate).subquery()
        rows = await session.execute(
            select(AccountRow.platform, func.count())
            .join(chosen, chosen.c.id == AccountRow.id)
            .group_by(AccountRow.platform)
        )
        counts = {row[0]: row[1] for row in rows}
    return Preview(_announcement(row), counts)


async def confirm(
    session: AsyncSession, announcement_id: int, audience: Audience, *, by: str, now: datetime
) -> Announcement:
    """Send a draft: its recipients are fixed and written down in one transaction.

    Confirming twice sends once. Raises `NotFound`, or `NotAllowed` if it was cancelled.
    """
    taken = await session.execute(
        update(AnnouncementRow)
        .where(
            AnnouncementRow.id == announcement_id,
            AnnouncementRow.state == AnnouncementState.DRAFT,
        )
        .values(
            state=AnnouncementState.SENDING,
            confirmed_at=now,
            kind=audience.kind,
            gate=audience.gate,
        )
        .returning(AnnouncementRow.id)
    )
    if taken.first() is None:
        row = await _get(session, announcement_id)
        if row.state == AnnouncementState.CANCELLED:
            raise NotAllowed("it was cancelled")
        return _announcement(row)
    row = await _get(session, announcement_id)
    if audience.kind is Kind.ROOM:
        for platform, place in audience.places:
            session.add(_delivery(row.id, platform, place, "ja", None, now))
        await session.flush()
    else:
        chosen = _chosen_accounts(audience.gate).subquery()
        await session.execute(
            insert(DeliveryRow).from_select(
                [
                    "announcement_id",
                    "account_id",
                    "platform",
                    "target",
                    "language",
                    "state",
                    "attempts",
                    "in_doubt",
                    "due_at",
                ],
                select(
                    literal(row.id),
                    AccountRow.id,
                    AccountRow.platform,
                    AccountRow.external_id,
                    MemberRow.locale,
                    literal("waiting"),
                    literal(0),
                    literal(0),
                    literal(now, DeliveryRow.due_at.type),
                )
                .join(MemberRow, MemberRow.id == AccountRow.member_id)
                .join(chosen, chosen.c.id == AccountRow.id),
            )
        )
    row.total = (
        await session.scalar(
            select(func.count()).where(DeliveryRow.announcement_id == announcement_id)
        )
    ) or 0
    if row.total == 0:
        row.state, row.finished_at = AnnouncementState.DONE, now
    await audit.record(
        session,
        actor=by,
        action="announcement.confirmed",
        subject=f"announcement:{row.id}",
        detail={"kind": row.kind, "gate": row.gate, "recipients": row.total},
        now=now,
    )
    return _announcement(row)


def _chosen_accounts(gate: str | None) -> Select[int]:
    """One account a member: the first that can be reached. Nobody is told twice."""
    query = (
        select(func.min(AccountRow.id).label("id"))
        .join(MemberRow, MemberRow.id == AccountRow.member_id)
        .where(MemberRow.wants_messages.is_(True), AccountRow.reachable.is_(True))
        .group_by(AccountRow.member_id)
    )
    if gate is not None:
        query = query.where(
            exists().where(
                and_(
                    GrantRow.member_id == AccountRow.member_id,
                    GrantRow.gate == gate,
                    GrantRow.state.in_(("open", "leaving")),
                )
            )
        )
    return query


def _delivery(
    announcement_id: int,
    platform: str,
    target: str,
    language: str,
    account_id: int | None,
    now: datetime,
) -> DeliveryRow:
    return DeliveryRow(
        announcement_id=announcement_id,
        account_id=account_id,
        platform=platform,
        target=target,
        language=language,
        state="waiting",
        due_at=now,
    )


async def notify(
    session: AsyncSession,
    account: Account,
    key: str,
    values: Mapping[str, str],
    *,
    now: datetime,
    action: str | None = None,
) -> int:
    """Tell one person something that concerns them, in the caller's transaction.

    The words stand in the locale files under ``notice.<key>``. Returns the notice's number.
    """
    row = AnnouncementRow(
        kind=Kind.NOTICE,
        state=AnnouncementState.SENDING,
        author="kankei",
        texts={"key": key, "values": dict(values), "action": action},
        total=1,
        created_at=now,
        confirmed_at=now,
    )
    session.add(row)
    await session.flush()
    session.add(
        _delivery(row.id, account.platform, account.external_id, account.locale, account.id, now)
    )
    return row.id


async def recall(session: AsyncSession, notices: Sequence[int]) -> list[int]:
    """Stop notices of which no try has begun; returns those. What is on its way or there stays."""
    begun = select(DeliveryRow.announcement_id).where(
        DeliveryRow.announcement_id.in_(notices),
        or_(DeliveryRow.state != "waiting", DeliveryRow.attempts > 0),
    )
    stopped = await session.execute(
        update(AnnouncementRow)
        .where(
            AnnouncementRow.id.in_(notices),
            AnnouncementRow.kind == Kind.NOTICE,
            AnnouncementRow.state == AnnouncementState.SENDING,
            AnnouncementRow.id.not_in(begun),
        )
        .values(state=AnnouncementState.CANCELLED)
        .returning(AnnouncementRow.id)
        .execution_options(synchronize_session=False)
    )
    return list(stopped.scalars())


async def pause(session: AsyncSession, announcement_id: int, *, by: str, now: datetime) -> None:
    await _move(
        session, announcement_id, AnnouncementState.SENDING, AnnouncementState.PAUSED, by, now
    )


async def resume(session: AsyncSession, announcement_id: int, *, by: str, now: datetime) -> None:
    await _move(
        session, announcement_id, AnnouncementState.PAUSED, AnnouncementState.SENDING, by, now
    )
    await finish_if_settled(session, announcement_id, now=now)  # the last may have landed meanwhile


async def finish_if_settled(session: AsyncSession, announcement_id: int, *, now: datetime) -> None:
    """The last result finishes an announcement."""
    settled = (
        AnnouncementRow.delivered
        + AnnouncementRow.blocked
        + AnnouncementRow.failed
        + AnnouncementRow.unsure
    )
    await session.execute(
        update(AnnouncementRow)
        .where(
            AnnouncementRow.id == announcement_id,
            AnnouncementRow.total <= settled,
            AnnouncementRow.state == AnnouncementState.SENDING,
        )
        .values(state=AnnouncementState.DONE, finished_at=now)
    )


async def cancel(session: AsyncSession, announcement_id: int, *, by: str, now: datetime) -> None:
    """Stop a draft or what has not left yet. What has arrived stays."""
    row = await _get(session, announcement_id)
    if row.state not in {AnnouncementState.DONE, AnnouncementState.CANCELLED}:
        await _move(
            session,
            announcement_id,
            AnnouncementState(row.state),
            AnnouncementState.CANCELLED,
            by,
            now,
        )


async def _move(
    session: AsyncSession,
    announcement_id: int,
    before: AnnouncementState,
    after: AnnouncementState,
    by: str,
    now: datetime,
) -> None:
    moved = await session.execute(
        update(AnnouncementRow)
        .where(AnnouncementRow.id == announcement_id, AnnouncementRow.state == before)
        .values(state=after)
        .returning(AnnouncementRow.id)
    )
    if moved.first() is None:
        raise NotAllowed(f"it is not {before}")
    await audit.record(
        session,
        actor=by,
        action=f"announcement.{after}",
        subject=f"announcement:{announcement_id}",
        now=now,
    )


async def progress(session: AsyncSession, announcement_id: int) -> Announcement:
    return _announcement(await _get(session, announcement_id))


async def history(session: AsyncSession, *, limit: int = 50) -> list[Announcement]:
    """What staff announced, newest first; notices to single persons are left out."""
    rows = await session.scalars(
        select(AnnouncementRow)
        .where(AnnouncementRow.kind != Kind.NOTICE)
        .order_by(AnnouncementRow.id.desc())
        .limit(limit)
    )
    return [_announcement(row) for row in rows]


async def _get(session: AsyncSession, announcement_id: int) -> AnnouncementRow:
    row = await session.get(AnnouncementRow, announcement_id, populate_existing=True)
    if row is None:
        raise NotFound(f"announcement {announcement_id}")
    return row
