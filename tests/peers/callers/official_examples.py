"""The official SDK's own examples, as they are, pointed at the simulator by UPBIT_BASE_URL alone.

They run one after the other in this process, with what they print thrown away. Only their pauses between polls are
cut short.
"""

import contextlib
import io
import os
import runpy
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

from tests.peers.callers.tally import call

STREAMS = ("ws_public", "ws_private", "ws_info")
"""Wait for ten events of each kind: minutes, and official_stream.py sees every kind. (`info` is not served.)"""
TRADING = ("orders_kr.py", "dca_kr.py", "tp_sl_kr.py")
"""Only look by themselves, and trade when DRY_RUN is false."""
LONGEST_PAUSE = 0.12
"""Seconds: they poll for what the simulator has done at once."""

_sleep = time.sleep


def _short(seconds: Any) -> None:
    _sleep(min(seconds, LONGEST_PAUSE))


def chosen(folder: Path) -> list[Path]:
    """The scenarios for Korea, and the examples of single calls; not those that wait for streams."""
    single = [path for path in sorted(folder.glob("*/*.py")) if path.parent.name not in STREAMS]
    return [*sorted(folder.glob("*_kr.py")), *single]


def run(path: Path) -> bool:
    """Run one example to its end; it raises when a call fails."""
    with contextlib.redirect_stdout(io.StringIO()):
        runpy.run_path(str(path), run_name="__main__")
    return True


def main(folder: Path) -> None:
    """Every example; SystemExit is how some report that they cannot go on."""
    time.sleep = _short
    for path in chosen(folder):
        call(path.relative_to(folder).as_posix(), partial(_ended, path))
    os.environ["DRY_RUN"] = "false"
    for name in TRADING:
        call(f"{name}, DRY_RUN=false", partial(_ended, folder / name))


def _ended(path: Path) -> Any:
    try:
        return run(path)
    except SystemExit as end:
        raise RuntimeError(str(end)) from end


if __name__ == "__main__":
    main(Path(sys.argv[1]))
