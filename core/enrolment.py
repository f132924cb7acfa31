"""Becoming a digital resident: from a personal link, over a signature, to a linked wallet.

The words that the wallet signs are ours, with a nonce of ours, for one account and minutes. A
contract wallet whose owners sign one after the other gets hours.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from eth_utils import is_address, to_checksum_address
from sqlalchemy import update

from core import announcements, browsers, proof
from core.clock import Clock
from core.consent import NeedsConsent, one_person
from core.credentials import credentials_of
from core.database import Sessions, transaction
from core.errors import ProofRejected, WalletTaken
from core.identity import (
    LINK_LIFETIME,
    Account,
    find_account,
    follow_link,
    link_wallet,
    move_to_browser,
    proved_holder,
    use_up_link,
    wallets_of,
    web_account,
)
from core.proof import ContractVerifier, MalformedMessage, Message, Refusal, Signer
from core.tables import ChallengeRow
from core.town import TownPack

CHALLENGE_LIFETIME: Final = timedelta(hours=4)
CLOCK_SKEW: Final = timedelta(minutes=2)
MAX_NAME: Final = 64
MAX_NAMES: Final = 10_000

# EIP-4361 allows ASCII only; the page shows the same in the reader's language.
STATEMENT: Final = (
    "Prove that you hold the resident card. This costs nothing and moves nothing. "
    "It is not a legal certificate of residence."
)


@dataclass(frozen=True, slots=True)
class Challenge:
    """What the wallet is asked to sign."""

    message: str
    address: str
    chain_id: int
    nonce: str


@dataclass(frozen=True, slots=True)
class Linked:
    """The wallet stands for this member now."""

    member_id: int
    address: str
    theirs: bool  # the proof shows the member: the first of all, or one that was theirs before


class Enrolment:
    """The use cases behind the verify page."""

    def __init__(
        self,
        town: TownPack,
        sessions: Sessions,
        contracts: ContractVerifier,
        clock: Clock,
        *,
        address: str,
    ) -> None:
        self._town = town
        self._sessions = sessions
        self._contracts = contracts
        self._clock = clock
        self._names: dict[bytes, tuple[datetime, str]] = {}  # by hash of the link, oldest first
        self._domain = urlsplit(address).netloc
        self._uri = f"{address}/verify"

    def remember_name(self, token: str, name: str) -> None:
        """What a platform calls the account of a fresh link, so that its page can ask who reads it.

        It is kept in memory alone, and no longer than the link is good.
        """
        now = self._clock()
        for key, (until, _) in list(self._names.items()):
            if until > now and len(self._names) < MAX_NAMES:
                break
            del self._names[key]
        self._names[_key(token)] = now + LINK_LIFETIME, name[:MAX_NAME]

    def name_of(self, token: str) -> str:
        """The name of a link's account; empty where it is not known (any more)."""
        until, name = self._names.get(_key(token), (None, ""))
        return name if until is not None and until > self._clock() else ""

    async def account_of(self, token: str) -> Account:
        """Whose link this is. Raises `LinkExpired`."""
        async with transaction(self._sessions) as session:
            return await follow_link(session, token, now=self._clock())

    async def signer_of(self, token: str) -> Account:
        """Whose link this is, for finishing what was begun in time. Raises `LinkExpired`."""
        async with transaction(self._sessions) as session:
            return await follow_link(session, token, now=self._clock(), grace=CHALLENGE_LIFETIME)

    async def challenge(self, token: str, address: str, chain_id: int) -> Challenge:
        """The message for one wallet to sign. Any case of the address is taken.

        Raises `LinkExpired`; `ProofRejected` if it is no address or the chain is not the town's.
        """
        if not is_address(address):
            raise ProofRejected(Refusal.WRONG_ACCOUNT)
        if chain_id not in {each.chain_id for each in self._town.collections}:
            raise ProofRejected(Refusal.WRONG_CHAIN)
        now = self._clock()
        message = Message(
            domain=self._domain,
            address=str(to_checksum_address(address)),
            statement=STATEMENT,
            uri=self._uri,
            version="1",
            chain_id=chain_id,
            nonce=secrets.token_hex(16),
            issued_at=_rfc3339(now),
            expiration_time=_rfc3339(now + CHALLENGE_LIFETIME),
        )
        async with transaction(self._sessions) as session:
            account = await follow_link(session, token, now=now)
            session.add(
                ChallengeRow(
                    nonce=message.nonce,
                    account_id=account.id,
                    address=message.address,
                    message=message.text,
                    expires_at=now + CHALLENGE_LIFETIME,
                )
            )
        return Challenge(message.text, message.address, chain_id, message.nonce)

    async def prove(self, token: str, text: str, signature: bytes) -> Linked | NeedsConsent:
        """Verify a signed message and let the wallet stand for the link's member.

        Raises `LinkExpired`; `ProofRejected` with the reason; `WalletTaken` if the wallet stands
        for another person; `ChainUnavailable` if only a node could tell (the nonce stays good).
        """
        try:
            message = proof.parse(text)
        except MalformedMessage as error:
            raise ProofRejected(Refusal.MALFORMED) from error
        async with transaction(self._sessions) as session:
            account = await follow_link(session, token, now=self._clock(), grace=CHALLENGE_LIFETIME)
            asked = await session.get(ChallengeRow, message.nonce)
        if asked is None or asked.account_id != account.id:
            raise ProofRejected(Refusal.WRONG_NONCE)
        if asked.used_at is not None:
            raise ProofRejected(Refusal.NONCE_USED)
        expected = proof.parse(asked.message)
        refusal = proof.check(
            message,
            expected_domain=self._domain,
            expected_uri=self._uri,
            expected_chain_id=expected.chain_id,
            expected_address=asked.address,
            expected_nonce=asked.nonce,
            now=self._clock(),
            clock_skew=CLOCK_SKEW,
        )
        if refusal is None and text != asked.message:
            refusal = Refusal.MALFORMED
        if refusal is not None:
            raise ProofRejected(refusal)
        signer = await proof.signed_by(
            text,
            signature,
            expected_address=asked.address,
            chain_id=expected.chain_id,
            contracts=self._contracts,
        )
        if signer is None:
            raise ProofRejected(Refusal.BAD_SIGNATURE)
        return await self._link(token, account, expected, signer)

    async def _link(
        self, token: str, account: Account, message: Message, signer: Signer
    ) -> Linked | NeedsConsent:
        now = self._clock()
        async with transaction(self._sessions) as session:
            used = await session.execute(
                update(ChallengeRow)
                .where(ChallengeRow.nonce == message.nonce, ChallengeRow.used_at.is_(None))
                .values(used_at=now)
                .returning(ChallengeRow.nonce)
            )
            if used.first() is None:
                raise ProofRejected(Refusal.NONCE_USED)
            known = await proved_holder(
                session,
                message.address,
                message.chain_id,
                contract_wallet=signer is Signer.CONTRACT,
            )
            theirs = known == account.member_id or not (
                await wallets_of(session, account.member_id)
                or await credentials_of(session, account.member_id, now=now)
            )
            try:
                await link_wallet(
                    session,
                    account.member_id,
                    message.address,
                    message.chain_id,
                    now=now,
                    contract_wallet=signer is Signer.CONTRACT,
                )
            except WalletTaken:
                if known is None:  # a contract of another chain shows nobody
                    raise
                asked = await one_person(session, account, known, now=now)
                return asked or Linked(known, message.address, theirs=True)
            else:
                await use_up_link(session, token)
                if account.platform != "web":
                    await announcements.notify(session, account, "linked", {}, now=now)
        return Linked(account.member_id, message.address, theirs=theirs)

    async def enter(self, token_account: Account, proved: Linked, browser: str) -> Account | None:
        """The web account that the browser of a proof may act for from now on; `None`: for none.

        `browser` is the id in its cookie. A link that somebody else passed on, signed with any new
        wallet, opens nobody's own pages; and who made a link for the web does not stay in the
        account of the one who signs with it.
        """
        if not proved.theirs:
            return None
        now = self._clock()
        async with transaction(self._sessions) as session:
            mine = await find_account(session, "web", browser)
            if mine is not None and mine.member_id == proved.member_id:
                return mine
            if mine is not None:
                await browsers.give_way(session, mine, now=now)
            made_elsewhere = token_account.platform == "web"
            if made_elsewhere and token_account.member_id == proved.member_id:
                return await move_to_browser(session, token_account.id)
            return await web_account(session, proved.member_id, now=now)


def _key(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _rfc3339(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
