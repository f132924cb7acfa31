"""How people stand in a group of the town, asked one by one."""

from tests.bots.telegram.conftest import Hall
from tests.telegram_server import TelegramServer


async def test_members_are_inside_others_are_not_and_who_looks_after_the_group_is_left_out(
    server: TelegramServer, hall: Hall
) -> None:
    owner = server.user("町長", started=True)
    room = server.supergroup("住民の部屋", owner=owner)
    hall.opens(room)
    hana, ken, eve = (server.user(name, started=True) for name in ("花子", "健", "イブ"))
    async with hall.open() as adapter:
        await owner.adds(hana, room)
        await owner.adds(eve, room)
        await owner.removes(eve, room)  # a ban, which is a moderator's business
        asked = [str(each.id) for each in (owner, hana, ken, eve)]
        found = await adapter.keeper.standing(str(room.id), asked)
        assert found == {str(hana.id): True, str(ken.id): False}
        assert adapter.keeper.holders(str(room.id)) is None
