"""What core raises on purpose.

    KankeiError
    ├── TownPackError            the town's folder is wrong; nothing starts until it is mended
    ├── NotAllowed               tell them no
    ├── NotFound                 it is not there (any more)
    ├── BadAnnouncement          tell staff what is wrong with what they wrote; nothing was kept
    │   └── BadPicture           the same of a picture
    ├── LinkExpired              ask for a new link
    ├── ProofRejected            tell them what was wrong with the proof; they may try again
    │   └── WalletTaken          the wallet stands for another member already
    ├── ChainUnavailable         nobody could tell; retry later, change nothing
    ├── PlatformUnavailable      the chat platform did not answer; retry later
    ├── PlatformRefused          the chat platform said no; staff must act
    ├── DamagedKeys              the file of pass keys is broken; nothing starts until it is mended
    ├── ArchiveRefused           a backup cannot be written or restored as it is; says why
    ├── MigrationRefused         code and records do not fit; an administrator must act
    └── RecordsUnavailable       the database is locked, full or away; retry later

Each class has a ``code``. The words for people stand in the locale files under
``errors.<code>``, one entry a language, and a test counts them.
"""


class KankeiError(Exception):
    """The root of all that core raises on purpose."""

    code = "unexpected"


class TownPackError(KankeiError):
    """The town pack is wrong. Its text names file, line and remedy for each problem."""

    code = "town-pack"


class NotAllowed(KankeiError):
    code = "not-allowed"


class NotFound(KankeiError):
    code = "not-found"


class BadAnnouncement(KankeiError):
    """An announcement that cannot be sent so. `reason` is a `core.announcements.Fault` value.

    `where` names what it is about: a language, a room, an address. Nothing was kept.
    """

    code = "bad-announcement"

    def __init__(self, reason: str, where: str = "") -> None:
        super().__init__(f"{reason}: {where}" if where else reason)
        self.reason = reason
        self.where = where


class BadPicture(BadAnnouncement):
    code = "bad-picture"


class LinkExpired(KankeiError):
    code = "link-expired"


class ProofRejected(KankeiError):
    """A proof that does not prove what it should. `reason` is a `core.proof.Refusal` value."""

    code = "proof-rejected"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class WalletTaken(ProofRejected):
    code = "wallet-taken"

    def __init__(self) -> None:
        super().__init__("wallet-taken")


class ChainUnavailable(KankeiError):
    """No complete answer from any endpoint of a chain. Acting on half an answer is a mistake."""

    code = "chain-unavailable"


class PlatformUnavailable(KankeiError):
    code = "platform-unavailable"


class PlatformRefused(KankeiError):
    """A right, a role order or a place is missing; the text is for staff, in one sentence."""

    code = "platform-refused"


class RecordsUnavailable(KankeiError):
    code = "records-unavailable"


class MigrationRefused(KankeiError):
    """The schema cannot be used or changed by this code now.

    `reason` is ``too-new`` (`detail`: the revision of the records), ``older-workers`` (`detail`:
    their names), ``locked`` (`detail`: who keeps a table that is to be changed), ``pending``
    (`detail`: the revisions that are to come) or ``no-town`` (`detail`: where there is none).
    """

    code = "migration-refused"

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


class ArchiveRefused(KankeiError):
    """An archive cannot be used, or not so. `reason` is a word that commands have a sentence for.

    ``damaged``, ``incomplete``, ``newer-format``, ``newer-schema``, ``no-records``, ``not-empty``,
    ``newer-there``, ``shared``, ``workers``, ``other-key``, ``no-key``, ``misfit``, ``torn``,
    ``locked``, ``exists``, ``file``, ``rename``.
    """

    code = "archive-refused"

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


class DamagedKeys(KankeiError):
    """The file of pass keys cannot be read; the text is its path."""

    code = "damaged-keys"
