"""A draft by a language service: marked, compared, and read before it is sent."""

import asyncio
from datetime import timedelta

import pytest
from aiohttp import web

from bots.guiding import translator_of
from core.announcements import AnnouncementState
from knowledge.errors import GeneratorError, GeneratorTimeout
from knowledge.testing import FakeGenerator
from knowledge.translation import Translator
from tests.bots.web.announcing import (
    ENGLISH,
    NEW,
    WORDS,
    looked,
    members,
    state_of,
    town_office,
)
from tests.bots.web.stage import World
from tests.bots.web.test_console import enter
from tests.knowledge.test_generate import Handler, broken, chunk, endpoint, events, html, says

__all__ = ["town_office"]


# Translation


def translating(world: World, says: str = "", fails: Exception | None = None) -> None:
    world.app.translator = Translator(FakeGenerator(says, fails), timeout=5)


SAID = f"{ENGLISH['heading-en']}\n\n{ENGLISH['body-en']}"


async def test_without_a_language_service_the_button_is_not_there_and_a_sentence_says_why(
    town_office: World,
) -> None:
    async with town_office.visitor() as hana:
        await enter(town_office, hana)
        seen = await hana.get(f"{NEW}/new")
        assert "No language service is set up" in seen.text
        assert "data-translate" not in seen.text
        assert (await hana.post(f"{NEW}/translate", WORDS, language="en")).status == 404


async def test_a_machine_draft_is_marked_and_not_sent_before_a_person_has_read_it(
    town_office: World,
) -> None:
    translating(town_office, SAID)
    await members(town_office, 1)
    async with town_office.visitor() as hana:
        await enter(town_office, hana)
        drawn = await (await hana.post(f"{NEW}/translate", WORDS, language="en")).read()
        assert (drawn["heading"], drawn["body"]) == tuple(ENGLISH.values())
        by_hand = await hana.post(NEW, {**WORDS, "reach": "direct", "step": "translate-en"})
        assert ENGLISH["body-en"] in by_hand.text  # the same without scripts
        assert "A machine wrote this draft" in by_hand.text
        machine = {**ENGLISH, "machine-en": "yes"}
        unread = await hana.post(NEW, {**WORDS, "reach": "direct", **machine})
        assert (unread.status, "Read it and tick the box" in unread.text) == (422, True)
        kept = await hana.post(NEW, {**WORDS, "reach": "direct", **machine, "step": "keep"})
        assert "The draft was saved." in kept.text
        path = f"{NEW}/1"
        assert "still unread, so it cannot be sent" in (await hana.get(path)).text
        await hana.post(f"{path}/confirm", when="now")  # past the page
        assert await state_of(town_office, path) is AnnouncementState.DRAFT
        read = {**WORDS, "reach": "direct", **machine, "read-en": "yes"}
        await hana.post(f"{path}/edit", read)
        await hana.post(f"{path}/confirm", when="now")
        assert await state_of(town_office, path) is AnnouncementState.SENDING


async def test_figures_that_a_translation_changed_are_a_fault_that_names_them(
    town_office: World,
) -> None:
    wrong = SAID.replace("50 people", "15 people")
    translating(town_office, wrong)
    async with town_office.visitor() as hana:
        await enter(town_office, hana)
        seen = await hana.post(NEW, {**WORDS, "reach": "direct", "step": "translate-en"})
        assert "Figures or dates differ from the Japanese." in seen.text
        assert "<b>50名</b>" in seen.text
        assert "<b>15 people</b>" in seen.text
        english = {"heading-en": "Grassland burning", "body-en": wrong.partition("\n\n")[2]}
        own = await hana.post(NEW, {**WORDS, **english, "reach": "direct"})
        assert (own.status, "Mend them, or tick" in own.text) == (422, True)
        drawn = await looked(hana, reach="direct", **english)
        assert drawn["marks"]["en"] == "check the figures"  # type: ignore[index]
        ticked = await hana.post(NEW, {**WORDS, **english, "reach": "direct", "read-en": "yes"})
        assert ticked.status == 200
        assert "Figures or dates differ from the Japanese." in ticked.text


@pytest.mark.parametrize(
    ("says", "fails", "sentence"),
    [
        ("", GeneratorTimeout("slow"), "The translation took too long."),
        ("", GeneratorError("broken"), "No usable translation came back."),
        ("I cannot do that.", None, "No usable translation came back."),
    ],
)
async def test_a_translation_that_fails_is_a_sentence_and_leaves_the_form_as_it_was(
    town_office: World, says: str, fails: Exception | None, sentence: str
) -> None:
    translating(town_office, says, fails)
    async with town_office.visitor() as hana:
        await enter(town_office, hana)
        fields = {**WORDS, "heading-en": "mine", "body-en": "mine too", "reach": "direct"}
        seen = await hana.post(NEW, {**fields, "step": "translate-en"})
        assert sentence in seen.text
        assert 'value="mine"' in seen.text
        drawn = await (await hana.post(f"{NEW}/translate", WORDS, language="en")).read()
        assert sentence in drawn["said"]
        assert "body" not in drawn


async def stalls(request: web.Request) -> web.StreamResponse:
    response = await events(request, chunk("Grass"))
    await asyncio.Event().wait()
    return response


@pytest.mark.parametrize(
    ("handler", "sentence"),
    [
        (says(SAID[:30], SAID[30:]), "The draft in English is there."),
        (says(SAID.replace("9 a.m.", "9 p.m.")), "The draft in English is there."),
        (stalls, "The translation took too long."),
        (broken, "No usable translation came back."),
        (html, "No usable translation came back."),
        (says("草原を焼きます。"), "No usable translation came back."),
    ],
    ids=["faithful", "another time of day", "stalls", "broken", "a login page", "nonsense"],
)
async def test_the_settings_language_service_writes_the_draft_or_the_page_says_what_happened(
    town_office: World, handler: Handler, sentence: str
) -> None:
    async with endpoint(handler) as address, town_office.visitor() as hana:
        settings = town_office.app.settings.model_copy(
            update={"openai_base_url": address, "openai_timeout": timedelta(seconds=0.5)}
        )
        translator = town_office.app.translator = translator_of(settings)
        assert translator is not None
        await enter(town_office, hana)
        drawn = await (await hana.post(f"{NEW}/translate", WORDS, language="en")).read()
        assert sentence in drawn["said"]
        if "body" in drawn:
            fields = {"heading-en": drawn["heading"], "body-en": drawn["body"]}
            seen = await looked(hana, reach="direct", **fields, **{"machine-en": "yes"})
            assert "A machine wrote this draft" in seen["checks"]["en"]  # type: ignore[index]
            differs = "Figures or dates differ" in seen["checks"]["en"]  # type: ignore[index]
            assert differs == ("p.m." in drawn["body"])
        await translator.aclose()
