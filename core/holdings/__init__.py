"""Holdings: which tokens a member's wallets own, and at which block we looked.

A balance is read, never assumed: every holding carries its block number, and a node that gives no
answer is an error, never a zero. `Holdings` is the port that access stands on. `IndexedHoldings`
answers it from an index of owners that `OwnerIndex` feeds with the transfers in a chain's logs;
`LiveHoldings` asks the chain at every question, where no index is or none has caught up yet.

* ERC-721 (with ERC-2309 batch mints) and ERC-1155; what is believed is the finalized block
"""

from core.holdings.history import Band, Concentration, concentration, owners_at
from core.holdings.index import OwnerIndex
from core.holdings.indexed import IndexedHoldings, one_look
from core.holdings.live import LiveHoldings
from core.holdings.pages import StoredPages
from core.holdings.ports import Block, Chain, Holding, Holdings, LogSource, Page
from core.holdings.reconcile import Reconciler, Reconciliation
from core.holdings.search import is_issued, owners_of_token
from core.holdings.states import IndexState, Trouble, states
from core.holdings.turns import Changes, Step, Turn

__all__ = [
    "Band",
    "Block",
    "Chain",
    "Changes",
    "Concentration",
    "Holding",
    "Holdings",
    "IndexState",
    "IndexedHoldings",
    "LiveHoldings",
    "LogSource",
    "OwnerIndex",
    "Page",
    "Reconciler",
    "Reconciliation",
    "Step",
    "StoredPages",
    "Trouble",
    "Turn",
    "concentration",
    "is_issued",
    "one_look",
    "owners_at",
    "owners_of_token",
    "states",
]
