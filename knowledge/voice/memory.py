"""Memory: what a recording may take of it, however much its tables claim.

A thousand bytes of MP4 can say that they hold millions of samples, for each of which FFmpeg makes
room. The kernel refuses what goes beyond (`RLIMIT_AS` of setrlimit(2)). The bound is that of the
whole process: only for a worker, which does one job at a time.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

DECODING: Final = 256 * 1024 * 1024
"""Bytes that decoding a question may take; a minute of 48 kHz needs a tenth of it."""


@contextmanager
def bounded(more: int) -> Iterator[None]:
    """Let this process map `more` bytes beyond what it has now; what asks for more gets none.

    C libraries report that in their own ways, Python as `MemoryError`. Linux only; elsewhere
    nothing is bounded.
    """
    if sys.platform != "linux":
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    bound = pages * resource.getpagesize() + more
    known = [each for each in (bound, soft, hard) if each != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min(known), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
