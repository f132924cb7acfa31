"""Claim codes, orders and purchaser lists, for staff.

* `pages`: what is made, withdrawn and imported
* `slips`: new codes on paper and as a table
* `days`: until when a code works, on the town's calendar
* `uploads`: the form with a file
"""

from bots.web.console.proofs.pages import Proofs

__all__ = ["Proofs"]
