"""What a town pack may ask of a member: rules over tokens and other proofs, tiers, gates."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from core.town.words import Line, Localised, Slug, Table

TokenIds = Annotated[str, StringConstraints(pattern=r"^\d{1,78}(-\d{1,78})?$")]
"""One token id, or a range of them such as ``1-100``."""

Rules = Annotated[tuple["Rule", ...], Field(min_length=1, max_length=20)]


class Kind(Table):
    """``[[kinds]]``: a kind of member, such as citizen, e-resident or donor, side by side."""

    name: Slug
    title: Localised


class Proof(Table):
    """``[[proofs]]``: a way to belong without signing with a wallet.

    ``code``: one-time claim codes that staff make. ``purchaser``: a list of who bought or gave,
    kept as keyed hashes. ``oidc``: an identity provider such as デジタル認証アプリ.
    """

    name: Slug
    title: Localised
    method: Literal["code", "purchaser", "oidc"]
    kind: Slug | None = None
    """The kind of member that it makes."""
    valid_days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    """How long it holds; none: until it is revoked."""
    asks: Annotated[tuple[Literal["order", "email"], ...], Field(min_length=1, max_length=2)] = (
        "order",
    )
    """For ``purchaser``: what somebody says to be found in the list."""
    issuer: Annotated[str, StringConstraints(pattern=r"^https?://\S+$")] | None = None
    """For ``oidc``: the provider, where ``/.well-known/openid-configuration`` stands."""
    client_id: Line | None = None
    scopes: Annotated[tuple[Line, ...], Field(max_length=10)] = ("openid",)
    legal_note: Localised

    @model_validator(mode="after")
    def _provider_is_named(self) -> Self:
        if (self.method == "oidc") != bool(self.issuer and self.client_id):
            raise ValueError("issuer and client_id go with method = 'oidc', and only with it")
        return self


class TokenRule(Table):
    """At least so many tokens of one collection, over all wallets of a member."""

    collection: Slug
    at_least: Annotated[int, Field(ge=1, le=10_000)] = 1
    tokens: Annotated[tuple[TokenIds, ...], Field(max_length=200)] = ()
    """Only these token ids; none: any."""
    traits: Annotated[dict[Line, tuple[Line, ...]], Field(max_length=10)] = {}
    """Only tokens whose metadata has, for each trait named, one of these values."""

    @field_validator("tokens")
    @classmethod
    def _ranges_in_order(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            first, _, last = each.partition("-")
            if last and int(last) < int(first):
                raise ValueError(f"{each} ends before it begins; swap the two numbers")
        return value

    def counts(self, token_id: int) -> bool:
        """Whether this token id is one that the rule is about."""
        spans = [each.partition("-")[::2] for each in self.tokens]
        return not spans or any(
            int(first) <= token_id <= int(last or first) for first, last in spans
        )


class ProofRule(Table):
    """A live proof of this name."""

    proof: Slug


class KindRule(Table):
    """A live proof that makes this kind of member."""

    kind: Slug


class TierRule(Table):
    """This tier, or a higher one."""

    tier: Slug


class Everybody(Table):
    """Every member, whatever they hold: the open tier."""

    everybody: Literal[True]


class AllOf(Table):
    all: Rules


class AnyOf(Table):
    any: Rules


class SomeOf(Table):
    """At least so many of several rules."""

    at_least: Annotated[int, Field(ge=1, le=20)]
    of: Rules

    @model_validator(mode="after")
    def _can_be_met(self) -> Self:
        if self.at_least > len(self.of):
            raise ValueError("at_least asks for more rules than `of` lists")
        return self


Leaf = TokenRule | ProofRule | KindRule | TierRule | Everybody
Rule = Leaf | AllOf | AnyOf | SomeOf


def leaves(rule: Rule) -> Iterator[Leaf]:
    """Every part of a rule that asks something by itself."""
    match rule:
        case AllOf():
            parts = rule.all
        case AnyOf():
            parts = rule.any
        case SomeOf():
            parts = rule.of
        case _:
            yield rule
            return
    for part in parts:
        yield from leaves(part)


class Tier(Table):
    """``[[tiers]]``: how close a member is to the town; the pack lists the lowest first."""

    name: Slug
    title: Localised
    rule: Rule


class Gate(Table):
    """``[[gates]]``: a rule, and the places that it opens."""

    name: Slug
    title: Localised
    rule: Rule
    web_room: bool = True
    telegram_chat: int | None = None
    discord_role: int | None = None
    discord_channel: int | None = None
    grace_days: Annotated[int, Field(ge=0, le=365)] | None = None
    """For this room; none: as ``[access]`` says."""
    guest_minutes: Annotated[int, Field(ge=0, le=1440)] | None = None
    """For this room; none: as ``[access]`` says. 0: at once."""


class Access(Table):
    """``[access]``: how gently doors close."""

    grace_days: Annotated[int, Field(ge=0, le=365)] = 7
    protected: tuple[
        Annotated[str, StringConstraints(pattern=r"^(telegram|discord|web):\w+$")], ...
    ] = ()
    approve_above: Annotated[int, Field(ge=0, le=1_000_000)] = 20
    """A turn that would take more people than this out of rooms waits for a second person."""
    by_hand: Literal["repair", "report"] = "repair"
    """What is done about people whom somebody let in, or took out, by hand on the platform."""
    guest_minutes: Annotated[int, Field(ge=0, le=1440)] = 10
    """How long somebody who came in by a foreign link may stay to show that they belong."""

    @property
    def grace(self) -> timedelta:
        return timedelta(days=self.grace_days)

    def grace_of(self, gate: Gate | None) -> timedelta:
        """How long who loses the right to this room may stay."""
        if gate is None or gate.grace_days is None:
            return self.grace
        return timedelta(days=gate.grace_days)

    def guest_time(self, gate: Gate) -> timedelta:
        """How long a guest of this room may stay."""
        minutes = self.guest_minutes if gate.guest_minutes is None else gate.guest_minutes
        return timedelta(minutes=minutes)
