"""The second person sees what is other than when somebody was last asked."""

from datetime import timedelta

import pytest

from core import announcements
from core.announcements import Asked
from core.database import Sessions, reading
from core.testing import SetClock
from core.town import TownPack
from tests.core.announcements.office import OTHER, TEXTS, Office, told


@pytest.fixture
async def office(town: TownPack, lite: Sessions, clock: SetClock) -> Office:
    """Where two messages need a second person."""
    office = Office(told(town, approve_above=1), lite, clock)
    await office.crowd(2)
    return office


async def asked_before(office: Office, number: int) -> Asked | None:
    async with reading(office.sessions) as session:
        return await announcements.asked_before(session, number)


async def test_who_is_asked_for_the_first_time_has_nothing_to_compare(office: Office) -> None:
    number = await office.draft()
    assert await asked_before(office, number) is None
    await office.confirm(number)
    assert await asked_before(office, number) is None


async def test_words_changed_after_somebody_was_asked_are_compared_with_what_they_were_asked_for(
    office: Office,
) -> None:
    number = await office.draft()
    ends = office.clock() + timedelta(hours=3)
    await office.confirm(number, deadline=ends)
    await office.revise(number, texts=OTHER)  # nobody has sent it back
    await office.confirm(number)
    before = await asked_before(office, number)
    assert before is not None
    assert (before.texts, before.deadline) == (TEXTS, ends)


async def test_what_was_sent_back_and_agreed_to_is_compared_with_the_last_question(
    office: Office,
) -> None:
    number = await office.draft()
    await office.confirm(number)
    await office.do("refuse", number, by="staff:ken")
    await office.revise(number, texts=OTHER)
    later = office.clock() + timedelta(days=1)
    await office.confirm(number, start_at=later)
    before = await asked_before(office, number)
    assert before is not None
    assert before.texts == TEXTS
    await office.do("approve", number, by="staff:ken")
    again = {"ja": {"heading": "中止", "body": "行いません。"}}
    await office.revise(number, texts=again)
    await office.confirm(number)
    before = await asked_before(office, number)
    assert before is not None
    assert (before.texts, before.start_at) == (OTHER, later)
