# pragma version 0.4.3
# SPDX-License-Identifier: Apache-2.0
"""
@title A contract wallet of one owner (ERC-1271)
"""

owner: public(immutable(address))


@deploy
def __init__(who: address):
    owner = who


@view
@external
def isValidSignature(digest: bytes32, signature: Bytes[65]) -> bytes4:
    if len(signature) == 65:
        r: uint256 = convert(slice(signature, 0, 32), uint256)
        s: uint256 = convert(slice(signature, 32, 32), uint256)
        v: uint256 = convert(slice(signature, 64, 1), uint256)
        if ecrecover(digest, v, r, s) == owner:
            return 0x1626ba7e
    return 0xffffffff
