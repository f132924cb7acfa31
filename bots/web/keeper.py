"""The web's doors. A room of our own opens by the record of the grant itself (`has_open_door`)."""

from collections.abc import AsyncIterator, Mapping, Sequence

from core.access import Admission
from core.town import Gate


class WebKeeper:
    """Keeps the rooms on the web."""

    platform = "web"

    def __init__(self, address: str) -> None:
        """`address` is how people reach the pages, without a trailing slash."""
        self._address = address

    def place(self, gate: Gate) -> str | None:
        return gate.name if gate.web_room else None

    async def admit(self, place: str, account: str) -> Admission:  # noqa: ARG002
        return Admission(place, link=f"{self._address}/rooms/{place}")

    async def remove(self, place: str, account: str) -> None:
        """Nothing to undo: the room asks for the grant at every visit."""

    async def standing(self, place: str, accounts: Sequence[str]) -> Mapping[str, bool]:  # noqa: ARG002
        """Nothing that the records do not know: nobody gets in by another way."""
        return {}

    def holders(self, place: str) -> AsyncIterator[str] | None:  # noqa: ARG002
        return None

    async def problems(self, gates: Sequence[Gate]) -> list[str]:  # noqa: ARG002
        return []
