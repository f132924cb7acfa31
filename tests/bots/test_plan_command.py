"""`kankei plan`: what staff read before they change a rule."""

from pathlib import Path

from bots.cli.plan import lines, rehearse
from core import identity
from core.access.changes import Losses, Rehearsal
from core.clock import system_clock
from core.database import connect, migrate, session_factory, transaction
from core.settings import Settings
from core.tables import GrantRow
from core.town import TownPack

NONE = Losses(0, {}, [])
CARD = {"leaf": {"collection": "resident-card", "at_least": 2}, "held": 0, "needed": 2}


def told(town: TownPack, found: Rehearsal, language: str = "ja") -> str:
    return "\n".join(lines(town, found, language))


def test_it_says_how_many_people_a_change_would_remove_by_room_and_reason(town: TownPack) -> None:
    reasons = [{"gate": "residents", "reason": CARD, "people": 214}]
    losing = Losses(214, {"residents": 214}, reasons)
    found = Rehearsal(True, losing, NONE, {"residents": 3}, 1, 20)
    words = told(town, found)
    assert "この変更で部屋を失う人：214人" in words
    assert "・デジタル住民の広場：214人" in words
    assert "「デジタル住民票(見本)」2枚以上" in words
    assert "いま確かめられなかった人：1人" in words
    assert "職員2人が画面（/console/changes）で承認するまで" in words
    english = told(town, found, "en")
    assert "This change would take a room from 214 people." in english
    assert "until two of the staff have agreed" in english


def test_a_change_that_touches_few_is_said_to_apply_by_itself(town: TownPack) -> None:
    few = Losses(2, {"residents": 2}, [{"gate": "residents", "reason": None, "people": 2}])
    assert "20人以下なので" in told(town, Rehearsal(True, few, NONE, {}, 0, 20))


def test_the_same_rules_are_said_to_be_the_same(town: TownPack) -> None:
    words = told(town, Rehearsal(False, NONE, NONE, {}, 0, 20))
    assert "同じです" in words
    assert "承認" not in words


async def test_where_no_chain_answers_everybody_inside_is_undecided(
    town: TownPack, tmp_path: Path
) -> None:
    settings = Settings(town=town.folder, data_dir=tmp_path)
    engine = connect(settings.database)
    await migrate(engine)
    now = system_clock()
    async with transaction(session_factory(engine)) as session:
        account = await identity.account(session, "web", "1", locale="ja", now=now)
        await identity.link_wallet(session, account.member_id, "0x" + "1" * 40, 1, now=now)
        session.add(
            GrantRow(
                member_id=account.member_id,
                account_id=account.id,
                gate="residents",
                platform="web",
                place="residents",
                state="open",
                granted_at=now,
            )
        )
    await engine.dispose()
    found = await rehearse(settings, town)
    assert (found.undecided, found.by_rules.people, found.ordinary.people) == (1, 0, 0)
