"""Somebody talks to the page: a microphone that plays a file, and an ear at the loudspeaker."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from playwright.async_api import Browser, Page, Playwright

from knowledge.voice.codec import AvCodec
from knowledge.voice.port import SPEAKING_RATE, Clip, Container
from tests.conftest import chromium

PROBE = """
(() => {
  // What really leaves the page, and when: every node that goes to the loudspeaker is listened to.
  const heard = window.heard = { loud: [], told: [], opened: 0, asked: [], frames: [], shown: [] };
  // What stood there, also where it is gone before anybody looks.
  addEventListener('DOMContentLoaded', () => {
    const caption = document.querySelector('[data-caption]');
    const note = () => heard.shown.push(caption.textContent);
    if (caption) new MutationObserver(note).observe(caption, { childList: true });
  });
  const connect = AudioNode.prototype.connect;
  const ears = new Set();
  AudioNode.prototype.connect = function (to, ...more) {
    if (to === this.context.destination) {
      const ear = this.context.createAnalyser();
      ear.fftSize = 512;
      connect.call(this, ear);
      ears.add(ear);
    }
    return connect.call(this, to, ...more);
  };
  const samples = new Float32Array(512);
  setInterval(() => {
    let peak = 0;
    for (const ear of ears) {
      ear.getFloatTimeDomainData(samples);
      for (const each of samples) peak = Math.max(peak, Math.abs(each));
    }
    if (peak > 0.004) heard.loud.push(performance.now());
  }, 5);
  const Real = window.WebSocket;
  window.WebSocket = class extends Real {
    constructor(...given) {
      super(...given);
      heard.opened += 1;
      heard.socket = this;
      this.addEventListener('message', ({ data }) => {
        if (typeof data !== 'string') return;
        heard.told.push({ at: performance.now(), ...JSON.parse(data) });
      });
    }
    send(data) {
      const said = typeof data === 'string';
      heard.asked.push(said ? JSON.parse(data) : { type: 'sound', bytes: data.byteLength });
      // Frames of an open microphone: when the page has one of them, and how loud it is.
      if (!said && data.byteLength === 1024) {
        const peak = new Int16Array(data).reduce((most, each) => Math.max(most, Math.abs(each)), 0);
        heard.frames.push({ at: performance.now(), peak: peak / 32768 });
      }
      super.send(data);
    }
  };
})();
"""


def recording(path: Path, *parts: Clip | float) -> Path:
    """Write a WAV file of voices and of silences in seconds, one after the other."""
    samples = [
        part.samples if isinstance(part, Clip) else np.zeros(int(part * SPEAKING_RATE), np.float32)
        for part in parts
    ]
    clip = Clip(np.concatenate(samples), SPEAKING_RATE)
    path.write_bytes(AvCodec().encode(clip, Container.WAV))
    return path


def microphone(file: Path | None) -> list[str]:
    """What makes Chromium take the file for its microphone, once, without asking anybody."""
    if file is None:
        return []
    more = f"--use-file-for-fake-audio-capture={file}%noloop"
    return ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", more]


@dataclass
class Talker:
    """A page, and what was heard and said on it."""

    page: Page

    async def told(self, kind: str) -> list[dict[str, Any]]:
        """The messages of one kind that have come."""
        found = await self.page.evaluate(
            "kind => window.heard.told.filter(each => each.type === kind)", kind
        )
        return cast("list[dict[str, Any]]", found)

    async def until(self, condition: str, **values: object) -> None:
        """Wait for what is true of `heard`, in JavaScript."""
        await self.page.wait_for_function(
            f"given => {{ const {{ heard }} = window; return ({condition}); }}", arg=values
        )

    async def loud(self) -> list[float]:
        """When sound left the page, in ms of its clock."""
        return cast("list[float]", await self.page.evaluate("window.heard.loud"))


@asynccontextmanager
async def talker(
    playwright: Playwright,
    url: str,
    file: Path | None,
    *,
    locale: str = "ja-JP",
    size: tuple[int, int] = (390, 844),
    more: Sequence[str] = (),
) -> AsyncIterator[Talker]:
    """A visitor's page whose microphone hears the file; a script error fails the test."""
    browser: Browser = await chromium(playwright, [*microphone(file), *more])
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]}, locale=locale
    )
    page = await context.new_page()
    page.set_default_timeout(60_000)  # milliseconds, as engines beside other tests need
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "console",
        lambda line: wrong.append(line.text) if "Content Security Policy" in line.text else None,
    )
    await page.add_init_script(PROBE)
    await page.goto(url)
    if await page.locator("[data-voice]").count():  # shown by its script: a press before is lost
        await page.locator("[data-voice]").wait_for()
    yield Talker(page)
    await context.close()
    await browser.close()
    assert wrong == []
