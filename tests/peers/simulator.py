"""A simulator for each client: the command line's own, on a free port, in real time."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

COMMAND = (sys.executable, "-m", "makenaide", "exchange", "simulate", "--json", "--seed", "1")
START_SECONDS = 60.0
STOP_SECONDS = 15.0
SCRIPT_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a script found of one call."""

    call: str
    ok: bool
    detail: str


@contextmanager
def _within(seconds: float, process: subprocess.Popen[str]) -> Iterator[None]:
    """Kill `process` when the block takes longer."""
    guard = Timer(seconds, process.kill)
    guard.start()
    try:
        yield
    finally:
        guard.cancel()


@contextmanager
def simulator(folder: Path, scenario: str = "") -> Iterator[dict[str, str]]:
    """The variables that lead a client to a new simulator in `folder`, which ends with the block."""
    folder.mkdir(parents=True)
    command = [*COMMAND]
    if scenario:
        (folder / "scenario.toml").write_text(scenario, encoding="utf-8")
        command += ["--scenario", str(folder / "scenario.toml")]
    variables = {**os.environ, "MAKENAIDE_HOME": str(folder / "data")}
    with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            with _within(START_SECONDS, process):
                said = json.loads(process.stdout.readline() or "{}")
            assert said.get("url"), f"the simulator did not start: {said}"
            pair = json.loads(Path(said["keys"]).read_text(encoding="utf-8"))
            yield {
                "UPBIT_BASE_URL": said["url"],
                "UPBIT_ACCESS_KEY": pair["access"],
                "UPBIT_SECRET_KEY": pair["secret"],
                "OPERATOR": Path(said["operator"]).read_text(encoding="utf-8").strip(),
            }
        finally:
            process.terminate()
            with _within(STOP_SECONDS, process):
                process.wait()
    assert process.returncode == 0, f"the simulator ended with {process.returncode}"


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
