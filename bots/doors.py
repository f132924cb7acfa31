"""Doors: the platforms that people come through, as the town sees all of them."""

from typing import Protocol

from core.access import ChannelKeeper
from core.announcements import Messenger


class Platform(Protocol):
    """What every adapter can do."""

    @property
    def keeper(self) -> ChannelKeeper: ...

    @property
    def messenger(self) -> Messenger: ...

    @property
    def problems(self) -> list[str]: ...

    @property
    def name(self) -> str:
        """What people see our bot called, once it has started."""

    async def start(self) -> None:
        """Raises `PlatformUnavailable` (try again) or `PlatformRefused` (staff must act)."""

    async def stop(self) -> None: ...
