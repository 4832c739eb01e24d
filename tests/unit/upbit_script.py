"""What the tests of the Upbit client share: a stepped clock, and a transport that plays a script and keeps notes."""

import json
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from makenaide.domain.clock import Clock
from makenaide.exchange.http import Request, Response, Transport
from makenaide.exchange.upbit.auth import Keys
from makenaide.exchange.upbit.client import UpbitClient
from makenaide.exchange.upbit.limiter import Limiter, LimiterSettings
from makenaide.exchange.upbit.retry import RetrySettings

START = datetime(2026, 1, 5, 0, 0, 10, tzinfo=UTC)
KEYS = Keys(access="access-of-the-tests", secret="s" * 64)

Step = Response | Exception


class StepClock:
    """Moves only when somebody sleeps, and remembers every sleep."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += timedelta(seconds=max(0.0, seconds))


@dataclass
class Script:
    """A transport that answers one step a request, the last one for ever, and takes `latency` s each time."""

    steps: Sequence[Step]
    clock: StepClock
    latency: float = 0.0
    requests: list[Request] = field(default_factory=list)

    def send(self, request: Request) -> Response:
        step = self.steps[min(len(self.requests), len(self.steps) - 1)]
        self.requests.append(request)
        self.clock.at += timedelta(seconds=self.latency)
        if isinstance(step, Exception):
            raise step
        return step


def reply(body: Any = None, status: int = 200, **headers: str) -> Response:
    """A reply with `body` as JSON (bytes go as they are); header names with "_" for "-"."""
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return Response(
        status=status, headers={name.replace("_", "-"): text for name, text in headers.items()}, body=raw
    )


def refused(status: int, name: str | int, message: str = "words") -> Response:
    """The venue's error object."""
    return reply({"error": {"name": name, "message": message}}, status)


def client_of(
    transport: Transport,
    clock: Clock,
    keys: Keys | None,
    ids: Callable[[], str] | None = None,
    limiter: LimiterSettings | None = None,
    **more: Any,
) -> UpbitClient:
    """A client that draws from fixed seeds, its nonces numbered unless told; `more`: its `settings`."""
    return UpbitClient(
        transport=transport,
        limiter=Limiter(limiter or LimiterSettings(), clock, random.Random(1)),
        keys=keys,
        clock=clock,
        ids=ids or map("nonce-{}".format, count(1)).__next__,
        rng=random.Random(2),
        **more,
    )


@dataclass
class Stand:
    """A client on a script, with everything that a test looks at."""

    client: UpbitClient
    script: Script
    clock: StepClock

    @property
    def sent(self) -> list[Request]:
        return self.script.requests


def stand(
    steps: Iterable[Step],
    *,
    keys: Keys | None = KEYS,
    settings: RetrySettings | None = None,
    limiter: LimiterSettings | None = None,
    latency: float = 0.0,
    carrier: Transport | None = None,
) -> Stand:
    """A client whose venue plays `steps`, or answers as `carrier` does."""
    clock = StepClock()
    script = Script(list(steps), clock, latency)
    more: dict[str, Any] = {} if settings is None else {"settings": settings}
    client = client_of(carrier or script, clock, keys, limiter=limiter, **more)
    return Stand(client, script, clock)
