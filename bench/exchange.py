"""The exchange's figures, section by section.

    python bench/exchange.py [SECTION ...]

Each section prints its figures beside its targets; exit 1 when one is missed. What a section measures stands at the
head of its module, `bench/exchange_<section>.py`.
"""

import importlib
import sys
from collections.abc import Callable

SECTIONS = ("simulator", "stream", "client", "validity")
"""Each is the function of that name in its module; it prints, and says whether its targets are met."""


def main(asked: list[str]) -> int:
    """Run the sections asked for, all without any; 0 when every target is met."""
    unknown = [name for name in asked if name not in SECTIONS]
    if unknown:
        print(f"unknown section {unknown[0]}; there are {', '.join(SECTIONS)}", file=sys.stderr)
        return 2
    met = True
    for name in asked or SECTIONS:
        print(f"-- {name}", flush=True)
        section: Callable[[], bool] = getattr(importlib.import_module(f"exchange_{name}"), name)
        met = section() and met
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
