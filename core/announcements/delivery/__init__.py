"""How messages leave: the outbox and the pump.

`pump` takes turns; in a turn `looking` finds what is next, `claims` says what is to be done about a
row, `lanes` at which pace, `leases` who is at it, `outcomes` what an answer means, and `changes`
writes it down. `outbox` lets an announcement begin, `results` tells what became of it. `matter` is
what is said and `messenger` what is asked of a platform.
"""
