"""One page of a chain's logs, as the transfers that it stands for."""

from collections.abc import Mapping

from eth_utils import to_checksum_address

from core.errors import ChainUnavailable
from core.holdings.ports import LogSource, Page
from core.holdings.transfers import TOPICS, Contract, TooManyTokens, Transfer, read_logs


async def read_page(
    chain: LogSource, chain_id: int, contracts: Mapping[str, Contract], first: int, last: int
) -> tuple[Page, list[Transfer]]:
    """The transfers of `contracts` (by address in lower case) from block `first` on.

    The page ends with `last` or earlier, also where its logs make more tokens than are read at
    once.

    Raises `ChainUnavailable`; `UnreadableLog` for a log that no standard knows, and for a block
    that makes too many tokens by itself.
    """
    addresses = [str(to_checksum_address(each)) for each in contracts]
    while True:
        page = await chain.logs(chain_id, addresses, [TOPICS], first, last)
        if page.first != first or not first <= page.last <= last:
            raise ChainUnavailable(f"chain {chain_id}: a page of other blocks")
        try:
            return page, read_logs(page.logs, contracts, first=first, last=page.last)
        except TooManyTokens:
            if page.last == first:
                raise
            last = first + (page.last - first) // 2
