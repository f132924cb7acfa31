"""The signing key of a deployment, and the secrets that are made from it."""

import hashlib
import hmac
import secrets
from pathlib import Path
from typing import Final

from core.errors import KankeiError
from core.settings import Settings

MIN_KEY: Final = 32


class WeakKey(KankeiError):
    """The signing key is too short."""

    code = "weak-key"


class NoKey(WeakKey):
    """There is no signing key, and this is not the place to make one."""

    code = "no-key"


def derived(secret: str, purpose: str) -> str:
    """A secret of its own for one purpose, from the signing key (HMAC-SHA-256)."""
    return hmac.new(secret.encode(), purpose.encode(), hashlib.sha256).hexdigest()


def secret_of(settings: Settings) -> str:
    """The signing key: from the settings, or made once and kept readable to us alone.

    Raises `WeakKey` if it is too short to sign with: an empty file would be known to all.
    """
    path = _file(settings)
    if not settings.secret_key.get_secret_value() and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(".new")
        new.unlink(missing_ok=True)
        new.touch(mode=0o600)
        new.write_text(secrets.token_urlsafe(32), encoding="ascii")
        new.replace(path)  # whole or not at all, even on a full disk
    return existing_secret(settings)


def existing_secret(settings: Settings) -> str:
    """The signing key that the town has; none is made. Raises `NoKey`, or `WeakKey`.

    For who comes after the town: with a new key, what it has signed and hashed would be void.
    """
    path = _file(settings)
    key = settings.secret_key.get_secret_value()
    if not key and not path.exists():
        raise NoKey(str(path))
    key = key or path.read_text(encoding="ascii").strip()
    if len(key) < MIN_KEY:
        raise WeakKey(f"a signing key needs {MIN_KEY} characters; remove {path} for a new one")
    return key


def _file(settings: Settings) -> Path:
    return Path(settings.data_dir) / "secret_key"
