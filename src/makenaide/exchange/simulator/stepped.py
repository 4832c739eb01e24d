"""The trading side of a stepped run: a clock that moves only when asked, and a watcher that moves it.

Each request carries the clock's time, and the venue follows; between the slots the watcher lets the venue run to
the next moment that matters. Nothing else lets time pass, so a run is the same whatever the machine is doing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, TypeVar

import msgspec

from makenaide.domain.clock import utc
from makenaide.domain.errors import Unavailable
from makenaide.domain.market import Market
from makenaide.domain.money import Price
from makenaide.exchange.http import Interrupted, NotConnected, Request, Response, Transport
from makenaide.exchange.simulator.amount import countable
from makenaide.exchange.simulator.rest.control import TIME_HEADER
from makenaide.exchange.simulator.rest.gatekeeper import body_text
from makenaide.exchange.upbit.auth import Keys, bearer
from makenaide.exchange.venue import Fence, Sighting


class SteppedClock:
    """A clock that stands still until it is moved; never moves backwards."""

    def __init__(self, now: datetime) -> None:
        self._now = utc(now)

    def now(self) -> datetime:
        """The run's present, in UTC."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Move on by `seconds`."""
        if seconds > 0:
            self._now += timedelta(seconds=seconds)

    def move_to(self, moment: datetime) -> None:
        """Move on to `moment`, unless it has passed."""
        self._now = max(self._now, utc(moment))

    def stamp(self) -> Mapping[str, str]:
        """The header that tells the venue what time it is."""
        return {TIME_HEADER: self._now.isoformat(timespec="microseconds")}


_Shape = TypeVar("_Shape", bound=msgspec.Struct)


_Aware = Annotated[datetime, msgspec.Meta(tz=True)]


class _Clock(msgspec.Struct, frozen=True):
    now: _Aware
    first_slot: _Aware
    end: _Aware


class _Reached(msgspec.Struct, frozen=True):
    at: _Aware
    bids: dict[str, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """The venue's present, the first moment at which trading may begin, and the end of its data."""

    now: datetime
    first_slot: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """A stepped simulator's own endpoints, over the same transport as its market data. Raises `Unavailable`."""

    transport: Transport
    keys: Keys
    ids: Callable[[], str]

    def times(self) -> Times:
        """What time it is at the venue, and what its data spans."""
        seen = _decoded(self._send(Request(method="GET", path="/simulator/clock")), _Clock)
        try:
            return Times(now=utc(seen.now), first_slot=utc(seen.first_slot), end=utc(seen.end))
        except OverflowError as cause:
            raise _nonsense(cause) from cause

    def advance(self, until: datetime, fences: Mapping[Market, Fence]) -> Sighting:
        """Let the venue run to `until` or to the first fence that is touched."""
        asked = {
            "until": until.isoformat(timespec="microseconds"),
            "fences": {m: {"floor": str(f.floor), "peak": str(f.peak)} for m, f in fences.items()},
        }
        request = Request(
            method="POST",
            path="/simulator/advance",
            headers={
                "content-type": "application/json; charset=utf-8",
                "authorization": bearer(self.keys, self.ids(), body_text(asked)),
            },
            body=msgspec.json.encode(asked),
        )
        reached = _decoded(self._send(request), _Reached)
        try:
            bids = {Market(code): _price(bid) for code, bid in reached.bids.items()}
            return Sighting(at=utc(reached.at), bids=bids)
        except (ValueError, OverflowError) as cause:
            raise _nonsense(cause) from cause

    def _send(self, request: Request) -> Response:
        try:
            return self.transport.send(request)
        except (NotConnected, Interrupted) as cause:
            raise Unavailable(f"the simulator does not answer {request.path}: {cause}") from cause


@dataclass(frozen=True, slots=True, kw_only=True)
class SteppedWatcher:
    """A `Watcher` that lets the simulated time pass."""

    remote: Remote
    clock: SteppedClock

    def wait(self, until: datetime, fences: Mapping[Market, Fence]) -> Sighting:
        """Move venue and clock to `until`, or to the first fence that is touched."""
        sighting = self.remote.advance(max(until, self.clock.now()), fences)
        self.clock.move_to(sighting.at)
        return sighting


def _decoded(response: Response, kind: type[_Shape]) -> _Shape:
    if response.status != 200:
        raise Unavailable(f"the simulator answered {response.status}: {response.body[:100]!r}")
    try:
        return msgspec.json.decode(response.body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
        raise _nonsense(cause) from cause


def _price(bid: Decimal) -> Price:
    if not countable(bid):
        raise ValueError(f"not a sensible price: {bid:.3E}")
    return Price(bid)


def _nonsense(cause: Exception) -> Unavailable:
    return Unavailable(f"the simulator answered nonsense: {str(cause)[:200]}")
