"""An EVM inside the process: py-evm through eth-tester, spoken to over JSON-RPC on loopback.

The town's contract lives at a fixed address. Every transaction is kept in a journal and played
again at the next start, so the chain keeps its state. Its ``finalized`` block is its newest one.
"""

import asyncio
import json
import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

from aiohttp import web
from eth_account import Account
from eth_tester import EthereumTester, PyEVMBackend
from eth_tester.exceptions import TransactionFailed
from eth_tester.exceptions import ValidationError as TesterValidation
from eth_utils import to_checksum_address
from hexbytes import HexBytes
from web3 import EthereumTesterProvider, Web3
from web3.exceptions import BlockNotFound, ContractLogicError, Web3Exception
from web3.types import FilterParams, TxParams

from core.errors import KankeiError

logger = logging.getLogger(__name__)

sys.setrecursionlimit(min(sys.getrecursionlimit(), 3_000))  # as in `core.chain.client`

CHAIN_ID: Final = 131277322940537
"""eth-tester's own; no public chain has it, so a demo signature is worth nothing elsewhere."""

TOWN_KEY: Final = "0x" + "1".zfill(64)
"""eth-tester's first funded account: known to all, and worth nothing outside this process."""

CONTRACT: Final = to_checksum_address("0xF2E246BB76DF876Cef8b38ae84130F4F55De395b")
"""Where the town's first transaction puts its contract; towns/mine names it."""

GAS: Final = 2_000_000
ALLOWANCE: Final = Web3.to_wei(1, "ether")
MAX_REQUEST: Final = 2_000_000

_ARTIFACT: Final[Mapping[str, Any]] = json.loads(
    (Path(__file__).parent / "resident_card.json").read_text(encoding="utf-8")
)


class JournalDamaged(KankeiError):
    """The journal does not play: start again with RESET=1."""

    code = "journal-damaged"


class EmbeddedChain:
    """One chain with one contract. Methods block: call them through `asyncio.to_thread`."""

    def __init__(self, journal: Path | None = None) -> None:
        self._journal = journal
        self._tester = EthereumTester(PyEVMBackend())
        self.web3 = Web3(EthereumTesterProvider(self._tester))
        self._lock = asyncio.Lock()
        self._runner: web.AppRunner | None = None
        self.url = ""
        self._replay()
        if self.web3.eth.block_number == 0:
            self._send(TOWN_KEY, to=None, data=_ARTIFACT["bytecode"] + "1".zfill(64))
        self.contract = self.web3.eth.contract(address=CONTRACT, abi=_ARTIFACT["abi"])

    # What happens on it

    def mint(self, receiver: str) -> int:
        """The town gives a card; returns its number."""
        self._send(
            TOWN_KEY,
            to=self.contract.address,
            data=self.contract.encode_abi("mint", [to_checksum_address(receiver)]),
        )
        return int(self.contract.functions.totalSupply().call())

    def transfer(self, key: str, receiver: str, token_id: int) -> None:
        """The owner with this private key hands a card over."""
        owner = Account.from_key(key).address
        if self.web3.eth.get_balance(owner) < ALLOWANCE // 2:
            self._send(TOWN_KEY, to=owner, data="0x", value=ALLOWANCE)
        arguments = [owner, to_checksum_address(receiver), token_id]
        data = self.contract.encode_abi("transferFrom", arguments)
        self._send(key, to=self.contract.address, data=data)

    def balance_of(self, owner: str) -> int:
        return int(self.contract.functions.balanceOf(to_checksum_address(owner)).call())

    def tokens_of(self, owner: str) -> list[int]:
        """The numbers of the cards that `owner` holds now."""
        supply = self.contract.functions.totalSupply().call()
        owner = to_checksum_address(owner)
        return [
            token
            for token in range(1, supply + 1)
            if self.contract.functions.ownerOf(token).call() == owner
        ]

    def deploy(self, bytecode: str) -> str:
        """Put another contract on the chain, for tests; returns its address."""
        receipt = self._send(TOWN_KEY, to=None, data=bytecode)
        return str(to_checksum_address(receipt["contractAddress"]))

    def _send(self, key: str, *, to: str | None, data: str, value: int = 0) -> Any:
        sender = Account.from_key(key).address
        price = self.web3.eth.gas_price * 2
        transaction: dict[str, Any] = {
            "chainId": CHAIN_ID,
            "nonce": self.web3.eth.get_transaction_count(sender),
            "gas": GAS,
            "maxFeePerGas": price,
            "maxPriorityFeePerGas": 1,
            "value": value,
            "data": data,
        }
        if to is not None:
            transaction["to"] = to
        raw = Account.from_key(key).sign_transaction(transaction).raw_transaction
        receipt = self.web3.eth.wait_for_transaction_receipt(
            self.web3.eth.send_raw_transaction(raw)
        )
        self._remember(raw.hex())
        return receipt

    def _remember(self, raw: str) -> None:
        if self._journal is None:
            return
        self._journal.parent.mkdir(parents=True, exist_ok=True)
        with self._journal.open("a", encoding="ascii") as file:
            file.write(raw.removeprefix("0x") + "\n")
            file.flush()
            os.fsync(file.fileno())

    def _replay(self) -> None:
        if self._journal is None or not self._journal.exists():
            return
        try:
            for line in self._journal.read_text(encoding="ascii").splitlines():
                self.web3.eth.send_raw_transaction(HexBytes(line))
        except (ValueError, Web3Exception, TransactionFailed, TesterValidation) as error:
            raise JournalDamaged(str(self._journal)) from error

    # JSON-RPC on loopback

    async def serve(self) -> str:
        """Answer JSON-RPC on a free port of 127.0.0.1; returns the address."""
        application = web.Application(client_max_size=MAX_REQUEST)
        application.router.add_post("/", self._answer)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}/"
        return self.url

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def call(self, function: Any, *arguments: Any) -> Any:
        """Run a blocking method of this chain in a thread, one at a time."""
        async with self._lock:
            return await asyncio.to_thread(function, *arguments)

    async def _answer(self, request: web.Request) -> web.Response:
        try:
            question = await request.json()
            method, params = question["method"], question.get("params") or []
        except (ValueError, KeyError, TypeError):
            return web.json_response({"jsonrpc": "2.0", "id": None, "error": {"code": -32600}})
        answer: dict[str, Any] = {"jsonrpc": "2.0", "id": question.get("id")}
        try:
            answer["result"] = await self.call(self._execute, method, params)
        except (ContractLogicError, TransactionFailed) as error:
            answer["error"] = {"code": 3, "message": f"execution reverted: {error}"}
        except (Web3Exception, ValueError, TypeError, KeyError, IndexError) as error:
            answer["error"] = {"code": -32602, "message": type(error).__name__}
        return web.json_response(answer)

    def _execute(self, method: str, params: list[Any]) -> Any:
        eth = self.web3.eth
        match method:
            case "eth_chainId":
                return hex(eth.chain_id)
            case "eth_blockNumber":
                return hex(eth.block_number)
            case "eth_getBlockByNumber":
                try:
                    block = eth.get_block(_block(params[0]))
                except BlockNotFound:
                    return None
                return {
                    "number": hex(block["number"]),
                    "hash": block["hash"].to_0x_hex(),
                    "timestamp": hex(block["timestamp"]),
                }
            case "eth_call":
                call = cast(
                    "TxParams",
                    {key: params[0][key] for key in ("to", "data") if key in params[0]},
                )
                return eth.call(call, _block(params[1])).to_0x_hex()
            case "eth_getCode":
                return eth.get_code(params[0], _block(params[1])).to_0x_hex()
            case "eth_getLogs":
                return [_plain(log) for log in eth.get_logs(_filter(params[0]))]
            case _:
                raise ValueError(method)


def _filter(asked: Mapping[str, Any]) -> FilterParams:
    """eth-tester knows one address or several, and takes block numbers."""
    addresses = asked.get("address", [])
    return {
        "address": [to_checksum_address(each) for each in addresses],
        "topics": list(asked.get("topics", [])),
        "fromBlock": _block(asked["fromBlock"]),
        "toBlock": _block(asked["toBlock"]),
    }


def _plain(log: Mapping[str, Any]) -> dict[str, Any]:
    """A log as it goes over the wire: every number and every text in hex."""
    return {
        "address": log["address"].lower(),
        "topics": [each.to_0x_hex() for each in log["topics"]],
        "data": log["data"].to_0x_hex(),
        "blockHash": log["blockHash"].to_0x_hex(),
        "transactionHash": log["transactionHash"].to_0x_hex(),
        "blockNumber": hex(log["blockNumber"]),
        "logIndex": hex(log["logIndex"]),
        "removed": False,
    }


def _block(tag: str) -> Any:
    return int(tag, 16) if tag.startswith("0x") else tag
