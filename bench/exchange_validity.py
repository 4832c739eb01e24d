"""How many of the prices and sizes that a client makes Upbit takes: ours beside ccxt's and pyupbit's.

Ours: every kind of order that our code sends, built by that code and judged by the simulated venue, over all price
bands, tick tables and dates of 2023 to 2026. Theirs: 20,000 prices between 0.01 and 200 million won, rounded by their
own means in their own environment (`make peers`), against the tick table of today.

Target: 100.0 % of ours.
"""

import json
import random
import subprocess
import sys
from datetime import date
from decimal import Decimal
from math import exp, log
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))  # the orders are those that the tests build

from tests.unit.order_validity import Tally, cases, judge, on_tick  # noqa: E402

SEED = 20261101
CASES = 4_000
PRICES = 20_000
LOWEST, HIGHEST = 0.01, 2e8
TODAY = date(2026, 11, 1)
TARGET = 1.0


def ours() -> bool:
    """Print our share; whether it is all of them."""
    tally = Tally()
    for case in cases(SEED, CASES):
        judge(case, tally)
    print(
        f"{'ours':<18} {sum(tally.judged.values()):>7,} orders  accepted {tally.share:6.1%}  (target {TARGET:.1%})"
    )
    for kind, count in tally.judged.items():
        print(f"  {kind:<16} {count:>7,}")
    for refusal in tally.refused[:5]:
        print(f"  refused: {refusal}")
    return tally.share >= TARGET


def theirs() -> None:
    """Print the share of each peer, with one price that Upbit refuses."""
    python = REPOSITORY / ".venv-peers" / "bin" / "python"
    if not python.exists():
        print("ccxt, pyupbit: not installed (make peers)")
        return
    rng = random.Random(SEED)
    prices = [exp(rng.uniform(log(LOWEST), log(HIGHEST))) for _ in range(PRICES)]
    done = subprocess.run(
        [python, "-m", "tests.peers.callers.rounding"],
        cwd=REPOSITORY,
        input="\n".join(map(repr, prices)),
        capture_output=True,
        text=True,
        check=True,
    )
    for line in done.stdout.splitlines():
        said = json.loads(line)
        bad = [text for text in said["prices"] if not on_tick(Decimal(text), TODAY)]
        name, share = f"{said['peer']} {said['version']}", 1 - len(bad) / len(prices)
        print(f"{name:<18} {len(prices):>7,} prices  accepted {share:6.1%}  (refused: {', '.join(bad[:3])})")


def validity() -> bool:
    """The section: whether all of our orders are taken."""
    kept = ours()
    theirs()
    return kept


if __name__ == "__main__":
    sys.exit(0 if validity() else 1)
