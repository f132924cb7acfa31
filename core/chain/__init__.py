"""A chain as core sees it: a few questions over JSON-RPC, each answered whole or not at all.

Answers are untrusted: their size, time and shape are limited, the endpoint must serve the chain it
is configured for, and a question about the finalized past is put to every endpoint, which must
agree. Anything else is `ChainUnavailable`, never a zero.

* Ethereum JSON-RPC (execution-apis): ``eth_chainId``, ``eth_getBlockByNumber``, ``eth_call``,
  ``eth_getCode``, ``eth_getLogs``
* ERC-721, ERC-1155, ERC-5192: balances, owners, locks (`core.chain.tokens`)
* ERC-6492: validation without deployment, by the universal validator's creation code
* Multicall3, or code of our own where it is absent (`core.chain.multicall`)
* delegate.xyz v2 (`core.chain.delegation`)

This module is the nouns; what asks the endpoints is `core.chain.client`.
"""

from core.chain.values import (
    BlockChoice,
    BlockRef,
    Call,
    Delegation,
    EndpointHealth,
    Finality,
    ForgetfulPages,
    LogPage,
    PageMemory,
)

__all__ = [
    "BlockChoice",
    "BlockRef",
    "Call",
    "Delegation",
    "EndpointHealth",
    "Finality",
    "ForgetfulPages",
    "LogPage",
    "PageMemory",
]
