"""What is linked to a person, and taking it off again: under /mydata."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from bots import texts
from bots.conversation.belonging import Belonging
from bots.conversation.desk import Desk
from bots.conversation.messages import Button, Incoming, Reply
from bots.marks import Mark
from core import credentials, identity
from core.database import transaction
from core.identity import Account, Wallet
from core.town import TownPack

MOST_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Link:
    """One thing that is linked to a person."""

    key: str  # "w:<mark>" or "c:<number>", as it comes back from a button or a form
    words: str  # in the reader's language
    warning: str = ""  # what else taking it off means


def short(address: str) -> str:
    """An address as people tell it from another: 0x12…ab."""
    return f"{address[:4]}…{address[-2:]}"


async def links_of(
    town: TownPack,
    session: AsyncSession,
    member_id: int,
    language: str,
    now: datetime,
    *,
    mark: Mark,
) -> list[Link]:
    """Everything that is linked to a member, each with words of its own."""
    wallets = await identity.linked_wallets(session, member_id)
    held = await credentials.credentials_of(session, member_id, now=now)
    found = [_wallet(town, each, wallets, language, mark) for each in wallets]
    for each in held:
        proof = town.proof(each.proof)
        since = _day(town, each.proved_at, language)
        until = _day(town, each.expires_at, language) if each.expires_at else ""
        key = "proofs.links.proof-until" if until else "proofs.links.proof"
        title = proof.title.get(language) if proof else each.proof
        values = {"until": until} if until else {}
        code = proof is not None and proof.method == "code"
        found.append(
            Link(
                f"c:{each.id}",
                texts.say(key, language, proof=title, date=since, **values),
                texts.say("proofs.links.sure-code", language) if code else "",
            )
        )
    return found


def _wallet(
    town: TownPack, wallet: Wallet, wallets: Sequence[Wallet], language: str, mark: Mark
) -> Link:
    behind = wallet.via is None and any(
        each.via == wallet.address and wallet.counts_on(each.chain_id or 0) for each in wallets
    )
    warning = texts.say("proofs.links.sure-vaults", language) if behind else ""
    return Link(f"w:{mark(wallet)}", words_of(town, wallet, language), warning)


def words_of(town: TownPack, wallet: Wallet, language: str) -> str:
    """A wallet in words, with the chain on which it counts if that is one alone."""
    address = short(wallet.address)
    if wallet.via is not None:
        words = texts.say("proofs.links.vault", language, address=address, via=short(wallet.via))
    else:
        words = texts.say("proofs.links.card", language, address=address)
    if wallet.chain_id is None:
        return words
    chain = next((each.name for each in town.chains if each.id == wallet.chain_id), "")
    chain = chain or str(wallet.chain_id)
    return texts.say("proofs.links.on-chain", language, card=words, chain=chain)


def _day(town: TownPack, moment: datetime, language: str) -> str:
    local = moment.astimezone(ZoneInfo(town.town.timezone))
    return texts.say("chat.date", language, year=local.year, month=local.month, day=local.day)


async def find_wallet(
    session: AsyncSession, member_id: int, named: str, *, mark: Mark
) -> Wallet | None:
    """The wallet of a member that a button or a form names."""
    mine = await identity.linked_wallets(session, member_id)
    return next((each for each in mine if mark(each) == named), None)


async def unlink(
    session: AsyncSession, member_id: int, key: str, now: datetime, *, mark: Mark
) -> bool:
    """Take off what `key` names. Returns whether it was the member's."""
    kind, _, name = key.partition(":")
    by = f"member:{member_id}"
    if kind == "w":
        wallet = await find_wallet(session, member_id, name, mark=mark)
        return wallet is not None and await identity.unlink_wallet(
            session, member_id, wallet.address, chain_id=wallet.chain_id, by=by, now=now
        )
    if kind == "c" and name.isascii() and name.isdigit() and len(name) <= 15:  # noqa: PLR2004
        return await credentials.unlink(session, member_id, int(name), by=by, now=now)
    return False


class Links:
    """The list under /mydata and its buttons."""

    def __init__(self, desk: Desk, belonging: Belonging) -> None:
        self._desk = desk
        self._belonging = belonging

    async def _all(self, account: Account) -> list[Link]:
        async with transaction(self._desk.sessions) as session:
            return await links_of(
                self._desk.town,
                session,
                account.member_id,
                account.locale,
                self._desk.clock(),
                mark=self._desk.mark,
            )

    async def list(self, incoming: Incoming, account: Account) -> Reply:  # noqa: ARG002
        """What is linked, each with a button."""
        language, found = account.locale, await self._all(account)
        if not found:
            return Reply(texts.say("proofs.links.none", language), private=True)
        look = Button(texts.say("proofs.links.look", language), action="vault")
        cards = any(each.key.startswith("w:") for each in found)
        more = ((look,),) if cards and self._desk.vaults.possible else ()
        lines = [texts.say("proofs.links.title", language), *(f"・{each.words}" for each in found)]
        buttons = tuple(
            (
                Button(
                    texts.say("proofs.links.remove", language, what=each.words),
                    action=f"unlink:{each.key}",
                ),
            )
            for each in found[:MOST_SHOWN]
        )
        return Reply("\n".join(lines), buttons=(*buttons, *more), private=True)

    async def unlink(self, incoming: Incoming, account: Account) -> Reply:
        """Ask once more, then take it off and look at the rooms again."""
        language = account.locale
        _, kind, name, *sure = [*(incoming.action or "").split(":"), "", ""]
        key = f"{kind}:{name}"
        link = next((each for each in await self._all(account) if each.key == key), None)
        if link is None:
            return Reply(texts.say("proofs.links.gone", language), private=True)
        if "yes" not in sure:
            words = [texts.say("proofs.links.sure", language, what=link.words), link.warning]
            yes = Button(texts.say("proofs.links.yes", language), action=f"unlink:{key}:yes")
            no = Button(texts.say("proofs.links.no", language), action="links")
            text = "\n".join(each for each in words if each)
            return Reply(text, buttons=((yes, no),), private=True)
        async with transaction(self._desk.sessions) as session:
            now, mark = self._desk.clock(), self._desk.mark
            await unlink(session, account.member_id, key, now, mark=mark)
        rooms = await self._belonging.rooms(incoming, account)
        done = texts.say("proofs.links.done", language, what=link.words)
        return Reply(f"{done}\n\n{rooms.text}", buttons=rooms.buttons, private=True)

    async def vault(self, incoming: Incoming, account: Account) -> Reply:
        """Cards in wallets that named one of the member's: offered, and linked by a button."""
        language = account.locale
        vault = (incoming.action or "").partition(":")[2]
        if not vault:
            offers = await self._desk.vaults.offers(account.member_id)
            if not offers:
                return Reply(texts.say("proofs.links.no-vaults", language), private=True)
            buttons = tuple(
                (
                    Button(
                        texts.say("proofs.links.add", language, address=short(each)),
                        action=f"vault:{each}",
                    ),
                )
                for each in list(dict.fromkeys(each.vault for each in offers))[:MOST_SHOWN]
            )
            text = texts.say("proofs.links.vaults", language)
            return Reply(text, buttons=buttons, private=True)
        if not await self._desk.vaults.link(account.member_id, vault[:42]):
            return Reply(texts.say("proofs.links.vault-taken", language), private=True)
        rooms = await self._belonging.rooms(incoming, account)
        done = texts.say("proofs.links.added", language, address=short(vault))
        return Reply(f"{done}\n\n{rooms.text}", buttons=rooms.buttons, private=True)
