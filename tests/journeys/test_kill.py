"""Killed in mid-announcement: nothing is lost, and only what was in flight can arrive twice."""

import asyncio
import os
import shutil
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest

from core import announcements, identity
from core.announcements import PLATFORMS, AnnouncementState, Audience, Kind
from core.clock import system_clock
from core.database import Sessions, connect, migrate, session_factory, transaction
from core.town import load
from tests.conftest import ROOT
from tests.telegram_server import TelegramServer

PEOPLE = 60
KILLS_AFTER = (5, 20, 40)


async def announce(sessions: Sessions, server: TelegramServer) -> int:
    now, town = system_clock(), load(ROOT / "towns" / "mine")
    async with transaction(sessions) as session:
        for number in range(PEOPLE):
            user = server.user(f"人{number}", started=True)
            account = await identity.account(
                session, "telegram", str(user.id), locale="ja", now=now
            )
            await identity.set_wants_messages(session, account.member_id, wants=True)
        draft = await announcements.compose(
            session,
            town=town,
            author="staff",
            audience=Audience(Kind.DIRECT),
            texts={"ja": {"heading": "山焼き", "body": "2月に行います。"}},
            now=now,
            platforms=PLATFORMS,
        )
        await announcements.confirm(
            session, draft, town=town, by="staff", now=now, platforms=PLATFORMS
        )
    return draft


async def worker(folder: Path, server: TelegramServer) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "tests" / "journeys" / "kill_me.py"),
        str(folder),
        server.url,
        server.token,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PTB_TIMEDELTA": "true"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    await asyncio.wait_for(process.stdout.readline(), 60)
    return process


@pytest.mark.parametrize("kills", [KILLS_AFTER], ids=["three kills"])
async def test_killed_in_mid_announcement_everybody_still_gets_it(
    tmp_path: Path, kills: tuple[int, ...]
) -> None:
    shutil.copytree(ROOT / "towns" / "mine", tmp_path / "mine")
    engine = connect(f"sqlite+aiosqlite:///{tmp_path / 'kankei.sqlite3'}")
    await migrate(engine)
    sessions = session_factory(engine)
    async with TelegramServer() as server:
        draft = await announce(sessions, server)
        for reached in kills:
            process = await worker(tmp_path, server)
            await server.until(lambda goal=reached: len(sent(server)) >= goal, timeout=30)  # type: ignore[misc]
            process.send_signal(signal.SIGKILL)
            await process.wait()
        process = await worker(tmp_path, server)
        async with asyncio.timeout(60):
            while True:
                async with sessions() as session:
                    shown = await announcements.progress(session, draft)
                if shown.state is AnnouncementState.DONE:
                    break
                await asyncio.sleep(0.1)
        process.terminate()
        await process.wait()
        counts = Counter(sent(server))
    await engine.dispose()
    assert len(counts) == PEOPLE, "nobody is left out"
    assert shown.delivered + shown.unsure == PEOPLE
    assert max(counts.values()) <= 1 + len(kills)
    assert sum(counts.values()) - PEOPLE <= 5 * len(kills), "only what was in flight came twice"


def sent(server: TelegramServer) -> list[int]:
    return [int(call.chat_id) for call in server.calls("sendMessage") if call.chat_id]
