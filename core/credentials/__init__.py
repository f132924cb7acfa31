"""What members have proved without signing: claim codes, purchaser lists, identity providers.

One subject (a code, a purchase, a person at a provider) makes one credential, ever one at a time:
the unique key of the table decides. A credential is live until it expires or is revoked.
"""

from core.credentials.records import Credential, counts, credentials_of, subjects_of

__all__ = ["Credential", "counts", "credentials_of", "subjects_of"]
