"""The demo shop: sample cards and a built-in wallet, so that a visitor can try without either.

None of these routes exist in a town that was not started as a demo.
"""

from typing import Protocol


class DemoShop(Protocol):
    """What the demo pages ask of the embedded chain."""

    chain_id: int

    async def give_card(self, address: str) -> None:
        """Issue a sample card to `address`; holding one already is fine."""

    async def take_card(self, address: str) -> None:
        """Take the sample card back from `address`; holding none is fine."""

    async def wallet(self, account: str) -> str:
        """The address of this visitor's demo wallet. `account` is ``platform:id``."""

    async def sign(self, account: str, message: str) -> str:
        """The demo wallet's signature (EIP-191) of `message`, ``0x`` and hex digits."""
