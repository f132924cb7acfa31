"""A private PostgreSQL cluster on a free port, gone at the end."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BINARIES = Path("/usr/lib/postgresql")


def installed() -> Path | None:
    """Where the newest PostgreSQL of this machine has its programs."""
    found = sorted(BINARIES.glob("*/bin/initdb"))
    return found[-1].parent if found else None


@contextmanager
def postgresql(binaries: Path, *, durable: bool) -> Iterator[str]:
    """Start one; its URL. `durable`: a commit is on disk, as on a town's server."""
    folder = Path(tempfile.mkdtemp(prefix="kankei-pg-"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
    as_user: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        shutil.chown(folder, "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]
    data = folder / "data"

    def run(*command: str) -> None:
        subprocess.run([*as_user, *command], check=True, capture_output=True, cwd=folder)

    run(str(binaries / "initdb"), "-D", str(data), "-A", "trust", "-U", "kankei", "-E", "UTF8")
    fsync = "on" if durable else "off"
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync={fsync}"
    run(
        *(str(binaries / "pg_ctl"), "-D", str(data), "-o", options),
        *("-w", "-l", str(folder / "log"), "start"),
    )
    try:
        yield f"postgresql+asyncpg://kankei@127.0.0.1:{port}/postgres"
    finally:
        run(str(binaries / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)
