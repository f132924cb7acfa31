"""Every table says whose it is and what ends it; what a rule ends is deleted."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from bots.app import App
from bots.jobs import tidy
from core.database import transaction
from core.tables import (
    AccountRow,
    AnnouncementRow,
    Base,
    MemberRow,
    RoomPostRow,
    WebMessageRow,
)
from core.testing import SetClock
from core.town.model import Retention
from tests.test_documentation import rows, section

RULES = {name for name in Retention.model_fields if name.endswith("_days")}


def told() -> dict[str, tuple[str, str]]:
    """Of each table what it holds of persons and what ends it, as the security model says."""
    found: dict[str, tuple[str, str]] = {}
    for names, whose, ends in rows(section("docs/security-model.md", "Every table")):
        for name in re.findall(r"`(\w+)`", names):
            assert name not in found, name
            found[name] = (whose, ends)
    return found


def test_every_table_says_what_it_holds_of_persons_and_what_ends_it() -> None:
    assert set(told()) == set(Base.metadata.tables)
    assert all(whose.strip() and ends.strip() for whose, ends in told().values())


def of_persons() -> list[str]:
    """Tables that lead to a person by a key or by a platform's id."""
    return [
        table.name
        for table in Base.metadata.sorted_tables
        if "external_id" in table.columns
        or any(key.column.table.name in {"member", "account"} for key in table.foreign_keys)
    ]


@pytest.mark.parametrize("name", of_persons())
def test_what_leads_to_a_person_ends_by_a_rule_or_when_they_leave(name: str) -> None:
    _, ends = told()[name]
    rule = any(f"`{each}`" in ends for each in RULES)
    assert rule or "left" in ends or re.search(r"\d+ days|two days|when they go", ends)


def test_what_stays_for_good_says_why() -> None:
    for name, (_, ends) in told().items():
        if "for good" in ends:
            assert re.search(
                r"for good[:,] \w+|or one would|where the perk|the rest for good", ends
            ), name


def test_every_rule_of_the_pack_ends_something() -> None:
    ends = " ".join(each for _, each in told().values())
    assert {name for name in RULES if f"`{name}`" in ends} == RULES


async def test_what_is_past_its_rule_is_deleted_and_the_rest_stays(
    app: App, clock: SetClock
) -> None:
    now = clock()
    old = now - timedelta(days=app.town.retention.delivery_days + 1)
    async with transaction(app.sessions) as session:
        member = MemberRow(locale="ja", wants_messages=True, created_at=old)
        session.add(member)
        await session.flush()
        account = AccountRow(
            member_id=member.id, platform="telegram", external_id="1", created_at=old
        )
        session.add(account)
        await session.flush()
        for number, at in enumerate((old, now)):
            session.add_all(
                (
                    WebMessageRow(
                        account_id=account.id,
                        heading="",
                        body="",
                        delivery_id=number,
                        created_at=at,
                    ),
                    RoomPostRow(gate="board", author="a", body="", created_at=at),
                    AnnouncementRow(kind="room", state="done", author="a", texts={}, created_at=at),
                )
            )
    await tidy(app)
    async with transaction(app.sessions) as session:
        for table in (WebMessageRow, RoomPostRow, AnnouncementRow, MemberRow):
            assert await session.scalar(select(func.count()).select_from(table)) == 1, table
