"""A simulator for each client: the command line's own, on a free port, in real time, without rate limits."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SCENARIO = """
[quota]
enforced = false

[balances]
KRW = 1000000000
BTC = 20

[keys.peer]
scopes = [
    "view_account", "view_orders", "make_orders", "view_deposits", "view_withdrawals", "deposit", "withdraw",
    "transfer", "manage_pockets",
]
"""
START = ("exchange", "simulate", "--json", "--seed", "1", "--markets", "12", "--scenario")
STOP_SECONDS = 15.0
SCRIPT_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a script found of one call."""

    call: str
    ok: bool
    detail: str


@contextmanager
def simulator(folder: Path, more: str = "") -> Iterator[dict[str, str]]:
    """The variables that lead a client to a new simulator in `folder`, which ends with the block."""
    folder.mkdir(parents=True)
    scenario = folder / "scenario.toml"
    scenario.write_text(SCENARIO + more, encoding="utf-8")
    command = [sys.executable, "-m", "makenaide", *START, str(scenario)]
    variables = {**os.environ, "MAKENAIDE_HOME": str(folder / "data")}
    with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = json.loads(process.stdout.readline() or "{}")
            assert said.get("url"), f"the simulator did not start: {said}"
            pair = json.loads(Path(said["keys"]).with_name("keys-peer.json").read_text(encoding="utf-8"))
            yield {
                "UPBIT_BASE_URL": said["url"],
                "UPBIT_ACCESS_KEY": pair["access"],
                "UPBIT_SECRET_KEY": pair["secret"],
                "OPERATOR": Path(said["operator"]).read_text(encoding="utf-8").strip(),
            }
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)


def outcomes(command: list[str], variables: Mapping[str, str], repository: Path) -> list[Outcome]:
    """Run a script to its end; what it found, in its order."""
    done = subprocess.run(
        command,
        cwd=repository,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=SCRIPT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"call"')]
    return [Outcome(**json.loads(line)) for line in lines]
