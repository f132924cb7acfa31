"""The report for the council: counts that agree with the records and with the audit log."""

import csv
import io

from sqlalchemy import func, select

from core import audit, identity
from core.database import transaction
from core.holdings.transfers import word
from core.insights import fiscal_year
from core.tables import AuditRow, BalanceRow, ContractRow
from tests.bots.web.stage import World
from tests.bots.web.test_console import enter


async def sell(world: World, tokens: int, hands: int) -> None:
    """`tokens` cards of the sample collection at `hands` addresses, as the index keeps them."""
    (collection,) = world.app.town.collections
    async with transaction(world.app.sessions) as session:
        contract = ContractRow(
            chain_id=collection.chain_id,
            address=bytes.fromhex(collection.contract[2:]),
            standard=collection.standard,
            first_block=0,
            block=9,
            block_hash="0x" + "1" * 64,
            head=9,
            told_block=9,
        )
        session.add(contract)
        await session.flush()
        for token in range(tokens):
            owner = (1 + token % hands).to_bytes(20)
            session.add(
                BalanceRow(
                    contract_id=contract.id,
                    token=word(token),
                    owner=owner,
                    amount=word(1),
                )
            )


async def test_two_thousand_cards_in_350_hands_are_reported_so(world: World) -> None:
    await sell(world, 2_000, 350)
    async with world.visitor() as hana:
        await enter(world, hana)
        seen = await hana.get("/console/report")
    assert "2,000 cards at 350 addresses, held by 350 persons or groups" in seen.text
    assert "Most cards in one hand" in seen.text


async def test_a_person_with_two_linked_cards_is_one_person(world: World) -> None:
    await sell(world, 4, 4)
    now = world.app.clock()
    async with transaction(world.app.sessions) as session:
        hana = await identity.account(session, "telegram", "1", locale="ja", now=now)
        for number in (1, 2):
            address = f"0x{number:040x}"
            await identity.link_wallet(session, hana.member_id, address, 1, now=now)
    async with world.visitor() as staff:
        await enter(world, staff)
        seen = await staff.get("/console/report")
    assert "4 cards at 4 addresses, held by 3 persons or groups" in seen.text


async def test_a_ledger_that_was_not_read_yet_is_said_and_not_shown_as_zero(world: World) -> None:
    async with world.visitor() as staff:
        await enter(world, staff)
        seen = await staff.get("/console/report")
    assert "The ledger is still being read" in seen.text


async def test_the_file_says_the_same_as_the_audit_log(world: World) -> None:
    now = world.app.clock()
    async with transaction(world.app.sessions) as session:
        for number in range(5):
            await identity.account(session, "telegram", str(number), locale="ja", now=now)
        gone = await identity.account(session, "discord", "9", locale="ja", now=now)
        await identity.forget(session, gone.member_id, now=now)
    async with world.visitor() as staff:
        await enter(world, staff)
        file = (await staff.get("/console/report/report.csv")).text
    numbers = {what: number for _, what, number in csv.reader(io.StringIO(file))}
    year = fiscal_year(now.date())
    since, until = year.bounds("Asia/Tokyo")
    async with world.app.sessions() as session:
        joined = await audit.count(session, "member.joined", since=since, until=until)
        everything = await session.scalar(
            select(func.count()).where(AuditRow.action == "member.joined")
        )
    assert (joined, everything) == (6, 6)
    assert (numbers["Joined in the period"], numbers["Left in the period"]) == ("6", "1")
    assert numbers["Members now"] == "5"


async def test_a_period_that_is_none_is_said_and_this_year_is_shown(world: World) -> None:
    async with world.visitor() as staff:
        await enter(world, staff)
        for query in ("first=2026-05-01&last=2026-04-01", "first=x&last=y", "first=2026-05-01"):
            seen = await staff.get(f"/console/report?{query}")
            assert seen.status == 422
            assert "That is no period." in seen.text
            assert 'value="2026-04-01"' in seen.text


async def test_the_report_is_for_staff_only(world: World) -> None:
    async with world.visitor() as stranger:
        assert (await stranger.get("/console/report")).status == 403
        assert (await stranger.get("/console/report/report.csv")).status == 403
