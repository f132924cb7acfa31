"""Metadata of tokens: written by strangers, read without harm, unknown where it cannot be read."""

import asyncio
import base64
import ipaddress
import json
import socket
import unicodedata
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from urllib.parse import quote

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st

from core.chain import metadata
from core.chain.metadata import TokenMetadata, Unreadable, is_public, traits_of
from core.chain.values import BlockChoice
from core.errors import ChainUnavailable
from core.town import Collection
from tests.world.chains import Anvil
from tests.world.reading import Reader, collection, wallet
from tests.world.rpc import Rpc

CARDS = collection(wallet(1))
CARD = {
    "name": "<b>Card 7</b>",
    "attributes": [
        {"trait_type": "tier", "value": "gold"},
        {"trait_type": "year", "value": 2026},
        {"trait_type": "founder", "value": True},
    ],
}
TRAITS = {"tier": "gold", "year": "2026", "founder": "true"}
CID = "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"


class Uris:
    """A contract that says this of every token."""

    def __init__(self, uri: str | None = None) -> None:
        self.uri = uri
        self.away = False

    async def token_uris(
        self, collection: Collection, token_ids: Sequence[int], *, block: BlockChoice
    ) -> tuple[str | None, ...]:
        if self.away:
            raise ChainUnavailable("the node gives no answer")
        assert (collection, block) == (CARDS, "latest")
        return (self.uri,) * len(token_ids)


class Host:
    """A web server on this machine; it answers whatever a test tells it to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.response = web.json_response(CARD)
        self.slow = asyncio.Event()
        self.stalls = False
        self.url = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        if self.stalls:
            await self.slow.wait()
        if request.path.startswith("/to/"):
            raise web.HTTPFound(request.query["where"])
        if request.path == "/loop":
            raise web.HTTPFound("/loop")
        return web.Response(
            body=self.response.body,
            status=self.response.status,
            headers={
                key: value
                for key, value in self.response.headers.items()
                if key in {"Content-Type", "Content-Encoding"}
            },
        )


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    here = Host()
    application = web.Application()
    application.router.add_get("/{path:.*}", here.answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    here.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield here
    here.slow.set()
    await runner.cleanup()


@pytest.fixture
async def reading(host: Host) -> AsyncIterator[TokenMetadata]:
    async with TokenMetadata(Uris(), gateway=host.url, allow_loopback=True) as reader:
        yield reader


@pytest.fixture
async def strict() -> AsyncIterator[TokenMetadata]:
    """As in a real town: https, and public addresses alone."""
    async with TokenMetadata(Uris()) as reader:
        yield reader


# What is read


async def test_traits_are_read_from_the_web(reading: TokenMetadata, host: Host) -> None:
    assert await reading.traits_at(f"{host.url}/7.json", 7) == TRAITS


async def test_an_erc1155_address_holds_the_token_id_in_64_hex_digits(
    reading: TokenMetadata, host: Host
) -> None:
    assert await reading.traits_at(f"{host.url}/{{id}}.json", 0x4CCE0) == TRAITS
    assert host.asked == [f"/{'0' * 59}4cce0.json"]


@pytest.mark.parametrize("prefix", ["ipfs://", "ipfs://ipfs/"])
async def test_ipfs_goes_through_the_town_s_gateway(
    reading: TokenMetadata, host: Host, prefix: str
) -> None:
    assert await reading.traits_at(f"{prefix}{CID}/7 a.json", 7) == TRAITS
    assert host.asked == [f"/ipfs/{CID}/7 a.json"]


@pytest.mark.parametrize(
    "uri",
    [
        "data:application/json;base64," + base64.b64encode(json.dumps(CARD).encode()).decode(),
        "data:application/json;utf8," + json.dumps(CARD),
        "data:application/json," + quote(json.dumps(CARD)),
        "data:application/json;charset=utf-8;base64,"
        + base64.b64encode(json.dumps(CARD).encode()).decode(),
    ],
)
async def test_traits_may_lie_in_the_address_itself(strict: TokenMetadata, uri: str) -> None:
    assert await strict.traits_at(uri, 7) == TRAITS


async def test_a_redirect_is_followed(reading: TokenMetadata, host: Host) -> None:
    assert await reading.traits_at(f"{host.url}/to/?where=/7.json", 7) == TRAITS
    assert host.asked == ["/to/", "/7.json"]


async def test_a_token_is_asked_where_it_is_described(host: Host) -> None:
    uris = Uris(f"{host.url}/7.json")
    async with TokenMetadata(uris, allow_loopback=True) as reader:
        assert await reader.traits(CARDS, 7) == TRAITS
        uris.uri = None
        assert await reader.traits(CARDS, 7) is None
        uris.away = True
        assert await reader.traits(CARDS, 7) is None


async def test_a_collection_on_the_chain_says_where(
    host: Host, node: Anvil, rpcs: list[Rpc], reader: Reader
) -> None:
    contract = node.deploy("collection721", ["bool"], [False])
    node.do(contract, "mint(address,uint256)", wallet(1), 2)
    node.do(contract, "describe(uint256,string)", 2, f"{host.url}/2")

    class One:
        token_uris = reader(rpcs[:2]).token_uris

    async with TokenMetadata(One(), allow_loopback=True) as tokens:
        assert await tokens.traits(collection(contract), 2) == TRAITS
        assert await tokens.traits(collection(contract), 1) is None
        assert await tokens.traits(collection(contract), 3) is None


# What is unknown


@pytest.mark.parametrize(
    "uri",
    [
        "http://town.example/7.json",
        "ftp://town.example/7.json",
        "file:///etc/passwd",
        "ar://abc",
        "javascript:alert(1)",
        f"ipfs://{CID}",
        "ipfs://../../admin",
        "https://",
        "https:///7.json",
        "https://user:pass@town.example/7.json",
        "https://town.example:99999/",
        "https://[::1",
        "7.json",
        "",
        "https://town.example/" + "x" * 9_000,
        "data:text/html,<script>",
        "data:application/json;base64,!!!",
        "data:application/json," + "9" * 600_000,
        "data:application/json",
        "data:",
    ],
)
async def test_an_address_that_is_not_for_us_is_unknown(strict: TokenMetadata, uri: str) -> None:
    assert await strict.traits_at(uri, 7) is None


@pytest.mark.parametrize("path", ["..", "a/../../b", "%2e%2e/x?y", "a#b"])
async def test_an_ipfs_path_stays_below_its_content(
    reading: TokenMetadata, host: Host, path: str
) -> None:
    await reading.traits_at(f"ipfs://{CID}/{path}", 7)
    assert all(each.startswith(f"/ipfs/{CID}/") for each in host.asked)


@pytest.mark.parametrize(
    "response",
    [
        pytest.param(web.Response(status=404), id="missing"),
        pytest.param(web.Response(status=500), id="broken"),
        pytest.param(web.Response(body=b"<html>"), id="HTML"),
        pytest.param(web.Response(body=b""), id="empty"),
        pytest.param(web.Response(body=b"\xff\xfe"), id="binary"),
        pytest.param(web.Response(body=b"[" * 100_000), id="deep nesting"),
        pytest.param(web.Response(body=b" " * 300_000), id="too large"),
        pytest.param(web.json_response([CARD]), id="a list"),
        pytest.param(web.json_response({"attributes": {"tier": "gold"}}), id="an object"),
        pytest.param(web.json_response({"attributes": ["gold"]}), id="no rows"),
        pytest.param(
            web.json_response({"attributes": [{"trait_type": "tier", "value": ["gold"]}]}),
            id="no text",
        ),
        pytest.param(
            web.json_response({"attributes": [{"trait_type": "tier"}] * 2}), id="no value"
        ),
        pytest.param(
            web.json_response(
                {"attributes": [{"trait_type": str(n), "value": n} for n in range(65)]}
            ),
            id="too many",
        ),
        pytest.param(
            web.Response(body=b"{}", headers={"Content-Encoding": "gzip"}), id="compressed"
        ),
    ],
)
async def test_a_document_that_cannot_be_read_is_unknown(
    reading: TokenMetadata, host: Host, response: web.Response
) -> None:
    host.response = response
    assert await reading.traits_at(f"{host.url}/7", 7) is None


async def test_silence_is_unknown(
    reading: TokenMetadata, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata, "TIMEOUT", timedelta(seconds=0.2))
    host.stalls = True
    assert await reading.traits_at(f"{host.url}/7", 7) is None


async def test_a_document_with_an_empty_list_of_attributes_has_no_traits(
    reading: TokenMetadata, host: Host
) -> None:
    host.response = web.json_response({"name": "a card", "attributes": []})
    assert await reading.traits_at(f"{host.url}/7", 7) == {}


@pytest.mark.parametrize(
    "where",
    ["file:///etc/passwd", "ftp://127.0.0.1/", "http://169.254.169.254/latest", "/loop", ""],
)
async def test_a_redirect_elsewhere_is_not_followed(
    reading: TokenMetadata, host: Host, where: str
) -> None:
    assert await reading.traits_at(f"{host.url}/to/?where={quote(where)}", 7) is None
    assert len(host.asked) <= metadata.MAX_REDIRECTS + 1


# Addresses

PRIVATE = (
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fc00::1",
    "ff02::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "2002:7f00:1::",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
)


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_of_a_private_network_is_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "host_name",
    ["127.0.0.1", "[::1]", "2130706433", "0x7f.1", "127.1", "localhost", "[::ffff:7f00:1]"],
)
async def test_no_spelling_of_this_machine_is_connected_to(
    strict: TokenMetadata, host: Host, host_name: str
) -> None:
    port = host.url.rpartition(":")[2]
    assert await strict.traits_at(f"https://{host_name}:{port}/7", 7) is None
    assert host.asked == []


class Rebinding(AbstractResolver):
    """A name server that gives a public address first and a private one from then on."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked += 1
        found = self._answers.pop(0)
        return [
            ResolveResult(hostname=host, host=each, port=port, family=family, proto=0, flags=0)
            for each in found
        ]

    async def close(self) -> None:
        pass


async def test_a_name_with_one_private_address_is_refused_whole(host: Host) -> None:
    names = Rebinding(["8.8.8.8", "127.0.0.1"])
    async with TokenMetadata(Uris(), resolver=names) as reader:
        port = host.url.rpartition(":")[2]
        assert await reader.traits_at(f"https://town.example:{port}/7", 7) is None
    assert host.asked == []


async def test_the_connection_goes_to_the_addresses_that_were_checked(host: Host) -> None:
    """A second look-up, which could answer otherwise, does not happen."""
    names = Rebinding(["127.0.0.1"], ["10.0.0.1"])
    port = host.url.rpartition(":")[2]
    async with TokenMetadata(Uris(), resolver=names, allow_loopback=True) as reader:
        assert await reader.traits_at(f"http://town.example:{port}/7", 7) == TRAITS
        assert names.asked == 1
        assert await reader.traits_at(f"http://other.example:{port}/7", 7) is None


# Texts


def test_control_and_direction_characters_are_dropped_and_texts_clipped() -> None:
    document = {
        "attributes": [
            {"trait_type": "tier\x00\n", "value": "go\u202eld\u200b\x1b[31m"},
            {"trait_type": "n" * 500, "value": "v" * 5_000},
            {"trait_type": "tier", "value": "a second one"},
            {"value": "without a name"},
        ]
    }
    found = traits_of(json.dumps(document).encode())
    assert found == {"tier": "gold[31m", "n" * 64: "v" * 256}


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"error": "rate limited"},
        {"name": "Card 7", "attributes": None},
        {"attributes": {"rank": "gold"}},
    ],
)
def test_a_document_without_a_list_of_attributes_leaves_the_traits_unknown(
    document: dict[str, object],
) -> None:
    with pytest.raises(Unreadable):
        traits_of(json.dumps(document).encode())
    assert traits_of(b'{"attributes": []}') == {}


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_no_document_does_more_than_stay_unread(document: bytes) -> None:
    try:
        found = traits_of(document)
    except Unreadable:
        return
    assert found == {}


VALUES: st.SearchStrategy[object] = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just([])
)


@given(st.lists(st.dictionaries(st.sampled_from(["trait_type", "value", "x"]), VALUES)))
def test_traits_are_short_texts_or_unknown(rows: list[dict[str, object]]) -> None:
    try:
        found = traits_of(json.dumps({"attributes": rows}).encode())
    except Unreadable:
        return
    assert len(found) <= metadata.MAX_TRAITS
    for name, value in found.items():
        assert len(name) <= metadata.MAX_NAME
        assert len(value) <= metadata.MAX_VALUE
        assert not {unicodedata.category(each) for each in name + value} & {"Cc", "Cf", "Zl"}
