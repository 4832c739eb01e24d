"""Clients of a venue as every process of ours builds them, and the keys that they sign with."""

import os
import random
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import msgspec

from makenaide.app.clock import StopFlag, WallClock
from makenaide.domain.clock import Clock
from makenaide.domain.errors import Misconfigured
from makenaide.exchange.http import Transport
from makenaide.exchange.upbit.auth import Keys
from makenaide.exchange.upbit.client import UpbitClient
from makenaide.exchange.upbit.limiter import Limiter
from makenaide.exchange.upbit.settings import UpbitSettings

if TYPE_CHECKING:
    from makenaide.monitoring.measures import Registry

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What JSON in a file may raise."""


def upbit_client(
    settings: UpbitSettings,
    transport: Transport,
    keys: Keys | None,
    clock: Clock,
    measures: "Registry | None" = None,
) -> UpbitClient:
    """A client that paces itself by `clock`, which no stop flag may cut short: a hurried client gets banned.

    Its calls are counted in `measures`.
    """
    rng = random.Random()  # noqa: S311 - jitter of retries, no secret
    return UpbitClient(
        transport=transport if measures is None else _measured(transport, measures),
        limiter=Limiter(settings.limiter, clock, rng),
        keys=keys,
        clock=clock,
        ids=nonce,
        rng=rng,
        settings=settings.retry,
    )


def _measured(transport: Transport, measures: "Registry") -> Transport:
    from makenaide.monitoring.watching import MeasuredTransport  # noqa: PLC0415 - a guard loads no database

    return MeasuredTransport(transport, measures)


def unhurried() -> WallClock:
    """The wall clock, whose sleeps nothing cuts short."""
    return WallClock(StopFlag())


def nonce() -> str:
    """A fresh UUID."""
    return str(uuid4())


def read_keys(file: Path) -> Keys:
    """The keys that a simulated venue wrote to `file`; `Misconfigured` when they cannot be read."""
    try:
        pair = msgspec.json.decode(file.read_bytes(), type=dict[str, str])
        return Keys(access=pair["access"], secret=pair["secret"])
    except (OSError, KeyError, *UNREADABLE) as cause:
        raise Misconfigured(f"{file}: no keys: {cause}") from cause


def write_private(file: Path, content: bytes) -> None:
    """Write `file` for this user's eyes only, whole or not at all; `OSError`."""
    partial = file.with_suffix(".part")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
    partial.replace(file)
