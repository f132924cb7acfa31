"""An identity provider in the profile of デジタル認証アプリ: one person, one record."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from eth_account import Account
from sqlalchemy import select, text

from core import identity
from core.database import transaction
from core.tables import CredentialRow, MergeRow
from core.testing import SetClock
from core.town import Proof
from tests.bots.web.stage import Seen, Visitor, World, open_town
from tests.core.credentials.stage import NOTE, town_with
from tests.world.identity import CLIENT_ID, IdentityProvider, free_port, identity_provider


@dataclass
class Desk:
    """A town and the provider that it trusts."""

    world: World
    provider: IdentityProvider

    async def leave_for(self, visitor: Visitor, base: str = "/join") -> str:
        """Press the button; where the provider is."""
        seen = await visitor.post(f"{base}/identity/person")
        found = re.search(r'url=([^"]+)"', seen.text)
        assert found is not None, seen.text
        return unescape(found[1])

    async def come_back(self, visitor: Visitor, where: str) -> Seen:
        parts = urlsplit(where)
        return await visitor.get(f"{parts.path}?{parts.query}")

    async def prove(self, visitor: Visitor, person: str | None, base: str = "/join") -> Seen:
        where = await self.provider.log_in(await self.leave_for(visitor, base), person)
        return await self.come_back(visitor, where)

    async def credentials(self) -> list[CredentialRow]:
        async with self.world.app.sessions() as session:
            return list(await session.scalars(select(CredentialRow)))


@asynccontextmanager
async def opened(folder: Path, clock: SetClock) -> AsyncIterator[Desk]:
    port = free_port()
    fields = {
        "name": "person",
        "title": {"ja": "デジタル認証アプリ", "en": "Digital ID app"},
        "method": "oidc",
        "issuer": f"http://127.0.0.1:{port}",
        "client_id": CLIENT_ID,
        "valid_days": 365,
        "legal_note": NOTE,
    }
    town = town_with("invitation").model_copy(update={"proofs": (Proof.model_validate(fields),)})
    async with open_town(folder, clock, demo=False, town=town) as world:
        keys = world.app.proving.identities.public_keys()
        redirect_uri = f"{world.url}/join/identity/callback"
        async with identity_provider(port, keys=keys, redirect_uri=redirect_uri) as provider:
            yield Desk(world, provider)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    # The provider lives on the machine's clock, and so must who checks its tokens.
    async with opened(tmp_path, SetClock(datetime.now(UTC))) as found:
        yield found


async def test_a_person_is_known_by_a_keyed_hash_and_by_nothing_else(desk: Desk) -> None:
    async with desk.world.visitor() as visitor:
        seen = await desk.prove(visitor, "hanako")
    assert (seen.status, "is confirmed" in seen.text) == (200, True)
    (kept,) = await desk.credentials()
    assert re.fullmatch("[0-9a-f]{64}", kept.subject)
    assert kept.expires_at is not None
    async with desk.world.app.sessions() as session:
        left = await session.scalar(text("select count(*) from identity_request"))
    assert left == 0


async def test_the_same_person_in_a_new_browser_is_one_record(desk: Desk) -> None:
    async with desk.world.visitor() as first, desk.world.visitor() as second:
        await desk.prove(first, "hanako")
        again = await desk.prove(second, "hanako")
        assert again.status == 200
        assert "was confirmed before" in again.text
    async with transaction(desk.world.app.sessions) as session:
        assert await identity.member_count(session) == {"members": 1, "proved": 1}


async def test_two_persons_are_two_records(desk: Desk) -> None:
    async with desk.world.visitor() as first, desk.world.visitor() as second:
        await desk.prove(first, "hanako")
        await desk.prove(second, "taro")
    assert len({each.subject for each in await desk.credentials()}) == 2


async def link_from(world: World, platform: str, external: str) -> tuple[identity.Account, str]:
    async with transaction(world.app.sessions) as session:
        now = world.clock()
        account = await identity.account(session, platform, external, locale="en", now=now)
        return account, f"/prove/{await identity.make_link(session, account.id, now=now)}"


async def test_a_second_account_becomes_the_same_member_once_the_first_agrees(desk: Desk) -> None:
    world = desk.world
    hana, link = await link_from(world, "telegram", "77")
    other, second = await link_from(world, "discord", "88")
    async with world.visitor() as visitor:
        await desk.prove(visitor, "hanako", link)
        asked = await desk.prove(visitor, "hanako", second)
        assert "asked your earlier account" in asked.text
        assert "Telegram" in asked.text
    async with transaction(world.app.sessions) as session:
        assert not await identity.has_proof(session, other.member_id)
        merge = (await session.scalars(select(MergeRow))).one()
        assert (merge.member_id, merge.other_id) == (other.member_id, hana.member_id)
        await identity.merge(session, merge.code, by_member=hana.member_id, now=world.clock())
        accounts = await identity.accounts_of(session, hana.member_id)
    assert {each.platform for each in accounts} == {"telegram", "discord"}


async def test_a_second_account_on_the_same_platform_is_refused(desk: Desk) -> None:
    _, first = await link_from(desk.world, "telegram", "77")
    _, second = await link_from(desk.world, "telegram", "78")
    async with desk.world.visitor() as visitor:
        await desk.prove(visitor, "hanako", first)
        refused = await desk.prove(visitor, "hanako", second)
    assert refused.status == 409
    assert len(await desk.credentials()) == 1


async def test_who_cancels_has_registered_nothing(desk: Desk) -> None:
    async with desk.world.visitor() as visitor:
        seen = await desk.prove(visitor, None)
        assert (seen.status, "You stopped on the way" in seen.text) == (422, True)
    assert await desk.credentials() == []


async def test_an_answer_counts_once_and_in_the_browser_that_asked(desk: Desk) -> None:
    async with desk.world.visitor() as mine, desk.world.visitor() as thief:
        await thief.get("/join")
        where = await desk.provider.log_in(await desk.leave_for(mine), "hanako")
        stolen = await desk.come_back(thief, where)
        assert "another browser" in stolen.text
        assert (await desk.come_back(mine, where)).status == 200
        assert "another browser" in (await desk.come_back(mine, where)).text
        wrong = where.replace("state=", "state=x")
        assert "another browser" in (await desk.come_back(mine, wrong)).text
    assert len(await desk.credentials()) == 1


async def test_an_answer_that_names_another_issuer_or_code_is_not_believed(desk: Desk) -> None:
    async with desk.world.visitor() as visitor:
        where = await desk.provider.log_in(await desk.leave_for(visitor), "hanako")
        mixed = re.sub(r"iss=[^&]+", "iss=https%3A%2F%2Fevil.example", where)
        assert (
            "not be sure that the answer is genuine" in (await desk.come_back(visitor, mixed)).text
        )
        where = await desk.provider.log_in(await desk.leave_for(visitor), "hanako")
        forged = re.sub(r"code=[^&]+", "code=guessed", where)
        assert (await desk.come_back(visitor, forged)).status == 422
    assert await desk.credentials() == []


async def test_the_request_carries_what_the_profile_asks_for(desk: Desk) -> None:
    async with desk.world.visitor() as visitor:
        query = parse_qs(urlsplit(await desk.leave_for(visitor)).query)
        assert query["response_type"] == ["code"]
        assert query["code_challenge_method"] == ["S256"]
        assert len(query["state"][0]) >= 32
        assert len(query["nonce"][0]) >= 32
        shown = await visitor.get("/.well-known/kankei-oidc-keys.json")
    (key,) = json.loads(shown.text)["keys"]
    assert (key["crv"], key["alg"]) == ("P-256", "ES256")
    assert "d" not in key


async def test_a_later_wallet_is_the_same_member(desk: Desk) -> None:
    async with desk.world.visitor() as visitor:
        await desk.prove(visitor, "hanako")
        await visitor.prove(await visitor.link(), Account.create(), desk.world.chain_id)
    async with transaction(desk.world.app.sessions) as session:
        assert await identity.member_count(session) == {"members": 1, "proved": 1}


async def test_while_the_provider_is_down_people_are_told_to_come_later(desk: Desk) -> None:
    async with desk.world.visitor() as visitor:
        where = await desk.provider.log_in(await desk.leave_for(visitor), "hanako")
        provider = desk.world.app.proving.identities._providers["person"]
        provider._issuer, provider._metadata = f"http://127.0.0.1:{free_port()}", None
        back = await desk.come_back(visitor, where)
        assert "no answer right now" in back.text
        again = await visitor.post("/join/identity/person")
        assert (again.status, "no answer right now" in again.text) == (422, True)
    assert await desk.credentials() == []
