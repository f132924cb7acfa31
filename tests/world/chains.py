"""Contract wallets on a real EVM, and anvil where finality matters."""

import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
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
FINALITY_DEPTH = 64
"""anvil's finalized block lies so many behind its head."""

GAS = 30_000_000
ERC6492_MAGIC = bytes.fromhex("6492" * 16)


@cache
def _compiled(name: str) -> tuple[str, str]:
    source = (HERE / f"{name}.vy").read_text(encoding="utf-8")
    made = compile_code(source, output_formats=["bytecode", "bytecode_runtime"])
    return str(made["bytecode"]), str(made["bytecode_runtime"])


def bytecode(name: str) -> str:
    """Creation code of a contract of this folder, without its constructor's arguments."""
    return _compiled(name)[0]


def runtime(name: str) -> str:
    """Its code as it lies on the chain, for `Anvil.place`."""
    return _compiled(name)[1]


def call_data(signature: str, *arguments: Any) -> str:
    """What calls ``signature`` (such as ``mint(address,uint256)``) with these arguments."""
    kinds = signature.partition("(")[2].removesuffix(")")
    types = kinds.split(",") if kinds else []
    return "0x" + (keccak(text=signature)[:4] + encode(types, arguments)).hex()


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
        content = self._post(question)
        if "error" in content:
            raise RuntimeError(content["error"]["message"])
        return content["result"]

    def _post(self, question: object) -> Any:
        request = urllib.request.Request(
            self.url,
            json.dumps(question).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

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

    def mine(self, blocks: int = 1) -> None:
        """Beyond some 500 blocks altogether each one takes milliseconds."""
        self.ask("anvil_mine", hex(blocks))

    def finalize(self) -> None:
        """Mine until what has happened so far lies in the finalized block."""
        self.mine(FINALITY_DEPTH + 1)

    @property
    def height(self) -> int:
        return int(self.ask("eth_blockNumber"), 16)

    def deploy(self, name: str, types: Sequence[str] = (), arguments: Sequence[Any] = ()) -> str:
        """Put a contract of this folder on the chain; returns its address."""
        code = bytecode(name) + encode(types, arguments).hex()
        return str(to_checksum_address(self.send(code)["contractAddress"]))

    def place(self, name: str, address: str) -> None:
        """Put a contract without a constructor at this very address."""
        self.ask("anvil_setCode", address, runtime(name))

    def do(self, contract: str, signature: str, *arguments: Any) -> Any:
        """Call a contract in a transaction of its own block; returns the receipt."""
        receipt = self.send(call_data(signature, *arguments), to=contract)
        if receipt["status"] != "0x1":
            raise RuntimeError(f"{signature} reverted")
        return receipt

    def batch(self, contract: str, calls: Sequence[str], *, blocks: int = 1) -> None:
        """Many transactions in one JSON-RPC batch, mined into `blocks` blocks.

        One by one costs 18 ms a transaction, so 0.4 ms. Nonces are explicit and automatic mining
        is off meanwhile: entries of a batch run concurrently.
        """
        sender = self.ask("eth_accounts")[0]
        nonce = int(self.ask("eth_getTransactionCount", sender, "latest"), 16)
        self.ask("evm_setAutomine", False)
        try:
            size = -(-len(calls) // blocks)
            for start in range(0, len(calls), size):
                chunk = [
                    {
                        "from": sender,
                        "to": contract,
                        "data": data,
                        "nonce": hex(nonce + start + place),
                        "gas": hex(GAS // len(calls[start : start + size])),
                    }
                    for place, data in enumerate(calls[start : start + size])
                ]
                self.ask_all("eth_sendTransaction", chunk)
                self.mine()
        finally:
            self.ask("evm_setAutomine", True)

    def ask_all(self, method: str, params: Sequence[Any]) -> list[Any]:
        questions = [
            {"jsonrpc": "2.0", "id": place, "method": method, "params": [each]}
            for place, each in enumerate(params)
        ]
        answers = sorted(self._post(questions), key=lambda answer: int(answer["id"]))
        for answer in answers:
            if "error" in answer:
                raise RuntimeError(answer["error"]["message"])
        return [answer["result"] for answer in answers]

    def reorganise(self, depth: int) -> None:
        """Replace the newest `depth` blocks with empty ones of other hashes."""
        self.ask("anvil_reorg", depth, [])


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
