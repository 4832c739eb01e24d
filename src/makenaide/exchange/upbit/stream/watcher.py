"""Eyes on the stream: they wake within milliseconds of a touching frame, and look by REST where it is blind.

A price counts in one of two ways only: as the book that the living connection sent last, or as the answer of a REST
look not older than `lasting`. Anything else is "could not look".
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from makenaide.domain.clock import Clock
from makenaide.domain.errors import MakenaideError, Unavailable
from makenaide.domain.market import Market
from makenaide.domain.money import Price
from makenaide.domain.parameter import parameter, require_in_range
from makenaide.exchange.upbit.stream.latest import Latest
from makenaide.exchange.venue import Fence, Sighting, Watcher

Bids = Mapping[Market, Price | None]
"""Best bids; None where nobody bids, or where the venue does not know the market."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EyesSettings:
    """When the stream counts as blind, and how often REST is asked beside it."""

    alive: float = parameter(3.0, "s without any market data", "then REST looks", low=0.2, high=60)
    look: float = parameter(1.0, "s between looks while blind", "house.md, section 5, rule 9", low=0.2, high=60)
    recheck: float = parameter(
        10.0, "s between looks beside a live stream", "a lost frame of a quiet market", low=1, high=600
    )
    lasting: float = parameter(2.0, "s", "for so long a REST answer counts as a price", low=0.2, high=60)
    slice: float = parameter(0.25, "s", "how soon a stop is noticed", low=0.01, high=1)

    def __post_init__(self) -> None:
        require_in_range(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class EyesParts:
    """What the eyes are given.

    `follow` tells the stream which markets are watched; `fallback` looks by REST; `run` runs a look beside the
    waiting, by default in a thread, so that a REST call that hangs does not blind the stream; `pause` waits for a
    change of the latest prices.
    """

    latest: Latest
    follow: Callable[[frozenset[Market]], None]
    fallback: Watcher
    clock: Clock
    monotonic: Callable[[], float]
    stopping: Callable[[], bool]
    pause: Callable[[int, float], None]
    run: Callable[[Callable[[], None]], None]
    settings: EyesSettings = field(default_factory=EyesSettings)


def in_thread(job: Callable[[], None]) -> None:
    """Run `job` in a thread that does not keep the process."""
    threading.Thread(target=job, name="upbit-look", daemon=True).start()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """A REST look's answer: when it came (seconds of the monotonic clock), the bids, or the fault instead of them."""

    ended: float
    bids: Bids
    fault: MakenaideError | None = None


class StreamWatcher:
    """A `Watcher` over the stream's books. `wait` is for one thread."""

    def __init__(self, parts: EyesParts) -> None:
        self._parts = parts
        self._settings = parts.settings
        self._followed: frozenset[Market] = frozenset()
        self._looking = False
        self._look: _Look | None = None
        self._look_began = float("-inf")

    def wait(self, until: datetime, fences: Mapping[Market, Fence]) -> Sighting:
        """Return at `until`, or earlier as soon as a fence is touched.

        `Unavailable` when the stream is blind to all of them and REST does not answer either.
        """
        self._follow(frozenset(fences))
        entered = self._parts.monotonic()
        while True:
            version = self._parts.latest.version
            self._look_if_due(fences, blind=len(self._streamed(fences)) < len(fences))
            known = self._looked(fences) | self._streamed(fences)
            bids = {market: bid for market, bid in known.items() if bid is not None}
            touched = any(fences[market].touched(bid) for market, bid in bids.items())
            left = (until - self._parts.clock.now()).total_seconds()
            fault = self._fault(entered) if len(known) < len(fences) else None
            if fault is not None and not known:
                raise fault
            if touched or self._parts.stopping() or (left <= 0 and (len(known) == len(fences) or fault)):
                return Sighting(at=self._parts.clock.now(), bids=bids)
            self._parts.pause(version, min(left, self._settings.slice) if left > 0 else self._settings.slice)

    def _follow(self, markets: frozenset[Market]) -> None:
        """Subscribe to more when more is watched; what is watched no more stays until it is most of the list."""
        if not markets <= self._followed or len(self._followed) > 2 * len(markets) + 20:
            few = len(self._followed | markets) <= 2 * len(markets) + 20
            self._followed = self._followed | markets if few else markets
            self._parts.follow(self._followed)

    def _streamed(self, fences: Mapping[Market, Fence]) -> dict[Market, Price | None]:
        """The best bids of the living stream; of a dead one, none."""
        if not self._parts.latest.alive(self._parts.monotonic(), self._settings.alive):
            return {}
        return {market: seen.frame.book.best_bid for market, seen in self._parts.latest.books(fences).items()}

    def _looked(self, fences: Mapping[Market, Fence]) -> dict[Market, Price | None]:
        """What the last look saw, as long as it lasts."""
        look = self._look
        if look is None or look.fault is not None:
            return {}
        if self._parts.monotonic() - look.ended > self._settings.lasting:
            return {}
        return {market: bid for market, bid in look.bids.items() if market in fences}

    def _fault(self, entered: float) -> MakenaideError | None:
        """Why the last look failed, if it ended since `entered`."""
        look = self._look
        return look.fault if look is not None and look.ended >= entered else None

    def _look_if_due(self, fences: Mapping[Market, Fence], *, blind: bool) -> None:
        pause = self._settings.look if blind else self._settings.recheck
        now = self._parts.monotonic()
        if fences and not self._looking and now - self._look_began >= pause:
            self._looking, self._look_began = True, now
            asked = dict(fences)
            try:
                self._parts.run(lambda: self._ask(asked, now))
            except RuntimeError as cause:
                # No thread could be started: the look has failed, and the next one is due like after any other.
                self._look = _Look(ended=now, bids={}, fault=Unavailable(f"the look by REST: {cause}"))
                self._looking = False

    def _ask(self, fences: Mapping[Market, Fence], began: float) -> None:
        bids: Bids = {}
        # Whatever ends the look, it has ended: a wait that went on for its answer would never return.
        fault: MakenaideError | None = Unavailable("the look by REST broke off")
        try:
            # Until now: one look, no waiting.
            seen = self._parts.fallback.wait(self._parts.clock.now(), fences).bids
            bids, fault = {market: seen.get(market) for market in fences}, None
        except MakenaideError as cause:
            fault = cause
        finally:
            self._look = _Look(ended=self._parts.monotonic(), bids=bids, fault=fault)
            for market, bid in bids.items():
                self._contradict(market, bid, began)
            self._looking = False
            self._parts.latest.nudge()

    def _contradict(self, market: Market, bid: Price | None, began: float) -> None:
        """A book from before the look that says something else has missed a frame: it is no price any more."""
        seen = self._parts.latest.books([market]).get(market)
        if seen is not None and seen.frame.book.best_bid != bid:
            self._parts.latest.forget(market, began)
