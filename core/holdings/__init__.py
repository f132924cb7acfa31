"""Holdings: how many of a town's tokens a member's wallets own, and at which block we looked.

A balance is read, never assumed: every holding carries its block number, and a node that gives no
answer is an error, never a zero. `Holdings` is the port that access stands on: `LiveHoldings` asks
the chain at every question; an index of owners fed by transfer logs can take its place.
"""

from core.holdings.live import LiveHoldings
from core.holdings.ports import Chain, Holding, Holdings

__all__ = ["Chain", "Holding", "Holdings", "LiveHoldings"]
