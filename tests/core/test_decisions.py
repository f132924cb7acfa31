"""What a rule says of what a member has, and of what nobody could read."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.access import (
    Admitted,
    Evidence,
    Lack,
    Lacks,
    Met,
    Opened,
    Refused,
    Short,
    Undecided,
    Unknown,
    Vouched,
    decide,
    judge,
    tier_of,
)
from core.access.reasons import (
    pack_opened,
    pack_shortfall,
    unpack_opened,
    unpack_shortfall,
)
from core.credentials import Credential
from core.holdings import Holding
from core.town import (
    AllOf,
    AnyOf,
    Everybody,
    Gate,
    Kind,
    KindRule,
    Localised,
    Proof,
    ProofRule,
    Rule,
    SomeOf,
    Tier,
    TierRule,
    TokenRule,
    TownPack,
)

WORDS = Localised({"ja": "名前"})
A, B, C = (TokenRule(collection=each) for each in ("a", "b", "c"))
DONOR = ProofRule(proof="donor")


@pytest.fixture(scope="module")
def pack(town: TownPack) -> TownPack:
    """A town with two proofs that make kinds of members, and three tiers."""
    proofs = tuple(
        Proof(name=name, title=WORDS, method="code", kind=kind, legal_note=WORDS)
        for name, kind in (("donor", "friend"), ("resident", "citizen"))
    )
    tiers = (
        Tier(name="guest", title=WORDS, rule=Everybody(everybody=True)),
        Tier(name="regular", title=WORDS, rule=AnyOf(any=(A, DONOR))),
        Tier(name="core", title=WORDS, rule=AllOf(all=(TierRule(tier="regular"), B))),
    )
    kinds = (Kind(name="friend", title=WORDS), Kind(name="citizen", title=WORDS))
    return town.model_copy(update={"proofs": proofs, "tiers": tiers, "kinds": kinds})


def gate(rule: Rule) -> Gate:
    return Gate(name="room", title=WORDS, rule=rule)


def cards(held: Mapping[str, int]) -> tuple[Holding, ...]:
    """So many cards of each collection, one in each of several wallets."""
    return tuple(
        Holding(collection, f"wallet{number}", 1, 1)
        for collection, count in held.items()
        for number in range(count)
    )


def credentials(*names: str) -> tuple[Credential, ...]:
    proved = datetime(2026, 1, 1, tzinfo=UTC)
    return tuple(Credential(n, name, proved, None) for n, name in enumerate(names))


def evidence(
    held: Mapping[str, int] | None = None, *proofs: str, away: tuple[str, ...] = ()
) -> Evidence:
    return Evidence(cards(held or {}), credentials(*proofs), dict.fromkeys(away, "no answer"))


B3 = TokenRule(collection="b", at_least=3)


@pytest.mark.parametrize(
    ("rule", "held", "admitted"),
    [
        pytest.param(A, {"a": 1}, True, id="exactly the minimum"),
        pytest.param(B3, {"b": 2}, False, id="one too few"),
        pytest.param(AllOf(all=(A, B3)), {"a": 1, "b": 3}, True, id="all"),
        pytest.param(AllOf(all=(A, B3)), {"a": 1, "b": 1}, False, id="not all"),
        pytest.param(AnyOf(any=(A, B3)), {"b": 3}, True, id="any"),
        pytest.param(AnyOf(any=(A, B3)), {"b": 1}, False, id="not any"),
        pytest.param(AnyOf(any=(AllOf(all=(A, B3)), A)), {"a": 1}, True, id="nested"),
        pytest.param(SomeOf(at_least=2, of=(A, B, C)), {"a": 1, "c": 1}, True, id="two of three"),
        pytest.param(SomeOf(at_least=2, of=(A, B, C)), {"c": 5}, False, id="one of three"),
        pytest.param(Everybody(everybody=True), {}, True, id="everybody"),
    ],
)
def test_a_rule_is_met_by_what_all_wallets_hold_together(
    pack: TownPack, rule: Rule, held: dict[str, int], admitted: bool
) -> None:
    assert isinstance(decide(gate(rule), evidence(held), pack), Admitted) is admitted


def test_a_kind_of_member_is_made_by_any_proof_of_that_kind(pack: TownPack) -> None:
    rule = gate(KindRule(kind="citizen"))
    assert isinstance(decide(rule, evidence(None, "resident"), pack), Admitted)
    assert isinstance(decide(rule, evidence(None, "donor"), pack), Refused)


@pytest.mark.parametrize(
    ("held", "proofs", "tier"),
    [
        pytest.param({}, (), "guest", id="everybody is a guest"),
        pytest.param({"a": 1}, (), "regular", id="by a card"),
        pytest.param({}, ("donor",), "regular", id="by a proof"),
        pytest.param({"b": 1}, (), "guest", id="the higher tier asks for the lower one"),
        pytest.param({"b": 1}, ("donor",), "core", id="both"),
    ],
)
def test_a_member_has_the_highest_tier_that_is_reached(
    pack: TownPack, held: dict[str, int], proofs: tuple[str, ...], tier: str
) -> None:
    reached = tier_of(pack, evidence(held, *proofs))
    assert reached is not None
    assert reached.name == tier
    for rule in ("guest", "regular", "core"):
        order = ["guest", "regular", "core"]
        opens = isinstance(judge(TierRule(tier=rule), evidence(held, *proofs), pack), Met)
        assert opens is (order.index(rule) <= order.index(tier))


def test_a_tier_reached_by_itself_counts_as_every_lower_one(pack: TownPack) -> None:
    tiers = (
        Tier(name="low", title=WORDS, rule=A),
        Tier(name="high", title=WORDS, rule=DONOR),
    )
    town = pack.model_copy(update={"tiers": tiers})
    assert isinstance(judge(TierRule(tier="low"), evidence(None, "donor"), town), Met)


def tokens(held: Mapping[int, int] | None, balance: int | None = None) -> Evidence:
    count = balance if balance is not None else sum((held or {}).values())
    return Evidence((Holding("a", "wallet", count, 1, held),))


NUMBERED = TokenRule(collection="a", tokens=("1-100", "777"))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(tokens({777: 1}), Met, id="one of those"),
        pytest.param(tokens({101: 9}), Short, id="another"),
        pytest.param(tokens(None, 1), Undecided, id="only the balance is known"),
        pytest.param(tokens(None, 0), Short, id="nothing at all"),
    ],
)
def test_a_rule_about_token_ids_needs_the_token_ids(
    pack: TownPack, found: Evidence, expected: type
) -> None:
    assert isinstance(judge(NUMBERED, found, pack), expected)


GOLD = TokenRule(collection="a", traits={"rank": ("gold", "silver")})


@pytest.mark.parametrize(
    ("traits", "expected"),
    [
        pytest.param({"rank": "gold", "colour": "red"}, Met, id="has it"),
        pytest.param({"rank": "bronze"}, Short, id="has another value"),
        pytest.param({}, Short, id="has none"),
        pytest.param(None, Undecided, id="could not be read"),
    ],
)
def test_a_rule_about_traits_needs_the_metadata(
    pack: TownPack, traits: Mapping[str, str] | None, expected: type
) -> None:
    found = replace(tokens({5: 1}), traits={("a", 5): traits})
    assert isinstance(judge(GOLD, found, pack), expected)


def test_tokens_that_may_or_may_not_count_leave_open_only_what_they_could_change(
    pack: TownPack,
) -> None:
    two = GOLD.model_copy(update={"at_least": 2})
    traits = {("a", 5): {"rank": "gold"}, ("a", 6): None}
    assert isinstance(judge(two, replace(tokens({5: 1, 6: 1}), traits=traits), pack), Undecided)
    assert isinstance(judge(two, replace(tokens({5: 2, 6: 1}), traits=traits), pack), Met)
    three = GOLD.model_copy(update={"at_least": 3})
    assert isinstance(judge(three, replace(tokens({5: 1, 6: 1}), traits=traits), pack), Short)


def test_another_proof_admits_while_the_chain_is_away(pack: TownPack) -> None:
    room = gate(AnyOf(any=(A, DONOR)))
    assert isinstance(decide(room, evidence(None, away=("a",)), pack), Unknown)
    assert isinstance(decide(room, evidence(None, "donor", away=("a",)), pack), Admitted)


def test_what_is_surely_missing_refuses_while_the_chain_is_away(pack: TownPack) -> None:
    room = gate(AllOf(all=(A, DONOR)))
    refused = decide(room, evidence(None, away=("a",)), pack)
    assert isinstance(refused, Refused)
    assert refused.shortfall == Lack(DONOR, held=0, needed=1)


def test_a_refusal_names_all_that_would_do(pack: TownPack) -> None:
    room = gate(SomeOf(at_least=2, of=(A, B3, DONOR)))
    assert decide(room, evidence({"b": 1}), pack) == Refused(
        "room", 0, 1, Lacks(2, (Lack(A, 0, 1), Lack(B3, 1, 3), Lack(DONOR, 0, 1)))
    )
    assert decide(room, evidence({"a": 1}), pack) == Refused(
        "room", 0, 3, Lacks(1, (Lack(B3, 0, 3), Lack(DONOR, 0, 1)))
    )


def test_a_refused_tier_says_what_the_tier_asks_for(pack: TownPack) -> None:
    refused = decide(gate(TierRule(tier="regular")), evidence(), pack)
    inside = Lacks(1, (Lack(A, 0, 1), Lack(DONOR, 0, 1)))
    assert refused == Refused("room", 0, 1, Lack(TierRule(tier="regular"), 0, 1, inside))


def test_an_admission_says_what_opened_the_room(pack: TownPack) -> None:
    admitted = decide(gate(TierRule(tier="core")), evidence({"b": 2}, "donor"), pack)
    assert admitted == Admitted(
        "room",
        (
            Opened(TierRule(tier="core")),
            Opened(TierRule(tier="regular")),
            Opened(DONOR),
            Opened(B, 2),
        ),
    )


def test_what_staff_vouch_for_is_open_whatever_the_chain_says(pack: TownPack) -> None:
    vouched = replace(evidence(None, away=("a",)), vouched=frozenset({"room"}))
    assert decide(gate(A), vouched, pack) == Admitted("room", (Opened(Vouched()),))


# Properties

COLLECTIONS = ("a", "b", "c")
PROOFS = ("donor", "resident")
leaf_rules: st.SearchStrategy[Rule] = st.one_of(
    st.builds(TokenRule, collection=st.sampled_from(COLLECTIONS), at_least=st.integers(1, 3)),
    st.sampled_from(
        [
            TokenRule(collection="a", tokens=("1-2",)),
            TokenRule(collection="b", traits={"rank": ("gold",)}),
            ProofRule(proof="donor"),
            ProofRule(proof="resident"),
            KindRule(kind="friend"),
            TierRule(tier="regular"),
            TierRule(tier="core"),
            Everybody(everybody=True),
        ]
    ),
)


def _combined(parts: st.SearchStrategy[Rule]) -> st.SearchStrategy[Rule]:
    several = st.lists(parts, min_size=1, max_size=4).map(tuple)
    return st.one_of(
        several.map(lambda each: AllOf(all=each)),
        several.map(lambda each: AnyOf(any=each)),
        several.flatmap(
            lambda each: st.integers(1, len(each)).map(lambda n: SomeOf(at_least=n, of=each))
        ),
    )


rules: st.SearchStrategy[Rule] = st.recursive(leaf_rules, _combined, max_leaves=8)


@st.composite
def some_evidence(draw: st.DrawFn) -> Evidence:
    """Tokens with their ids and traits, proofs; everything read."""
    holdings: list[Holding] = []
    traits: dict[tuple[str, int], Mapping[str, str] | None] = {}
    for name in COLLECTIONS:
        held = draw(st.dictionaries(st.integers(1, 4), st.integers(1, 2), max_size=3))
        holdings.append(Holding(name, "wallet", sum(held.values()), 1, held))
        traits |= {(name, each): {"rank": draw(st.sampled_from(("gold", "tin")))} for each in held}
    proofs = draw(st.sets(st.sampled_from(PROOFS)))
    return Evidence(tuple(holdings), credentials(*sorted(proofs)), {}, traits)


@st.composite
def evidence_with_gaps(draw: st.DrawFn) -> tuple[Evidence, Evidence]:
    """What is so, and what could be read of it."""
    whole = draw(some_evidence())
    away = draw(st.sets(st.sampled_from(COLLECTIONS)))
    blurred = draw(st.sets(st.sampled_from(COLLECTIONS)))
    unread = draw(st.sets(st.sampled_from(sorted(whole.traits)))) if whole.traits else set()
    seen = Evidence(
        tuple(
            replace(each, tokens=None) if each.collection in blurred else each
            for each in whole.holdings
            if each.collection not in away
        ),
        whole.credentials,
        dict.fromkeys(away, "no answer"),
        {key: None if key in unread else value for key, value in whole.traits.items()},
    )
    return whole, seen


@given(rules, evidence_with_gaps())
def test_a_gap_never_turns_a_yes_into_a_no_nor_a_no_into_a_yes(
    pack: TownPack, rule: Rule, found: tuple[Evidence, Evidence]
) -> None:
    whole, seen = found
    truth, decision = judge(rule, whole, pack), judge(rule, seen, pack)
    assert not isinstance(truth, Undecided)
    if isinstance(truth, Met):
        assert not isinstance(decision, Short)
    else:
        assert not isinstance(decision, Met)


@given(rules, some_evidence(), some_evidence())
def test_more_evidence_never_closes_a_room(
    pack: TownPack, rule: Rule, less: Evidence, other: Evidence
) -> None:
    renamed = tuple(replace(each, owner="second wallet") for each in other.holdings)
    more = Evidence(
        less.holdings + renamed,
        less.credentials + other.credentials,
        {},
        {**other.traits, **less.traits},
    )
    if isinstance(judge(rule, less, pack), Met):
        assert isinstance(judge(rule, more, pack), Met)


@given(rules, evidence_with_gaps())
def test_what_is_read_at_last_never_turns_an_admission_into_a_refusal(
    pack: TownPack, rule: Rule, found: tuple[Evidence, Evidence]
) -> None:
    whole, seen = found
    if isinstance(judge(rule, seen, pack), Met):
        assert isinstance(judge(rule, whole, pack), Met)


@given(st.lists(st.sampled_from([True, False, None]), min_size=1, max_size=4), st.data())
def test_and_or_and_at_least_n_follow_kleene(
    pack: TownPack, values: list[bool | None], data: st.DataObject
) -> None:
    """Each part true, false or undecided; compared with every way the gaps could be filled."""
    n = data.draw(st.integers(1, len(values)))
    names = [f"part{number}" for number in range(len(values))]
    found = Evidence(
        tuple(Holding(name, "w", 1, 1) for name, v in zip(names, values, strict=True) if v),
        missing={name: "away" for name, v in zip(names, values, strict=True) if v is None},
    )
    parts = tuple(TokenRule(collection=each) for each in names)
    outcomes = {
        sum(filled) >= n
        for filled in product(*[(v,) if v is not None else (True, False) for v in values])
    }
    expected = Undecided if len(outcomes) == 2 else Met if outcomes == {True} else Short
    assert isinstance(judge(SomeOf(at_least=n, of=parts), found, pack), expected)


@given(rules, evidence_with_gaps())
def test_a_reason_is_kept_and_read_again_word_for_word(
    pack: TownPack, rule: Rule, found: tuple[Evidence, Evidence]
) -> None:
    match judge(rule, found[1], pack):
        case Met(by=by):
            assert unpack_opened(pack_opened(by)) == by
        case Short(shortfall=shortfall) | Undecided(shortfall=shortfall):
            assert unpack_shortfall(pack_shortfall(shortfall)) == shortfall


def test_a_grant_older_than_the_reasons_has_none() -> None:
    assert unpack_opened(None) == ()
    assert unpack_opened({"by": [{"leaf": {"moon": 1}}]}) == ()
    assert unpack_shortfall({"leaf": 7}) is None
