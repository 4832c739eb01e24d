"""What a script found: one line of JSON for each call, {"call": name, "ok": bool, "detail": text}."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

PAUSE = 0.12
"""Seconds before each call: most of Upbit's groups take ten calls a second, and not every client paces itself."""
CALL_SECONDS = 15.0
"""No call may hang for longer; the streams send far more often."""


class Wrong(Exception):
    """A reply came, and is not what the call promises."""


def told(name: str, cause: BaseException | None) -> None:
    """Print the outcome of one call; no `cause` means that it works."""
    detail = "" if cause is None else f"{type(cause).__name__}: {cause}"
    sys.stdout.write(json.dumps({"call": name, "ok": cause is None, "detail": detail[:500]}) + "\n")
    sys.stdout.flush()


def _late(_number: int, _frame: FrameType | None) -> None:
    raise Wrong(f"nothing within {CALL_SECONDS:.0f} s")


def _require(found: Any, holds: Callable[[Any], object]) -> Any:
    if not holds(found):
        raise Wrong(f"got {found!r}")
    return found


@contextmanager
def _judged(name: str) -> Iterator[None]:
    """Tell what comes of the block, which has `CALL_SECONDS`; whatever it raises ends here."""
    signal.signal(signal.SIGALRM, _late)
    signal.setitimer(signal.ITIMER_REAL, CALL_SECONDS)
    fault: Exception | None = None
    try:
        yield
    except Exception as cause:  # noqa: BLE001 - whatever a client raises is the finding
        fault = cause
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    told(name, fault)


def call(name: str, act: Callable[[], Any], holds: Callable[[Any], object] = bool) -> Any:
    """Do `act` and judge what it gives by `holds`; returns that, or None when anything went wrong."""
    time.sleep(PAUSE)
    found = None
    with _judged(name):
        found = _require(act(), holds)
    return found  # noqa: RET504 - None when the block has ended early


async def acall(name: str, act: Callable[[], Awaitable[Any]], holds: Callable[[Any], object] = bool) -> Any:
    """`call` for an asynchronous client."""
    await asyncio.sleep(PAUSE)
    found = None
    with _judged(name):
        found = _require(await act(), holds)
    return found  # noqa: RET504 - None when the block has ended early


def base_url() -> str:
    """Where the simulator is."""
    return os.environ["UPBIT_BASE_URL"]


def keys() -> tuple[str, str]:
    """The access key and the secret key."""
    return os.environ["UPBIT_ACCESS_KEY"], os.environ["UPBIT_SECRET_KEY"]
