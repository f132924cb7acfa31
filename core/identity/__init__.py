"""Members, their accounts on the platforms, and the wallets they have proved to control.

A member is a number, a language and what they asked of us. One account belongs to one member, one
wallet to one member. When somebody proves a wallet that stands for another member, both are one
person as soon as the first account says so too (`propose_merge`, `merge`).
"""

from core.identity.accounts import (
    Account,
    account,
    account_by_id,
    accounts_of,
    find_account,
    set_locale,
    set_reachable,
    set_wants_messages,
)
from core.identity.holders import all_wallets, holders_of
from core.identity.links import (
    LINK_LIFETIME,
    LinkToken,
    follow_link,
    make_link,
    use_up_link,
)
from core.identity.people import (
    MERGE_LIFETIME,
    export,
    forget,
    give_way,
    merge,
    move_to_browser,
    propose_merge,
    refuse_merge,
    web_account,
)
from core.identity.updates import (
    accounts_by_platform,
    finish_update,
    first_time,
    forget_browsers,
    forget_updates,
    member_count,
    take_update,
)
from core.identity.wallets import (
    Wallet,
    drop_vault,
    has_proof,
    holder_of,
    link_vault,
    link_wallet,
    linked_wallets,
    members_with_proof,
    unlink_wallet,
    vaults,
    wallets_of,
)

__all__ = [
    "LINK_LIFETIME",
    "MERGE_LIFETIME",
    "Account",
    "LinkToken",
    "Wallet",
    "account",
    "account_by_id",
    "accounts_by_platform",
    "accounts_of",
    "all_wallets",
    "drop_vault",
    "export",
    "find_account",
    "finish_update",
    "first_time",
    "follow_link",
    "forget",
    "forget_browsers",
    "forget_updates",
    "give_way",
    "has_proof",
    "holder_of",
    "holders_of",
    "link_vault",
    "link_wallet",
    "linked_wallets",
    "make_link",
    "member_count",
    "members_with_proof",
    "merge",
    "move_to_browser",
    "propose_merge",
    "refuse_merge",
    "set_locale",
    "set_reachable",
    "set_wants_messages",
    "take_update",
    "unlink_wallet",
    "use_up_link",
    "vaults",
    "wallets_of",
    "web_account",
]
