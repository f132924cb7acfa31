"""A town with every way to belong, and people who come to it."""

from pathlib import Path

from core import identity
from core.consent import NeedsConsent
from core.credentials.hashing import keyed_hash
from core.credentials.proving import Proved, Proving
from core.database import Sessions, transaction
from core.identity import Account
from core.testing import SetClock
from core.town import Proof, TownPack, load

ROOT = Path(__file__).resolve().parents[3]
NOTE = {"ja": "法律上の住民票ではありません。"}
PROOFS = (
    {"name": "invitation", "title": {"ja": "招待"}, "method": "code", "valid_days": 365},
    {"name": "furusato", "title": {"ja": "ふるさと納税"}, "method": "code"},
    {"name": "buyer", "title": {"ja": "購入"}, "method": "purchaser", "asks": ["order", "email"]},
    {"name": "donor", "title": {"ja": "寄附"}, "method": "purchaser"},
    {
        "name": "person",
        "title": {"ja": "デジタル認証アプリ"},
        "method": "oidc",
        "issuer": "https://identity.example",
        "client_id": "kankei-mine",
        "valid_days": 365,
    },
)


def town_with(*names: str) -> TownPack:
    """Mine with these proofs."""
    proofs = tuple(
        Proof.model_validate({**each, "legal_note": NOTE})
        for each in PROOFS
        if each["name"] in names
    )
    return load(ROOT / "towns" / "mine").model_copy(update={"proofs": proofs})


class Office:
    """The desk where things are proved."""

    def __init__(
        self,
        sessions: Sessions,
        clock: SetClock,
        town: TownPack | None = None,
        *,
        secret: str = "key",
    ) -> None:
        self.sessions, self.clock = sessions, clock
        self.town = town or town_with(*(str(each["name"]) for each in PROOFS))
        self.proving = Proving(self.town, sessions, clock, lambda name: keyed_hash(secret, name))

    async def person(self, external_id: str = "1", platform: str = "telegram") -> Account:
        async with transaction(self.sessions) as session:
            return await identity.account(
                session, platform, external_id, locale="ja", now=self.clock()
            )

    async def show(self, account: Account, method: str, **given: str) -> Proved | NeedsConsent:
        return await self.proving.prove(account, method, given)
