"""Compile the sample town's contract: `python scripts/compile_contract.py` rewrites its JSON."""

import json
from pathlib import Path

from vyper import compile_code

DEMO = Path(__file__).resolve().parent.parent / "bots" / "demo"


def compiled() -> dict[str, object]:
    """ABI and creation code of `resident_card.vy`, as they are shipped."""
    source = (DEMO / "resident_card.vy").read_text(encoding="utf-8")
    result = compile_code(source, output_formats=["abi", "bytecode"])
    return {"abi": result["abi"], "bytecode": result["bytecode"]}


if __name__ == "__main__":
    text = json.dumps(compiled(), indent=1) + "\n"
    (DEMO / "resident_card.json").write_text(text, encoding="utf-8")
