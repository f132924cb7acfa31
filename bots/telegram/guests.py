"""Guests: people who came into one of our groups by another way than our own links.

Somebody who was added by a member, or followed a link that an administrator made, is looked up at
once. Who does not belong is told how to become a resident, privately if Telegram lets us, else in
the group, and is taken out when the time stated is over. Administrators and bots are left alone.

* https://core.telegram.org/bots/api#chatmemberupdated
"""

import logging
from typing import TYPE_CHECKING, Final

from telegram import ChatMember, ChatMemberUpdated, Update, User
from telegram.constants import ChatMemberStatus
from telegram.error import TelegramError
from telegram.ext import ContextTypes

from bots import texts
from bots.conversation import Button, Reply
from bots.reasons import Reasons
from bots.telegram.messenger import Place, TelegramMessenger
from bots.telegram.outcome import reason
from core import announcements
from core.access import Admitted, Refused
from core.access.guests import Guest
from core.database import transaction
from core.errors import KankeiError
from core.identity import find_account

if TYPE_CHECKING:
    from bots.app import App  # the composition root, which imports the adapters

logger = logging.getLogger(__name__)

_MANAGING: Final = {ChatMemberStatus.ADMINISTRATOR, ChatMemberStatus.OWNER}


class Arrivals:
    """Who came and who went, in the groups that are rooms of the town."""

    def __init__(self, app: "App", messenger: TelegramMessenger) -> None:
        self._app = app
        self._messenger = messenger

    async def moved(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """Somebody else's standing in a group has changed."""
        change = update.chat_member
        if change is None or change.new_chat_member.user.is_bot:
            return
        if change.from_user.id == self._messenger.bot.id:
            return  # what we did ourselves
        was, now = _is_inside(change.old_chat_member), _is_inside(change.new_chat_member)
        try:
            if now and not was and change.new_chat_member.status not in _MANAGING:
                await self._came(change.new_chat_member.user, change.chat.id)
            elif was and not now:
                await self._went(change)
        except KankeiError as error:
            logger.warning("telegram-arrival-not-checked", extra={"reason": error.code})

    async def look_again(self) -> None:
        """For the clock: who may stay no longer leaves, and who was undecided is told."""
        for guest in await self._app.guests.look_again("telegram"):
            await self._receive(guest, name="", language=None)

    async def _came(self, user: User, chat: int) -> None:
        guest = await self._app.guests.arrived("telegram", str(user.id), str(chat))
        if guest is not None and guest.new:
            await self._receive(guest, name=user.full_name, language=user.language_code)

    async def _receive(self, guest: Guest, *, name: str, language: str | None) -> None:
        """Say who may be here, how to become one of them, and until when they may stay."""
        gate = self._app.town.gate(guest.decision.gate)
        if gate is None or not isinstance(guest.decision, Refused):
            return
        speaks = texts.nearest(language)
        minutes = int(self._app.town.access.guest_time(gate).total_seconds() // 60)
        words = texts.say(
            "access.guest.words" if minutes else "access.guest.words-at-once",
            speaks,
            name=name or "-",
            room=gate.title.get(speaks),
            reason=Reasons(self._app.town, speaks).rule(gate.rule),
            minutes=minutes,
        )
        label = texts.say("access.guest.join", speaks)
        link = f"https://t.me/{self._messenger.bot.username}?start=join"
        reply = Reply(words, buttons=((Button(label, url=link),),), language=speaks)
        await self._tell(guest, reply)
        self._app.happenings.tell("telegram.happening.guest")
        if not minutes:
            await self._app.guests.take_out(guest)

    async def _tell(self, guest: Guest, reply: Reply) -> None:
        """Privately; in the group where Telegram does not let a bot write to them first."""
        for place in (
            Place(int(guest.external_id), private=True),
            Place(int(guest.place), private=False),
        ):
            try:
                await self._messenger.reply(place, reply)
            except TelegramError as error:
                logger.info("telegram-guest-not-told", extra={"reason": reason(error)})
            else:
                return

    async def _went(self, change: ChatMemberUpdated) -> None:
        """Somebody left, or was taken out by hand: who belongs is told how to come back.

        A ban stays a moderator's business; who leaves by themselves is not called back.
        """
        user, chat = change.new_chat_member.user, str(change.chat.id)
        await self._app.guests.left("telegram", str(user.id), chat)
        banned = change.new_chat_member.status == ChatMemberStatus.BANNED
        if change.from_user.id == user.id or banned:
            return
        decision = await self._app.doorkeeper.knock("telegram", str(user.id), chat)
        if not isinstance(decision, Admitted) or self._app.town.access.by_hand == "report":
            return
        async with transaction(self._app.sessions) as session:
            account = await find_account(session, "telegram", str(user.id))
            if account is not None:
                await announcements.notify(
                    session,
                    account,
                    "given-back",
                    {"room": decision.gate},
                    now=self._app.clock(),
                )
        self._app.wake()


def _is_inside(member: ChatMember) -> bool:
    inside = {ChatMemberStatus.MEMBER, *_MANAGING}
    return member.status in inside or bool(getattr(member, "is_member", False))
