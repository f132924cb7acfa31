"""Figures for the council: counts that agree with the audit log."""

from datetime import UTC, date, datetime, timedelta

import pytest

from core import identity, insights
from core.database import Sessions
from core.insights import Period
from core.tables import CredentialRow

ZONE = "Asia/Tokyo"
NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "begun"),
    [
        pytest.param(date(2026, 4, 1), 2026, id="the first of April"),
        pytest.param(date(2027, 3, 31), 2026, id="the last of March"),
        pytest.param(date(2027, 4, 1), 2027, id="the next year's first day"),
    ],
)
def test_a_fiscal_year_begins_in_april(day: date, begun: int) -> None:
    assert insights.fiscal_year(day).first == date(begun, 4, 1)


async def test_who_joined_is_counted_by_the_days_of_the_town(sessions: Sessions) -> None:
    midnight = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)  # 21 November in Japan begins
    async with sessions.begin() as session:
        for number, moment in enumerate((midnight - timedelta(seconds=1), midnight, NOW)):
            await identity.account(session, "telegram", str(number), locale="ja", now=moment)
        today = Period(date(2026, 11, 21), date(2026, 11, 21))
        seen = await insights.membership(session, today, zone=ZONE, now=NOW)
    assert (seen.members, seen.joined, seen.left) == (3, 2, 0)
    assert seen.platforms == {"telegram": 3}


async def test_a_proof_that_has_run_out_is_not_counted(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        hana = await identity.account(session, "discord", "1", locale="ja", now=NOW)
        for subject, expires, revoked in (
            ("a", None, None),
            ("b", NOW - timedelta(days=1), None),
            ("c", None, NOW),
        ):
            session.add(
                CredentialRow(
                    member_id=hana.member_id,
                    proof=f"gift-{subject}",
                    subject=subject,
                    proved_at=NOW - timedelta(days=9),
                    expires_at=expires,
                    revoked_at=revoked,
                )
            )
        await session.flush()
        year = insights.fiscal_year(NOW.date())
        seen = await insights.membership(session, year, zone=ZONE, now=NOW)
    assert seen.credentials == {"gift-a": 1}


async def test_somebody_who_left_is_counted_and_no_longer_a_member(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        hana = await identity.account(session, "discord", "1", locale="ja", now=NOW)
        await identity.forget(session, hana.member_id, now=NOW)
        seen = await insights.membership(
            session, insights.fiscal_year(NOW.date()), zone=ZONE, now=NOW
        )
    assert (seen.members, seen.joined, seen.left) == (0, 1, 1)


async def test_a_browser_joins_by_its_first_proof_and_once(sessions: Sessions) -> None:
    year = insights.fiscal_year(NOW.date())
    async with sessions.begin() as session:
        hana = await identity.account(session, "web", "browser", locale="ja", now=NOW)
        before = await insights.membership(session, year, zone=ZONE, now=NOW)
        for number in (1, 2):
            wallet = f"0x{number:040x}"
            await identity.link_wallet(session, hana.member_id, wallet, 1, now=NOW)
            await identity.unlink_wallet(session, hana.member_id, wallet, by="member:1", now=NOW)
        await identity.link_wallet(session, hana.member_id, f"0x{3:040x}", 1, now=NOW)
        after = await insights.membership(session, year, zone=ZONE, now=NOW)
    assert (before.members, before.joined) == (0, 0)
    assert (after.members, after.joined) == (1, 1)
