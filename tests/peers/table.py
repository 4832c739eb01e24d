"""The page `docs/reference/other-clients.md`, made of what the scripts found."""

import re
from collections.abc import Mapping
from pathlib import Path

from tests.peers.roster import KNOWN, ROSTER, Caller
from tests.peers.simulator import Outcome

PAGE = "docs/reference/other-clients.md"
HEAD = """# Other people's clients

What other clients do against the simulator, each unchanged but for the address. Every line is a call that `make test`
makes, in an environment of its own (`.venv-peers`), of the versions named; this page is written by that run, with
`--rewrite-golden`, and compared by every other one. How to point a client at the simulator: [how to serve the
simulator](../how-to/serve-the-simulator.md).

Each client meets a simulator of its own, `makenaide exchange simulate --seed 1` without anything else unless its part
says so: the account and the keys of that command, the rate limits on, the wall clock. The scripts wait 0.12 s before
each call, for most groups take ten calls a second, and the SDK's own retries are off but in its examples.
"""
Results = Mapping[str, list[Outcome]]
"""Outcomes by the caller's title."""


def versions(lock: Path) -> dict[str, str]:
    """The locked version of each package."""
    return dict(re.findall(r"^([a-z0-9-]+)==([^ ;]+)", lock.read_text(encoding="utf-8"), re.MULTILINE))


def unexplained(caller: Caller, found: list[Outcome]) -> list[str]:
    """The calls that fail for another reason than the known one, or work though they are known not to."""
    wrong = []
    for each in found:
        known = KNOWN.get((caller.title, each.call))
        if each.ok and known is not None:
            wrong.append(f"{each.call}: works, and is listed as: {known.why}")
        if not each.ok and (known is None or known.sign not in each.detail):
            wrong.append(f"{each.call}: {each.detail}")
    return wrong


def _verdict(caller: Caller, outcome: Outcome) -> str:
    return "yes" if outcome.ok else KNOWN[caller.title, outcome.call].why


def _section(caller: Caller, found: list[Outcome], version: str) -> str:
    note = f"{caller.note}\n\n" if caller.note else ""
    rows = "".join(f"| {each.call} | {_verdict(caller, each)} |\n" for each in found)
    return f"\n## {caller.title} ({caller.package} {version})\n\n{note}| call | works |\n|---|---|\n{rows}"


def page(results: Results, lock: Path) -> str:
    """The whole page."""
    locked = versions(lock)
    return HEAD + "".join(_section(caller, results[caller.title], locked[caller.package]) for caller in ROSTER)
