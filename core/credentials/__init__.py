"""What members have proved without signing: claim codes, purchaser lists, identity providers.

One subject (a code, a purchase, a person at a provider) makes one credential, ever one at a time:
the unique key of the table decides. A credential is live until it expires or is revoked. What a
subject was is kept as a keyed hash alone.

`core.credentials.proving.Proving` holds the use cases; `core.credentials.methods` the protocol
that each way of proving follows.
"""

from core.credentials.methods import Unproved
from core.credentials.records import (
    Credential,
    counts,
    credentials_of,
    export,
    revoke,
    subjects_asked,
    unlink,
)

__all__ = [
    "Credential",
    "Unproved",
    "counts",
    "credentials_of",
    "export",
    "revoke",
    "subjects_asked",
    "unlink",
]
