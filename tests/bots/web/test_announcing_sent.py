"""What was sent: stopped and resumed, its results, those missed, changed and taken back."""

from core.announcements import Blocked, Failed
from tests.bots.web.announcing import (
    WORDS,
    drafted,
    members,
    pumped,
    telegram,
    town_office,
)
from tests.bots.web.stage import World
from tests.bots.web.test_console import enter

__all__ = ["town_office"]


# While it is sent, and after


async def test_sending_can_be_paused_resumed_and_cancelled(town_office: World) -> None:
    async with town_office.visitor() as hana:
        await enter(town_office, hana)
        path = await drafted(hana, reach="room")
        assert "Pause" in (await hana.post(f"{path}/confirm", when="now")).text
        paused = await hana.post(f"{path}/pause")
        assert "nobody gets it twice" in paused.text
        assert await town_office.app.pumps["web"].tick() == 0
        assert "Nothing was changed." in (await hana.post(f"{path}/pause")).text
        await hana.post(f"{path}/resume")
        assert "What had arrived stays." in (await hana.post(f"{path}/cancel", sure="yes")).text
        assert await town_office.app.pumps["web"].tick() == 0


async def test_the_result_for_each_is_filtered_and_saved_with_heads_in_the_language_of_staff(
    town_office: World,
) -> None:
    await members(town_office, 3)
    telegram(town_office).prepared = [Blocked("=blocked by the user")]
    async with town_office.visitor() as hana, town_office.visitor("ja") as ken:
        await enter(town_office, hana)
        await enter(town_office, ken, "ken")
        path = await drafted(hana)
        await hana.post(f"{path}/confirm", when="now")
        await pumped(town_office)
        everybody = (await hana.get(f"{path}/recipients")).text
        assert "All (3)" in everybody
        assert everybody.count("Member ") == 3
        blocked = (await hana.get(f"{path}/recipients?result=blocked")).text
        assert blocked.count('<th scope="row">Member ') == 1
        table = (await hana.get(f"{path}/recipients.csv")).text
        assert table.startswith("\ufeffRecipient,By,Language,Result,Reason,Tries")
        assert "'=blocked by the user" in table
        japanese = (await ken.get(f"{path}/recipients.csv?result=blocked")).text
        assert japanese.startswith("\ufeff送り先,手段,ことば,結果,理由,回数")
        assert len(japanese.splitlines()) == 2
        assert "ja-0" not in table  # nobody's chat account


async def test_the_result_says_how_many_nothing_was_sent_to(town_office: World) -> None:
    await members(town_office, 3)
    async with town_office.visitor("ja") as hana:
        await enter(town_office, hana)
        path = await drafted(hana)
        await hana.post(f"{path}/confirm", when="now")
        waiting = "3人にはまだ送っていません"
        assert waiting in (await hana.get(f"{path}/recipients")).text
        assert waiting in (await hana.get(f"{path}/recipients.csv")).text.splitlines()[-1]
        await hana.post(f"{path}/cancel", sure="yes")
        assert "3人には送りませんでした" in (await hana.get(f"{path}/recipients")).text
        progress = (await hana.get(path)).text
        assert "<dt>送らなかった</dt>" in progress
        assert "0%" not in progress


async def test_those_whom_it_missed_get_a_draft_of_their_own(town_office: World) -> None:
    await members(town_office, 3)
    telegram(town_office).prepared = [Failed("HTTP 400")]
    async with town_office.visitor() as hana:
        await enter(town_office, hana)
        path = await drafted(hana)
        await hana.post(f"{path}/confirm", when="now")
        await pumped(town_office)
        assert "Send to those it missed (1)" in (await hana.get(path)).text
        draft = await hana.post(f"{path}/missed")
        assert "Send to 1 people" in draft.text
        assert "Whom announcement #1 did not reach" in draft.text
        twin = str(draft.answer.url.path)
        await hana.post(f"{twin}/confirm", when="now")
        assert await pumped(town_office) == 1


async def test_what_arrived_is_changed_and_taken_back_only_on_purpose(town_office: World) -> None:
    await members(town_office, 2)
    async with town_office.visitor() as hana:
        await enter(town_office, hana)
        path = await drafted(hana)
        early = await hana.get(f"{path}/change")
        assert "Nothing was changed." in early.text
        await hana.post(f"{path}/confirm", when="now")
        await pumped(town_office)
        form = await hana.get(f"{path}/change")
        assert "Can be changed: 2" in form.text
        same = await hana.post(f"{path}/change", WORDS, revision="1")
        assert (same.status, "Nothing has changed." in same.text) == (422, True)
        empty = await hana.post(f"{path}/change", {**WORDS, "body-ja": ""}, revision="1")
        assert (empty.status, "Please write a text." in empty.text) == (422, True)
        done = await hana.post(f"{path}/change", {**WORDS, "body-ja": "延期します。"}, revision="1")
        assert "The change is on its way." in done.text
        unsure = await hana.post(f"{path}/retract")
        assert (unsure.status, "It cannot be undone." in unsure.text) == (422, True)
        gone = await hana.post(f"{path}/retract", sure="yes")
        assert "It is being taken back." in gone.text
        assert "Taken back 21 November 2026" in gone.text
        again = await hana.post(f"{path}/retract", sure="yes")
        assert again.status == 200
