"""The limiter's figure: how much of the allowed rate it holds for 60 simulated seconds, and at what spacing.

    python bench/limiter.py

The venue here counts as Upbit is understood to count: fixed windows of its own clock, each with a hard limit, and a
`Remaining-Req` in every reply. The phase of the windows against our clock is unknown, so it is swept; arrivals are
late by nothing, or by up to 30 ms each (at random, one by one). Exit 1 when a figure is missed.
"""

import random
import sys
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from makenaide.exchange.http import Response
from makenaide.exchange.upbit.limiter import (
    VENUE_LIMITS,
    Group,
    Limiter,
    LimiterSettings,
    NoTurn,
    Turn,
    VenueLimit,
)
from makenaide.exchange.upbit.shares import Role

START = datetime(2026, 1, 5, tzinfo=UTC)
SECONDS = 60
PHASES = 40
TARGET = 0.95
GUARD = LimiterSettings().within(Role.GUARD)
WHOLE = LimiterSettings(
    market=10,
    candle=10,
    trade=10,
    ticker=10,
    orderbook=10,
    default=30,
    order=12,
    order_test=8,
    order_cancel_all=0.5,
)


class SteppedClock:
    """Moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        """Where the clock stands."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Move on."""
        self.time += timedelta(seconds=max(0.0, seconds))


@dataclass
class FixedWindows:
    """The venue's count of one group; `phase` is where its seconds begin against ours."""

    limit: VenueLimit
    phase: float
    counts: Counter[int] = field(default_factory=Counter)
    refused: int = 0

    def reply(self, at: datetime) -> Response:
        """The reply to a request that arrives at `at`."""
        window = int(((at - START).total_seconds() + self.phase) // self.limit.seconds)
        self.counts[window] += 1
        left = self.limit.calls - self.counts[window]
        self.refused += left < 0
        headers = {"remaining-req": f"group=default; min=1800; sec={max(0, left)}"}
        return Response(status=429 if left < 0 else 200, headers=headers, body=b"")


class Caller:
    """A process that always has one more call to make; `due` is when its next one arrives."""

    def __init__(self, group: Group, settings: LimiterSettings, jitter: float, seed: int) -> None:
        self.clock = SteppedClock()
        self.limiter = Limiter(settings, self.clock, random.Random(seed))
        self.group = group
        self.jitter = jitter
        self.rng = random.Random(seed)
        self.sent: list[float] = []
        self.turn: Turn
        self.due = START
        self.ask()

    def ask(self) -> None:
        """Take the next turn."""
        turn = self.limiter.take(self.group, 3600)
        assert not isinstance(turn, NoTurn)
        self.turn = turn
        self.due = turn.sent + timedelta(seconds=self.rng.uniform(0, self.jitter))

    def step(self, venue: FixedWindows) -> None:
        """Let the call arrive, hear the reply, go on."""
        self.sent.append((self.turn.sent - START).total_seconds())
        self.limiter.heard(self.turn, venue.reply(self.due))
        self.ask()


@dataclass(frozen=True)
class Figure:
    """One run: share of the allowed rate held, narrowest and widest gap in spacings, refusals, fullest window."""

    held: float
    narrowest: float
    widest: float
    refused: int
    fullest: int


def run(group: Group, settings: LimiterSettings, phase: float, jitter: float, beside: bool = False) -> Figure:
    """60 simulated seconds of a caller, alone or beside a guard with its own share."""
    venue = FixedWindows(VENUE_LIMITS[group], phase)
    first = Caller(group, settings, jitter, 1)
    callers = [first, Caller(group, GUARD, jitter, 2)] if beside else [first]
    while True:
        soonest = min(callers, key=lambda caller: caller.due)
        if soonest.due >= START + timedelta(seconds=SECONDS):
            break
        soonest.step(venue)
    rate = settings.rate(group)
    gaps = [later - earlier for earlier, later in pairwise(first.sent)]
    # Over whole spacings, so that the first call at 0 s is not a gift to slow groups.
    held = len(gaps) / (first.sent[-1] - first.sent[0]) / rate
    return Figure(held, min(gaps) * rate, max(gaps) * rate, venue.refused, max(venue.counts.values()))


def sweep(group: Group, settings: LimiterSettings, jitter: float, beside: bool) -> Figure:
    """The worst of everything over all phases."""
    window = VENUE_LIMITS[group].seconds
    runs = [run(group, settings, window * step / PHASES, jitter, beside) for step in range(PHASES)]
    return Figure(
        min(each.held for each in runs),
        min(each.narrowest for each in runs),
        max(each.widest for each in runs),
        sum(each.refused for each in runs),
        max(each.fullest for each in runs),
    )


def main() -> int:
    """Print the table; 0 when every line reaches the figure."""
    cases: list[tuple[str, LimiterSettings, bool, tuple[Group, ...]]] = [
        ("our share", LimiterSettings(), False, tuple(Group)),
        ("the whole limit", WHOLE, False, tuple(Group)),
        ("beside the guard", LimiterSettings(), True, (Group.TICKER, Group.DEFAULT, Group.ORDER)),
    ]
    print(
        f"worst of {PHASES} phases, {SECONDS} simulated s each; gaps in units of 1/rate; target {TARGET:.0%}, no 429"
    )
    print(
        f"{'who':17} {'group':17} {'rate/s':>6} {'jitter':>7} {'held':>7} {'gaps':>13} {'fullest':>8} {'429':>4}"
    )
    good = True
    for who, settings, beside, groups in cases:
        for group in groups:
            for jitter in (0.0, 0.030):
                worst = sweep(group, settings, jitter, beside)
                good = good and worst.held >= TARGET and worst.refused == 0
                print(
                    f"{who:17} {group:17} {settings.rate(group):6.1f} {jitter * 1000:4.0f} ms {worst.held:7.2%} "
                    f"{worst.narrowest:6.3f}-{worst.widest:.3f} {worst.fullest:4d}/{VENUE_LIMITS[group].calls:<3d} "
                    f"{worst.refused:4d}"
                )
    print("reached" if good else "MISSED")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
