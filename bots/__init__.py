"""Adapters and wiring: the platforms, the pages, the conversation and the `kankei` command."""

import os

# numpy reads it once, when it is first imported. On two cores its threads only spin against each
# other: an answer costs up to twenty times the CPU while anything else runs.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
