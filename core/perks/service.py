"""The use cases of perks, for the card, the ticket window, the console and the public page."""

from core.perks.books import Books
from core.perks.cards import Cards
from core.perks.offline import Offline
from core.perks.own import Own


class Perks(Cards, Own, Offline, Books):
    """Everything that can be done with a town's perks.

    For the member `catalogue`, `issue` and `last_use`; at the window `check`, `redeem`, `undo`,
    `redemptions`, `offline_kit` and `sync`; for a buyer `status_of_token`; for the office
    `conflicts`, `resolve`, `settlement` and `figures`; on a clock `tidy`.
    """
