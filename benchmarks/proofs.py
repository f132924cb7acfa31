"""Proofs a second: how much our checks cost beside the bare curve arithmetic.

Every contestant gets the same signed EIP-4361 messages, in turns, in one process. What each does:

* curve: digest and signature to address (coincurve, Keccak); nothing is checked
* text: the same from the text, with the EIP-191 hash and an address in EIP-55 case
* eth-account: `recover_message` as it comes, with coincurve and with what it silently takes else
* core.proof: parse, check every field, recover and compare the account

The backend of `recover_message` is chosen by ``ECC_BACKEND_CLASS`` or by what can be imported, not
by `Account.set_key_backend`: eth-account 0.14 builds its signatures without it.
"""

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from coincurve import PublicKey
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_hash.auto import keccak
from eth_keys.backends import CoinCurveECCBackend
from eth_utils import to_checksum_address

from benchmarks.measure import Lap, heading, lap, load_after, median, table
from core.proof import Message, check, parse, recover
from core.proof.signature import digest_of

DOMAIN, URI, CHAIN = "mine.example", "https://mine.example/verify", 137
COINCURVE = "CoinCurveECCBackend"
NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Signed:
    """What the server knows when a proof comes in."""

    text: str
    signature: bytes
    digest: bytes
    address: str
    nonce: str


def signed(count: int) -> list[Signed]:
    """`count` different messages of 20 wallets."""
    signer = Account()
    signer.set_key_backend(CoinCurveECCBackend())
    wallets = [signer.from_key(f"0x{number:064x}") for number in range(1, 21)]
    made = []
    for number in range(count):
        wallet = wallets[number % len(wallets)]
        nonce = f"nonce{number:08d}"
        text = Message(
            domain=DOMAIN,
            address=wallet.address,
            uri=URI,
            chain_id=CHAIN,
            nonce=nonce,
            issued_at=NOW.isoformat(),
            version="1",
            statement="Sign to enter the residents' room of Mine. No fee, no transaction.",
            expiration_time=(NOW + timedelta(minutes=10)).isoformat(),
        ).text
        signature = bytes(wallet.sign_message(encode_defunct(text=text)).signature)
        made.append(Signed(text, signature, digest_of(text), wallet.address, nonce))
    return made


def curve(proof: Signed) -> str:
    v = proof.signature[64]
    key = PublicKey.from_signature_and_message(
        proof.signature[:64] + bytes((v - 27,)), proof.digest, hasher=None
    )
    return "0x" + keccak(key.format(compressed=False)[1:])[12:].hex()


def from_text(proof: Signed) -> str:
    key = PublicKey.from_signature_and_message(
        proof.signature[:64] + bytes((proof.signature[64] - 27,)),
        digest_of(proof.text),
        hasher=None,
    )
    return to_checksum_address(keccak(key.format(compressed=False)[1:])[12:])


def by_eth_account(proof: Signed) -> str:
    return str(Account.recover_message(encode_defunct(text=proof.text), signature=proof.signature))


def checked(proof: Signed) -> bool:
    refusal = check(
        parse(proof.text),
        expected_domain=DOMAIN,
        expected_uri=URI,
        expected_chain_id=CHAIN,
        expected_address=proof.address,
        expected_nonce=proof.nonce,
        now=NOW,
        clock_skew=timedelta(minutes=1),
    )
    return refusal is None


def ours(proof: Signed) -> str:
    """Return the account, or nothing if any check failed."""
    return proof.address if checked(proof) and recover(proof.text, proof.signature) else ""


@contextmanager
def backend(name: str) -> Iterator[None]:
    """Let eth-keys take this backend for what is made inside."""
    os.environ["ECC_BACKEND_CLASS"] = f"eth_keys.backends.{name}"
    try:
        yield
    finally:
        del os.environ["ECC_BACKEND_CLASS"]


def timed(
    prove: Callable[[Signed], object], proofs: Sequence[Signed], name: str = COINCURVE
) -> Lap:
    with backend(name), lap() as taken:
        for proof in proofs:
            prove(proof)
    return taken


@dataclass(frozen=True, slots=True)
class Contestant:
    name: str
    prove: Callable[[Signed], str]
    share: int = 1  # every which proof it is given
    backend: str = COINCURVE


CONTESTANTS = (
    Contestant("a  coincurve: digest to address", curve),
    Contestant("a' the same from the text, EIP-55", from_text),
    Contestant("b  eth-account, coincurve", by_eth_account),
    Contestant("c  core.proof: parse, check, recover", ours),
    Contestant("d  eth-account, pure Python", by_eth_account, 20, "NativeECCBackend"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--proofs", type=int, default=2_000)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    proofs = signed(options.proofs)
    for each in CONTESTANTS:
        wrong = [one for one in proofs[:20] if each.prove(one).lower() != one.address.lower()]
        if wrong:
            raise SystemExit(f"{each.name}: {len(wrong)} proofs were not recovered")
    heading("Proofs a second, one thread", "coincurve", "eth-account", "eth-keys", "eth-hash")
    laps: dict[str, list[Lap]] = {each.name: [] for each in CONTESTANTS}
    parts: list[Lap] = []
    for _ in range(options.repeats):
        for each in CONTESTANTS:
            laps[each.name].append(timed(each.prove, proofs[:: each.share], each.backend))
        parts.append(timed(checked, proofs))
    cpu, wall = {}, {}
    for each in CONTESTANTS:
        given = len(proofs[:: each.share])
        cpu[each.name] = given / median([taken.cpu for taken in laps[each.name]])
        wall[each.name] = given / median([taken.wall for taken in laps[each.name]])
    own = cpu[CONTESTANTS[3].name]
    table(
        ("what", "proofs per CPU s", "per wall s", "CPU us each", "ours / it"),
        [
            (
                name,
                f"{rate:,.0f}",
                f"{wall[name]:,.0f}",
                f"{1e6 / rate:,.0f}",
                f"{own / rate:.2f}",
            )
            for name, rate in cpu.items()
        ],
    )
    part = median([each.cpu for each in parts]) / len(proofs) * 1e6
    print(f"of ours, parse and check take {part:.0f} us; the rest is the recovery")
    print(f"{options.proofs} messages (every 20th for d), median of {options.repeats} turns")
    load_after()


if __name__ == "__main__":
    main()
