"""What was opened for whom and why, changes that wait for two people, and what is said inside."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.tables.base import Base, Key


class GrantRow(Base):
    """What was opened for a member, where exactly, and how it stands now."""

    __tablename__ = "access_grant"
    __table_args__ = (UniqueConstraint("account_id", "gate", "place"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    gate: Mapped[str] = mapped_column(String(64))
    platform: Mapped[str] = mapped_column(String(16))
    place: Mapped[str] = mapped_column(String(128))  # the chat, role or room, as it was then
    state: Mapped[str] = mapped_column(String(16), index=True)
    granted_at: Mapped[datetime]
    leave_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    why: Mapped[dict[str, Any] | None]
    """What opened it; none for a grant older than the reasons."""
    warned_at: Mapped[datetime | None] = mapped_column(index=True)
    reason: Mapped[dict[str, Any] | None]
    """What was missing when the notice went out, or the door was closed."""
    change_id: Mapped[int | None] = mapped_column(Key)
    """The approved change that it was closed by, if two people had to agree."""
    seen_inside: Mapped[bool | None]
    """Whether the platform said at the last look that the account is inside."""


class RulesRow(Base):
    """The rules of the pack as they were last put into effect. There is one row."""

    __tablename__ = "access_rules"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    rules: Mapped[dict[str, Any]]
    applied_at: Mapped[datetime]


class ChangeRow(Base):
    """Removals that wait until two people of the staff have agreed to them."""

    __tablename__ = "access_change"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    fingerprint: Mapped[str] = mapped_column(String(64))  # of the rules that it is about
    waiting: Mapped[str | None] = mapped_column(String(96), unique=True)
    """One change of each kind waits at a time; none once it is settled."""
    state: Mapped[str] = mapped_column(String(16), index=True)
    digest: Mapped[str] = mapped_column(String(64))  # of the list of those who would lose a room
    people: Mapped[int]
    summary: Mapped[dict[str, Any]]
    found_at: Mapped[datetime]
    first_by: Mapped[str | None] = mapped_column(String(80))
    first_at: Mapped[datetime | None]
    second_by: Mapped[str | None] = mapped_column(String(80))
    settled_at: Mapped[datetime | None]


class LossRow(Base):
    """One place that one account would lose by a change."""

    __tablename__ = "access_loss"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    change_id: Mapped[int] = mapped_column(
        ForeignKey("access_change.id", ondelete="CASCADE"), index=True
    )
    member_id: Mapped[int | None] = mapped_column(
        ForeignKey("member.id", ondelete="CASCADE"), index=True
    )
    gate: Mapped[str] = mapped_column(String(64))
    platform: Mapped[str] = mapped_column(String(16))
    place: Mapped[str] = mapped_column(String(128))
    external_id: Mapped[str] = mapped_column(String(64))
    reason: Mapped[dict[str, Any] | None]


class OverrideRow(Base):
    """A room that staff opened for a member, or will not have closed, until a day."""

    __tablename__ = "access_override"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    gate: Mapped[str] = mapped_column(String(64))
    effect: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(200))
    made_by: Mapped[str] = mapped_column(String(80))
    made_at: Mapped[datetime]
    until: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(80))


class GuestRow(Base):
    """Somebody found inside a place by another way than ours, and until when they may stay."""

    __tablename__ = "access_guest"
    __table_args__ = (UniqueConstraint("platform", "place", "external_id"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    platform: Mapped[str] = mapped_column(String(16))
    place: Mapped[str] = mapped_column(String(128))
    external_id: Mapped[str] = mapped_column(String(64))
    gate: Mapped[str] = mapped_column(String(64))
    found_at: Mapped[datetime]
    leave_at: Mapped[datetime | None] = mapped_column(index=True)
    """None while nobody can tell whether they belong."""


class TraitsRow(Base):
    """The traits of a token as its metadata named them, and when that was read."""

    __tablename__ = "token_traits"

    chain_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    contract: Mapped[str] = mapped_column(String(42), primary_key=True)
    token_id: Mapped[str] = mapped_column(String(78), primary_key=True)  # up to 2**256
    traits: Mapped[dict[str, Any] | None]
    read_at: Mapped[datetime]  # or last tried, where there are no traits
    emptied_at: Mapped[datetime | None]  # since when looks find none where some were known


class RoomPostRow(Base):
    """A post in a room on the web."""

    __tablename__ = "room_post"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    gate: Mapped[str] = mapped_column(String(64), index=True)
    member_id: Mapped[int | None] = mapped_column(ForeignKey("member.id", ondelete="SET NULL"))
    author: Mapped[str] = mapped_column(String(64))
    official: Mapped[bool] = mapped_column(default=False)
    heading: Mapped[str] = mapped_column(String(200), default="")
    body: Mapped[str] = mapped_column(Text)
    delivery_id: Mapped[int | None] = mapped_column(Key, unique=True)
    links: Mapped[list[Any]] = mapped_column(default=list)  # [[label, address], …]
    picture: Mapped[str | None] = mapped_column(String(64))  # see `WebPictureRow`
    picture_words: Mapped[str] = mapped_column(Text, default="")  # for who cannot see it
    language: Mapped[str] = mapped_column(String(16), default="")  # of heading and body
    edited_at: Mapped[datetime | None]  # when it was made to say something else
    withdrawn_at: Mapped[datetime | None]  # when it was taken back; its words are gone then
    created_at: Mapped[datetime]


class WebMessageRow(Base):
    """A message to one person, read on the web page."""

    __tablename__ = "web_message"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    account_id: Mapped[int] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), index=True
    )
    heading: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text)
    action: Mapped[str | None] = mapped_column(String(64))
    choices: Mapped[list[Any]] = mapped_column(default=list)  # [[label, action], …]
    delivery_id: Mapped[int] = mapped_column(Key, unique=True)
    links: Mapped[list[Any]] = mapped_column(default=list)  # [[label, address], …]
    picture: Mapped[str | None] = mapped_column(String(64))  # see `WebPictureRow`
    picture_words: Mapped[str] = mapped_column(Text, default="")  # for who cannot see it
    language: Mapped[str] = mapped_column(String(16), default="")  # of heading and body
    edited_at: Mapped[datetime | None]  # when it was made to say something else
    withdrawn_at: Mapped[datetime | None]  # when it was taken back; its words are gone then
    created_at: Mapped[datetime]
    opened_at: Mapped[datetime | None]  # when its person first had it before them
