"""The Upbit client: `exchange.venue.Venue` over HTTP."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from makenaide.domain.candle import Candle
from makenaide.domain.clock import Clock, day_start, trading_day
from makenaide.domain.errors import UnknownMarket
from makenaide.domain.market import Market
from makenaide.domain.order import Answer, Identifier, NoAnswer, NotAccepted, NotSent, OrderRequest
from makenaide.exchange.http import Interrupted, NotConnected, Pairs, Transport
from makenaide.exchange.upbit import wire
from makenaide.exchange.upbit.answers import answer, order_body
from makenaide.exchange.upbit.auth import Keys
from makenaide.exchange.upbit.errors import VenueRefused, VenueUnavailable
from makenaide.exchange.upbit.limiter import BLOCKED, TOO_MANY, Limiter, NoTurn
from makenaide.exchange.upbit.line import Call, Line, Measure, accepted
from makenaide.exchange.upbit.retry import RetrySettings
from makenaide.exchange.venue import Balance, Book, Chance, Instrument, Listing, PlacedOrder, Ticker

MOST_CANDLES = 200
MOST_LEVELS = 30


@dataclass(slots=True, kw_only=True)
class UpbitClient:
    """The venue over `transport`, which may lead to Upbit or to the built-in simulator. Thread-safe.

    `keys` None serves market data only; the account's methods then raise `Misconfigured`. `ids` gives a fresh nonce
    each time it is called. Reads raise `VenueUnavailable`, `VenueRefused` or `VenueGarbled` (all `Unavailable`).
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

    @property
    def now_offset(self) -> timedelta | None:
        """The venue's clock minus ours, in whole seconds, by its last reply; None before the first."""
        return self._line.offset

    @property
    def calls(self) -> Mapping[str, Measure]:
        """Sends, seconds and failures so far, by call name such as "GET /v1/ticker"."""
        return self._line.measures()

    # ---- market data ----

    def markets(self) -> Sequence[Listing]:
        """Every listed market with its warning and the cautions that are up."""
        name, body = self._quote("/v1/market/all", (("is_details", "true"),), ())
        return wire.listings(name, body)

    def day_candles(self, market: Market, before: datetime, count: int) -> Sequence[Candle]:
        """Up to `count` (1 to 200) day candles that are closed at `before`, ascending; days without trades lack.

        The candle that is still forming at `before` is never among them.
        """
        if not 1 <= count <= MOST_CANDLES:
            raise ValueError(f"count: expected 1..{MOST_CANDLES}, got {count}")
        # `to` excludes candles by their start, so the day's start leaves the forming one out; with an explicit Z,
        # because a bare time is read as UTC by some and as Korean time by others (section 11, pitfall 1).
        to = day_start(trading_day(before))
        query = (("market", market), ("to", f"{to:%Y-%m-%dT%H:%M:%SZ}"), ("count", str(count)))
        name, body = self._quote("/v1/candles/days", query, (market,))
        return wire.day_candles(name, body, market, to)[-count:]

    def tickers(self, markets: Sequence[Market]) -> Mapping[Market, Ticker]:
        """The latest trade of each market; `UnknownMarket`, naming all that were asked, when one is not listed."""
        if not markets:
            return {}
        name, body = self._quote("/v1/ticker", (("markets", ",".join(markets)),), markets)
        return wire.tickers(name, body, markets)

    def books(self, markets: Sequence[Market], depth: int = MOST_LEVELS) -> Mapping[Market, Book]:
        """The order book of each market, up to `depth` (1 to 30) levels a side; `UnknownMarket` as in `tickers`."""
        if not 1 <= depth <= MOST_LEVELS:
            raise ValueError(f"depth: expected 1..{MOST_LEVELS}, got {depth}")
        if not markets:
            return {}
        query = (("markets", ",".join(markets)), ("count", str(depth)))
        name, body = self._quote("/v1/orderbook", query, markets)
        return wire.books(name, body, markets)

    def instruments(self, markets: Sequence[Market]) -> Mapping[Market, Instrument]:
        """The price step of each market at its present price; `UnknownMarket` as in `tickers`."""
        if not markets:
            return {}
        query = (("markets", ",".join(markets)),)
        name, body = self._quote("/v1/orderbook/instruments", query, markets)
        return wire.instruments(name, body, markets)

    # ---- the account ----

    def accounts(self) -> Mapping[str, Balance]:
        """The balance of every currency held; a currency without any is absent."""
        call = Call(method="GET", path="/v1/accounts", private=True)
        return wire.balances(call.name, self._line.read(call).body)

    def chance(self, market: Market) -> Chance:
        """Fee ratios, minimum total and state of the account in `market`; `UnknownMarket` when it is not listed."""
        call = Call(method="GET", path="/v1/orders/chance", query=(("market", market),), private=True)
        try:
            response = self._line.read(call)
        except VenueRefused as refused:
            if refused.name == "notfoundmarket":
                raise UnknownMarket(f"{call.name}: the venue does not list {market}") from refused
            raise
        return wire.chance(call.name, response.body, market)

    def place(self, request: OrderRequest) -> Answer:
        """Send `request` once, as it is, and say what came of it; whatever the wire does is a value, never raised.

        Without a turn within the patience nothing is sent: `NotAccepted` with the wait. ValueError for a request
        that no order type of the venue fits, `Misconfigured` without keys.
        """
        call = Call(method="POST", path="/v1/orders", body=order_body(request), private=True)
        turn = self._line.take(call)
        if isinstance(turn, NoTurn):
            return NotAccepted(turn.wait)
        try:
            reply = self._line.once(call, turn)
        except NotConnected as cause:
            return NotSent(str(cause))
        except Interrupted as cause:
            return NoAnswer(str(cause))
        return answer(reply.response, reply.shut)

    def order(self, identifier: Identifier) -> PlacedOrder | None:
        """The order of `identifier` with its trades; None when the venue does not know it."""
        call = Call(method="GET", path="/v1/order", query=(("identifier", identifier),), private=True)
        try:
            response = self._line.read(call)
        except VenueRefused as refused:
            if _not_found(refused):
                return None
            raise
        return wire.placed_order(call.name, response.body, identifier)

    def cancel(self, identifier: Identifier) -> bool:
        """Ask, once, for the order's cancellation; False when the venue does not know it.

        True is a request taken, not an end: look at the order again. `VenueUnavailable` when nothing is known.
        """
        call = Call(method="DELETE", path="/v1/order", query=(("identifier", identifier),), private=True)
        turn = self._line.take(call)
        if isinstance(turn, NoTurn):
            raise VenueUnavailable(f"{call.name}: no turn for {turn.wait:.1f} s")
        try:
            response = self._line.once(call, turn).response
        except (NotConnected, Interrupted) as cause:
            raise VenueUnavailable(f"{call.name}: {type(cause).__name__}: {cause}") from cause
        if response.status >= 500 or response.status in (TOO_MANY, BLOCKED):
            raise VenueUnavailable(f"{call.name}: answered {response.status}")
        try:
            accepted(call, response)
        except VenueRefused as refused:
            if _not_found(refused):
                return False
            raise
        return True

    def _quote(self, path: str, query: Pairs, markets: Sequence[Market]) -> tuple[str, bytes]:
        """Name and body of a market-data call; its 404 with a number as name means an unknown market."""
        call = Call(method="GET", path=path, query=query)
        try:
            return call.name, self._line.read(call).body
        except VenueRefused as refused:
            if refused.status == 404 and refused.name.isdigit() and markets:
                raise UnknownMarket(
                    f"{call.name}: the venue does not list one of {', '.join(markets)}"
                ) from refused
            raise


def _not_found(refused: VenueRefused) -> bool:
    return refused.status == 404 and refused.name == "order_not_found"
