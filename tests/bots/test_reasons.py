"""What opens a room, in words: the same tree as lines in a chat and as lists on a page."""

import pytest

from bots import texts
from bots.notices import render_for
from bots.reasons import Reasons
from core.access import Evidence, Opened, Refused, Room, decide
from core.access.reasons import Vouched
from core.announcements import Kind
from core.holdings import Holding
from core.town import (
    AllOf,
    AnyOf,
    Gate,
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
from core.town import Kind as KindOfMember

CARD = TokenRule(collection="resident-card")
DONOR = ProofRule(proof="donor")
THREE = TokenRule(collection="resident-card", at_least=3)


def words(ja: str, en: str) -> Localised:
    return Localised({"ja": ja, "en": en})


@pytest.fixture(scope="module")
def pack(town: TownPack) -> TownPack:
    donor = Proof(
        name="donor",
        title=words("ふるさと納税", "Furusato donor"),
        method="purchaser",
        kind="friend",
        legal_note=words("注", "note"),
    )
    regular = Tier(name="regular", title=words("常連", "Regular"), rule=AnyOf(any=(CARD, DONOR)))
    friend = KindOfMember(name="friend", title=words("応援者", "Friend"))
    return town.model_copy(update={"proofs": (donor,), "tiers": (regular,), "kinds": (friend,)})


def room_of(rule: Rule) -> Gate:
    return Gate(name="room", title=words("茶の間", "Tea room"), rule=rule)


def test_alternatives_are_called_one_of_two_and_two_of_three(pack: TownPack) -> None:
    say = Reasons(pack, "ja")
    assert str(say.rule(AnyOf(any=(CARD, DONOR)))).splitlines() == [
        "・次のどちらか1つ:",
        "　・「デジタル住民票(見本)」1枚以上",
        "　・「ふるさと納税」の確認",
    ]
    three = SomeOf(at_least=2, of=(CARD, DONOR, KindRule(kind="friend")))
    assert say.rule(three).words == "次の3つのうち2つ"
    assert say.rule(AllOf(all=(CARD, DONOR))).words == "次のすべて"
    assert say.rule(AllOf(all=(CARD,))).words == "「デジタル住民票(見本)」1枚以上"


def test_a_card_with_numbers_and_traits_is_described_by_both(pack: TownPack) -> None:
    rule = TokenRule(
        collection="resident-card", tokens=("1-100",), traits={"rank": ("gold", "silver")}
    )
    assert Reasons(pack, "en").leaf(rule) == (
        "“Digital resident card (sample)” (number 1-100, rank: gold or silver): 1 or more"
    )


def test_what_is_short_says_how_many_are_there_and_what_could_not_be_read(pack: TownPack) -> None:
    held = Evidence((Holding("resident-card", "wallet", 1, 1),))
    refused = decide(room_of(AllOf(all=(THREE, DONOR))), held, pack)
    assert isinstance(refused, Refused)
    say = Reasons(pack, "ja")
    assert str(say.shortfall(refused.shortfall)).splitlines() == [
        "・次のすべて:",
        "　・「デジタル住民票(見本)」3枚以上(いま1枚)",
        "　・「ふるさと納税」の確認(まだ)",
    ]
    away = Evidence(missing={"resident-card": "no answer"})
    unknown = decide(room_of(THREE), away, pack)
    missing = say.missing(Room(room_of(THREE), unknown))
    assert missing is not None
    assert missing.words.endswith("(いまは確かめられません)")


def test_a_tier_says_what_it_asks_for(pack: TownPack) -> None:
    refused = decide(room_of(TierRule(tier="regular")), Evidence(), pack)
    assert isinstance(refused, Refused)
    lines = str(Reasons(pack, "en").shortfall(refused.shortfall)).splitlines()
    assert lines[0] == "・the level “Regular”, or a higher one (not yet):"
    assert lines[1] == "　・Either of these:"


def test_what_opened_a_room_is_said_once(pack: TownPack) -> None:
    by = (Opened(TierRule(tier="regular")), Opened(CARD, 2), Opened(CARD, 2))
    assert Reasons(pack, "ja").opened(by) == "常連、デジタル住民票(見本)"
    assert Reasons(pack, "ja").opened((Opened(Vouched()),)) == "役場の職員からの招待"
    assert Reasons(pack, "ja").opened(()) == ""


def test_a_name_that_the_pack_no_longer_has_is_said_as_it_was(pack: TownPack) -> None:
    gone = TokenRule(collection="old-card")
    assert "old-card" in Reasons(pack, "ko").leaf(gone)


@pytest.mark.parametrize("language", texts.LANGUAGES)
@pytest.mark.parametrize(
    "why", [None, "null", '{"leaf": {"proof": "donor"}, "held": 0, "needed": 1}']
)
def test_a_notice_says_why_in_every_language(
    pack: TownPack, language: str, why: str | None
) -> None:
    values = {"room": "residents", "leave_at": "2026-11-29T00:00:00+00:00"}
    if why is not None:
        values["why"] = why
    stored = {"key": "leaving", "values": values, "action": None}
    said = render_for(pack)(Kind.NOTICE, stored, language).body
    assert "2026" in said
    assert "・" in said
    if why and "donor" in why:
        assert Reasons(pack, language).title(DONOR) in said
    elif why == "null":
        assert texts.say("access.room.gone", language) in said


@pytest.mark.parametrize("language", texts.LANGUAGES)
@pytest.mark.parametrize("key", ["taken-back", "given-back", "left"])
def test_every_notice_about_a_room_has_its_words(pack: TownPack, language: str, key: str) -> None:
    stored = {"key": key, "values": {"room": "residents", "why": "null"}, "action": None}
    said = render_for(pack)(Kind.NOTICE, stored, language)
    gate = pack.gate("residents")
    assert gate is not None
    assert gate.title.get(language) in said.body
