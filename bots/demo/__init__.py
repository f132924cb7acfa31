"""The sample town on one machine: an embedded EVM with the town's collection, and a demo wallet.

Nothing here is used outside ``kankei demo``.
"""
