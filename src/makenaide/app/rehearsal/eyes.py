"""The eyes of a rehearsal: the books of the stepped venue, through lost frames.

The stream's own watcher is not in this loop: its process and its tests prove it. Time jumps from one touched fence to
the next. At each landing the watched markets send a book each, and each of these frames can be lost, or the stream
silent for a while.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from makenaide.app.rehearsal.exchange import Exchange
from makenaide.domain.errors import Unavailable
from makenaide.domain.market import Market
from makenaide.domain.money import Price
from makenaide.exchange.simulator.faults.plan import Call, Kind, Rule
from makenaide.exchange.simulator.stepped import SteppedClock
from makenaide.exchange.venue import Fence, Sighting, Watcher

_RECHECK = timedelta(seconds=10)
"""So long a lost frame of a quiet market goes unnoticed: then REST looks beside the stream."""

_LOOK = timedelta(seconds=1)
"""Between two looks while the stream is silent."""


@dataclass(slots=True, kw_only=True)
class SteppedEyes:
    """A `Watcher` over `stepper`, whose frames meet the faults of `exchange`."""

    exchange: Exchange
    clock: SteppedClock
    stepper: Watcher
    _silent_until: datetime | None = field(init=False, default=None)

    def wait(self, until: datetime, fences: Mapping[Market, Fence]) -> Sighting:
        """Move to `until`, or to the first touched fence whose frame comes; `Unavailable` in a silence."""
        while True:
            if self._silent():
                self._pass(_LOOK)
                raise Unavailable("the stream is silent, and nothing answers")
            seen = self._stepped(until, fences)
            if seen.at >= until or not self._touching(seen, fences):
                return seen
            kept = self._arrived(seen)
            if kept.bids:
                return kept
            self._pass(_RECHECK)  # the frame is lost: the next look by REST finds it
            if self.clock.now() >= until:
                return self._stepped(until, fences)

    def _silent(self) -> bool:
        return self._silent_until is not None and self.clock.now() < self._silent_until

    def _pass(self, span: timedelta) -> None:
        self._stepped(self.clock.now() + span, {})

    def _stepped(self, until: datetime, fences: Mapping[Market, Fence]) -> Sighting:
        """One move; others do on the way what they have planned."""
        following = None if self.exchange.deeds is None else self.exchange.deeds.following(self.clock.now())
        if following is not None and following < until:
            seen = self.stepper.wait(following, fences)
            self.exchange.live(self.clock.now())
            return seen
        return self.stepper.wait(until, fences)

    def _touching(self, seen: Sighting, fences: Mapping[Market, Fence]) -> bool:
        return any(market in fences and fences[market].touched(bid) for market, bid in seen.bids.items())

    def _arrived(self, seen: Sighting) -> Sighting:
        bids: dict[Market, Price] = {}
        for market, bid in seen.bids.items():
            rule = self._met(market, seen.at)
            kind = None if rule is None else rule.kind
            if rule is not None and kind in (Kind.SILENCE, Kind.DROP):
                pause = rule.seconds if kind is Kind.SILENCE else 1.0
                self._silent_until = self.clock.now() + timedelta(seconds=pause)
                return Sighting(at=seen.at, bids=bids)
            if kind is not Kind.GAP:
                bids[market] = bid
        return Sighting(at=seen.at, bids=bids)

    def _met(self, market: Market, at: datetime) -> Rule | None:
        met = self.exchange.faults.met(Call(name=f"orderbook {market}", at=at, frame=True))
        return met[0] if met else None
