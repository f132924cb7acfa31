# pragma version 0.4.3
# SPDX-License-Identifier: Apache-2.0
"""
@title Puts contract wallets on the chain at addresses known before (CREATE2)
"""


@external
def make(initcode: Bytes[4096], salt: bytes32) -> address:
    return raw_create(initcode, salt=salt)
