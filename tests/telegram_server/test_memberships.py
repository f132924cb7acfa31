"""Chats, members, invite links and join requests."""

import datetime as dt

import pytest
from telegram import Bot, ChatMemberAdministrator, ChatMemberBanned, ChatPermissions
from telegram.error import BadRequest, Forbidden

from tests.telegram_server import Chat, RefusedError, Status, TelegramServer, User

EVERYTHING = ["message", "chat_member", "my_chat_member", "chat_join_request", "channel_post"]


@pytest.fixture
def staff(server: TelegramServer) -> User:
    return server.user("職員")


@pytest.fixture
def hana(server: TelegramServer) -> User:
    return server.user("花子")


@pytest.fixture
def lounge(server: TelegramServer, staff: User) -> Chat:
    """A supergroup in which the bot has every right."""
    return server.supergroup("住民ラウンジ", owner=staff)


def status(server: TelegramServer, chat: Chat, user: User) -> Status:
    return server.world.standing(chat, user.account).status


async def heard(bot: Bot) -> list[str]:
    """Return what kinds of updates wait, and confirm them."""
    updates = await bot.get_updates(allowed_updates=EVERYTHING)
    if updates:
        await bot.get_updates(offset=updates[-1].update_id + 1)
    kinds = (next(kind for kind in each.to_dict() if kind != "update_id") for each in updates)
    return list(kinds)


async def test_the_bot_sees_its_own_rights(server: TelegramServer, bot: Bot) -> None:
    chat = server.supergroup("広場", bot_rights=frozenset({"can_invite_users"}))
    member = await bot.get_chat_member(chat.id, bot.id)
    assert isinstance(member, ChatMemberAdministrator)
    assert member.can_invite_users
    assert not member.can_restrict_members


async def test_the_chat_and_who_is_in_it(bot: Bot, lounge: Chat, staff: User) -> None:
    assert (await bot.get_chat(lounge.id)).title == "住民ラウンジ"
    administrators = await bot.get_chat_administrators(lounge.id)
    assert [each.user.id for each in administrators] == [staff.id, bot.id]
    assert await bot.get_chat_member_count(lounge.id) == 2


async def test_a_stranger_is_left_not_missing(bot: Bot, lounge: Chat, hana: User) -> None:
    assert (await bot.get_chat_member(lounge.id, hana.id)).status == "left"
    with pytest.raises(BadRequest, match=r"(?i)participant_id_invalid"):
        await bot.get_chat_member(lounge.id, 99)


async def test_a_link_lets_in_as_many_as_it_says(
    server: TelegramServer, bot: Bot, lounge: Chat, hana: User
) -> None:
    link = await bot.create_chat_invite_link(lounge.id, member_limit=1, name="一人用")
    await hana.follows(link.invite_link)
    assert status(server, lounge, hana) is Status.MEMBER
    with pytest.raises(RefusedError, match="INVITE_HASH_EXPIRED"):
        await server.user("太郎").follows(link.invite_link)


async def test_a_link_expires(server: TelegramServer, bot: Bot, lounge: Chat, hana: User) -> None:
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=10)
    link = await bot.create_chat_invite_link(lounge.id, expire_date=soon)
    await server.advance(601)
    with pytest.raises(RefusedError, match="INVITE_HASH_EXPIRED"):
        await hana.follows(link.invite_link)
    with pytest.raises(BadRequest, match=r"(?i)expire_date_invalid"):
        await bot.create_chat_invite_link(lounge.id, expire_date=soon)


async def test_a_revoked_link_lets_nobody_in(bot: Bot, lounge: Chat, hana: User) -> None:
    link = await bot.create_chat_invite_link(lounge.id)
    assert (await bot.revoke_chat_invite_link(lounge.id, link)).is_revoked
    with pytest.raises(RefusedError):
        await hana.follows(link.invite_link)


async def test_a_link_either_asks_or_counts(bot: Bot, lounge: Chat) -> None:
    with pytest.raises(BadRequest, match="Member limit can't be specified"):
        await bot.create_chat_invite_link(lounge.id, creates_join_request=True, member_limit=1)


async def test_links_and_requests_take_the_right(
    server: TelegramServer, bot: Bot, hana: User
) -> None:
    chat = server.supergroup("広場", bot_rights=frozenset({"can_manage_chat"}))
    with pytest.raises(BadRequest, match="Not enough rights to manage chat invite link"):
        await bot.create_chat_invite_link(chat.id)
    with pytest.raises(BadRequest, match="Not enough rights to manage chat join requests"):
        await bot.approve_chat_join_request(chat.id, hana.id)
    with pytest.raises(BadRequest, match="Not enough rights to restrict"):
        await bot.ban_chat_member(chat.id, hana.id)


async def test_a_request_waits_until_it_is_answered(
    server: TelegramServer, bot: Bot, lounge: Chat, hana: User
) -> None:
    link = await bot.create_chat_invite_link(lounge.id, creates_join_request=True, name="住民用")
    await hana.follows(link.invite_link)
    assert status(server, lounge, hana) is Status.LEFT
    request = (await bot.get_updates())[0].chat_join_request
    assert request is not None
    assert request.invite_link is not None
    assert (request.invite_link.name, request.user_chat_id) == ("住民用", hana.id)
    assert request.invite_link.pending_join_request_count == 1

    await bot.decline_chat_join_request(lounge.id, hana.id)
    with pytest.raises(BadRequest, match=r"(?i)hide_requester_missing"):
        await bot.approve_chat_join_request(lounge.id, hana.id)

    await hana.follows(link.invite_link)
    await bot.approve_chat_join_request(lounge.id, hana.id)
    assert status(server, lounge, hana) is Status.MEMBER
    with pytest.raises(BadRequest, match=r"(?i)user_already_participant"):
        await bot.approve_chat_join_request(lounge.id, hana.id)


async def test_staff_may_answer_a_request_first(
    server: TelegramServer, bot: Bot, lounge: Chat, hana: User, staff: User
) -> None:
    await hana.requests_to_join(lounge)
    await staff.approves(hana, lounge)
    assert status(server, lounge, hana) is Status.MEMBER
    with pytest.raises(BadRequest, match=r"(?i)user_already_participant"):
        await bot.approve_chat_join_request(lounge.id, hana.id)


async def test_who_asks_to_join_can_be_written_to_for_five_minutes(
    server: TelegramServer, bot: Bot, lounge: Chat, hana: User
) -> None:
    await hana.requests_to_join(lounge)
    await bot.send_message(hana.id, "ようこそ")
    await server.advance(301)
    with pytest.raises(Forbidden, match="bot can't initiate conversation"):
        await bot.send_message(hana.id, "まだですか")


async def test_a_ban_removes_and_keeps_out_until_it_is_lifted(
    server: TelegramServer, bot: Bot, lounge: Chat, hana: User
) -> None:
    link = await bot.create_chat_invite_link(lounge.id)
    await hana.follows(link.invite_link)
    await bot.ban_chat_member(lounge.id, hana.id)
    assert isinstance(await bot.get_chat_member(lounge.id, hana.id), ChatMemberBanned)
    with pytest.raises(RefusedError, match="USER_KICKED"):
        await hana.follows(link.invite_link)
    await bot.unban_chat_member(lounge.id, hana.id, only_if_banned=True)
    await hana.follows(link.invite_link)
    assert status(server, lounge, hana) is Status.MEMBER


async def test_unbanning_a_member_removes_them_unless_only_if_banned(
    server: TelegramServer, bot: Bot, lounge: Chat, hana: User, staff: User
) -> None:
    await staff.adds(hana, lounge)
    await bot.unban_chat_member(lounge.id, hana.id, only_if_banned=True)
    assert status(server, lounge, hana) is Status.MEMBER
    await bot.unban_chat_member(lounge.id, hana.id)
    assert status(server, lounge, hana) is Status.LEFT


async def test_a_ban_ends_at_its_date(
    server: TelegramServer, bot: Bot, lounge: Chat, hana: User
) -> None:
    until = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    await bot.ban_chat_member(lounge.id, hana.id, until_date=until)
    assert status(server, lounge, hana) is Status.KICKED
    await server.advance(3601)
    assert status(server, lounge, hana) is Status.LEFT


async def test_administrators_cannot_be_banned(
    bot: Bot, lounge: Chat, staff: User, hana: User
) -> None:
    await staff.promotes(hana, lounge)
    with pytest.raises(BadRequest, match="User is an administrator of the chat"):
        await bot.ban_chat_member(lounge.id, hana.id)
    with pytest.raises(BadRequest, match="Can't remove chat owner"):
        await bot.ban_chat_member(lounge.id, staff.id)


async def test_a_restricted_member_stays_but_may_not_write(
    server: TelegramServer, bot: Bot, lounge: Chat, hana: User, staff: User
) -> None:
    await staff.adds(hana, lounge)
    await bot.restrict_chat_member(lounge.id, hana.id, ChatPermissions.no_permissions())
    assert (await bot.get_chat_member(lounge.id, hana.id)).status == "restricted"
    with pytest.raises(RefusedError):
        await hana.sends("こんにちは", lounge)
    await bot.restrict_chat_member(lounge.id, hana.id, ChatPermissions.all_permissions())
    assert status(server, lounge, hana) is Status.MEMBER


async def test_coming_and_going_is_told(bot: Bot, lounge: Chat, hana: User, staff: User) -> None:
    await bot.get_updates(allowed_updates=EVERYTHING)
    await staff.adds(hana, lounge)
    assert await heard(bot) == ["chat_member", "message"]
    await staff.removes(hana, lounge)
    assert await heard(bot) == ["chat_member", "message"]


async def test_changes_of_members_are_told_only_to_who_asked(
    bot: Bot, lounge: Chat, hana: User, staff: User
) -> None:
    await staff.adds(hana, lounge)
    assert await heard(bot) == ["message"]


async def test_changes_of_members_are_told_only_to_administrators(
    server: TelegramServer, bot: Bot, hana: User, staff: User
) -> None:
    chat = server.supergroup("広場", owner=staff, bot=Status.MEMBER)
    await bot.get_updates(allowed_updates=EVERYTHING)
    await staff.adds(hana, chat)
    assert await heard(bot) == ["message"]


async def test_the_bot_learns_what_is_done_to_it(
    server: TelegramServer, bot: Bot, lounge: Chat, staff: User
) -> None:
    await staff.demotes(server.bot, lounge)
    await staff.removes(server.bot, lounge)
    first, second = (each.my_chat_member for each in await bot.get_updates())
    assert first is not None
    assert (first.old_chat_member.status, first.new_chat_member.status) == (
        "administrator",
        "member",
    )
    assert second is not None
    assert second.new_chat_member.status == "kicked"
    with pytest.raises(Forbidden, match="bot was kicked from the supergroup chat"):
        await bot.get_chat(lounge.id)


async def test_leaving(server: TelegramServer, bot: Bot, lounge: Chat) -> None:
    assert await bot.leave_chat(lounge.id)
    assert server.world.standing(lounge, server.bot).status is Status.LEFT
    with pytest.raises(Forbidden, match="bot is not a member of the supergroup chat"):
        await bot.leave_chat(lounge.id)


async def test_a_link_of_someone_else_is_named_in_the_update(
    bot: Bot, lounge: Chat, hana: User, staff: User
) -> None:
    await bot.get_updates(allowed_updates=EVERYTHING)
    link = await staff.makes_link(lounge)
    await hana.follows(link)
    change = (await bot.get_updates())[0].chat_member
    assert change is not None
    assert change.invite_link is not None
    assert change.invite_link.creator.id == staff.id
