"""How much memory a process took at most. Stands alone: the peers import it too."""

from pathlib import Path


def peak(pid: int | str = "self") -> int:
    """Bytes: VmHWM, which begins anew with a program, as `ru_maxrss` does not (proc(5))."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    line = next(each for each in status.splitlines() if each.startswith("VmHWM"))
    return int(line.split()[1]) * 1024
