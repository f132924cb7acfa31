"""Other words for those who have it already, or none: through the lane, once, whatever dies."""

from datetime import timedelta

import pytest

from core.announcements import AnnouncementState, Delivered, Failed, Flooded, NotSent
from core.database import Sessions
from core.testing import FakeMessenger, Killed, SetClock
from tests.core.announcements.lanes_world import OTHER, Lanes, targets


@pytest.fixture
def lanes(sessions: Sessions, clock: SetClock) -> Lanes:
    return Lanes(sessions, clock)


async def test_a_change_reaches_everybody_who_has_the_old_words_once(lanes: Lanes) -> None:
    await lanes.members(12)
    number = await lanes.announce()
    messenger = FakeMessenger()
    pump = lanes.pump(messenger)
    await lanes.drain(pump)
    await lanes.change(number)
    await lanes.drain(pump)
    changed = [int(target) for target, _, _ in messenger.amended]
    assert sorted(changed) == list(range(1, 13))
    assert {message.heading for _, _, message in messenger.amended if message} == {
        OTHER["ja"]["heading"]
    }
    shown = await lanes.shown(number)
    assert (shown.amended, shown.amend_failed, shown.delivered) == (12, 0, 12)
    await lanes.drain(pump)
    assert len(messenger.amended) == 12, "no second time"


async def test_a_change_in_mid_send_goes_to_who_has_it_and_the_new_words_to_the_others(
    lanes: Lanes,
) -> None:
    await lanes.members(9)
    number = await lanes.announce()
    messenger = FakeMessenger()
    pump = lanes.pump(messenger, window=3)
    await pump.tick()
    await lanes.change(number)
    await lanes.drain(pump)
    told = {int(target): message.heading for target, message in messenger.arrived}
    assert [told[each] for each in (1, 2, 3)] == ["山焼き"] * 3
    assert {told[each] for each in range(4, 10)} == {"延期"}
    assert sorted(int(target) for target, _, _ in messenger.amended) == [1, 2, 3]


async def test_what_was_on_its_way_in_the_old_words_is_changed_when_it_has_arrived(
    lanes: Lanes,
) -> None:
    await lanes.members(3)
    number = await lanes.announce()
    messenger = FakeMessenger()
    pump = lanes.pump(messenger)
    await pump._turn()
    await lanes.change(number)
    await pump._turn()  # the cursor of the change passes before the answers are there
    await lanes.drain(pump)
    assert sorted(targets(messenger)) == [1, 2, 3]
    assert sorted(int(target) for target, _, _ in messenger.amended) == [1, 2, 3]


async def test_a_retracted_announcement_is_taken_back_from_all_who_have_it(lanes: Lanes) -> None:
    await lanes.members(8)
    number = await lanes.announce()
    messenger = FakeMessenger()
    pump = lanes.pump(messenger, window=4)
    await pump.tick()
    await lanes.put(number, state="cancelled")
    await lanes.change(number, retract=True)
    await lanes.drain(pump)
    assert len(messenger.arrived) == 4
    assert sorted(int(target) for target, _, _ in messenger.amended) == [1, 2, 3, 4]
    assert all(message is None for _, _, message in messenger.amended)
    assert (await lanes.shown(number)).amended == 4


async def test_what_a_platform_no_longer_lets_us_change_is_counted_and_left(lanes: Lanes) -> None:
    await lanes.members(4)
    number = await lanes.announce()
    messenger = FakeMessenger()
    pump = lanes.pump(messenger)
    await lanes.drain(pump)
    await lanes.change(number)
    messenger.prepared = [Failed("too old"), NotSent("away"), Flooded(timedelta(seconds=3))]
    await lanes.drain(pump)
    shown = await lanes.shown(number)
    assert (shown.amended, shown.amend_failed) == (3, 1)
    assert (shown.state, shown.delivered) == (AnnouncementState.DONE, 4)


async def test_a_process_that_dies_in_mid_change_leaves_nobody_with_the_old_words(
    lanes: Lanes,
) -> None:
    await lanes.members(10)
    number = await lanes.announce()
    dying = FakeMessenger()
    pump = lanes.pump(dying)
    await lanes.drain(pump)
    await lanes.change(number)
    dying.prepared = [Delivered("1"), Delivered("2"), *[Killed()] * 8]
    with pytest.raises(Killed):
        await pump.tick()
    survivor = FakeMessenger()
    again = lanes.pump(survivor)
    await again.void_own_leases()
    await lanes.drain(again)
    changed = {int(target) for target, _, _ in dying.amended + survivor.amended}
    assert changed == set(range(1, 11))
    assert (await lanes.shown(number)).amended == 10
