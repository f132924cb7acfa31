"""Transfers and balances as they are stored: a page at a time, whole or not at all.

The cursor moves in the same transaction as the page that it stands for, and only from the very
block and hash that the page follows: of two processes that read the same page one stores it, and
after a crash at any moment at most one page is read again, without effect.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from itertools import islice
from typing import Any, Final, TypeVar
from uuid import uuid4

from sqlalchemy import (
    Delete,
    Dialect,
    Insert,
    Table,
    bindparam,
    delete,
    insert,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core.holdings.states import STOPPED
from core.holdings.transfers import ONE, ZERO, Transfer, word
from core.tables import BalanceRow, CheckpointRow, ContractRow, MentionRow, TransferRow

CHECKPOINTS: Final = 128
"""So many read pages are remembered; a reorganisation deeper than that is read from the start."""

CHUNK: Final = 400
"""Most values in one statement: SQLite and PostgreSQL both take many more."""

DETAIL: Final = 300

_TRANSFERS: Table = TransferRow.__table__  # type: ignore[assignment]
_BALANCES: Table = BalanceRow.__table__  # type: ignore[assignment]

Place = tuple[int, bytes, bytes]
"""Contract, owner, token: the key of a balance."""

_NEW_TRANSFER = insert(_TRANSFERS)
_NEW_BALANCE = insert(_BALANCES)
_OLD_BALANCE = delete(_BALANCES).where(
    _BALANCES.c.contract_id == bindparam("contract"),
    _BALANCES.c.owner == bindparam("owner_"),
    _BALANCES.c.token == bindparam("token_"),
)

_TAKEN_AWAY: Final = (
    "DELETE FROM token_balance USING unnest($1::bigint[], $2::bytea[], $3::bytea[])"
    " AS gone (contract_id, owner, token)"
    " WHERE token_balance.contract_id = gone.contract_id"
    " AND token_balance.owner = gone.owner AND token_balance.token = gone.token"
)

Item = TypeVar("Item")


class Overtaken(Exception):
    """Another process has moved the cursor; look where it stands and go on from there."""


class Overdrawn(ValueError):
    """Somebody handed on more than they had: logs are missing."""


async def store_page(
    session: AsyncSession,
    contracts: Sequence[ContractRow],
    transfers: Sequence[Transfer],
    *,
    last: int,
    last_hash: str,
    head: int,
    now: datetime,
) -> None:
    """Store what follows the cursors of `contracts`, and move them to `last`.

    Raises `Overtaken` if one of them stands elsewhere by now, `Overdrawn` if the transfers do not
    fit what was there. Nothing is stored then.
    """
    for contract in contracts:
        await _advance(
            session, contract, {"block": last, "block_hash": last_hash, "head": head}, now
        )
    await _executemany(session, _NEW_TRANSFER, transfers)
    single = {each.id for each in contracts if each.standard == "ERC-721"}
    if len(single) == len(contracts):
        await _move_single(session, transfers)
    else:
        await _move_single(session, [each for each in transfers if each[0] in single])
        await _move_many(session, [each for each in transfers if each[0] not in single])
    for contract in contracts:
        await _remember(session, contract.id, last, last_hash)


async def _advance(
    session: AsyncSession, contract: ContractRow, values: dict[str, Any], now: datetime
) -> None:
    moved = await session.execute(
        update(ContractRow)
        .where(
            ContractRow.id == contract.id,
            ContractRow.block == contract.block,
            ContractRow.block_hash == contract.block_hash,
        )
        .values(**{"trouble": "", "detail": "", "read_at": now, **values})
        .execution_options(synchronize_session=False)
    )
    if moved.rowcount != 1:  # type: ignore[attr-defined]
        raise Overtaken


async def touch(
    session: AsyncSession, contracts: Sequence[ContractRow], *, head: int, now: datetime
) -> None:
    """The chain was asked, and nothing has come after the cursors of `contracts`."""
    for contract in contracts:
        await _advance(session, contract, {"head": head}, now)


async def note_trouble(
    session: AsyncSession, contract_ids: Sequence[int], kind: str, detail: str
) -> None:
    """Why nothing could be read. What was read before stays, with its time.

    An outage does not hide that the logs themselves are of no use.
    """
    outage = kind not in STOPPED
    await session.execute(
        update(ContractRow)
        .where(
            ContractRow.id.in_(contract_ids),
            ContractRow.trouble.not_in(STOPPED) if outage else true(),
        )
        .values(trouble=kind, detail=detail[:DETAIL])
        .execution_options(synchronize_session=False)
    )


async def _remember(session: AsyncSession, contract_id: int, block: int, block_hash: str) -> None:
    session.add(CheckpointRow(contract_id=contract_id, block=block, hash=block_hash))
    await session.flush()
    oldest = (
        select(CheckpointRow.block)
        .where(CheckpointRow.contract_id == contract_id)
        .order_by(CheckpointRow.block.desc())
        .limit(1)
        .offset(CHECKPOINTS - 1)
        .scalar_subquery()
    )
    await session.execute(
        delete(CheckpointRow)
        .where(CheckpointRow.contract_id == contract_id, CheckpointRow.block < oldest)
        .execution_options(synchronize_session=False)
    )


async def _move_single(session: AsyncSession, transfers: Sequence[Transfer]) -> None:
    """A token of ERC-721 is its last receiver's, and was its first sender's.

    Raises `Overdrawn` where it was not, and where one is made that there is already.
    """
    was: dict[tuple[int, bytes], bytes] = {}
    becomes: dict[tuple[int, bytes], bytes] = {}
    for contract, _, _, _, token, sender, receiver, _ in transfers:
        place = contract, token
        if becomes.get(place, sender) != sender:
            raise Overdrawn("a token was handed on by somebody who did not have it")
        was.setdefault(place, sender)
        becomes[place] = receiver
    moved = [(contract, owner, token) for (contract, token), owner in was.items() if owner != ZERO]
    if await _take_away(session, moved) != len(moved):
        raise Overdrawn("a token was handed on by somebody who did not have it")
    try:
        await _own(session, becomes)
    except IntegrityError as error:
        raise Overdrawn("a token was made that its owner had already") from error


async def _take_away(session: AsyncSession, places: Sequence[Place]) -> int:
    """Delete these balances; how many were there, which tells whether a log is missing."""
    if not places:
        return 0
    connection = await session.connection()
    if connection.dialect.name == "postgresql":
        # asyncpg counts no rows of many statements, so it is one over arrays.
        gone = await connection.exec_driver_sql(
            _TAKEN_AWAY, tuple(map(list, zip(*places, strict=True)))
        )
    else:
        statement = _text(_OLD_BALANCE, connection.dialect)
        gone = await connection.exec_driver_sql(statement, list(places))
    return gone.rowcount


async def _clear(session: AsyncSession, tokens: Iterable[tuple[int, bytes]]) -> None:
    by_contract: dict[int, list[bytes]] = {}
    for contract, token in tokens:
        by_contract.setdefault(contract, []).append(token)
    for contract, some in by_contract.items():
        for chunk in chunks(some, CHUNK):
            await session.execute(
                delete(BalanceRow)
                .where(BalanceRow.contract_id == contract, BalanceRow.token.in_(chunk))
                .execution_options(synchronize_session=False)
            )


async def _own(session: AsyncSession, owners: Mapping[tuple[int, bytes], bytes]) -> None:
    kept = [
        (contract, owner, token, ONE)
        for (contract, token), owner in owners.items()
        if owner != ZERO
    ]
    await _executemany(session, _NEW_BALANCE, kept)


async def _move_many(session: AsyncSession, transfers: Iterable[Transfer]) -> None:
    """A token id of ERC-1155 is many people's: add and subtract, exactly."""
    changes: dict[Place, int] = {}
    for contract, _, _, _, token, sender, receiver, number in transfers:
        amount = int.from_bytes(number)
        if sender == receiver or not amount:
            continue
        for owner, change in ((sender, -amount), (receiver, amount)):
            if owner != ZERO:
                place = (contract, owner, token)
                changes[place] = changes.get(place, 0) + change
    had = await _amounts(session, list(changes))
    now = {place: had.get(place, 0) + change for place, change in changes.items()}
    if any(not 0 <= amount < 1 << 256 for amount in now.values()):
        raise Overdrawn("more was handed on than there was")
    await _set(session, now)


async def _set(session: AsyncSession, amounts: Mapping[Place, int]) -> None:
    """Make these balances what they are given as; zero has no row."""
    await _executemany(session, _OLD_BALANCE, list(amounts))
    kept = [(*place, word(amount)) for place, amount in amounts.items() if amount]
    await _executemany(session, _NEW_BALANCE, kept)


async def _amounts(session: AsyncSession, places: Sequence[Place]) -> dict[Place, int]:
    found: dict[Place, int] = {}
    key = tuple_(BalanceRow.contract_id, BalanceRow.owner, BalanceRow.token)
    for some in chunks(places, CHUNK):
        rows = await session.execute(
            select(BalanceRow.contract_id, BalanceRow.owner, BalanceRow.token, BalanceRow.amount)
            .where(key.in_(some))
        )  # fmt: skip
        found |= {(row[0], row[1], row[2]): int.from_bytes(row[3]) for row in rows}
    return found


async def correct(
    session: AsyncSession, contract: ContractRow, corrections: Sequence[Transfer]
) -> None:
    """Let what reading the contract has shown happen at its block, though no log says so."""
    await _executemany(session, _NEW_TRANSFER, corrections)
    if contract.standard != "ERC-721":
        await _move_many(session, corrections)
        return
    amounts: dict[Place, int] = {}
    for _, _, _, _, token, sender, receiver, _ in corrections:
        for owner, amount in ((sender, 0), (receiver, 1)):
            if owner != ZERO:
                amounts[contract.id, owner, token] = amount
    await _set(session, amounts)


async def reconciled(
    session: AsyncSession,
    contract: ContractRow,
    *,
    owners: int,
    differences: int,
    incomplete: bool | None,
    now: datetime,
) -> None:
    """The contract was compared at its block. Raises `Overtaken` if that is no longer where it is.

    `incomplete`: whether something stays different, which stops the index; `None`: as before, for
    too few were asked to tell.
    """
    values: dict[str, Any] = {
        "reconciled_at": now,
        "reconciled_block": contract.block,
        "reconciled_owners": owners,
        "differences": differences,
    }
    if incomplete is not None:
        values["incomplete"] = incomplete
    await _advance(session, contract, values, now)


async def roll_back(
    session: AsyncSession, contract: ContractRow, block: int, block_hash: str, *, now: datetime
) -> None:
    """Forget what came after `block`, and mention the owners whose balances it had changed.

    Raises `Overtaken` if another process has done something meanwhile.
    """
    told = min(contract.told_block, block)
    values: dict[str, Any] = {"block": block, "block_hash": block_hash, "told_block": told}
    if contract.reconciled_block is not None and contract.reconciled_block > block:
        values["reconciled_block"] = None  # the corrections after it are undone, too
    if not block_hash:
        values["incomplete"] = False
    await _advance(session, contract, values, now)
    undone = TransferRow.contract_id == contract.id, TransferRow.block > block
    rows = await session.execute(
        select(TransferRow.token, TransferRow.sender, TransferRow.receiver).where(*undone)
    )
    tokens: set[bytes] = set()
    owners: set[bytes] = set()
    for token, sender, receiver in rows:
        tokens.add(token)
        owners |= {sender, receiver}
    await session.execute(delete(TransferRow).where(*undone))
    await session.execute(
        delete(CheckpointRow).where(
            CheckpointRow.contract_id == contract.id, CheckpointRow.block > block
        )
    )
    await _rebuild(session, contract, tokens)
    mention(session, contract.id, owners - {ZERO})


def mention(session: AsyncSession, contract_id: int, owners: Iterable[bytes]) -> None:
    """These changed without a transfer after the cursor, and are to be looked at."""
    session.add_all(
        MentionRow(id=uuid4().hex, contract_id=contract_id, owner=each) for each in sorted(owners)
    )


async def _rebuild(session: AsyncSession, contract: ContractRow, tokens: Iterable[bytes]) -> None:
    """Work out the balances of `tokens` from the transfers that are left."""
    for some in chunks(tokens, CHUNK):
        await _clear(session, [(contract.id, token) for token in some])
        rows = await session.execute(
            select(*_TRANSFERS.c)
            .where(TransferRow.contract_id == contract.id, TransferRow.token.in_(some))
            .order_by(TransferRow.block, TransferRow.log_index, TransferRow.part)
        )
        transfers: list[Transfer] = [tuple(row) for row in rows]
        if contract.standard == "ERC-721":
            await _own(session, {(contract.id, each[4]): each[6] for each in transfers})
        else:
            await _move_many(session, transfers)


async def forget(session: AsyncSession, contract_id: int) -> None:
    """Everything that was read of a contract, and how far it was."""
    for table in (TransferRow, BalanceRow, CheckpointRow, MentionRow):
        await session.execute(delete(table).where(table.contract_id == contract_id))
    await session.execute(delete(ContractRow).where(ContractRow.id == contract_id))


async def _executemany(
    session: AsyncSession, statement: Insert | Delete, rows: Sequence[tuple[Any, ...]]
) -> None:
    """Hand `rows`, in the statement's order of values, to the driver as they are.

    SQLAlchemy's own way to many rows makes a dictionary of each and costs four times as much.
    """
    if rows:
        connection = await session.connection()
        await connection.exec_driver_sql(_text(statement, connection.dialect), rows)


@cache
def _text(statement: Insert | Delete, dialect: Dialect) -> str:
    return str(statement.compile(dialect=dialect))


def chunks(items: Iterable[Item], size: int) -> Iterable[list[Item]]:
    """`items` in lists of at most `size`."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
