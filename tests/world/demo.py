"""`kankei demo` as a process of its own."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Self

from tests.conftest import ROOT, free_port

PLAIN = {key: value for key, value in os.environ.items() if not key.startswith("KANKEI_")}


class Demo:
    """`kankei demo` in a process of its own."""

    def __init__(self, data: Path, town: str) -> None:
        self.data, self.town, self.port = data, town, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.lines: list[str] = []

    async def __aenter__(self) -> Self:
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bots", "demo"),
            *("--town", f"towns/{self.town}", "--port", str(self.port), "--data", str(self.data)),
            cwd=ROOT,
            env={**PLAIN, "LANG": "ja_JP.UTF-8", "KANKEI_VOICE": "off"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(180):
            while not any("Ctrl-C" in line for line in self.lines):
                await self._line()
        return self

    async def _line(self) -> None:
        assert self.process.stdout is not None
        line = await self.process.stdout.readline()
        assert line, "\n".join(self.lines)
        self.lines.append(line.decode())

    async def __aexit__(self, *_: object) -> None:
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGINT)
            assert self.process.stdout is not None
            self.lines.append((await self.process.stdout.read()).decode())
            await asyncio.wait_for(self.process.wait(), 20)
