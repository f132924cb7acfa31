"""Processes of this machine: which there are, and which are no more."""

import os
import socket
from pathlib import Path
from typing import Final

HERE: Final[set[str]] = set()
"""The tokens of workers that are at work in this process."""


def host() -> str:
    """The machine and what counts its processes: each container counts its own."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{socket.gethostname()[:60]}/{Path('/proc/self/ns/pid').readlink()}/{boot}"
    except OSError:
        return socket.gethostname()


def born(pid: int) -> str:
    """When the system started the process (proc(5), field 22), or ``""`` where it does not say."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def certainly_dead(where: str, pid: int, since: str, token: str) -> bool:
    """Whether a process of this machine is no more. Of another machine nobody can tell."""
    if where != host():
        return False
    if pid == os.getpid():
        return token not in HERE
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return born(pid) != since  # it lives; is it the same?
    return born(pid) != since
