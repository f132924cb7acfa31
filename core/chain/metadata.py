"""Traits of a token from its metadata: written by strangers, fetched with care.

The contract says where a token is described (``tokenURI``, or ERC-1155's ``uri`` with ``{id}`` in
64 hex digits). Read are https, ``ipfs://`` through the configured gateway, and ``data:``. A host
must resolve to public addresses alone, and the connection goes to those very addresses, so that a
name cannot point into the town's own network the second time it is asked. Size, time, redirects,
number and length are limited, texts lose their control and formatting characters, and whatever
shows them must escape them: they are never HTML.

What cannot be read is unknown (`None`), never "no trait".
"""

import asyncio
import base64
import binascii
import ipaddress
import json
import logging
import re
import socket
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import TracebackType
from typing import Final, Protocol, Self
from urllib.parse import quote, unquote_to_bytes

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from core.chain.values import BlockChoice
from core.errors import ChainUnavailable
from core.town import Collection

logger = logging.getLogger(__name__)

MAX_BYTES: Final = 256_000
TIMEOUT: Final = timedelta(seconds=10)
MAX_REDIRECTS: Final = 3
MAX_TRAITS: Final = 64
MAX_NAME, MAX_VALUE = 64, 256
MAX_URI: Final = 8_192
"""Longest address that is fetched; ``data:`` may be as long as a document."""

_REDIRECTS = {301, 302, 303, 307, 308}
_IPFS = re.compile(r"ipfs://(?:ipfs/)?([A-Za-z0-9]{46,128})(/[^?#]*)?")
_DATA = re.compile(r"data:application/json((?:;[^;,]*)*),(.*)", re.IGNORECASE | re.DOTALL)
_DROPPED = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


class Uris(Protocol):
    """What this module asks of the chains."""

    async def token_uris(
        self, collection: Collection, token_ids: Sequence[int], *, block: BlockChoice
    ) -> tuple[str | None, ...]: ...


class Unreadable(Exception):
    """Why there are no traits, without what the document said."""


class TokenMetadata:
    """Reads the traits of tokens. Open it with ``async with``.

    `gateway`: the https address that serves ``/ipfs/…``; empty: ``ipfs://`` is not read.
    `allow_loopback` is for tests alone: http, and addresses of this machine.
    """

    def __init__(
        self,
        chains: Uris,
        *,
        gateway: str = "",
        allow_loopback: bool = False,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._chains = chains
        self._gateway = gateway.rstrip("/")
        self._allow_loopback = allow_loopback
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        resolver = PublicResolver(
            self._resolver or ThreadedResolver(), allow_loopback=self._allow_loopback
        )
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=resolver, limit=8, use_dns_cache=False),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT.total_seconds()),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def traits(self, collection: Collection, token_id: int) -> Mapping[str, str] | None:
        """The traits that a token's metadata names; `None`: they could not be read now."""
        try:
            (uri,) = await self._chains.token_uris(collection, [token_id], block="latest")
        except ChainUnavailable:
            return None
        if uri is None:
            return None
        return await self.traits_at(uri, token_id)

    async def traits_at(self, uri: str, token_id: int) -> Mapping[str, str] | None:
        """The traits in the document at `uri`."""
        try:
            return traits_of(await self._document(uri, token_id))
        except Unreadable as error:
            logger.info("metadata-unreadable", extra={"reason": str(error)})
            return None

    async def _document(self, uri: str, token_id: int) -> bytes:
        uri = uri.strip().replace("{id}", f"{token_id:064x}")
        if uri[:5].lower() == "data:":
            return _inline(uri)
        if uri[:5].lower() == "ipfs:":
            uri = self._through_gateway(uri)
        try:
            return await self._fetch(uri)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise Unreadable(type(error).__name__) from error

    def _through_gateway(self, uri: str) -> str:
        found = _IPFS.fullmatch(uri)
        if not self._gateway:
            raise Unreadable("no IPFS gateway is configured")
        if found is None or ".." in (found[2] or "").split("/"):
            raise Unreadable("not an IPFS address")
        return f"{self._gateway}/ipfs/{found[1]}{quote(found[2] or '', safe='/%')}"

    async def _fetch(self, uri: str) -> bytes:
        assert self._session is not None, "open it with async with"  # noqa: S101
        if len(uri) > MAX_URI:
            raise Unreadable("a very long address")
        url = URL(uri)
        async with asyncio.timeout(TIMEOUT.total_seconds()):
            for _ in range(MAX_REDIRECTS + 1):
                self._check(url)
                async with self._session.get(
                    url,
                    allow_redirects=False,
                    headers={"Accept": "application/json", "Accept-Encoding": "identity"},
                ) as response:
                    if response.status in _REDIRECTS:
                        url = url.join(URL(response.headers.get("Location", "")))
                        continue
                    return await _body(response)
        raise Unreadable("too many redirects")

    def _check(self, url: URL) -> None:
        """The same object is connected to: two readings of one text could differ."""
        host = url.host or ""
        if not host or url.user is not None or url.password is not None:
            raise Unreadable("not an address to fetch")
        if url.scheme != "https" and not (self._allow_loopback and url.scheme == "http"):
            raise Unreadable("not https")
        try:
            literal = ipaddress.ip_address(host)
        except ValueError:
            return  # a name: its addresses are checked by the resolver
        if not is_public(literal, allow_loopback=self._allow_loopback):
            raise Unreadable("not a public address")


class PublicResolver(AbstractResolver):
    """Resolves a name to public addresses, or to none. aiohttp connects to what this returns."""

    def __init__(self, resolver: AbstractResolver, *, allow_loopback: bool = False) -> None:
        self._resolver, self._allow_loopback = resolver, allow_loopback

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Raises `OSError` if one of the addresses is not public."""
        found = await self._resolver.resolve(host, port, family)
        for each in found:
            address = ipaddress.ip_address(each["host"].partition("%")[0])
            if not is_public(address, allow_loopback=self._allow_loopback):
                raise OSError("not a public address")
        return found

    async def close(self) -> None:
        await self._resolver.close()


def is_public(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, *, allow_loopback: bool = False
) -> bool:
    """Whether a stranger may send us there; an IPv4 address inside an IPv6 one counts as itself."""
    if isinstance(address, ipaddress.IPv6Address):
        inside = address.ipv4_mapped or address.sixtofour or _nat64(address)
        if inside is not None:
            return is_public(inside, allow_loopback=allow_loopback)
        if address.teredo is not None:
            return False
    if address.is_loopback:
        return allow_loopback
    return address.is_global and not (
        address.is_multicast
        or address.is_reserved
        or address.is_private
        or address.is_link_local
        or address.is_unspecified
    )


def traits_of(document: bytes) -> Mapping[str, str]:
    """The ``attributes`` of a metadata document: rows of ``trait_type`` and ``value``.

    Of two rows with one name the first counts; rows without a name are passed over.

    Raises `Unreadable` for what would leave open whether a token has a trait: a document without
    that list is rather a host's page of excuses than a token without traits.
    """
    try:
        found = json.loads(document)
    except (ValueError, RecursionError) as error:
        raise Unreadable("not JSON") from error
    attributes = found.get("attributes") if isinstance(found, dict) else None
    if not isinstance(attributes, list) or len(attributes) > MAX_TRAITS:
        raise Unreadable("no list of attributes, or too long a one")
    traits: dict[str, str] = {}
    for row in attributes:
        if not isinstance(row, dict):
            raise Unreadable("an attribute that is none")
        name = row.get("trait_type")
        if name is not None:
            traits.setdefault(_text(name, MAX_NAME), _text(row.get("value"), MAX_VALUE))
    return traits


def _text(value: object, longest: int) -> str:
    if isinstance(value, bool):
        value = "true" if value else "false"
    if not isinstance(value, str | int | float):
        raise Unreadable("an attribute that is no text")
    kept = (
        each for each in str(value)[: longest * 4] if unicodedata.category(each) not in _DROPPED
    )
    return unicodedata.normalize("NFC", "".join(kept)).strip()[:longest]


def _inline(uri: str) -> bytes:
    """RFC 2397."""
    found = _DATA.fullmatch(uri)
    if found is None or len(uri) > MAX_BYTES * 2:
        raise Unreadable("not JSON in a data address")
    body = unquote_to_bytes(found[2])
    if "base64" in found[1].lower().split(";"):
        try:
            body = base64.b64decode(body, validate=True)
        except binascii.Error as error:
            raise Unreadable("not base64") from error
    if len(body) > MAX_BYTES:
        raise Unreadable("too large")
    return body


async def _body(response: aiohttp.ClientResponse) -> bytes:
    if response.status != 200:  # noqa: PLR2004
        raise Unreadable(f"HTTP {response.status}")
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Unreadable("compressed, although that was not asked for")
    body = bytearray()
    async for chunk in response.content.iter_chunked(65_536):
        body += chunk
        if len(body) > MAX_BYTES:
            raise Unreadable("too large")
    return bytes(body)


def _nat64(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """RFC 6052's well-known prefix."""
    if address in ipaddress.IPv6Network("64:ff9b::/96"):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None
