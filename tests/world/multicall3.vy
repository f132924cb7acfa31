# pragma version 0.4.3
# SPDX-License-Identifier: Apache-2.0
"""
@title What of Multicall3 is asked, with the same ABI: aggregate3
"""

struct Call3:
    target: address
    allow_failure: bool
    call_data: Bytes[256]

struct Result:
    success: bool
    return_data: Bytes[1152]


@payable
@external
def aggregate3(calls: DynArray[Call3, 500]) -> DynArray[Result, 500]:
    results: DynArray[Result, 500] = []
    for call: Call3 in calls:
        success: bool = False
        back: Bytes[1152] = b""
        success, back = raw_call(
            call.target, call.call_data, max_outsize=1152, revert_on_failure=False
        )
        assert success or call.allow_failure, "Multicall3: call failed"
        results.append(Result(success=success, return_data=back))
    return results
