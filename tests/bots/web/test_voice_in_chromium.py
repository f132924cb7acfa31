"""Real Chromium, a real microphone file, a real voice: what somebody who talks sees and hears."""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Playwright, expect

from bots.voice import Voice
from core.testing import SetClock
from knowledge.language import Language
from knowledge.testing import FakeEars, FakeMouth
from knowledge.voice.codec import AvCodec
from knowledge.voice.port import HEARING_RATE, Container, Piece
from tests.bots.web.stage import World, open_town
from tests.bots.web.talking import Talker, recording, talker
from tests.world.voices import need, said

QUESTION = "秋芳洞の料金はいくらですか"
NEXT = "駐車場はありますか"
ANSWER = (
    "秋芳洞の入洞料は、おとな1600円です。こどもは、1000円です。"
    "年中無休で、朝の8時30分から、夕方の5時30分まで入れます。市の資料、2026年2月時点です。"
)
pytestmark = pytest.mark.filterwarnings(
    "ignore:Dictionary.create:DeprecationWarning:pyopenjtalk"  # its own, of its readings
)
AUDIBLE = 0.02
PAUSE = 15
"""Frames of 32 ms without sound: before them somebody else, or nobody, was speaking."""
PAUSE_FOR_ANSWER = 7.0
"""Seconds between two questions in which the answer has begun, and has not ended."""
BETWEEN = 1000
"""Milliseconds: longer than the pause between two sentences of an answer."""
SOONEST = 250
"""Milliseconds from the first sound of a voice in the page's microphone to the mascot's silence.

The clock starts when the page has the first audible frame: detection, the way to the server and
back, and fading out are in it; capture and that frame's own 32 ms are not.
"""


class Mei(FakeMouth):
    """The real voice, in this process."""

    async def pieces(
        self, text: str, *, language: Language, container: Container = Container.OGG_OPUS
    ) -> AsyncGenerator[Piece, None]:
        for sentence in re.findall(r"[^。]+。?", text):
            self.said.append((sentence, language))
            clip = said(sentence)
            yield Piece(sentence, AvCodec().encode(clip, container), container, clip.seconds)


@dataclass
class Stage:
    world: World
    ears: FakeEars
    folder: Path


@pytest.fixture
async def stage(tmp_path: Path, clock: SetClock) -> AsyncIterator[Stage]:
    need("av", "pyopenjtalk", "faster_whisper")
    ears, mouth = FakeEars(), Mei(languages=frozenset({Language.JA, Language.JA_EASY}))
    voice = Voice(ears=lambda: ears, mouth=lambda: mouth)
    async with open_town(tmp_path, clock, demo=False, voice=voice) as world:
        world.talk.spoken = ANSWER
        yield Stage(world, ears, tmp_path)


@asynccontextmanager
async def visitor(
    playwright: Playwright, stage: Stage, *parts: str | float, url: str = "", locale: str = "ja-JP"
) -> AsyncIterator[Talker]:
    """Somebody at a phone of 360 pixels, saying these sentences with pauses (seconds)."""
    sounds = [said(each) if isinstance(each, str) else each for each in parts]
    file = recording(stage.folder / "microphone.wav", *sounds)
    async with talker(
        playwright, url or stage.world.url, file, size=(360, 800), locale=locale
    ) as made:
        yield made


async def test_who_holds_the_button_is_heard_answered_and_spoken_to(
    stage: Stage, playwright: Playwright
) -> None:
    async with visitor(playwright, stage, 0.3, QUESTION, 1.0) as talking:
        page = talking.page
        button = page.get_by_role("button", name="話す")
        await button.hover()
        await page.mouse.down()
        await expect(page.get_by_text("聞いています。お話しください。").first).to_be_visible()
        await talking.until("heard.asked.filter(each => each.type === 'sound').length >= 12")
        await page.mouse.up()
        await expect(page.get_by_text("美祢市観光協会")).to_be_attached()
        await talking.until("heard.shown[0] === given.said", said=ANSWER.partition("。")[0] + "。")
        # Who hears the answer does not have it read by a screen reader as well.
        await expect(page.locator(".log")).to_have_attribute("aria-live", "off")
        await talking.until("heard.loud.length > 20")
        await page.get_by_role("button", name="声を止める").click()
        await expect(page.locator("[data-caption]")).to_be_hidden()
        await expect(page.locator(".log")).to_have_attribute("aria-live", "polite")
        quiet = await page.evaluate("performance.now()") + SOONEST
        # A correction is one edit and Enter, and its answer is spoken too.
        field = page.get_by_label("こう聞こえました。直せます。")
        await expect(field).to_have_value(QUESTION)
        await field.fill("秋吉台の料金はいくらですか")
        await field.press("Enter")
        await expect(page.get_by_text("You asked: 秋吉台の料金はいくらですか")).to_be_attached()
        await talking.until(
            "heard.told.some(each => each.type === 'spoken' && each.question === 2)"
        )
        asked = next(each["at"] for each in await talking.told("cut") if each["cut"] == 1)
        between = [each for each in await talking.loud() if quiet < each < asked]
        assert between == []
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360
    clip = AvCodec().decode(stage.ears.heard[0][0], rate=HEARING_RATE, limit=60)
    assert clip.seconds > 2.5
    assert abs(clip.samples).max() > 0.1


async def test_the_engines_of_this_machine_hear_and_answer_through_the_page(
    tmp_path: Path, clock: SetClock, playwright: Playwright
) -> None:
    need("av", "pyopenjtalk", "faster_whisper")
    async with open_town(tmp_path, clock, demo=False) as world:
        world.talk.spoken = ANSWER
        stage = Stage(world, FakeEars(), tmp_path)
        async with visitor(playwright, stage, 3.0, QUESTION, 60.0) as talking:
            await talking.page.get_by_label("手を使わずに話す").check()
            await talking.until("heard.told.some(each => each.type === 'heard')")
            await talking.until("heard.told.some(each => each.type === 'spoken')")
            (heard,) = await talking.told("heard")
            assert "秋芳洞" in heard["text"], "a name is put back by its reading"
            spoken = await talking.told("piece")
            sentences = [text for text, _ in groupby(each["text"] for each in spoken)]
            assert "".join(sentences) == ANSWER
            await talking.until("heard.loud.some(at => at > given.at)", at=spoken[0]["at"])
    incoming = world.talk.heard[-1]
    assert incoming.heard is not None
    assert incoming.language == "ja"


async def test_a_short_press_starts_and_the_next_one_sends_also_by_keyboard(
    stage: Stage, playwright: Playwright
) -> None:
    async with visitor(playwright, stage, 0.3, QUESTION, 9.0) as talking:
        page = talking.page
        button = page.locator("[data-talk]")
        small = await page.locator(".voice").evaluate(
            """panel => [...panel.querySelectorAll('button, label')]
              .filter(each => each.checkVisibility() && each.getBoundingClientRect().height < 44)
              .map(each => each.outerHTML)"""
        )
        assert small == []
        for press in (
            lambda: button.press("Enter"),
            lambda: button.press(" "),
            button.click,
            lambda: button.evaluate("each => each.click()"),  # as screen readers do
        ):
            await press()
            await expect(button).to_have_attribute("data-on", "true")
            await expect(page.locator("[data-voice]")).to_have_attribute("data-mood", "listening")
            await expect(button).to_have_text("送る")
            await press()
            await expect(button).to_have_attribute("data-on", "false")
            await expect(page.locator("[data-caption]")).to_be_visible()
        assert len(stage.ears.heard) == 4
        await button.press("Enter")
        await expect(page.locator("[data-voice]")).to_have_attribute("data-mood", "listening")
        await button.press("Escape")
        await expect(page.get_by_text("録音をやめました。").first).to_be_visible()
        await talking.until("heard.asked.some(each => each.type === 'cancel')")
    assert len(stage.ears.heard) == 4


async def test_hands_free_falls_silent_when_somebody_speaks_and_never_ends_the_cut_sentence(
    stage: Stage, playwright: Playwright
) -> None:
    async with visitor(playwright, stage, 1.0, QUESTION, PAUSE_FOR_ANSWER, NEXT, 60.0) as talking:
        page = talking.page
        await page.get_by_label("手を使わずに話す").check()
        await expect(
            page.get_by_text("聞いています。いつでもお話しください。").first
        ).to_be_visible()
        await talking.until("heard.told.filter(each => each.type === 'began').length === 2")
        began = (await talking.told("began"))[1]
        assert began["cut"] == 1
        stage.ears.says = NEXT
        await expect(page.get_by_text(f"You asked: {NEXT}")).to_be_attached()
        await talking.until(
            "heard.loud.some(at => at > given.answered)",
            answered=(await talking.told("answer"))[1]["at"],
        )
        loud, answers = await talking.loud(), await talking.told("answer")
        onset = _onset(await page.evaluate("window.heard.frames"), began["at"])
        # From then on the mascot speaks low, before it falls silent.
        assert any(onset - BETWEEN < each <= began["at"] for each in loud), "nothing to interrupt"
        assert max(each for each in loud if each < answers[1]["at"]) - onset <= SOONEST
        after = [each for each in await talking.told("piece") if each["at"] > began["at"]]
        assert {each["question"] for each in after} == {2}
        await page.get_by_label("手を使わずに話す").uncheck()
        await expect(page.locator("[data-now]")).to_have_text("マイクを閉じました。")
        sent = await page.evaluate("window.heard.asked.length")
        await page.get_by_role("button", name="話す").press("Enter")
        await talking.until("heard.asked.some(each => each.type === 'start')")
        more = await page.evaluate("from => window.heard.asked.slice(from)", sent)
        assert "sound" not in [each["type"] for each in more[: _start(more)]]


def _onset(frames: list[dict[str, float]], before: float) -> float:
    """When the page had the first sound of what was being said at this moment."""
    at, quiet = before, 0
    for each in reversed([each for each in frames if each["at"] <= before]):
        loud = each["peak"] > AUDIBLE
        quiet = 0 if loud else quiet + 1
        at = each["at"] if loud else at
        if quiet > PAUSE:
            break
    return at


def _start(messages: list[dict[str, str]]) -> int:
    return next(at for at, each in enumerate(messages) if each["type"] == "start")


async def test_leaving_the_page_closes_the_microphone_and_says_so(
    stage: Stage, playwright: Playwright
) -> None:
    async with visitor(playwright, stage, 60.0) as talking:
        page = talking.page
        await page.get_by_label("手を使わずに話す").check()
        await expect(
            page.get_by_text("聞いています。いつでもお話しください。").first
        ).to_be_visible()
        await page.evaluate(
            """() => {
              Object.defineProperty(document, 'hidden', { value: true, configurable: true });
              document.dispatchEvent(new Event('visibilitychange'));
            }"""
        )
        await expect(page.get_by_label("手を使わずに話す")).not_to_be_checked()
        await expect(page.locator("[data-now]")).to_have_text(
            "ページを離れたので、マイクを閉じました。"
        )
        await talking.until("heard.asked.at(-1).type === 'close'")


async def test_a_language_without_a_voice_says_that_the_answer_is_in_writing(
    stage: Stage, playwright: Playwright
) -> None:
    stage.ears.language = Language.KO
    stage.world.talk.spoken = "어른은 1600엔입니다."
    async with visitor(playwright, stage, 0.5, QUESTION, 9.0, locale="ko-KR") as talking:
        button = talking.page.locator("[data-talk]")
        await button.press("Enter")
        await talking.until("heard.asked.some(each => each.type === 'sound')")
        await button.press("Enter")
        # This Chromium has no voices of its own.
        await expect(talking.page.locator("[data-now]")).to_have_text(
            "지금은 이 언어의 목소리가 없어 답은 글로만 드립니다."
        )
        await expect(talking.page.locator(".log")).to_have_attribute("aria-live", "polite")


@pytest.mark.parametrize(
    ("more", "name", "sentence"),
    [
        (["--use-fake-ui-for-media-stream"], "", "マイクが見つかりません。"),
        (["--use-fake-device-for-media-stream"], "", "マイクの使用が許可されていません。"),
        (["--host-resolver-rules=MAP town.test 127.0.0.1"], "town.test", "この接続では"),
    ],
    ids=["none", "denied", "insecure"],
)
async def test_without_a_microphone_the_page_says_why_and_what_to_do(
    stage: Stage, playwright: Playwright, more: list[str], name: str, sentence: str
) -> None:
    url = stage.world.url
    if name:
        url = f"http://{name}:{urlsplit(url).port}"
    async with talker(playwright, url, None, more=more) as talking:
        await talking.page.locator("[data-talk]").press("Enter")
        fault = talking.page.locator("[data-voice] [role=alert]")
        await expect(fault).to_contain_text(sentence)
        await expect(fault).to_contain_text("文章でお書きください")
        await expect(talking.page.locator("[data-talk]")).to_have_attribute("data-on", "false")
