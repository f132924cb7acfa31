"""Which messages leave next.

Due again first, then the next accounts after the cursor: nobody is written down before their
turn, so a million recipients start at once. A cursor and the rows that it passed move in one
transaction, and every query here is bounded: a turn costs the same at any size of the audience.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, cast

from sqlalchemy import (
    Row,
    Select,
    Table,
    and_,
    bindparam,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from core.announcements.audience import candidates, declined
from core.announcements.delivery.changes import DELIVERY, Key
from core.announcements.delivery.claims import (
    LEASE,
    UNSAID,
    UNSAID_FOR,
    Decider,
    Deed,
    Haul,
    Run,
    put_off,
    too_late,
)
from core.announcements.delivery.lanes import DeliveryState, lane_code
from core.announcements.delivery.lanes import milliseconds as ms
from core.announcements.delivery.matter import Illegible, Matter, Matters
from core.announcements.delivery.messenger import Render
from core.announcements.delivery.quiet import QuietHours
from core.announcements.nouns import OVER, AnnouncementState, Kind
from core.tables import AccountRow, AnnouncementRow, AnnouncementRunRow, MemberRow

SPAN: Final = 1_000
"""Accounts that one turn looks at in search of the next few of a small audience."""
AT_ONCE: Final = 200
"""Rows that one turn puts off, or looks at for something to change."""
ASK_AGAIN: Final = timedelta(minutes=1)
"""How long the conditions of an audience may keep the time at which they were asked."""

_RUNS: Final = cast(Table, AnnouncementRunRow.__table__)
_JOINED: Final = DELIVERY.outerjoin(AccountRow, AccountRow.id == DELIVERY.c.recipient).outerjoin(
    MemberRow, MemberRow.id == AccountRow.member_id
)
_ROWS: Final = select(
    DELIVERY, AccountRow.external_id, MemberRow.locale, MemberRow.zone
).select_from(_JOINED)


class Looker:
    """Finds what is next for one worker on one platform. All of it under the lane's lock."""

    def __init__(
        self, platform: str, worker: str, render: Render, quiet: QuietHours | None
    ) -> None:
        self.platform, self.worker = platform, worker
        self._decider = Decider(platform, worker, render, quiet)
        self._matters = Matters()
        self._chosen: dict[int, tuple[datetime, Select[*tuple[Any, ...]]]] = {}
        self.trusting = True  # that the leases of other workers are as old as they seem
        self._resting: set[int] = set()  # announcements that met members in their quiet hours

    async def urgent(
        self, session: AsyncSession, room: int, flying: Collection[Key], now: datetime
    ) -> Haul:
        """Notices and posts in rooms that are due."""
        lanes = [lane_code(self.platform, each) for each in (Kind.NOTICE, Kind.ROOM)]
        row = DELIVERY.c
        query = (
            self._due(now)
            .add_columns(AnnouncementRow)
            .join(AnnouncementRow, AnnouncementRow.id == row.announcement_id)
            .where(
                row.lane.in_(lanes),
                or_(
                    AnnouncementRow.state != AnnouncementState.PAUSED,
                    row.state == DeliveryState.DELIVERED,
                ),
            )
            .order_by(row.lane, row.announcement_id, row.due_at)
            .limit(room)
            .execution_options(populate_existing=True)
        )
        haul = Haul()
        found = (await session.execute(query)).all()
        for each in found:
            announcement: AnnouncementRow = each[-1]
            try:
                matter = await self._matters.read(session, announcement)
            except Illegible:
                haul.changes.append(put_off(each, now, by=UNSAID_FOR))
                continue
            self._decider.decide(haul, each, matter, _run_of(announcement, now), flying, now)
        haul.more = len(found) >= room
        return haul

    async def due_again(
        self, session: AsyncSession, run: Run, room: int, flying: Collection[Key], now: datetime
    ) -> Haul:
        """Messages of an announcement whose time has come again."""
        most = max(room, AT_ONCE) if run.announcement_id in self._resting else room
        row = DELIVERY.c
        query = (
            self._due(now)
            .where(
                row.lane == lane_code(self.platform, Kind.DIRECT),
                row.announcement_id == run.announcement_id,
            )
            .order_by(row.due_at)
            .limit(most)
        )
        if not run.sends:
            query = query.where(row.state == DeliveryState.DELIVERED)
        haul = Haul()
        found = (await session.execute(query)).all()
        if found:
            matter = await self._matters.of(session, run.announcement_id, run.revision)
            people = [each.recipient for each in found if each.state != DeliveryState.DELIVERED]
            if people:
                refused = await declined(session, matter.audience, people)
                run = replace(run, declined=refused)
            for each in found:
                if len(haul.claims) < room:
                    self._decider.decide(haul, each, matter, run, flying, now)
        haul.more = len(found) >= most
        return haul

    async def advance(
        self, session: AsyncSession, run: Run, room: int, now: datetime
    ) -> tuple[Haul, Run]:
        """The next accounts after the cursor; the cursor moves past them."""
        matter = await self._matters.of(session, run.announcement_id, run.revision)
        upto = min(run.last, run.cursor + SPAN)
        resting = run.announcement_id in self._resting
        most = max(room, AT_ONCE) if resting else room
        connection = await session.connection()
        found = (
            await connection.execute(
                self._next_accounts(matter, now),
                {"cursor": run.cursor, "upto": upto, "most": most},
            )
        ).all()
        haul = Haul()
        rows = self._written(haul, matter, found, room, now)
        if rows:
            await connection.execute(insert(DELIVERY), rows)
        everybody = len(rows) == len(found) < most  # up to here
        cursor = upto if everybody else rows[-1]["recipient"] if rows else run.cursor
        if not found:
            cursor = await self._before_next(session, upto, run.last)
        moved = replace(run, cursor=cursor, claimed=run.claimed + len(rows))
        haul.more = moved.cursor < moved.last
        await _keep(session, self.platform, run, cursor=cursor, claimed=moved.claimed)
        return haul, moved

    async def _before_next(self, session: AsyncSession, cursor: int, last: int) -> int:
        """Past the numbers that no account has any more."""
        following = await session.scalar(
            select(func.min(AccountRow.id)).where(AccountRow.id > cursor, AccountRow.id <= last)
        )
        return last if following is None else following - 1

    def _written(
        self,
        haul: Haul,
        matter: Matter,
        found: Sequence[Row[*tuple[Any, ...]]],
        room: int,
        now: datetime,
    ) -> list[dict[str, Any]]:
        """New rows: claimed, or, of members in their quiet hours, due at the end of them."""
        lane = lane_code(self.platform, matter.kind)
        rows: list[dict[str, Any]] = []
        resting = False
        for account, external_id, locale, zone in found:
            rest = self._decider.rest(matter, zone, now)
            row = {
                "announcement_id": matter.id,
                "recipient": account,
                "lane": lane,
                "state": DeliveryState.WAITING,
                "attempts": 0,
                "in_doubt": 0,
                "revision": matter.revision,
                "due_at": ms(rest or now + LEASE),
                "worker": None,
                "reason": None,
            }
            if rest is None:
                if len(haul.claims) == room:
                    break
                row |= {"state": DeliveryState.SENDING, "attempts": 1, "worker": self.worker}
                address = (external_id, locale)
                claim = self._decider.claim(matter, account, address, Deed.SEND, attempt=1)
                if claim is None:
                    row |= {"state": DeliveryState.FAILED, "due_at": None, "worker": None}
                    row["reason"] = UNSAID
                    haul.reckoning.add(matter.id, DeliveryState.FAILED.word)
                else:
                    haul.claims.append(claim)
            resting |= rest is not None
            rows.append(row)
        (self._resting.add if resting else self._resting.discard)(matter.id)
        return rows

    def _next_accounts(self, matter: Matter, now: datetime) -> Select[*tuple[Any, ...]]:
        """The audience after the cursor; nobody who has a row of the announcement already."""
        asked = self._chosen.get(matter.id)
        if asked is not None and timedelta(0) <= now - asked[0] < ASK_AGAIN:
            return asked[1]
        other = aliased(AccountRow)
        row = (
            select(func.count())
            .select_from(DELIVERY)
            .where(DELIVERY.c.announcement_id == matter.id, DELIVERY.c.recipient == other.id)
            .correlate(other)
            .scalar_subquery()
        )
        # Counted, for PostgreSQL would make a join of `exists`, over all that were told before.
        told = (
            select(func.count())
            .select_from(other)
            .where(other.member_id == AccountRow.member_id, row > 0)
            .correlate(AccountRow)
            .scalar_subquery()
        )
        query = (
            candidates(matter.audience, self.platform, now=now)
            .where(
                AccountRow.id > bindparam("cursor"), AccountRow.id <= bindparam("upto"), told == 0
            )
            .order_by(AccountRow.id)
            .limit(bindparam("most"))
        )
        self._chosen[matter.id] = now, query
        return query

    async def amend(
        self, session: AsyncSession, run: Run, room: int, now: datetime
    ) -> tuple[Haul, Run]:
        """The next messages that have arrived and say something older."""
        if run.amend_cursor is None:
            return Haul(), run
        row, lanes = DELIVERY.c, [lane_code(self.platform, kind) for kind in Kind]
        query = (
            _ROWS.where(
                row.announcement_id == run.announcement_id, row.recipient > run.amend_cursor
            )
            .order_by(row.recipient)
            .limit(AT_ONCE)
        )
        haul, cursor = Haul(), run.amend_cursor
        matter = await self._matters.of(session, run.announcement_id, run.revision)
        found = (await session.execute(query)).all()
        for each in found:
            if len(haul.claims) == room:
                break
            cursor = each.recipient
            ours = each.lane in lanes and each.state == DeliveryState.DELIVERED
            if ours and each.due_at is None:  # what is due is claimed as such, perhaps just now
                self._decider.amend(haul, each, matter, run, 1, now)
        through = len(found) < AT_ONCE and (not found or cursor == found[-1].recipient)
        moved = replace(run, amend_cursor=None if through else cursor)
        haul.more = not through
        await _keep(session, self.platform, run, amend_cursor=moved.amend_cursor)
        return haul, moved

    async def close(
        self, session: AsyncSession, run: Run, room: int, flying: Collection[Key], now: datetime
    ) -> Haul:
        """What is left open of an announcement that is over: no longer due, or unsure.

        Once nothing is left, no pump looks at it again.
        """
        row = DELIVERY.c
        lanes = [lane_code(self.platform, kind) for kind in (Kind.ROOM, Kind.DIRECT)]
        left = (
            row.lane.in_(lanes),
            row.announcement_id == run.announcement_id,
            row.due_at.is_not(None),
        )
        due = and_(row.due_at <= ms(now), row.state != DeliveryState.DELIVERED)
        over = _ROWS.where(*left, or_(row.state == DeliveryState.WAITING, due))
        haul = await self._closed(session, run, over.limit(AT_ONCE), flying, now)
        if room:  # what arrived in older words is changed at the lane's pace
            query = self._due(now).where(*left, row.state == DeliveryState.DELIVERED).limit(room)
            haul.add(await self._closed(session, run, query, flying, now))
        if not haul.changes and not await session.scalar(select(exists().where(*left))):
            await _rest(session, self.platform, run.announcement_id)
        return haul

    async def _closed(
        self,
        session: AsyncSession,
        run: Run,
        query: Select[*tuple[Any, ...]],
        flying: Collection[Key],
        now: datetime,
    ) -> Haul:
        found = (await session.execute(query)).all()
        haul = Haul(more=len(found) >= AT_ONCE)
        if found:
            matter = await self._matters.of(session, run.announcement_id, run.revision)
            for each in found:
                self._decider.decide(haul, each, matter, run, flying, now)
        return haul

    def forget(self, running: Collection[int]) -> None:
        """What is over need not be kept at hand."""
        for number in [each for each in self._chosen if each not in running]:
            del self._chosen[number]
        self._resting &= set(running)

    def _due(self, now: datetime) -> Select[*tuple[Any, ...]]:
        row = DELIVERY.c
        query = _ROWS.where(row.due_at <= ms(now)).with_for_update(skip_locked=True, of=DELIVERY)
        if self.trusting:
            return query
        ours = or_(row.worker.is_(None), row.worker == self.worker)
        return query.where(ours)

    async def anything(self, session: AsyncSession, now: datetime) -> bool:
        """Whether there is something to do; cheap, and only reads."""
        row, code = DELIVERY.c, partial(lane_code, self.platform)
        urgent = exists().where(
            row.lane.in_([code(Kind.NOTICE), code(Kind.ROOM)]), row.due_at <= ms(now)
        )
        again = exists().where(
            row.lane == code(Kind.DIRECT),
            row.announcement_id == AnnouncementRunRow.announcement_id,
            row.due_at <= ms(now),
        )
        changes = again.where(row.state == DeliveryState.DELIVERED)
        sends = AnnouncementRow.state == AnnouncementState.SENDING
        moves = exists().where(
            AnnouncementRunRow.platform == self.platform,
            AnnouncementRunRow.active,
            AnnouncementRow.id == AnnouncementRunRow.announcement_id,
            or_(
                AnnouncementRow.state.in_(OVER),
                AnnouncementRow.deadline <= now,
                AnnouncementRunRow.amend_cursor.is_not(None),
                changes,
                and_(sends, or_(AnnouncementRunRow.cursor < AnnouncementRunRow.last, again)),
            ),
        )
        return bool(await session.scalar(select(or_(urgent, moves))))


def _run_of(row: AnnouncementRow, now: datetime) -> Run:
    """A notice or a post in a room, which has no cursor."""
    state = AnnouncementState(row.state)
    late = too_late(state, row.deadline, now)
    return Run(row.id, state, row.revision, row.retracted_at is not None, late, 0, 0, 0, None)


async def _keep(session: AsyncSession, platform: str, run: Run, **values: int | None) -> None:
    """Move one cursor. The other is not touched: staff may have set it since it was read."""
    connection = await session.connection()
    await connection.execute(
        update(_RUNS)
        .where(_RUNS.c.announcement_id == run.announcement_id, _RUNS.c.platform == platform)
        .values(values)
    )


async def _rest(session: AsyncSession, platform: str, announcement_id: int) -> None:
    connection = await session.connection()
    await connection.execute(
        update(_RUNS)
        .where(_RUNS.c.announcement_id == announcement_id, _RUNS.c.platform == platform)
        .values(active=False)
    )
