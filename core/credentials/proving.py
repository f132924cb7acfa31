"""Proving something without a wallet: the use cases behind /join, /code and the staff console."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import aiohttp
from sqlalchemy.ext.asyncio import AsyncSession

from core import announcements
from core.clock import Clock
from core.consent import NeedsConsent, one_person
from core.credentials.codes import Codes
from core.credentials.hashing import Derive
from core.credentials.identities import Identities
from core.credentials.methods import Method, Subject, Unproved
from core.credentials.purchases import Purchases
from core.credentials.records import HeldByAnother, hold
from core.database import Sessions, transaction
from core.errors import ProofRejected, WalletTaken
from core.identity import Account
from core.town import Proof, TownPack


@dataclass(frozen=True, slots=True)
class Proved:
    """The proof stands for this member now."""

    member_id: int
    proof: Proof
    expires_at: datetime | None
    new: bool  # False: it stood for them already


class Proving:
    """The proofs of one town."""

    def __init__(
        self,
        town: TownPack,
        sessions: Sessions,
        clock: Clock,
        derive: Derive,
        *,
        client: aiohttp.ClientSession | None = None,
        key_file: Path = Path("var/oidc_key.json"),
        address: str = "",
    ) -> None:
        """`client` asks identity providers; without one they are off. `address`: of our pages."""
        self.codes = Codes(town, derive)
        self.purchases = Purchases(town, derive)
        self.identities = Identities(
            town,
            derive,
            sessions=sessions,
            clock=clock,
            client=client,
            key_file=key_file,
            address=address,
        )
        self._town = town
        self._sessions = sessions
        self._clock = clock
        self._methods: Mapping[str, Method] = {
            "code": self.codes,
            "purchaser": self.purchases,
            "oidc": self.identities,
        }

    @property
    def offered(self) -> Sequence[Proof]:
        """The ways without a wallet that this town has, as its pack lists them."""
        return self._town.proofs

    def proofs(self, method: str) -> Sequence[Proof]:
        return tuple(each for each in self._town.proofs if each.method == method)

    async def prove(
        self, account: Account, method: str, given: Mapping[str, str], *, elsewhere: bool = False
    ) -> Proved | NeedsConsent:
        """What an account says, held against what the town knows; `given` by the method's names.

        `elsewhere`: it is proved on a page for an account of a chat, which is told there as well.

        Raises `ProofRejected` with an `Unproved` reason. The same again is no error.
        """
        now = self._clock()
        async with transaction(self._sessions) as session:
            subject = await self._methods[method].accept(session, given, now=now)
            outcome = await hold(session, account.member_id, subject, now=now)
            if isinstance(outcome, HeldByAnother):
                return await self._taken(session, account, subject, outcome.member_id, now)
            if outcome.new:
                await self._methods[method].settle(session, subject, now=now)
                if elsewhere:
                    await announcements.notify(session, account, "linked", {}, now=now)
            return Proved(account.member_id, subject.proof, outcome.expires_at, outcome.new)

    async def _taken(
        self,
        session: AsyncSession,
        account: Account,
        subject: Subject,
        other: int,
        now: datetime,
    ) -> Proved | NeedsConsent:
        if not subject.same_person:
            raise ProofRejected(Unproved.USED if subject.spent else Unproved.TAKEN)
        try:
            asked = await one_person(session, account, other, now=now)
        except WalletTaken as error:
            raise ProofRejected(Unproved.TAKEN) from error
        return asked or Proved(other, subject.proof, None, new=False)
