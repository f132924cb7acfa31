"""The demo shop: gives sample cards, and keeps a wallet for each visitor who has none."""

import hashlib
import hmac
from typing import Final

from eth_account import Account
from eth_account.messages import encode_defunct
from eth_utils import to_checksum_address

from bots.demo.chain import CHAIN_ID, TOWN_KEY, EmbeddedChain
from core.errors import NotAllowed

MAX_CARDS: Final = 10_000


class Shop:
    """Answers `bots.web.demo.DemoShop` on the embedded chain."""

    chain_id = CHAIN_ID

    def __init__(self, chain: EmbeddedChain, secret: str) -> None:
        self._chain = chain
        self._secret = secret.encode()
        self._keys: dict[str, str] = {}

    async def give_card(self, address: str) -> None:
        """Issue a sample card; holding one already is fine."""
        if not await self._chain.call(self._chain.balance_of, address):
            await self._chain.call(self._issue, address)

    def _issue(self, address: str) -> None:
        if self._chain.contract.functions.totalSupply().call() >= MAX_CARDS:
            raise NotAllowed("the sample cards have run out; start with RESET=1")
        self._chain.mint(address)

    async def take_card(self, address: str) -> None:
        """A demo wallet hands its cards back to the town. Only a demo wallet can."""
        key = self._keys.get(to_checksum_address(address))
        if key is None:
            raise NotAllowed("only the demo wallet gives its card back here")
        town = Account.from_key(TOWN_KEY).address
        for token in await self._chain.call(self._chain.tokens_of, address):
            await self._chain.call(self._chain.transfer, key, town, token)

    async def wallet(self, account: str) -> str:
        """The address of this visitor's demo wallet; the same at every start."""
        key = self._key(account)
        address = str(Account.from_key(key).address)
        self._keys[address] = key
        return address

    async def sign(self, account: str, message: str) -> str:
        """What the visitor's demo wallet answers to ``personal_sign``."""
        signed = Account.from_key(self._key(account)).sign_message(encode_defunct(text=message))
        return str(signed.signature.to_0x_hex())

    def _key(self, account: str) -> str:
        return "0x" + hmac.new(self._secret, account.encode(), hashlib.sha256).hexdigest()
