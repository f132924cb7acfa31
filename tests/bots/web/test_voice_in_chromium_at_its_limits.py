"""Real Chromium where the voice is refused, cut or lost: the microphone and the page know it."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, Playwright, expect

from core.testing import SetClock
from knowledge.language import Language
from knowledge.testing import FakeEars, FakeMouth
from tests.bots.web.calling import Town, opened
from tests.bots.web.talking import Talker, recording, talker
from tests.world.voices import need

TRACKS = """
() => {
  window.tracks = [];
  const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wishes) => {
    const stream = await real(wishes);
    await window.granted;
    window.tracks.push(...stream.getTracks());
    return stream;
  };
}
"""
NO_LINE = """
() => {
  window.granted = new Promise((resolve) => { window.grant = resolve; });
  window.WebSocket = class {
    constructor() { setTimeout(() => this.onclose({ code: 4003 }), 0); }
    close() {}
  };
}
"""
SLOW = """
(() => {
  // A telephone that needs its time to open the sound; nothing else of the page runs meanwhile.
  const Real = window.AudioContext;
  window.AudioContext = class extends Real {
    constructor(...given) {
      super(...given);
      for (const end = performance.now() + 800; performance.now() < end;);
    }
  };
})();
"""
VOICE = """
() => {
  window.read = [];
  window.SpeechSynthesisUtterance = class { constructor(text) { this.text = text; } };
  const synthesis = window.speechSynthesis;
  synthesis.getVoices = () => [{ lang: 'ko-KR', localService: true }];
  synthesis.speak = (said) => { window.read.push(said.text); said.onstart?.(); };
  synthesis.cancel = () => { window.read.push('(cut)'); };
}
"""


@pytest.fixture
async def town(tmp_path: Path, clock: SetClock) -> AsyncIterator[Town]:
    mouth = FakeMouth(languages=frozenset({Language.JA}))
    async with opened(tmp_path, clock, FakeEars(), mouth) as made:
        yield made


@pytest.fixture
async def talking(town: Town, playwright: Playwright, tmp_path: Path) -> AsyncIterator[Talker]:
    file = recording(tmp_path / "silence.wav", 30.0)
    async with talker(playwright, town.world.url, file) as made:
        yield made


async def ask(page: Page, talking: Talker, times: int = 1) -> None:
    button = page.locator("[data-talk]")
    await button.press("Enter")
    await talking.until(
        "heard.asked.filter(each => each.type === 'start').length >= given.times"
        " && heard.asked.at(-1).type === 'sound'",
        times=times,
    )
    await button.press("Enter")


@pytest.mark.parametrize("late", [False, True], ids=["granted-first", "granted-later"])
@pytest.mark.parametrize("handsfree", [False, True], ids=["button", "hands-free"])
async def test_the_microphone_is_closed_when_the_line_cannot_be_opened(
    talking: Talker, *, late: bool, handsfree: bool
) -> None:
    page = talking.page
    await page.evaluate(NO_LINE)
    await page.evaluate(TRACKS)
    if not late:
        await page.evaluate("window.grant()")
    control = page.locator("[data-handsfree]" if handsfree else "[data-talk]")
    await control.press(" " if handsfree else "Enter")
    fault = page.locator("[data-voice] [role=alert]")
    await expect(fault).to_contain_text("文章でお書きください")
    await page.evaluate("window.grant()")
    await page.wait_for_function(
        "() => window.tracks.length === 1 && window.tracks[0].readyState === 'ended'"
    )


async def test_a_voice_of_the_device_is_cut_like_the_towns_own(town: Town, talking: Talker) -> None:
    town.ears.says, town.ears.language = "동굴 요금은 얼마인가요?", Language.KO
    town.world.talk.spoken = "어른은 1600엔입니다."
    page = talking.page
    await page.evaluate(VOICE)
    await ask(page, talking)
    await page.wait_for_function("() => window.read.at(-1) === '어른은 1600엔입니다.'")
    # An answer that was on its way when somebody asked for silence.
    answer = """how => {
      const { socket } = window.heard;
      const tell = (message) => socket.onmessage({ data: JSON.stringify(message) });
      window.read.length = 0;
      document.querySelector('[data-stop]').click();
      if (how === 'spoken') {
        tell({ type: 'spoken', question: 9, pieces: 0, language: 'ko', text: '늦은 답' });
      } else {
        tell({ type: 'answer', question: 9, turn: 9, html: '<p>늦은 답</p>', instead: '',
          aloud: 'browser', language: 'ko', text: '늦은 답' });
      }
    }"""
    for how in ("spoken", "answer"):
        await page.evaluate(answer, how)
        before = len(await talking.told("cut"))
        await talking.until(
            "heard.told.filter(each => each.type === 'cut').length >= given.before", before=before
        )
        await page.evaluate("new Promise((resolve) => setTimeout(resolve, 0))")
        assert "늦은 답" not in await page.evaluate("window.read")
    # A cut that the server speaks of by itself is a cut of the device's voice, too.
    await page.evaluate(
        """() => {
          window.read.length = 0;
          window.heard.socket.onmessage({ data: JSON.stringify({ type: 'cut', cut: 9 }) });
        }"""
    )
    assert await page.evaluate("window.read") == ["(cut)"]


async def test_a_recording_that_is_refused_ends_and_the_page_says_why(
    talking: Talker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bots.web.voice.call.MAX_RECORDING", 100)
    page = talking.page
    await page.locator("[data-talk]").press("Enter")
    fault = page.locator("[data-voice] [role=alert]")
    await expect(fault).to_contain_text("録音が大きすぎます")
    await expect(page.locator("[data-talk]")).to_have_attribute("data-on", "false")
    await expect(page.locator("[data-voice]")).to_have_attribute("data-mood", "idle")
    monkeypatch.undo()
    await ask(page, talking, times=2)
    await talking.until("heard.told.some(each => each.type === 'heard')")


async def test_the_press_after_a_microphone_was_missing_is_heard(talking: Talker) -> None:
    page = talking.page
    await page.evaluate(
        """() => {
          const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
          navigator.mediaDevices.getUserMedia = async () => {
            navigator.mediaDevices.getUserMedia = real;
            throw new DOMException('', 'NotFoundError');
          };
        }"""
    )
    button = page.locator("[data-talk]")
    await button.dispatch_event("keydown", {"key": "Enter"})
    await expect(page.locator("[data-voice] [role=alert]")).to_contain_text(
        "マイクが見つかりません"
    )
    await button.dispatch_event("keyup", {"key": "Enter"})
    await ask(page, talking)
    await talking.until("heard.told.some(each => each.type === 'heard')")


@pytest.mark.parametrize(
    ("held", "latched"),
    [
        pytest.param(0.1, True, id="short: the recording goes on"),
        pytest.param(0.6, False, id="long: over before anything was recorded"),
    ],
)
async def test_a_press_is_as_long_as_the_finger_s_where_the_page_is_slow(
    town: Town, playwright: Playwright, tmp_path: Path, held: float, *, latched: bool
) -> None:
    file = recording(tmp_path / "silence.wav", 30.0)
    async with talker(playwright, "about:blank", file) as talking:
        page = talking.page
        await page.add_init_script(SLOW)
        await page.goto(town.world.url)
        await expect(page.locator("[data-talk]")).to_be_visible()
        await page.locator("[data-talk]").focus()
        await press(page, held)
        if latched:
            await talking.until("heard.asked.at(-1)?.type === 'sound'")
        else:
            await expect(page.locator("[data-talk]")).to_have_attribute("data-on", "false")
            await press(page, 0.1)
            await talking.until("heard.asked.at(-1)?.type === 'sound'")
        await press(page, 0.1)
        await talking.until("heard.told.some(each => each.type === 'heard')")


async def press(page: Page, held: float) -> None:
    """Press Enter for `held` seconds, whether or not the page has time to look meanwhile."""
    devtools = await page.context.new_cdp_session(page)
    key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}
    now = time.time()
    await asyncio.gather(
        *(
            devtools.send("Input.dispatchKeyEvent", {"type": kind, "timestamp": at, **key})
            for kind, at in (("keyDown", now), ("keyUp", now + held))
        )
    )


async def test_the_devices_own_voice_neither_interrupts_itself_nor_is_a_question(
    town: Town, talking: Talker
) -> None:
    need("faster_whisper")
    town.ears.says, town.ears.language = "동굴 요금은 얼마인가요?", Language.KO
    town.world.talk.spoken = "어른은 1600엔입니다."
    page = talking.page
    await page.evaluate(VOICE)
    await page.evaluate(
        "() => { speechSynthesis.speak = (said) => { window.now = said; said.onstart(); }; }"
    )
    await page.get_by_label("手を使わずに話す").check()
    await talking.until("heard.asked.at(-1).type === 'sound'")
    await page.evaluate(
        """() => {
          const { socket } = window.heard;
          socket.onmessage({ data: JSON.stringify({ type: 'answer', question: 1, turn: 1,
            html: '<p>답</p>', instead: '', aloud: 'browser', language: 'ko', text: '답' }) });
        }"""
    )
    await talking.until("heard.asked.some(each => each.type === 'reading' && each.on)")
    await expect(page.locator("[data-now]")).to_contain_text("マイクはお休みします")
    begun = await page.evaluate("performance.now()")
    await talking.until("performance.now() > given.begun + 400", begun=begun)
    await page.evaluate("window.now.onend()")
    await talking.until("heard.asked.at(-1).type === 'sound'")
    asked = [each["type"] for each in await page.evaluate("window.heard.asked")]
    first = asked.index("reading")
    assert asked[first : first + 3] == ["reading", "reading", "sound"]
    await expect(page.locator("[data-now]")).to_have_text("聞いています。いつでもお話しください。")


async def test_focus_is_not_lost_with_the_stop_button(town: Town, talking: Talker) -> None:
    town.ears.says, town.ears.language = "동굴 요금은 얼마인가요?", Language.KO
    town.world.talk.spoken = "어른은 1600엔입니다."
    page = talking.page
    await page.evaluate(VOICE)
    await page.evaluate(
        "() => { speechSynthesis.speak = (said) => { window.now = said; said.onstart(); }; }"
    )
    await ask(page, talking)
    stop = page.locator("[data-stop]")
    await expect(stop).to_be_visible()
    await stop.focus()
    await expect(stop).to_be_focused()
    await page.evaluate("window.now.onend()")
    await expect(stop).to_be_hidden()
    await expect(page.locator("[data-talk]")).to_be_focused()


async def test_a_page_that_may_keep_nothing_is_talked_to_as_well(
    town: Town, playwright: Playwright
) -> None:
    async with talker(playwright, "about:blank", None) as talking:
        page = talking.page
        await page.add_init_script(
            """Object.defineProperty(window, 'localStorage', {
              get() { throw new DOMException('blocked', 'SecurityError'); } })"""
        )
        await page.goto(town.world.url)
        await expect(page.locator("[data-talk]")).to_be_visible()
        await page.locator("[data-aloud]").uncheck()
        await expect(page.locator("[data-aloud]")).not_to_be_checked()
