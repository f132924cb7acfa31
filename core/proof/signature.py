"""Does this signature belong to this account? Offline first, then one question to the chain."""

from enum import StrEnum
from typing import Protocol

from eth_utils import keccak, to_checksum_address

try:
    from coincurve import PublicKey
except ImportError as error:
    raise ImportError(
        "coincurve is missing or damaged. Without it every signature would be checked in pure "
        "Python, 45 times slower, so nothing starts. Install the packages again: make setup"
    ) from error

ECDSA_BYTES = 65
COMPACT_BYTES = 64
_RECOVERY_IDS = {0: 0, 1: 1, 27: 0, 28: 1}
MAX_BYTES = 16_384
"""Room for a Safe with dozens of owners inside an ERC-6492 wrapper, and no more."""


class ContractVerifier(Protocol):
    """What this module asks of a node. `core.chain` answers over JSON-RPC."""

    async def is_valid_signature(
        self, chain_id: int, address: str, digest: bytes, signature: bytes
    ) -> bool:
        """Whether a contract wallet, deployed (ERC-1271) or not yet (ERC-6492), signed `digest`.

        Raises `ChainUnavailable` if no node gives an answer.
        """


def digest_of(text: str) -> bytes:
    """The 32 bytes that ``personal_sign`` signs for `text` (EIP-191, version ``0x45``)."""
    from eth_account.messages import defunct_hash_message  # half a second, for signatures alone

    return bytes(defunct_hash_message(text=text))


def recover(text: str, signature: bytes) -> str | None:
    """The account (EIP-55) whose key signed `text`; `None` if the bytes are no signature.

    Takes 65 bytes (v of 0, 1, 27 or 28) and EIP-2098's 64. Signatures with a high s recover too,
    so one signature has several spellings: the nonce, not the bytes, is what counts as used.
    """
    if len(signature) == COMPACT_BYTES:
        signature = _expand(signature)
    if len(signature) != ECDSA_BYTES or signature[64] not in _RECOVERY_IDS:
        return None
    standard = signature[:64] + bytes((_RECOVERY_IDS[signature[64]],))
    try:
        # libsecp256k1 by name: eth-account would fall back in silence to pure Python, at a 45th.
        key = PublicKey.from_signature_and_message(standard, digest_of(text), hasher=None)
    except ValueError:
        return None
    return str(to_checksum_address(keccak(key.format(compressed=False)[1:])[12:]))


async def verify_signature(
    text: str,
    signature: bytes,
    *,
    expected_address: str,
    chain_id: int,
    contracts: ContractVerifier,
) -> bool:
    """Whether `expected_address` signed `text`, as a key or as a contract wallet.

    Raises `ChainUnavailable` if only a node could tell and none answered.
    """
    signer = await signed_by(
        text,
        signature,
        expected_address=expected_address,
        chain_id=chain_id,
        contracts=contracts,
    )
    return signer is not None


class Signer(StrEnum):
    """What stands behind a signature."""

    KEY = "key"  # the same on every chain
    CONTRACT = "contract"  # code on the one chain that was asked


async def signed_by(
    text: str,
    signature: bytes,
    *,
    expected_address: str,
    chain_id: int,
    contracts: ContractVerifier,
) -> Signer | None:
    """Return what of `expected_address` signed `text`; `None`: nothing did.

    A contract answers for `chain_id` alone: on another chain the same address may be anybody's.

    Raises `ChainUnavailable` if only a node could tell and none answered.
    """
    if not signature or len(signature) > MAX_BYTES:
        return None
    if recover(text, signature) == expected_address:
        return Signer.KEY
    valid = await contracts.is_valid_signature(
        chain_id, expected_address, digest_of(text), signature
    )
    return Signer.CONTRACT if valid else None


def _expand(compact: bytes) -> bytes:
    """EIP-2098: the top bit of the second half is v."""
    r, y_parity_and_s = compact[:32], int.from_bytes(compact[32:])
    v = 27 + (y_parity_and_s >> 255)
    s = y_parity_and_s & ((1 << 255) - 1)
    return r + s.to_bytes(32) + bytes((v,))
