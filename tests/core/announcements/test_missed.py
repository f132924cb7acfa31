"""Who was missed, counted in one pass: the same people whom the pump finds one by one."""

import random
from dataclasses import replace

import pytest
from sqlalchemy import event, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from core.announcements import Audience, Kind, Segment, Terms
from core.announcements.audience import by_zone, candidates
from core.announcements.delivery.lanes import DeliveryState
from core.database import Sessions, reading, transaction
from core.tables import AccountRow, AnnouncementRunRow, DeliveryRow, MemberRow
from tests.core.announcements.office import Office
from tests.core.announcements.test_cost import engine_of, plan

PLATFORMS = ("telegram", "discord", "web")
STATES = (DeliveryState.DELIVERED, DeliveryState.BLOCKED, DeliveryState.FAILED)
ZONES = (None, "Asia/Tokyo", "Europe/Paris")
PEOPLE = 300
TERMS = Terms(platforms=PLATFORMS)


async def crowd(office: Office, dice: random.Random) -> int:
    """People with up to four accounts; an announcement that tried some and was stopped halfway.

    Returns its number.
    """
    number = await office.send()
    await office.crowd(PEOPLE, zone=None)
    async with transaction(office.sessions) as session:
        members = (await session.scalars(select(MemberRow.id))).all()
        for member in members:
            values = {"zone": dice.choice(ZONES), "wants_messages": dice.random() < 0.9}
            await session.execute(update(MemberRow).where(MemberRow.id == member).values(**values))
        silent = dice.sample(members, PEOPLE // 2)
        await session.execute(
            update(AccountRow).where(AccountRow.member_id.in_(silent)).values(reachable=False)
        )
        further = [
            {
                "member_id": dice.choice(members),
                "platform": dice.choice(PLATFORMS),
                "external_id": f"further-{each}",
                "reachable": dice.random() < 0.7,
                "created_at": office.clock(),
            }
            for each in range(PEOPLE)
        ]
        await session.execute(insert(AccountRow), further)
        accounts = (await session.scalars(select(AccountRow.id).order_by(AccountRow.id))).all()
        await session.execute(
            update(AnnouncementRunRow)
            .where(AnnouncementRunRow.announcement_id == number)
            .values(cursor=accounts[len(accounts) // 2], last=accounts[-20])
        )
        tried = [
            {
                "announcement_id": number,
                "recipient": each,
                "lane": 0,
                "state": dice.choice(STATES),
                "attempts": 1,
                "in_doubt": 0,
                "revision": 1,
            }
            for each in accounts
            if dice.random() < 0.4
        ]
        await session.execute(insert(DeliveryRow), tried)
    return number


def who_was_missed(number: int, platforms: tuple[str, ...] = PLATFORMS) -> Audience:
    return Audience(
        Kind.DIRECT, segment=Segment(missed=number), terms=replace(TERMS, platforms=platforms)
    )


async def one_by_one(office: Office, audience: Audience) -> dict[str, dict[str | None, int]]:
    found: dict[str, dict[str | None, int]] = {}
    async with reading(office.sessions) as session:
        for platform in audience.terms.platforms:
            chosen = candidates(audience, platform, now=office.clock()).subquery()
            rows = await session.execute(
                select(chosen.c.zone, func.count()).group_by(chosen.c.zone)
            )
            for zone, number in rows:
                found.setdefault(platform, {})[zone] = number
    return found


@pytest.mark.parametrize("seed", range(3))
async def test_who_was_missed_is_counted_as_the_pump_finds_them(office: Office, seed: int) -> None:
    number = await crowd(office, random.Random(seed))
    for platforms in (PLATFORMS, PLATFORMS[::-1], ("telegram",)):
        audience = who_was_missed(number, platforms)
        async with reading(office.sessions) as session:
            counted = await by_zone(session, audience, now=office.clock())
        assert counted == await one_by_one(office, audience)
        assert sum(sum(zones.values()) for zones in counted.values()) > 20
        assert list(counted) == list(platforms)


async def statement_of(
    sessions: Sessions, audience: Audience, office: Office
) -> tuple[str, object]:
    asked: list[tuple[str, object]] = []
    engine: AsyncEngine = engine_of(sessions)

    def note(_c: object, _k: object, statement: str, values: object, *_: object) -> None:
        asked.append((statement, values))

    async with reading(sessions) as session:
        await session.connection()
        event.listen(engine.sync_engine, "before_cursor_execute", note)
        try:
            await by_zone(session, audience, now=office.clock())
        finally:
            event.remove(engine.sync_engine, "before_cursor_execute", note)
    (found,) = asked
    return found


async def test_no_question_is_asked_for_each_of_those_who_are_counted(office: Office) -> None:
    audience = who_was_missed(await crowd(office, random.Random(0)))
    statement, values = await statement_of(office.sessions, audience, office)
    lines = await plan(engine_of(office.sessions), statement, values)
    assert lines
    assert not [each for each in lines if "SubPlan" in each or "CORRELATED" in each]
