"""A town that runs is backed up from another terminal, and opened again elsewhere."""

import asyncio
import os
import shutil
import sys
from pathlib import Path

import aiohttp

from tests.conftest import ROOT
from tests.world.demo import PLAIN, Demo


async def kankei(data: Path, *words: str) -> tuple[int, str]:
    """A command, as an administrator types it; its exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bots", *words),
        cwd=ROOT,
        env={**PLAIN, "LANG": "en_US.UTF-8", "KANKEI_DATA_DIR": str(data)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 180)
    assert process.returncode is not None
    return process.returncode, output.decode()


async def ready(demo: Demo) -> bool:
    url = f"{demo.url}/readyz"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status == 200 and (await response.json())["status"] == "ready"


async def test_a_running_town_is_backed_up_and_opened_again_elsewhere(tmp_path: Path) -> None:
    here, there, file = tmp_path / "here", tmp_path / "there", tmp_path / "town.tar.gz"
    async with Demo(here, "mine") as demo:
        assert await ready(demo)
        code, said = await kankei(here, "backup", str(file))
        assert code == 0, said
        code, said = await kankei(here, "backup", str(file))
        assert code == 1
        assert "--force" in said
        code, said = await kankei(here, "restore", str(file), "--replace")
        assert code == 1, "the town is at work"
        assert "running" in said
    code, said = await kankei(there, "backup", "--check", str(file))
    assert code == 0
    assert "mine" in said
    code, said = await kankei(there, "restore", str(file))
    assert code == 0, said
    for name in ("secret_key", "pass_keys.json", "chain.txt"):
        assert (there / name).read_bytes() == (here / name).read_bytes()
    assert (await kankei(there, "audit", "verify"))[0] == 0
    assert (await kankei(there, "migrate", "--check"))[0] == 0
    code, said = await kankei(there, "restore", str(file))
    assert code == 1
    assert "--replace" in said
    shutil.copy(file, tmp_path / "cut")
    os.truncate(tmp_path / "cut", 4000)
    code, said = await kankei(there, "restore", str(tmp_path / "cut"), "--replace")
    assert code == 1
    assert "cut off" in said

    async with Demo(there, "mine") as demo:
        assert await ready(demo)
