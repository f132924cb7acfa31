"""Claim codes: made once, kept as hashes, used by one person."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from core import credentials, identity, mydata
from core.access import Doorkeeper, KeptTraits, MemberEvidence
from core.credentials.codes import Batch, Made, forget_codes
from core.credentials.proving import Proved
from core.credentials.spelling import written
from core.database import Sessions, transaction
from core.errors import NotFound, ProofRejected
from core.tables import AuditRow, ClaimCodeRow
from core.testing import FakeHoldings, SetClock
from tests.core.credentials.stage import Office, town_with


@pytest.fixture
def office(sessions: Sessions, clock: SetClock) -> Office:
    return Office(sessions, clock)


async def make(office: Office, count: int = 1, proof: str = "invitation") -> list[Made]:
    async with transaction(office.sessions) as session:
        _, made = await office.proving.codes.make(
            session,
            proof,
            count=count,
            expires_at=office.clock() + timedelta(days=90),
            label="春のイベント",
            by="staff:hana",
            now=office.clock(),
        )
    return made


async def batch(office: Office) -> Batch:
    async with transaction(office.sessions) as session:
        return (await office.proving.codes.batches(session, now=office.clock()))[0]


async def refused(office: Office, code: str, who: str = "2") -> str:
    with pytest.raises(ProofRejected) as caught:
        await office.show(await office.person(who), "code", code=code)
    return caught.value.reason


async def test_a_code_makes_its_person_a_member_of_the_proof(office: Office) -> None:
    (made,) = await make(office)
    hana = await office.person()
    proved = await office.show(hana, "code", code=written(made.code).lower())
    assert isinstance(proved, Proved)
    assert (proved.proof.name, proved.new) == ("invitation", True)
    async with transaction(office.sessions) as session:
        (held,) = await credentials.credentials_of(session, hana.member_id, now=office.clock())
        assert held.proof == "invitation"
        assert held.expires_at == office.clock() + timedelta(days=365)
        assert hana.member_id in await identity.members_with_proof(session)


async def test_a_code_is_used_once_and_its_own_person_may_send_it_again(office: Office) -> None:
    (made,) = await make(office)
    hana = await office.person("1")
    await office.show(hana, "code", code=made.code)
    again = await office.show(hana, "code", code=made.code)
    assert isinstance(again, Proved)
    assert not again.new
    assert await refused(office, made.code, "2") == "code-used"


async def test_of_many_people_with_one_code_at_once_exactly_one_gets_in(office: Office) -> None:
    (made,) = await make(office)
    people = [await office.person(str(number)) for number in range(6)]

    async def use(number: int) -> bool:
        try:
            await office.show(people[number], "code", code=made.code)
        except ProofRejected:
            return False
        return True

    assert sum(await asyncio.gather(*(use(number) for number in range(6)))) == 1
    assert (await batch(office)).used == 1


async def test_a_slip_is_told_as_a_slip_and_an_invented_code_as_unknown(
    office: Office, clock: SetClock
) -> None:
    (made,) = await make(office)
    assert await refused(office, made.code[:-1]) == "code-typo"
    assert await refused(office, made.code[2:4] + made.code[:2] + made.code[4:]) == "code-typo"
    elsewhere = Office(office.sessions, clock, secret="another town")
    assert await refused(elsewhere, made.code) == "code-unknown"


async def test_a_code_expires_but_who_used_it_in_time_stays(office: Office) -> None:
    first, second = await make(office, 2)
    hana = await office.person("1")
    await office.show(hana, "code", code=first.code)
    office.clock.advance(timedelta(days=91))
    assert await refused(office, second.code) == "code-expired"
    again = await office.show(hana, "code", code=first.code)
    assert isinstance(again, Proved)
    stands = await batch(office)
    assert (stands.made, stands.used, stands.expired, stands.open) == (2, 1, 1, 0)


async def test_codes_are_kept_as_keyed_hashes_and_nobody_is_named_in_the_log(
    office: Office,
) -> None:
    (made,) = await make(office)
    await office.show(await office.person("4711"), "code", code=made.code)
    async with office.sessions() as session:
        row = await session.scalar(select(ClaimCodeRow))
        entries = list(await session.scalars(select(AuditRow)))
    assert row is not None
    assert made.code not in repr(vars(row))
    said = repr([(each.actor, each.action, each.subject, each.detail) for each in entries])
    assert made.code not in said
    assert "4711" not in said
    assert {"credential.codes-made", "credential.made"} <= {each.action for each in entries}


async def test_one_code_or_all_unused_ones_can_be_taken_back(office: Office) -> None:
    made = await make(office, 4)
    hana = await office.person("1")
    await office.show(hana, "code", code=made[0].code)
    number = (await batch(office)).id
    codes = office.proving.codes

    async def revoke(serial: int | None) -> tuple[int, list[int]]:
        async with transaction(office.sessions) as session:
            return await codes.revoke(
                session, number, serial=serial, reason="紛失", by="staff:hana", now=office.clock()
            )

    assert await revoke(2) == (1, [])
    assert await revoke(None) == (2, [])
    assert await refused(office, made[1].code) == "code-unknown"
    assert await refused(office, made[3].code) == "code-unknown"
    async with transaction(office.sessions) as session:
        assert await credentials.credentials_of(session, hana.member_id, now=office.clock())
    assert await revoke(1) == (1, [hana.member_id])
    async with transaction(office.sessions) as session:
        assert not await credentials.credentials_of(session, hana.member_id, now=office.clock())
    with pytest.raises(NotFound):
        await revoke(99)
    stands = await batch(office)
    assert (stands.made, stands.used, stands.revoked, stands.open) == (4, 1, 3, 0)


async def test_a_code_stays_used_when_its_person_takes_it_back_or_leaves(office: Office) -> None:
    first, second = await make(office, 2)
    hana, taro = await office.person("1"), await office.person("2")
    await office.show(hana, "code", code=first.code)
    await office.show(taro, "code", code=second.code)
    async with transaction(office.sessions) as session:
        (held,) = await credentials.credentials_of(session, hana.member_id, now=office.clock())
        assert await credentials.unlink(
            session, hana.member_id, held.id, by="member:1", now=office.clock()
        )
    traits = KeptTraits(office.sessions, None, office.clock)
    evidence = MemberEvidence(office.town, office.sessions, FakeHoldings(), traits, office.clock)
    doorkeeper = Doorkeeper(office.town, office.sessions, evidence, {}, office.clock)
    await mydata.leave(office.sessions, doorkeeper, taro.member_id, clock=office.clock)
    assert await refused(office, first.code, "3") == "code-used"
    assert await refused(office, second.code, "3") == "code-used"
    async with office.sessions() as session:
        assert (await session.execute(text("select count(*) from credential"))).scalar_one() == 0


async def test_the_record_of_a_proof_is_in_what_a_person_can_take(office: Office) -> None:
    (made,) = await make(office)
    hana = await office.person()
    await office.show(hana, "code", code=made.code)
    async with transaction(office.sessions) as session:
        kept = await mydata.export(session, hana.member_id)
    (proof,) = kept["proofs"]
    assert proof["proof"] == "invitation"
    assert proof["until"].startswith("2027")
    assert "subject" not in proof


async def test_codes_that_are_long_over_are_tidied_and_still_counted(office: Office) -> None:
    made = await make(office, 3)
    hana = await office.person("1")
    await office.show(hana, "code", code=made[0].code)
    await office.show(await office.person("2"), "code", code=made[1].code)
    async with transaction(office.sessions) as session:
        (held,) = await credentials.credentials_of(session, hana.member_id, now=office.clock())
        await credentials.unlink(session, hana.member_id, held.id, by="x", now=office.clock())
    office.clock.advance(timedelta(days=500))
    async with transaction(office.sessions) as session:
        keep = timedelta(days=365)
        assert await forget_codes(session, now=office.clock(), keep=keep) == 2
        left = await session.scalar(text("select count(*) from claim_code"))
    assert left == 1  # the one whose member is still here
    stands = await batch(office)
    assert (stands.made, stands.used, stands.expired, stands.open) == (3, 2, 1, 0)


# Orders (furusato-nozei)


async def orders(office: Office, *numbers: str) -> list[Made]:
    async with transaction(office.sessions) as session:
        _, made = await office.proving.codes.make_for_orders(
            session,
            "furusato",
            numbers,
            expires_at=office.clock() + timedelta(days=90),
            label="11月分",
            by="staff:hana",
            now=office.clock(),
        )
    return made


async def test_the_same_order_never_gets_a_second_code(office: Office) -> None:
    first = await orders(office, "R6-0001", "R6-0002")
    second = await orders(office, "R6-0002", "ｒ６－０００１", "R6-0003", "R6-0003")
    assert [each.order for each in first] == ["R6-0001", "R6-0002"]
    assert [each.order for each in second] == ["R6-0003"]
    assert await orders(office, "R6-0001") == []
    async with office.sessions() as session:
        kept = list(await session.scalars(select(ClaimCodeRow.order_digest)))
    assert len(kept) == len(set(kept)) == 3
    assert all(each is not None and len(each) == 64 for each in kept)  # hashes alone


async def test_staff_can_look_up_how_the_code_of_an_order_stands(office: Office) -> None:
    (made,) = await orders(office, "R6-0001")
    codes = office.proving.codes

    async def status(order: str) -> str | None:
        async with transaction(office.sessions) as session:
            found = await codes.order_status(session, "furusato", order, now=office.clock())
        return found.state if found else None

    assert await status("r6 0001") == "open"
    assert await status("R6-0002") is None
    await office.show(await office.person(), "code", code=made.code)
    assert await status("R6-0001") == "used"


async def test_a_town_may_have_claim_codes_alone(sessions: Sessions, clock: SetClock) -> None:
    town = town_with("invitation").model_copy(update={"collections": (), "chains": ()})
    office = Office(sessions, clock, town)
    (made,) = await make(office)
    assert isinstance(await office.show(await office.person(), "code", code=made.code), Proved)
    with pytest.raises(ProofRejected) as caught:
        await office.show(await office.person(), "purchaser", proof="buyer", order="1")
    assert caught.value.reason == "switched-off"
