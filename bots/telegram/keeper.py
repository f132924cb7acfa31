"""Keeper: the town's Telegram groups, kept in step with who may be inside.

A bot cannot add people. So letting in means a personal link that makes a join request, which
`bots.telegram.handlers` approves after a reading of its own: a link passed on opens nothing.
Taking out is a ban that is lifted at once, so that the person can come back.

* https://core.telegram.org/bots/api#createchatinvitelink, #banchatmember, #unbanchatmember
"""

import logging
import secrets
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from telegram import Bot, ChatFullInfo, ChatMember, ChatMemberBanned
from telegram.constants import ChatMemberStatus, ChatType
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, TelegramError

from bots import texts
from bots.telegram.outcome import reason
from core.access import Admission
from core.errors import PlatformRefused, PlatformUnavailable
from core.town import Gate, TownPack

logger = logging.getLogger(__name__)

LINK_LIFETIME: Final = timedelta(hours=24)
LINK_REUSED_FOR: Final = timedelta(hours=1)
BAN_AT_LONGEST: Final = timedelta(minutes=1)
"""Should lifting a ban fail, it ends by itself. Telegram takes nothing under 30 seconds."""
MAX_LINKS: Final = 10_000

_INSIDE: Final = {ChatMemberStatus.MEMBER, ChatMemberStatus.ADMINISTRATOR, ChatMemberStatus.OWNER}
_MANAGING: Final = {ChatMemberStatus.ADMINISTRATOR, ChatMemberStatus.OWNER}


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that staff must put right, in one sentence of any of our languages."""

    name: str  # the words are under ``telegram.problem.<name>``
    values: dict[str, str] = field(default_factory=dict, hash=False)

    def words(self, language: str) -> str:
        return texts.say(f"telegram.problem.{self.name}", language, **self.values)


Judge = Callable[[ChatFullInfo, ChatMember], list[str]]
"""The names of what is missing in a chat, from how it and the bot in it stand."""


def _room_problems(chat: ChatFullInfo, own: ChatMember) -> list[str]:
    if chat.type == ChatType.GROUP:
        return ["chat-basic"]
    if own.status not in _MANAGING:
        return ["bot-not-admin"]
    needed = {"can_invite_users": "no-invite-right", "can_restrict_members": "no-ban-right"}
    if chat.type == ChatType.CHANNEL:
        needed["can_post_messages"] = "no-post-right"
    found = [name for right, name in needed.items() if not _may(own, right)]
    if chat.username and not chat.join_by_request:
        found.append("chat-public")
    return found


def _announcement_problems(chat: ChatFullInfo, own: ChatMember) -> list[str]:
    if chat.type == ChatType.CHANNEL:
        return [] if _may(own, "can_post_messages") else ["no-post-right"]
    return [] if _is_inside(own) else ["bot-outside"]


class TelegramKeeper:
    """Opens and closes the groups of one town."""

    platform = "telegram"

    def __init__(self, bot: Bot, town: TownPack) -> None:
        self._bot = bot
        self._town = town
        self._language = town.town.languages[0] if town.town.languages else "ja"
        self._titles: dict[str, str] = {}
        self._links: OrderedDict[tuple[str, str], tuple[float, str]] = OrderedDict()

    def place(self, gate: Gate) -> str | None:
        return None if gate.telegram_chat is None else str(gate.telegram_chat)

    async def admit(self, place: str, account: str) -> Admission:
        """Nothing to do for somebody inside; else a link of their own, for a day.

        A ban of ours is lifted first: Telegram would not let the person follow the link. A ban
        by a moderator stands; a card does not undo it.
        """
        async with self._translated(place, "no-invite-right"):
            member = await self._member(place, account)
            if member is not None and _is_inside(member):
                return Admission(place)
            if isinstance(member, ChatMemberBanned):
                if not _is_ours(member):
                    raise self._refused("banned-by-hand", place)
                async with self._translated(place, "no-ban-right"):
                    await self._bot.unban_chat_member(place, int(account), only_if_banned=True)
            return Admission(place, await self._link(place, account))

    async def remove(self, place: str, account: str) -> None:
        """Take a member out, but never somebody who looks after the group."""
        async with self._translated(place, "no-ban-right"):
            member = await self._member(place, account)
            if member is None or member.status in {ChatMemberStatus.LEFT, ChatMemberStatus.BANNED}:
                return
            if member.status in _MANAGING:
                raise self._refused("protects-admins", place)
            until = datetime.now(UTC) + BAN_AT_LONGEST  # Telegram's clock decides, not ours
            await self._bot.ban_chat_member(place, int(account), until_date=until)
            self._links.pop((place, account), None)
            await self._bot.unban_chat_member(place, int(account), only_if_banned=True)

    async def standing(self, place: str, accounts: Sequence[str]) -> Mapping[str, bool]:
        """One question an account. Who looks after the group, or is banned from it, is left out."""
        found: dict[str, bool] = {}
        async with self._translated(place, "no-ban-right"):
            for account in accounts:
                member = await self._member(place, account)
                if member is None or member.status not in {*_MANAGING, ChatMemberStatus.BANNED}:
                    found[account] = member is not None and _is_inside(member)
        return found

    def holders(self, place: str) -> AsyncIterator[str] | None:  # noqa: ARG002
        """A bot cannot list the members of a group."""
        return None

    async def problems(self, gates: Sequence[Gate]) -> list[str]:
        return [each.words(self._language) for each in await self.inspect(gates)]

    async def inspect(self, gates: Sequence[Gate]) -> list[Problem]:
        """Compare the rooms of the town pack with Telegram.

        Raises `PlatformUnavailable` if Telegram does not answer.
        """
        found: list[Problem] = []
        for gate in gates:
            if (place := self.place(gate)) is not None:
                found += await self._inspect(place, gate.title.get(self._language), _room_problems)
        if (chat := self._town.telegram.announcement_chat) is not None:
            words = texts.say("telegram.announcements", self._language)
            found += await self._inspect(str(chat), words, _announcement_problems)
        return found

    async def _inspect(self, place: str, room: str, judge: Judge) -> list[Problem]:
        values = {"room": room, "chat": place}
        try:
            chat = await self._bot.get_chat(place)
            if chat.type == ChatType.PRIVATE:
                return [Problem("chat-is-person", values)]
            self._titles[place] = values["chat"] = chat.title or place
            own = await self._bot.get_chat_member(place, self._bot.id)
        except ChatMigrated as error:
            return [Problem("chat-moved", {**values, "id": str(error.new_chat_id)})]
        except Forbidden:
            return [Problem("bot-outside", values)]
        except BadRequest:
            return [Problem("chat-not-found", values)]
        except TelegramError as error:
            raise PlatformUnavailable(reason(error)) from error
        return [Problem(name, values) for name in judge(chat, own)]

    async def _member(self, place: str, account: str) -> ChatMember | None:
        """How somebody stands in a group; `None` if Telegram has never seen them there."""
        try:
            return await self._bot.get_chat_member(place, int(account))
        except BadRequest as error:
            words = error.message.lower()
            if any(sign in words for sign in ("user not found", "participant_id", "user_id")):
                return None
            raise

    async def _link(self, place: str, account: str) -> str:
        made_at, link = self._links.get((place, account), (float("-inf"), ""))
        if time.monotonic() - made_at < LINK_REUSED_FOR.total_seconds():
            return link
        made = await self._bot.create_chat_invite_link(
            place,
            name=secrets.token_hex(4),
            expire_date=datetime.now(UTC) + LINK_LIFETIME,
            creates_join_request=True,
        )
        self._links[place, account] = (time.monotonic(), made.invite_link)
        if len(self._links) > MAX_LINKS:
            self._links.popitem(last=False)
        return made.invite_link

    @asynccontextmanager
    async def _translated(self, place: str, missing_right: str) -> AsyncIterator[None]:
        """Turn what Telegram raises into *retry later* or *staff must act*."""
        try:
            yield
        except ChatMigrated as error:
            raise self._refused("chat-moved", place, id=str(error.new_chat_id)) from error
        except Forbidden as error:
            raise self._refused("bot-outside", place) from error
        except BadRequest as error:
            raise self._refused(
                _refusal_of(error, missing_right), place, reason=reason(error)
            ) from error
        except InvalidToken:
            raise PlatformRefused(texts.say("telegram.problem.bad-token", self._language)) from None
        except TelegramError as error:
            raise PlatformUnavailable(reason(error)) from error

    def _refused(self, name: str, place: str, **values: str) -> PlatformRefused:
        room = next(
            (
                gate.title.get(self._language)
                for gate in self._town.gates
                if self.place(gate) == place
            ),
            place,
        )
        values = {"chat": self._titles.get(place, place), "room": room, **values}
        return PlatformRefused(Problem(name, values).words(self._language))


def _refusal_of(error: BadRequest, missing_right: str) -> str:
    words = error.message.lower()
    if "not enough rights" in words or "chat_admin_required" in words:
        return missing_right
    if "chat not found" in words:
        return "chat-not-found"
    if "chat owner" in words or "administrator of the chat" in words:
        return "protects-admins"
    return "refused"


def _is_inside(member: ChatMember) -> bool:
    return member.status in _INSIDE or bool(getattr(member, "is_member", False))


def _is_ours(ban: ChatMemberBanned) -> bool:
    """Ours end by themselves within a minute; a moderator's stand for longer, or for good."""
    return 0 < ban.until_date.timestamp() <= (datetime.now(UTC) + BAN_AT_LONGEST).timestamp()


def _may(member: ChatMember, right: str) -> bool:
    return member.status == ChatMemberStatus.OWNER or bool(getattr(member, right, False))
