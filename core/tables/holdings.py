"""Who owns which token of a town's contracts, as the chains' logs say. Public data alone.

Addresses are 20 bytes; token ids and amounts (``uint256``) are big-endian without leading zeros,
at most 32 bytes: exact on every database, and small where numbers are. What belongs to a contract
has no foreign key to it: the database would look it up for each of a million rows.
"""

from datetime import datetime

from sqlalchemy import BigInteger, Integer, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.tables.base import Base, Key

Address = LargeBinary(20)
Word = LargeBinary(32)
"""A ``uint256``: see `core.holdings.transfers.word`."""


class ContractRow(Base):
    """A contract whose transfers are read, and how far they have been."""

    __tablename__ = "token_contract"
    __table_args__ = (UniqueConstraint("chain_id", "address"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    chain_id: Mapped[int] = mapped_column(BigInteger)
    address: Mapped[bytes] = mapped_column(Address)
    standard: Mapped[str] = mapped_column(String(16))
    first_block: Mapped[int] = mapped_column(BigInteger)
    block: Mapped[int] = mapped_column(BigInteger)  # read up to here; before the first: first - 1
    block_hash: Mapped[str] = mapped_column(String(66))  # empty: nothing read yet
    head: Mapped[int] = mapped_column(BigInteger)  # the finalized block when it was last read
    told_block: Mapped[int] = mapped_column(BigInteger)  # changes up to here have been acted upon
    read_at: Mapped[datetime | None]  # when the chain last answered
    trouble: Mapped[str] = mapped_column(String(32), default="")  # `core.holdings.Trouble`
    detail: Mapped[str] = mapped_column(String(300), default="")
    incomplete: Mapped[bool] = mapped_column(default=False)
    """The contract says something else. An outage or a page more does not make it untrue."""
    reconciled_at: Mapped[datetime | None]
    reconciled_block: Mapped[int | None] = mapped_column(BigInteger)
    reconciled_owners: Mapped[int] = mapped_column(Integer, default=0)
    differences: Mapped[int] = mapped_column(Integer, default=0)  # found by the last comparison


class TransferRow(Base):
    """One token (or several of one id) that changed hands. A mint comes from the zero address."""

    __tablename__ = "token_transfer"
    __table_args__ = {"sqlite_with_rowid": False}

    contract_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    block: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    log_index: Mapped[int] = mapped_column(Integer, primary_key=True)
    part: Mapped[int] = mapped_column(Integer, primary_key=True)  # within a batch
    token: Mapped[bytes] = mapped_column(Word)
    sender: Mapped[bytes] = mapped_column(Address)
    receiver: Mapped[bytes] = mapped_column(Address)
    amount: Mapped[bytes] = mapped_column(Word)


class BalanceRow(Base):
    """What an owner has of one token id at the contract's block. Zero has no row."""

    __tablename__ = "token_balance"
    __table_args__ = {"sqlite_with_rowid": False}

    contract_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    owner: Mapped[bytes] = mapped_column(Address, primary_key=True)
    token: Mapped[bytes] = mapped_column(Word, primary_key=True)
    amount: Mapped[bytes] = mapped_column(Word)


class CheckpointRow(Base):
    """A block up to which a contract was read, so that a reorganisation has where to go back to."""

    __tablename__ = "token_checkpoint"
    __table_args__ = {"sqlite_with_rowid": False}

    contract_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    block: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    hash: Mapped[str] = mapped_column(String(66))


class PageSizeRow(Base):
    """How many blocks an endpoint answers for at once. The endpoint's address may hold a key."""

    __tablename__ = "page_size"

    endpoint: Mapped[str] = mapped_column(String(64), primary_key=True)  # SHA-256 of its URL
    blocks: Mapped[int] = mapped_column(Integer)
    learned_at: Mapped[datetime]
