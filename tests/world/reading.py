"""What tests of the chain reader share."""

from collections.abc import Callable

from core.chain.client import JsonRpcChain
from core.town import Chain, Collection, Localised

CHAIN = Chain(id=31337, name="anvil", finalized_within_minutes=0, latest_within_minutes=0)
TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"

Reader = Callable[..., JsonRpcChain]


class Ticks:
    """Seconds since whenever; moved by hand, so that back-off needs no waiting."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class Pages:
    """A memory of page sizes that can be looked at."""

    def __init__(self) -> None:
        self.kept: dict[str, int] = {}

    def get(self, key: str) -> int | None:
        return self.kept.get(key)

    def set(self, key: str, blocks: int) -> None:
        self.kept[key] = blocks


def collection(contract: str, *, standard: str = "ERC-721") -> Collection:
    return Collection.model_validate(
        {
            "name": "cards",
            "title": Localised({"ja": "会員証"}),
            "chain_id": CHAIN.id,
            "contract": contract,
            "standard": standard,
            "legal_note": Localised({"ja": "法律上の住民票ではありません。"}),
        }
    )


def wallet(number: int) -> str:
    """The address with this number in lower case hex."""
    return f"0x{number:040x}"
