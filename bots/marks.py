"""Marks: a wallet's name in a button or a path, which gives its address to nobody."""

import hashlib
import hmac
from collections.abc import Callable

from core.identity import Wallet

Mark = Callable[[Wallet], str]
"""The mark of a wallet of one town."""


def mark_of(secret: str, wallet: Wallet) -> str:
    """16 hex digits that tell the wallets of one member apart (HMAC-SHA-256).

    Without the secret nobody finds the address by trying all that are on the chain.
    """
    name = f"{wallet.address}:{wallet.chain_id or 0}"
    return hmac.new(secret.encode(), name.encode(), hashlib.sha256).hexdigest()[:16]
