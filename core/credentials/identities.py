"""People whom an identity provider knows: one person, one record, and no name.

The provider (デジタル認証アプリ profile) names a person to each town by a pairwise subject
(OpenID Connect Core 8.1). Only a keyed hash of it is kept. Who proves an identity that stands for
another account is that same person: the two may become one (`core.consent`).
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

import aiohttp
from joserfc.jwk import ECKey
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from core.clock import Clock
from core.credentials.hashing import Derive, keyed_hash
from core.credentials.methods import Subject, Unproved
from core.credentials.oidc import Journey, Provider, client_key, new_journey, public_keys
from core.database import Sessions, transaction
from core.errors import ProofRejected
from core.identity import Account, account_by_id
from core.tables import IdentityRequestRow
from core.town import Proof, TownPack

AWAY_FOR: Final = timedelta(minutes=20)
"""So long somebody may be at the provider."""

CALLBACK: Final = "/join/identity/callback"


@dataclass(frozen=True, slots=True)
class Returned:
    """Somebody who came back, and who they are to the provider."""

    account: Account
    proof: str
    subject: str  # pairwise; hashed before it is kept


class Identities:
    """The identity providers of a town, as a method of proof."""

    def __init__(
        self,
        town: TownPack,
        derive: Derive,
        *,
        sessions: Sessions,
        clock: Clock,
        client: aiohttp.ClientSession | None,
        key_file: Path,
        address: str,
    ) -> None:
        self._proofs = {each.name: each for each in town.proofs if each.method == "oidc"}
        self._key = derive("identities")
        self._sessions = sessions
        self._clock = clock
        self._own_key = cache(lambda: client_key(key_file))
        self._providers = {
            name: Provider(each, self._own_key, client, clock, redirect_uri=f"{address}{CALLBACK}")
            for name, each in self._proofs.items()
            if client is not None
        }

    @property
    def proofs(self) -> Sequence[Proof]:
        return tuple(self._proofs.values())

    def public_keys(self) -> Mapping[str, Any]:
        """Our key set, for registering this town at the provider."""
        key: ECKey = self._own_key()
        return public_keys(key)

    # The method

    async def accept(
        self,
        session: AsyncSession,  # noqa: ARG002 - the provider knows, not the records
        given: Mapping[str, str],
        *,
        now: datetime,  # noqa: ARG002
    ) -> Subject:
        """See `Method.accept`. Takes ``proof`` and the ``subject`` of a verified ID token."""
        proof = self._proofs.get(given.get("proof", ""))
        if proof is None:
            raise ProofRejected(Unproved.SWITCHED_OFF)
        digest = keyed_hash(self._key, str(proof.issuer), str(proof.client_id), given["subject"])
        return Subject(proof, digest, renews=True, same_person=True)

    async def settle(self, session: AsyncSession, subject: Subject, *, now: datetime) -> None:
        """See `Method.settle`. Nothing is spent: a person stays themselves."""

    # There and back

    def _provider(self, proof: str) -> Provider:
        found = self._providers.get(proof)
        if found is None:
            raise ProofRejected(Unproved.SWITCHED_OFF)
        return found

    async def send(self, account: Account, proof: str, *, browser: str) -> str:
        """Where to send somebody. `browser` is the id in its cookie: only it may come back.

        Raises `ProofRejected` (switched off, or the provider is away: nothing is stored then).
        """
        provider, state, journey = self._provider(proof), secrets.token_urlsafe(24), new_journey()
        address = await provider.send(state, journey)
        async with transaction(self._sessions) as session:
            session.add(
                IdentityRequestRow(
                    state_digest=self._hashed(state),
                    account_id=account.id,
                    proof=proof,
                    browser_digest=self._hashed(browser),
                    nonce=journey.nonce,
                    code_verifier=journey.code_verifier,
                    expires_at=self._clock() + AWAY_FOR,
                )
            )
        return address

    async def welcome(
        self, *, state: str, code: str | None, issuer: str | None, browser: str
    ) -> Returned:
        """Take somebody back. A state is used up by the first who brings it, whatever comes of it.

        Raises `ProofRejected`: cancelled (no `code`), stale, untrusted or away.
        """
        async with transaction(self._sessions) as session:
            gone = await session.execute(
                delete(IdentityRequestRow)
                .where(
                    IdentityRequestRow.state_digest == self._hashed(state[:200]),
                    IdentityRequestRow.browser_digest == self._hashed(browser),
                )
                .returning(
                    IdentityRequestRow.account_id,
                    IdentityRequestRow.proof,
                    IdentityRequestRow.nonce,
                    IdentityRequestRow.code_verifier,
                    IdentityRequestRow.expires_at,
                )
            )
            row = gone.first()
            if row is None:
                raise ProofRejected(Unproved.STALE)
            account = await account_by_id(session, row.account_id)
        if row.expires_at <= self._clock():
            raise ProofRejected(Unproved.STALE)
        if not code:
            raise ProofRejected(Unproved.CANCELLED)
        journey = Journey(row.nonce, row.code_verifier)
        subject = await self._provider(row.proof).subject(code, journey, issuer=issuer)
        return Returned(account, row.proof, subject)

    def _hashed(self, text: str) -> str:
        return keyed_hash(self._key, "journey", text)
