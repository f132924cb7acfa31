"""What access asks of a chat platform."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from core.town import Gate


@dataclass(frozen=True, slots=True)
class Admission:
    """What a platform did to let somebody in."""

    place: str  # the chat, role or room, for undoing
    link: str | None = None  # to follow where a bot cannot add people (Telegram)


class ChannelKeeper(Protocol):
    """What core asks of a chat platform. Every call may be repeated without harm.

    Calls raise `PlatformUnavailable` (retry later) or `PlatformRefused` (staff must act).
    """

    platform: str

    def place(self, gate: Gate) -> str | None:
        """The place that `gate` opens on this platform, if any."""

    async def admit(self, place: str, account: str) -> Admission:
        """Let `account` (the platform's own id) in."""

    async def remove(self, place: str, account: str) -> None:
        """Take `account` out; being out already is fine. They may come back later."""

    async def standing(self, place: str, accounts: Sequence[str]) -> Mapping[str, bool]:
        """Whether each account is inside. Left out: who could not be let in now, whatever we do.

        One question an account on some platforms: ask for few at a time.
        """

    def holders(self, place: str) -> AsyncIterator[str] | None:
        """Everybody inside but bots, as a stream; `None` where no platform lists them (Telegram).

        The stream raises as the other calls do.
        """

    async def problems(self, gates: Sequence[Gate]) -> list[str]:
        """What is missing on the platform, one sentence each: chats, roles, role order, rights."""
