"""The OpenID provider of the tests, as a process of its own on 127.0.0.1."""

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import aiohttp

from tests.conftest import ROOT, free_port, lacking

MODULES = ROOT / "tests" / "node" / "node_modules"
CLIENT_ID = "kankei-mine"


@dataclass(frozen=True)
class IdentityProvider:
    """A running provider."""

    issuer: str

    async def log_in(self, where: str, person: str | None) -> str:
        """Go to the provider, be this person (`None`: cancel), and return where it sends us."""
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar) as browser:
            for _ in range(8):
                async with browser.get(where, allow_redirects=False) as answer:
                    text, location = await answer.text(), answer.headers.get("Location", "")
                if re.search(r"/interaction/[\w-]+$", where):
                    where += f"/as/{person}" if person else "/cancel"
                    continue
                assert location, text
                where = urljoin(where, location)
                if not where.startswith(self.issuer):
                    return where
        raise AssertionError(where)


@asynccontextmanager
async def identity_provider(
    port: int, *, keys: Mapping[str, Any], redirect_uri: str
) -> AsyncIterator[IdentityProvider]:
    """Start it with this town as its one client, and end it."""
    node = shutil.which("node")
    if node is None or not (MODULES / "oidc-provider").exists():
        lacking("node with oidc-provider (npm ci in tests/node)")
    client = {"client_id": CLIENT_ID, "redirect_uris": [redirect_uri], "jwks": keys}
    process = await asyncio.create_subprocess_exec(
        str(node),
        str(ROOT / "tests" / "world" / "identity.mjs"),
        *(str(port), str(MODULES.resolve()), json.dumps(client)),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(30):
            while b"ready" not in (line := await process.stdout.readline()):
                assert line, "the provider did not start"
        yield IdentityProvider(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        await process.wait()


__all__ = ["CLIENT_ID", "IdentityProvider", "free_port", "identity_provider"]
