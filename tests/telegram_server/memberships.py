"""Methods about chats, their members, invite links and join requests.

https://core.telegram.org/bots/api#chatmember, #createchatinvitelink, #approvechatjoinrequest.
"""

from tests.telegram_server.api import Json, Params, bad_request
from tests.telegram_server.methods import (
    find_account,
    find_chat,
    find_joined_chat,
    method,
    require_joined,
    require_right,
)
from tests.telegram_server.nouns import (
    PERMISSIONS,
    Account,
    Chat,
    ChatKind,
    InviteLink,
    JoinRequest,
    Member,
    Status,
)
from tests.telegram_server.world import World

LINKS_REFUSED = "not enough rights to manage chat invite link"
REQUESTS_REFUSED = "not enough rights to manage chat join requests"
RESTRICTING_REFUSED = "not enough rights to restrict/unrestrict chat member"
SHORTEST_BAN_SECONDS = 30
LONGEST_BAN_SECONDS = 366 * 24 * 3600


@method("getChat")
def get_chat(world: World, params: Params) -> Json:
    chat = find_chat(world, params)
    gifts = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription",
             "gifts_from_channels")  # fmt: skip
    full: Json = {
        **chat.json(),
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(gifts, False),
    }
    if chat.person is not None:
        return full
    if chat.username is None:
        require_joined(world, chat)
    if chat.description:
        full["description"] = chat.description
    if chat.username:
        full["active_usernames"] = [chat.username]
    if chat.joins_by_request:
        full["join_by_request"] = True
    if chat.kind is not ChatKind.CHANNEL:
        full["permissions"] = {each: each in chat.permissions for each in sorted(PERMISSIONS)}
    primary = [link for link in chat.links.values() if link.is_primary and not link.is_revoked]
    if primary and world.standing(chat, world.bot).can("can_invite_users"):
        full["invite_link"] = primary[0].url
    return full


@method("getChatMember")
def get_chat_member(world: World, params: Params) -> Json:
    chat = find_chat(world, params)
    account = find_account(world, params, "PARTICIPANT_ID_INVALID")
    if chat.person is not None:
        return Member(account).json(chat.kind)
    require_joined(world, chat)
    return world.standing(chat, account).json(chat.kind)


@method("getChatAdministrators")
def get_chat_administrators(world: World, params: Params) -> list[Json]:
    chat = find_chat(world, params)
    if chat.person is not None:
        raise bad_request("there are no administrators in the private chat")
    require_joined(world, chat)
    others = [each for each in world.managers(chat) if not each.account.is_bot]
    own = [each for each in world.managers(chat) if each.account is world.bot]
    return [each.json(chat.kind) for each in (*others, *own)]


@method("getChatMemberCount", "getChatMembersCount")
def get_chat_member_count(world: World, params: Params) -> int:
    chat = find_chat(world, params)
    if chat.person is not None:
        return 2
    require_joined(world, chat)
    return len(world.inside(chat))


@method("createChatInviteLink")
def create_chat_invite_link(world: World, params: Params) -> Json:
    chat = find_joined_chat(world, params)
    require_right(world, chat, "can_invite_users", LINKS_REFUSED)
    limit, expires = params.integer("member_limit"), params.integer("expire_date")
    by_request = params.boolean("creates_join_request")
    if limit and by_request:
        raise bad_request(
            "member limit can't be specified for links requiring administrator approval"
        )
    if not 0 <= limit <= 99_999:
        raise bad_request("invalid member limit specified")
    if expires and expires <= world.now():
        raise bad_request("EXPIRE_DATE_INVALID")
    return new_link(
        world,
        chat,
        world.bot,
        name=params.text("name")[:32],
        expires=expires,
        member_limit=limit,
        creates_join_request=by_request,
    ).json()


def new_link(
    world: World,
    chat: Chat,
    creator: Account,
    *,
    name: str = "",
    expires: int = 0,
    member_limit: int = 0,
    creates_join_request: bool = False,
    is_primary: bool = False,
) -> InviteLink:
    link = InviteLink(
        f"https://t.me/+test{world.number():012d}",
        chat,
        creator,
        name,
        expires,
        member_limit,
        creates_join_request,
        is_primary,
    )
    chat.links[link.url] = link
    return link


@method("exportChatInviteLink")
def export_chat_invite_link(world: World, params: Params) -> str:
    """Make a new primary link; the one before is revoked."""
    chat = find_joined_chat(world, params)
    require_right(world, chat, "can_invite_users", LINKS_REFUSED)
    for link in chat.links.values():
        if link.is_primary and link.creator is world.bot:
            link.is_revoked = True
    return new_link(world, chat, world.bot, is_primary=True).url


@method("revokeChatInviteLink")
def revoke_chat_invite_link(world: World, params: Params) -> Json:
    chat = find_joined_chat(world, params)
    require_right(world, chat, "can_invite_users", LINKS_REFUSED)
    link = chat.links.get(params.text("invite_link"))
    if link is None:
        raise bad_request("INVITE_HASH_EXPIRED")
    link.is_revoked = True
    return link.json()


@method("approveChatJoinRequest")
def approve_chat_join_request(world: World, params: Params) -> bool:
    chat, request = _find_request(world, params)
    admit(world, chat, request, by=world.bot)
    return True


@method("declineChatJoinRequest")
def decline_chat_join_request(world: World, params: Params) -> bool:
    chat, request = _find_request(world, params)
    del chat.join_requests[request.account.id]
    return True


def admit(world: World, chat: Chat, request: JoinRequest, *, by: Account) -> None:
    member = Member(request.account)
    world.change_member(chat, member, by=by, link=request.link, via_join_request=True)


def _find_request(world: World, params: Params) -> tuple[Chat, JoinRequest]:
    chat = find_joined_chat(world, params)
    require_right(world, chat, "can_invite_users", REQUESTS_REFUSED)
    account = find_account(world, params, "USER_ID_INVALID")
    if world.standing(chat, account).inside:
        raise bad_request("USER_ALREADY_PARTICIPANT")
    if account.id not in chat.join_requests:
        raise bad_request("HIDE_REQUESTER_MISSING")
    if account.deactivated:
        raise bad_request("INPUT_USER_DEACTIVATED")
    return chat, chat.join_requests[account.id]


def _find_restrictable(world: World, params: Params) -> tuple[Chat, Account]:
    chat = find_joined_chat(world, params)
    require_right(world, chat, "can_restrict_members", RESTRICTING_REFUSED)
    account = find_account(world, params, "PARTICIPANT_ID_INVALID")
    standing = world.standing(chat, account)
    if account is world.bot:
        raise bad_request("can't restrict self")
    if standing.status is Status.CREATOR:
        raise bad_request("can't remove chat owner")
    if standing.status is Status.ADMINISTRATOR:
        raise bad_request("user is an administrator of the chat")
    return chat, account


def _until(world: World, params: Params) -> int:
    """Return when it ends; too soon or too far away means never, 0."""
    until = params.integer("until_date")
    lasts = until - world.now()
    return until if SHORTEST_BAN_SECONDS <= lasts <= LONGEST_BAN_SECONDS else 0


@method("banChatMember", "kickChatMember")
def ban_chat_member(world: World, params: Params) -> bool:
    chat, account = _find_restrictable(world, params)
    # a basic group keeps no list of the banned
    status = Status.LEFT if chat.kind is ChatKind.GROUP else Status.KICKED
    chat.join_requests.pop(account.id, None)
    new = Member(account, status, until=_until(world, params))
    world.change_member(chat, new, by=world.bot)
    return True


@method("unbanChatMember")
def unban_chat_member(world: World, params: Params) -> bool:
    """Lift a ban. Without `only_if_banned` a member is removed, too."""
    chat, account = _find_restrictable(world, params)
    if chat.kind is ChatKind.GROUP:
        raise bad_request("method is available for supergroup and channel chats only")
    banned = world.standing(chat, account).status is Status.KICKED
    removes = world.standing(chat, account).inside and not params.boolean("only_if_banned")
    if banned or removes:
        world.change_member(chat, Member(account, Status.LEFT), by=world.bot)
    return True


@method("restrictChatMember")
def restrict_chat_member(world: World, params: Params) -> bool:
    chat, account = _find_restrictable(world, params)
    if chat.kind is not ChatKind.SUPERGROUP:
        raise bad_request("method is available only for supergroups")
    given = params.object("permissions", "chat permissions")
    if given is None:
        raise bad_request("can't parse permissions: Expected an Object")
    allowed = frozenset(name for name in PERMISSIONS if given.get(name))
    inside = world.standing(chat, account).inside
    whole = allowed >= chat.permissions
    new = Member(
        account,
        (Status.MEMBER if inside else Status.LEFT) if whole else Status.RESTRICTED,
        permissions=allowed,
        until=0 if whole else _until(world, params),
        is_member=inside,
    )
    world.change_member(chat, new, by=world.bot)
    return True


@method("leaveChat")
def leave_chat(world: World, params: Params) -> bool:
    chat = find_joined_chat(world, params)
    world.change_member(chat, Member(world.bot, Status.LEFT), by=world.bot)
    return True
