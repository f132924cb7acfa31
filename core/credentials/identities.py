"""People whom an identity provider knows: one person, one record, and no name.

The provider (デジタル認証アプリ profile) names a person to each town by a pairwise subject
(OpenID Connect Core 8.1). Only a keyed hash of it is kept. Who proves an identity that stands for
another account is that same person: the two may become one (`core.consent`).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from core.credentials.hashing import Derive, keyed_hash
from core.credentials.methods import Subject, Unproved
from core.errors import ProofRejected
from core.town import Proof, TownPack


class Identities:
    """The identity providers of a town, as a method of proof."""

    def __init__(self, town: TownPack, derive: Derive) -> None:
        self._proofs = {each.name: each for each in town.proofs if each.method == "oidc"}
        self._key = derive("identities")

    @property
    def proofs(self) -> Sequence[Proof]:
        return tuple(self._proofs.values())

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
