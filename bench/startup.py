"""How fast the command line answers: medians of `--help` and `status` against the bare interpreter.

    python bench/startup.py [RUNS]

Targets: 0.12 s for `--help` and 0.30 s for `status` of an account that exists, the start and the stop of the embedded
database included. Exit 1 when one is missed; on a busy machine look at the ratios.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence

RUNS = 15
TARGETS = {"--help": 0.12, "status": 0.30}


def median(command: Sequence[str], variables: Mapping[str, str], runs: int) -> float:
    """The median of `runs` runs of `command` in seconds, after one that warms the file cache."""
    took = []
    for _ in range(runs + 1):
        started = time.monotonic()
        subprocess.run(command, env=variables, check=True, capture_output=True)
        took.append(time.monotonic() - started)
    return statistics.median(took[1:])


def bench(runs: int) -> bool:
    """Print the medians; whether they keep the targets."""
    makenaide = [sys.executable, "-m", "makenaide"]
    variables = {name: value for name, value in os.environ.items() if not name.startswith("MAKENAIDE_")}
    variables.pop("DATABASE_URL", None)
    with tempfile.TemporaryDirectory(prefix="makenaide-bench-") as folder:
        variables |= {"MAKENAIDE_HOME": f"{folder}/data", "PYTHONPYCACHEPREFIX": f"{folder}/cache"}
        variables.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed is compiled; so is what is measured
        small = [*makenaide, "run", "--days", "2", "--markets", "3"]
        subprocess.run(small, env=variables, check=True, capture_output=True)
        bare = median([sys.executable, "-c", ""], variables, runs)
        print(f"{'bare interpreter':<18} {bare:.3f} s")
        kept = True
        for argument, target in TARGETS.items():
            seconds = median([*makenaide, argument], variables, runs)
            kept &= seconds <= target
            print(
                f"makenaide {argument:<8} {seconds:.3f} s (target {target:.2f} s, {seconds / bare:.1f} interpreters)"
            )
    return kept


if __name__ == "__main__":
    sys.exit(0 if bench(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS) else 1)
