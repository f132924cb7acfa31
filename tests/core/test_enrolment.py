"""Becoming a digital resident, with a real EVM behind it: what passes, and every refusal."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import aiohttp
import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from sqlalchemy import select

from bots.demo.chain import CHAIN_ID, EmbeddedChain
from core import identity
from core.chain.client import Chains, JsonRpcChain
from core.consent import NeedsConsent
from core.database import Sessions, transaction
from core.enrolment import CHALLENGE_LIFETIME, Challenge, Enrolment, Linked
from core.errors import ChainUnavailable, KankeiError, LinkExpired, ProofRejected, WalletTaken
from core.identity import LINK_LIFETIME
from core.proof import Refusal
from core.tables import AnnouncementRow
from core.testing import SetClock
from core.town import TownPack

KEY = "0x" + "7" * 64
ADDRESS = str(Account.from_key(KEY).address)


class Office:
    """The verify page, with its town and its chain."""

    def __init__(self, town: TownPack, sessions: Sessions, clock: SetClock, chains: Chains) -> None:
        self.sessions, self.clock = sessions, clock
        self.enrolment = Enrolment(town, sessions, chains, clock, address="http://127.0.0.1:8080")

    async def link(self, external_id: str = "1", platform: str = "telegram") -> str:
        async with transaction(self.sessions) as session:
            account = await identity.account(
                session, platform, external_id, locale="ja", now=self.clock()
            )
            return await identity.make_link(session, account.id, now=self.clock())

    async def asked(self, token: str, address: str = ADDRESS) -> Challenge:
        return await self.enrolment.challenge(token, address, CHAIN_ID)

    async def join(
        self, external_id: str = "1", platform: str = "telegram"
    ) -> Linked | NeedsConsent:
        token = await self.link(external_id, platform)
        challenge = await self.asked(token)
        return await self.enrolment.prove(token, challenge.message, sign(challenge.message))


def sign(text: str, key: str = KEY) -> bytes:
    return bytes(Account.from_key(key).sign_message(encode_defunct(text=text)).signature)


@pytest.fixture
async def office(town: TownPack, sessions: Sessions, clock: SetClock) -> AsyncIterator[Office]:
    chain = EmbeddedChain()
    async with aiohttp.ClientSession() as client:
        town_chain = town.chains[0]
        reader = JsonRpcChain(town_chain, [await chain.serve()], client)
        yield Office(town, sessions, clock, Chains({CHAIN_ID: reader}))
    await chain.close()


async def refused(office: Office, token: str, text: str, signature: bytes) -> str:
    with pytest.raises(ProofRejected) as caught:
        await office.enrolment.prove(token, text, signature)
    return caught.value.reason


async def test_a_signature_links_the_wallet_to_the_member_of_the_link(office: Office) -> None:
    outcome = await office.join()
    assert isinstance(outcome, Linked)
    async with office.sessions() as session:
        assert await identity.members_at(session, ADDRESS) == [outcome.member_id]


async def test_the_words_to_sign_are_ascii_and_promise_that_nothing_moves(office: Office) -> None:
    challenge = await office.asked(await office.link())
    assert challenge.message.isascii()
    assert "127.0.0.1:8080 wants you to sign in" in challenge.message
    assert "costs nothing and moves nothing" in challenge.message


async def test_an_address_in_any_case_is_taken_and_put_in_order(office: Office) -> None:
    challenge = await office.asked(await office.link(), ADDRESS.lower())
    assert challenge.address == ADDRESS


async def test_a_nonce_is_used_once(office: Office) -> None:
    token = await office.link()
    text = (await office.asked(token)).message
    await office.enrolment.prove(token, text, sign(text))
    with pytest.raises(LinkExpired):
        await office.enrolment.prove(token, text, sign(text))
    again = await office.link()
    assert await refused(office, again, text, sign(text)) == Refusal.NONCE_USED


async def test_one_nonce_sent_many_times_at_once_counts_once(office: Office) -> None:
    token = await office.link()
    text = (await office.asked(token)).message

    async def send() -> bool:
        try:
            await office.enrolment.prove(token, text, sign(text))
        except (ProofRejected, LinkExpired):
            return False
        return True

    assert sum(await asyncio.gather(*(send() for _ in range(6)))) == 1


async def test_a_proof_for_one_account_is_worth_nothing_to_another(office: Office) -> None:
    text = (await office.asked(await office.link("1"))).message
    other = await office.link("2")
    assert await refused(office, other, text, sign(text)) == Refusal.WRONG_NONCE


async def test_a_signature_of_another_wallet_is_refused(office: Office) -> None:
    token = await office.link()
    text = (await office.asked(token)).message
    assert await refused(office, token, text, sign(text, "0x" + "8" * 64)) == Refusal.BAD_SIGNATURE


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("127.0.0.1:8080 wants", "evil.example wants", Refusal.WRONG_DOMAIN),
        ("URI: http://127.0.0.1:8080", "URI: http://evil.example", Refusal.WRONG_URI),
        (f"Chain ID: {CHAIN_ID}", "Chain ID: 1", Refusal.WRONG_CHAIN),
        ("costs nothing", "costs something", Refusal.MALFORMED),
        ("wants you", "orders you", Refusal.MALFORMED),
    ],
)
async def test_a_message_that_is_not_the_one_asked_for_is_refused(
    office: Office, old: str, new: str, reason: Refusal
) -> None:
    token = await office.link()
    text = (await office.asked(token)).message
    assert old in text
    changed = text.replace(old, new)
    assert await refused(office, token, changed, sign(changed)) == reason


async def test_an_old_link_asks_for_a_new_one(office: Office) -> None:
    token = await office.link()
    office.clock.advance(LINK_LIFETIME)
    with pytest.raises(LinkExpired):
        await office.asked(token)
    with pytest.raises(LinkExpired):
        await office.asked("made-up")


async def test_a_signature_asked_for_in_time_may_take_hours(office: Office) -> None:
    token = await office.link()
    text = (await office.asked(token)).message
    office.clock.advance(CHALLENGE_LIFETIME - timedelta(minutes=1))
    assert isinstance(await office.enrolment.prove(token, text, sign(text)), Linked)


async def test_an_old_challenge_is_expired(office: Office) -> None:
    token = await office.link()
    text = (await office.asked(token)).message
    office.clock.advance(CHALLENGE_LIFETIME)
    again = await office.link()
    assert await refused(office, again, text, sign(text)) == Refusal.EXPIRED


async def test_a_chain_that_is_not_the_towns_is_refused(office: Office) -> None:
    token = await office.link()
    with pytest.raises(ProofRejected) as caught:
        await office.enrolment.challenge(token, ADDRESS, 1)
    assert caught.value.reason == Refusal.WRONG_CHAIN


@pytest.mark.parametrize("junk", ["", "0x", "hello", "0x" + "g" * 40, "0x" + "1" * 41, "💳"])
async def test_what_is_no_address_is_refused(office: Office, junk: str) -> None:
    token = await office.link()
    with pytest.raises(ProofRejected):
        await office.asked(token, junk)


async def test_when_the_chain_is_away_the_nonce_stays_good(
    town: TownPack, sessions: Sessions, clock: SetClock, office: Office
) -> None:
    away = Office(town, sessions, clock, Chains({}))
    token = await away.link()
    text = (await away.asked(token)).message
    with pytest.raises(ChainUnavailable):
        await away.enrolment.prove(token, text, b"\x01" * 100)
    assert isinstance(await office.enrolment.prove(token, text, sign(text)), Linked)


async def test_the_same_wallet_from_another_platform_asks_the_first_account(
    office: Office,
) -> None:
    first = await office.join("1", "telegram")
    assert isinstance(first, Linked)
    assert await office.join("9", "discord") == NeedsConsent(("telegram",))
    async with office.sessions() as session:
        notices = await session.scalars(select(AnnouncementRow))
        (notice,) = [each for each in notices if each.texts["key"] == "merge"]
        account = await identity.find_account(session, "discord", "9")
        assert account is not None
        assert account.member_id != first.member_id
    code = str(notice.texts["action"]).removeprefix("merge:")
    async with transaction(office.sessions) as session:
        await identity.merge(session, code, by_member=first.member_id, now=office.clock())
        account = await identity.find_account(session, "discord", "9")
    assert account is not None
    assert account.member_id == first.member_id


async def questions(office: Office) -> int:
    async with office.sessions() as session:
        notices = await session.scalars(select(AnnouncementRow))
        return sum(each.texts["key"] == "merge" for each in notices)


async def test_the_same_proof_again_asks_the_first_account_once_a_day(office: Office) -> None:
    await office.join("1", "telegram")
    again = [await office.join("9", "discord")]
    again += await asyncio.gather(*(office.join("9", "discord") for _ in range(3)))
    assert again == [NeedsConsent(("telegram",))] * 4
    assert await questions(office) == 1
    office.clock.advance(identity.MERGE_LIFETIME)
    await office.join("9", "discord")
    assert await questions(office) == 2


async def test_the_same_wallet_from_a_second_person_on_one_platform_is_refused(
    office: Office,
) -> None:
    await office.join("1")
    with pytest.raises(WalletTaken):
        await office.join("2")


async def test_a_resident_comes_back_in_a_new_browser_by_signing_again(office: Office) -> None:
    first = await office.join("old-browser", "web")
    assert isinstance(first, Linked)
    assert await office.join("new-browser", "web") == first
    async with office.sessions() as session:
        assert await identity.find_account(session, "web", "new-browser") is None


OTHER_KEY = "0x" + "5" * 64


async def enter(office: Office, token: str, key: str, browser: str) -> identity.Account | None:
    mine = await office.enrolment.signer_of(token)
    challenge = await office.asked(token, str(Account.from_key(key).address))
    proved = await office.enrolment.prove(token, challenge.message, sign(challenge.message, key))
    assert isinstance(proved, Linked)
    return await office.enrolment.enter(mine, proved, browser)


async def test_a_first_proof_lets_the_browser_in(office: Office) -> None:
    account = await enter(office, await office.link(), KEY, "browser-1")
    assert account is not None
    assert account.platform == "web"


async def test_a_link_that_leaked_opens_nobodys_own_pages_to_any_new_wallet(
    office: Office,
) -> None:
    await enter(office, await office.link(), KEY, "browser-1")
    assert await enter(office, await office.link(), OTHER_KEY, "thief") is None


async def test_who_made_a_link_for_the_web_does_not_stay_in_the_signers_account(
    office: Office,
) -> None:
    token = await office.link("maker-browser", "web")
    account = await enter(office, token, KEY, "signer-browser")
    assert account is not None
    async with office.sessions() as session:
        assert await identity.find_account(session, "web", "maker-browser") is None


async def test_a_link_is_used_up_by_a_proof(office: Office) -> None:
    token = await office.link()
    text = (await office.asked(token)).message
    await office.enrolment.prove(token, text, sign(text))
    with pytest.raises(LinkExpired):
        await office.asked(token)


async def test_of_two_people_signing_with_one_wallet_at_once_one_gets_in(office: Office) -> None:
    outcomes = await asyncio.gather(
        *(office.join(str(number)) for number in range(5)), return_exceptions=True
    )
    assert sum(isinstance(each, Linked) for each in outcomes) == 1
    assert all(isinstance(each, Linked | KankeiError) for each in outcomes)


async def test_hours_are_given_to_wallets_whose_owners_sign_one_after_the_other() -> None:
    assert timedelta(hours=1) < CHALLENGE_LIFETIME < timedelta(days=1)


# A contract at the same address on another chain may be somebody else's

OTHER_CHAIN = 424242


class Contracts:
    """Contract wallets that sign whatever they are asked to, on one chain."""

    def __init__(self, chain_id: int) -> None:
        self.chain_id = chain_id

    async def is_valid_signature(
        self,
        chain_id: int,
        address: str,  # noqa: ARG002
        digest: bytes,  # noqa: ARG002
        signature: bytes,  # noqa: ARG002
    ) -> bool:
        return chain_id == self.chain_id


@dataclass
class Stranger:
    """Somebody in a browser, with a contract at a member's address on another chain."""

    town: TownPack
    sessions: Sessions
    clock: SetClock

    async def member(self, *, contract: bool) -> identity.Account:
        """Somebody known by `ADDRESS`: by a contract on the town's chain, or by its key."""
        async with transaction(self.sessions) as session:
            account = await identity.account(
                session, "telegram", "member", locale="ja", now=self.clock()
            )
            await identity.link_wallet(
                session,
                account.member_id,
                ADDRESS,
                CHAIN_ID,
                now=self.clock(),
                contract_wallet=contract,
            )
            await identity.web_account(session, account.member_id, now=self.clock())
        return account

    async def sign(self, account: identity.Account, chain_id: int) -> Linked | NeedsConsent:
        first = self.town.collections[0]
        more = first.model_copy(update={"name": "other", "chain_id": OTHER_CHAIN})
        town = self.town.model_copy(update={"collections": (first, more)})
        address = "http://127.0.0.1:8080"
        enrolment = Enrolment(town, self.sessions, Contracts(chain_id), self.clock, address=address)
        async with transaction(self.sessions) as session:
            token = await identity.make_link(session, account.id, now=self.clock())
        challenge = await enrolment.challenge(token, ADDRESS, chain_id)
        return await enrolment.prove(token, challenge.message, b"\x01" * 65)

    async def browser(self, platform: str = "web") -> identity.Account:
        async with transaction(self.sessions) as session:
            return await identity.account(
                session, platform, "stranger", locale="ja", now=self.clock()
            )


@pytest.fixture
def stranger(town: TownPack, sessions: Sessions, clock: SetClock) -> Stranger:
    return Stranger(town, sessions, clock)


@pytest.mark.parametrize("platform", ["web", "discord"])
async def test_a_contract_at_the_address_of_a_member_s_key_is_refused(
    stranger: Stranger, platform: str
) -> None:
    member, thief = await stranger.member(contract=False), await stranger.browser(platform)
    with pytest.raises(WalletTaken):
        await stranger.sign(thief, OTHER_CHAIN)
    async with stranger.sessions() as session:
        assert await identity.members_at(session, ADDRESS) == [member.member_id]
        assert await identity.find_account(session, platform, "stranger") == thief
        assert list(await session.scalars(select(AnnouncementRow))) == []


@pytest.mark.parametrize("platform", ["web", "discord"])
async def test_a_contract_at_a_member_s_address_on_another_chain_is_another_person_s(
    stranger: Stranger, platform: str
) -> None:
    member, other = await stranger.member(contract=True), await stranger.browser(platform)
    proved = await stranger.sign(other, OTHER_CHAIN)
    assert proved == Linked(other.member_id, ADDRESS, theirs=True)
    async with stranger.sessions() as session:
        (theirs,) = await identity.linked_wallets(session, member.member_id)
        (found,) = await identity.linked_wallets(session, other.member_id)
        told = list(await session.scalars(select(AnnouncementRow.kind)))
    assert (theirs.chain_id, found.chain_id) == (CHAIN_ID, OTHER_CHAIN)
    assert "merge" not in told, "nobody is asked whether the two are one person"


async def test_a_leaked_link_signed_by_a_contract_on_another_chain_opens_no_pages(
    stranger: Stranger,
) -> None:
    member = await stranger.member(contract=True)
    proved = await stranger.sign(member, OTHER_CHAIN)
    assert proved == Linked(member.member_id, ADDRESS, theirs=False)


async def test_one_contract_account_on_two_chains_counts_on_both(stranger: Stranger) -> None:
    member = await stranger.member(contract=True)
    await stranger.sign(member, OTHER_CHAIN)
    async with stranger.sessions() as session:
        found = await identity.linked_wallets(session, member.member_id)
    assert {each.chain_id for each in found} == {CHAIN_ID, OTHER_CHAIN}
    assert not any(each.counts_on(1) for each in found)


async def test_a_contract_wallet_comes_back_in_a_new_browser_on_its_own_chain(
    stranger: Stranger,
) -> None:
    member = await stranger.member(contract=True)
    proved = await stranger.sign(await stranger.browser(), CHAIN_ID)
    assert proved == Linked(member.member_id, ADDRESS, theirs=True)
