"""Proof of a wallet by signature: EIP-4361 messages, written, parsed and verified.

The text that the wallet signed is what is verified, never a re-serialisation of it. Every check
takes what it expects by keyword and without a default: a forgotten check is a type error.

* EIP-4361 (Sign-In with Ethereum): the message
* EIP-191 (``personal_sign``), EIP-2098 (compact signatures), EIP-55 (address case): accounts
* ERC-1271 and ERC-6492: contract wallets, deployed or not, by one ``eth_call``
* EIP-7702: a delegated account still signs as itself, so the offline recovery comes first
"""

from core.proof.message import MalformedMessage, Message, Refusal, check, parse
from core.proof.signature import (
    ContractVerifier,
    Signer,
    recover,
    signed_by,
    verify_signature,
)

__all__ = [
    "ContractVerifier",
    "MalformedMessage",
    "Message",
    "Refusal",
    "Signer",
    "check",
    "parse",
    "recover",
    "signed_by",
    "verify_signature",
]
