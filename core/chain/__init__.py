"""A chain as core sees it: a few questions over JSON-RPC, each answered whole or not at all.

Answers are untrusted: their size, time and shape are limited, the endpoint must serve the chain it
is configured for, and a question about the finalized past is put to every endpoint, which must
agree. Anything else is `ChainUnavailable`, never a zero.

* Ethereum JSON-RPC (execution-apis): ``eth_chainId``, ``eth_getBlockByNumber``, ``eth_call``
* ERC-721 ``balanceOf(address)`` 0x70a08231, ERC-1155 ``balanceOf(address,uint256)`` 0x00fdd58e
* ERC-6492: validation without deployment, by the universal validator's creation code
"""

from core.chain.client import Chains, JsonRpcChain

__all__ = ["Chains", "JsonRpcChain"]
