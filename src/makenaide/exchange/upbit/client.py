"""The Upbit client: `exchange.venue.Venue` over HTTP, and the calls beyond it."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from makenaide.domain.clock import Clock
from makenaide.exchange.http import Transport
from makenaide.exchange.upbit.auth import Keys
from makenaide.exchange.upbit.calls.account import AccountCalls
from makenaide.exchange.upbit.calls.cancelling import CancellingCalls
from makenaide.exchange.upbit.calls.looking import LookingCalls
from makenaide.exchange.upbit.calls.placing import PlacingCalls
from makenaide.exchange.upbit.calls.probing import ProbingCalls
from makenaide.exchange.upbit.calls.quotation import QuotationCalls
from makenaide.exchange.upbit.limiter import Limiter
from makenaide.exchange.upbit.line import Line, Measure
from makenaide.exchange.upbit.offset import ClockOffset
from makenaide.exchange.upbit.retry import RetrySettings


@dataclass(slots=True, kw_only=True)
class UpbitClient(QuotationCalls, AccountCalls, PlacingCalls, LookingCalls, CancellingCalls, ProbingCalls):
    """The venue over `transport`, which may lead to Upbit or to the built-in simulator. Thread-safe.

    `keys` None serves market data only; the account's methods then raise `Misconfigured`. `ids` gives a fresh nonce
    each time it is called (a UUID on the real venue). Reads raise `VenueUnavailable`, `VenueRefused` or
    `VenueGarbled` (all `Unavailable`).
    """

    transport: Transport
    limiter: Limiter
    keys: Keys | None
    clock: Clock
    ids: Callable[[], str]
    rng: random.Random
    settings: RetrySettings = field(default_factory=RetrySettings)
    _line: Line = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._line = Line(
            transport=self.transport,
            limiter=self.limiter,
            keys=self.keys,
            clock=self.clock,
            ids=self.ids,
            rng=self.rng,
            settings=self.settings,
        )

    def clock_offset(self) -> ClockOffset | None:
        """The venue's clock minus ours, by the dates of its latest replies; None before the first."""
        return self._line.offsets.estimate()

    @property
    def calls(self) -> Mapping[str, Measure]:
        """Sends, seconds and failures so far, by call name such as "GET /v1/ticker"."""
        return self._line.measures()
