"""Contract wallets on a real EVM, and anvil where finality matters."""

import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from eth_abi import encode
from eth_utils import keccak, to_checksum_address
from vyper import compile_code

from bots.demo.chain import EmbeddedChain
from tests.conftest import free_port, lacking

HERE = Path(__file__).parent
ANVIL = HERE.parent / "node" / "node_modules" / ".bin" / "anvil"
ERC6492_MAGIC = bytes.fromhex("6492" * 16)


@cache
def bytecode(name: str) -> str:
    source = (HERE / f"{name}.vy").read_text(encoding="utf-8")
    return str(compile_code(source, output_formats=["bytecode"])["bytecode"])


def wallet_code(owner: str) -> str:
    """Creation code of a contract wallet of `owner`."""
    return bytecode("wallet") + encode(["address"], [owner]).hex()


@dataclass(frozen=True, slots=True)
class FutureWallet:
    """A contract wallet that is not on the chain yet (ERC-6492)."""

    address: str
    factory: str
    call: bytes

    def wrap(self, signature: bytes) -> bytes:
        body = encode(["address", "bytes", "bytes"], [self.factory, self.call, signature])
        return body + ERC6492_MAGIC


def future_wallet(chain: EmbeddedChain, owner: str) -> FutureWallet:
    factory = chain.deploy(bytecode("factory"))
    code, salt = bytes.fromhex(wallet_code(owner)[2:]), bytes(32)
    digest = keccak(b"\xff" + bytes.fromhex(factory[2:]) + salt + keccak(code))
    selector = keccak(text="make(bytes,bytes32)")[:4]
    call = selector + encode(["bytes", "bytes32"], [code, salt])
    return FutureWallet(str(to_checksum_address(digest[12:])), factory, call)


class Anvil:
    """A local chain whose finalized block lies 64 behind its head."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, method: str, *params: Any) -> Any:
        question = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        request = urllib.request.Request(
            self.url,
            json.dumps(question).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            content = json.load(answer)
        if "error" in content:
            raise RuntimeError(content["error"]["message"])
        return content["result"]

    def send(self, data: str, to: str | None = None) -> Any:
        """A transaction of the first rich account; returns its receipt once it is mined."""
        transaction = {"from": self.ask("eth_accounts")[0], "data": data}
        if to is not None:
            transaction["to"] = to
        return self.receipt(self.ask("eth_sendTransaction", transaction))

    def receipt(self, transaction: str) -> Any:
        deadline = time.monotonic() + 20
        while (found := self.ask("eth_getTransactionReceipt", transaction)) is None:
            if time.monotonic() > deadline:
                raise TimeoutError(transaction)
        return found

    def mine(self, blocks: int) -> None:
        self.ask("anvil_mine", hex(blocks))


@contextmanager
def anvil(chain_id: int = 31337) -> Iterator[Anvil]:
    if not ANVIL.exists() or shutil.which("node") is None:
        lacking("anvil (make tests/node/.done)")
    port = free_port()
    process = subprocess.Popen(
        [str(ANVIL), "--port", str(port), "--chain-id", str(chain_id), "--silent"],
        stdout=subprocess.DEVNULL,
    )
    chain = Anvil(f"http://127.0.0.1:{port}")
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                chain.ask("eth_chainId")
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)  # the condition is the answer above
        yield chain
    finally:
        process.terminate()
        process.wait()
