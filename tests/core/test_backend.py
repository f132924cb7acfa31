"""Which curve library checks signatures: the fast one, or none."""

import subprocess
import sys
from pathlib import Path

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_keys.backends.native import NativeECCBackend

from core.proof import recover

ROOT = Path(__file__).resolve().parents[2]


def test_a_proof_never_goes_through_pure_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where the environment asks eth-keys for it."""
    wallet = Account.from_key("0x" + "7" * 64)
    signature = bytes(wallet.sign_message(encode_defunct(text="hello")).signature)

    def slow(*_: object) -> None:
        raise AssertionError("pure Python")

    monkeypatch.setenv("ECC_BACKEND_CLASS", "eth_keys.backends.NativeECCBackend")
    monkeypatch.setattr(NativeECCBackend, "ecdsa_recover", slow)
    assert recover("hello", signature) == wallet.address


def test_nothing_starts_without_the_fast_curve_library() -> None:
    without = "import sys; sys.modules['coincurve'] = None; import bots.app"
    done = subprocess.run(
        [sys.executable, "-c", without], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "coincurve is missing or damaged" in done.stderr
    assert "make setup" in done.stderr
