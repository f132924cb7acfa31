"""Proofs a second on one core: our whole check beside parsing and eth-account's bare recovery.

Both get the same signed EIP-4361 messages in turns, in one process, and both recover with
coincurve. Ours also compares every field; the other only parses. Goal: ours / it ≥ 0.8.
"""

from benchmarks.measure import Lap, heading, load_after, median, table
from benchmarks.proofs import COINCURVE, Signed, by_eth_account, ours, signed, timed
from core.proof import parse

COUNT, TURNS, GOAL = 2_000, 7, 0.8


def parsed_and_recovered(proof: Signed) -> str:
    parse(proof.text)
    return by_eth_account(proof)


def run() -> None:
    proofs = signed(COUNT)
    ways = {
        "core.proof: parse, check every field, recover": ours,
        "parse + eth-account recover_message, coincurve": parsed_and_recovered,
        "eth-account recover_message alone, coincurve": by_eth_account,
    }
    for name, prove in ways.items():
        if any(prove(each).lower() != each.address.lower() for each in proofs[:20]):
            raise SystemExit(f"{name}: a proof was not recovered")
    heading("Proofs a second, one thread", "coincurve", "eth-account", "eth-keys", "eth-hash")
    laps: dict[str, list[Lap]] = {name: [] for name in ways}
    for _ in range(TURNS):
        for name, prove in ways.items():
            laps[name].append(timed(prove, proofs, COINCURVE))
    rates = {name: COUNT / median([each.cpu for each in taken]) for name, taken in laps.items()}
    own, reference = list(rates.values())[:2]
    table(
        ("what", "proofs per CPU s", "CPU us each", "ours / it"),
        [
            (name, f"{rate:,.0f}", f"{1e6 / rate:,.0f}", f"{own / rate:.2f}")
            for name, rate in rates.items()
        ],
    )
    verdict = "met" if own / reference >= GOAL else "MISSED"
    print(f"goal ours / (parse + eth-account) >= {GOAL}: {own / reference:.2f}, {verdict}")
    print(f"{COUNT} messages, median of {TURNS} turns")
    load_after()


if __name__ == "__main__":
    run()
