"""Who is let in and taken out of the town's Telegram groups."""

from dataclasses import replace

import pytest
from telegram import Bot

from bots.telegram.keeper import TelegramKeeper
from core.access import Admission
from core.errors import PlatformRefused, PlatformUnavailable
from core.town import TownPack
from tests.bots.telegram.conftest import Hall
from tests.telegram_server import Chat, ChatKind, Status, TelegramServer, User, rights_in

RIGHTS = rights_in(ChatKind.SUPERGROUP)


@pytest.fixture
def owner(server: TelegramServer) -> User:
    return server.user("町長", started=True)


@pytest.fixture
def room(server: TelegramServer, owner: User, hall: Hall) -> Chat:
    made = server.supergroup("住民の部屋", owner=owner)
    hall.opens(made)
    return made


@pytest.fixture
def keeper(bot: Bot, room: Chat, hall: Hall) -> TelegramKeeper:
    assert room
    return TelegramKeeper(bot, hall.town)


def standing(server: TelegramServer, room: Chat, user: User) -> Status:
    return server.world.standing(room, user.account).status


def inside(server: TelegramServer, room: Chat) -> set[str]:
    return {each.first_name for each in server.world.inside(room)}


def test_a_room_without_a_telegram_group_has_no_place_here(bot: Bot, hall: Hall) -> None:
    gate = hall.town.gates[0].model_copy(update={"telegram_chat": None})
    assert TelegramKeeper(bot, hall.town).place(gate) is None


async def test_a_newcomer_gets_a_link_that_asks_to_be_let_in(
    server: TelegramServer, keeper: TelegramKeeper, room: Chat
) -> None:
    hana = server.user("花子")
    admission = await keeper.admit(str(room.id), str(hana.id))
    assert admission.link is not None
    link = room.links[admission.link]
    assert link.creates_join_request
    assert 23 * 3600 < link.expires - server.world.now() <= 24 * 3600
    await hana.follows(admission.link)
    assert standing(server, room, hana) is Status.LEFT


async def test_everybody_has_a_link_of_their_own_and_keeps_it_for_a_while(
    server: TelegramServer, keeper: TelegramKeeper, room: Chat
) -> None:
    hana, taro = server.user("花子"), server.user("太郎")
    first = await keeper.admit(str(room.id), str(hana.id))
    assert await keeper.admit(str(room.id), str(hana.id)) == first
    assert (await keeper.admit(str(room.id), str(taro.id))).link != first.link


@pytest.mark.parametrize("status", [Status.MEMBER, Status.ADMINISTRATOR, Status.RESTRICTED])
async def test_somebody_inside_needs_no_link(
    server: TelegramServer, keeper: TelegramKeeper, room: Chat, owner: User, status: Status
) -> None:
    hana = server.user("花子")
    await owner.adds(hana, room)
    if status is Status.ADMINISTRATOR:
        await owner.promotes(hana, room)
    if status is Status.RESTRICTED:
        room.members[hana.id] = replace(room.members[hana.id], status=status)
    assert await keeper.admit(str(room.id), str(hana.id)) == Admission(str(room.id))


async def test_a_ban_of_ours_is_lifted_so_that_the_link_works(
    server: TelegramServer, keeper: TelegramKeeper, room: Chat, owner: User
) -> None:
    hana = server.user("花子")
    await owner.adds(hana, room)
    server.fail_next("unbanChatMember", 500)
    with pytest.raises(PlatformUnavailable):
        await keeper.remove(str(room.id), str(hana.id))
    assert standing(server, room, hana) is Status.KICKED
    admission = await keeper.admit(str(room.id), str(hana.id))
    assert admission.link is not None
    await hana.follows(admission.link)
    assert hana.id in room.join_requests


async def test_a_card_does_not_undo_the_ban_of_a_moderator(
    server: TelegramServer, keeper: TelegramKeeper, room: Chat, owner: User
) -> None:
    hana = server.user("花子")
    await owner.adds(hana, room)
    await owner.removes(hana, room)
    with pytest.raises(PlatformRefused, match="職員の手で禁止"):
        await keeper.admit(str(room.id), str(hana.id))
    assert standing(server, room, hana) is Status.KICKED


async def test_who_is_taken_out_may_come_back(
    server: TelegramServer, keeper: TelegramKeeper, room: Chat, owner: User
) -> None:
    hana = server.user("花子")
    await owner.adds(hana, room)
    await keeper.remove(str(room.id), str(hana.id))
    assert "花子" not in inside(server, room)
    again = await keeper.admit(str(room.id), str(hana.id))
    assert again.link is not None
    await hana.follows(again.link)
    assert hana.id in room.join_requests


async def test_a_ban_ends_by_itself_should_lifting_it_fail(
    server: TelegramServer, keeper: TelegramKeeper, room: Chat, owner: User
) -> None:
    hana = server.user("花子")
    await owner.adds(hana, room)
    server.fail_next("unbanChatMember", 500)
    with pytest.raises(PlatformUnavailable):
        await keeper.remove(str(room.id), str(hana.id))
    await keeper.remove(str(room.id), str(hana.id))
    await server.advance(61)
    assert standing(server, room, hana) is Status.LEFT


async def test_taking_out_somebody_who_is_out_is_fine(
    server: TelegramServer, keeper: TelegramKeeper, room: Chat, owner: User
) -> None:
    hana, taro = server.user("花子"), server.user("太郎")
    await owner.removes(taro, room)
    for gone in (str(hana.id), str(taro.id), "1234567"):
        await keeper.remove(str(room.id), gone)
    assert server.calls("banChatMember") == []
    assert standing(server, room, taro) is Status.KICKED, "an administrator's ban stays"


@pytest.mark.parametrize("who", ["owner", "administrator"])
async def test_nobody_who_looks_after_the_group_is_taken_out(
    server: TelegramServer, keeper: TelegramKeeper, room: Chat, owner: User, who: str
) -> None:
    hana = owner
    if who == "administrator":
        hana = server.user("花子")
        await owner.adds(hana, room)
        await owner.promotes(hana, room)
    with pytest.raises(PlatformRefused, match="管理者"):
        await keeper.remove(str(room.id), str(hana.id))
    assert hana.account in server.world.inside(room)


async def test_a_missing_right_names_the_right_the_group_and_the_remedy(
    server: TelegramServer, keeper: TelegramKeeper, room: Chat, owner: User, hall: Hall
) -> None:
    hana, taro = server.user("花子"), server.user("太郎")
    await owner.adds(taro, room)
    await keeper.inspect(hall.town.gates)  # as at the start: learns the title
    await owner.promotes(server.bot, room, rights=frozenset())
    with pytest.raises(PlatformRefused) as no_invite:
        await keeper.admit(str(room.id), str(hana.id))
    with pytest.raises(PlatformRefused) as no_ban:
        await keeper.remove(str(room.id), str(taro.id))
    for error, right in ((no_invite, "Invite Users via Link"), (no_ban, "Ban Users")):
        sentence = str(error.value)
        assert right in sentence
        assert "住民の部屋" in sentence
        assert "オンにしてください" in sentence


async def test_a_group_that_the_bot_was_put_out_of_is_for_staff_to_mend(
    server: TelegramServer, keeper: TelegramKeeper, room: Chat, owner: User
) -> None:
    hana = server.user("花子")
    await owner.removes(server.bot, room)
    with pytest.raises(PlatformRefused, match="入っていません"):
        await keeper.admit(str(room.id), str(hana.id))


async def test_a_group_with_a_new_number_names_it(
    server: TelegramServer, bot: Bot, hall: Hall, owner: User
) -> None:
    hana, old = server.user("花子"), server.basic_group("部屋", owner=owner)
    hall.opens(old)
    new = await owner.upgrades(old)
    with pytest.raises(PlatformRefused, match=str(new.id)):
        await TelegramKeeper(bot, hall.town).admit(str(old.id), str(hana.id))


@pytest.mark.parametrize("trouble", ["flood", "fault", "drop", "late"])
async def test_an_outage_is_for_later_and_nobody_is_taken_out(
    server: TelegramServer, keeper: TelegramKeeper, room: Chat, owner: User, trouble: str
) -> None:
    hana = server.user("花子")
    await owner.adds(hana, room)
    match trouble:
        case "flood":
            server.fail_next("getChatMember", 429, "Too Many Requests", retry_after=3)
        case "fault":
            server.fail_next("getChatMember", 502)
        case "drop":
            server.drop_next("getChatMember", processed=False)
        case _:
            server.delay_next("getChatMember", 2.5)
    with pytest.raises(PlatformUnavailable):
        await keeper.remove(str(room.id), str(hana.id))
    assert "花子" in inside(server, room)


# What staff are told


async def test_a_group_in_order_has_no_problems(keeper: TelegramKeeper, hall: Hall) -> None:
    assert await keeper.problems(hall.town.gates) == []


@pytest.mark.parametrize(
    ("given", "says"),
    [
        pytest.param({"bot": Status.MEMBER}, "管理者ではありません", id="no administrator"),
        pytest.param({"bot": Status.KICKED}, "入っていません", id="put out"),
        pytest.param(
            {"bot_rights": RIGHTS - {"can_invite_users"}},
            "Invite Users via Link",
            id="may not invite",
        ),
        pytest.param({"bot_rights": RIGHTS - {"can_restrict_members"}}, "Ban Users", id="nor ban"),
        pytest.param({"username": "everybody"}, "公開", id="anybody can walk in"),
    ],
)
async def test_what_is_wrong_with_a_group_is_one_sentence(
    server: TelegramServer, bot: Bot, hall: Hall, given: dict[str, object], says: str
) -> None:
    hall.opens(server.supergroup("住民の部屋", **given))
    problems = await TelegramKeeper(bot, hall.town).problems(hall.town.gates)
    assert len(problems) == 1
    assert says in problems[0]
    assert "住民の部屋" in problems[0] or "Status.KICKED" in str(given)


async def test_a_public_group_that_asks_at_the_door_is_in_order(
    server: TelegramServer, bot: Bot, hall: Hall
) -> None:
    hall.opens(server.supergroup("部屋", username="town", joins_by_request=True))
    chat = next(iter(server.world.chats.values()))
    assert chat.joins_by_request
    assert await TelegramKeeper(bot, hall.town).problems(hall.town.gates) == []


async def test_a_basic_group_cannot_be_a_room(server: TelegramServer, bot: Bot, hall: Hall) -> None:
    hall.opens(server.basic_group("小さな部屋"))
    (problem,) = await TelegramKeeper(bot, hall.town).problems(hall.town.gates)
    assert "小さな部屋" in problem
    assert "town.toml" in problem


async def test_a_person_cannot_be_a_room(server: TelegramServer, bot: Bot, hall: Hall) -> None:
    hall.opens(server.user("花子", started=True).chat)
    (problem,) = await TelegramKeeper(bot, hall.town).problems(hall.town.gates)
    assert "-100" in problem


async def test_a_number_that_leads_nowhere_is_named(
    server: TelegramServer, bot: Bot, hall: Hall
) -> None:
    chat = server.supergroup("部屋")
    hall.opens(chat)
    del server.world.chats[chat.id]
    (problem,) = await TelegramKeeper(bot, hall.town).problems(hall.town.gates)
    assert str(chat.id) in problem


async def test_the_announcement_channel_must_let_the_bot_post(
    server: TelegramServer, bot: Bot, hall: Hall
) -> None:
    def announcing_in(chat: Chat) -> TownPack:
        table = hall.town.telegram.model_copy(update={"announcement_chat": chat.id})
        return hall.town.model_copy(update={"telegram": table})

    town = announcing_in(server.channel("広報", bot_rights=frozenset()))
    (problem,) = await TelegramKeeper(bot, town).problems(())
    assert "広報" in problem
    assert "Post Messages" in problem
    town = announcing_in(server.supergroup("広場", bot=Status.MEMBER))
    assert await TelegramKeeper(bot, town).problems(()) == []


async def test_an_outage_during_the_check_is_not_a_problem_of_the_group(
    server: TelegramServer, keeper: TelegramKeeper, hall: Hall
) -> None:
    server.fail_next("getChat", 502)
    with pytest.raises(PlatformUnavailable):
        await keeper.problems(hall.town.gates)
