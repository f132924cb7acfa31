"""The chains of a town, as its settings reach them."""

import aiohttp

from core.chain.client import Chains, JsonRpcChain
from core.clock import Clock
from core.holdings import StoredPages
from core.settings import Settings
from core.town import TownPack


def chains_of(
    settings: Settings,
    town: TownPack,
    client: aiohttp.ClientSession,
    clock: Clock,
    pages: StoredPages,
) -> Chains:
    """The readers of a town's chains, at the settings' endpoints or else the pack's."""
    chains = {}
    for chain in town.chains:
        urls = settings.chain_endpoints.get(chain.id) or [str(url) for url in chain.endpoints]
        chains[chain.id] = JsonRpcChain(
            chain,
            urls,
            client,
            now=clock,
            requests_per_second=settings.chain_requests_per_second,
            requests_a_day=settings.chain_requests_a_day or None,
            pages=pages,
        )
    return Chains(chains)
