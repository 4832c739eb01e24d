"""What may happen to markets beside their prices: the events that `staged.Staged` adds to any market data.

Every time is aware UTC and a whole second; `end` None means for ever. An event that makes no sense in itself raises
`Misconfigured` naming its kind and market when it is made, one that does not fit the data when it is staged.
Sources: upbit-api.md sections 2.1 (cautions), 8 (price steps), 9.2 (market_state, delisting_date) and 10.
"""

from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal

from makenaide.domain.errors import Misconfigured
from makenaide.domain.market import Market, is_market, quote_of
from makenaide.exchange.simulator.market import BOOK_LEVELS, CAUTIONS
from makenaide.exchange.simulator.prices.grid import misfit

_QUOTES = ("KRW", "BTC", "USDT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """`market` is under an investment warning in [start, end)."""

    market: Market
    start: datetime
    end: datetime | None = None

    def __post_init__(self) -> None:
        _require_times(self, self.start, self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caution:
    """The automatic flag `name`, one of `CAUTIONS`, is up for `market` in [start, end)."""

    market: Market
    name: str
    start: datetime
    end: datetime | None = None

    def __post_init__(self) -> None:
        if self.name not in CAUTIONS:
            raise _wrong(self, f"name: expected one of {', '.join(CAUTIONS)}, got {self.name!r}")
        _require_times(self, self.start, self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delisting:
    """`market` is warned and its end known from `announced`; at `at` it is gone with its open orders."""

    market: Market
    announced: datetime
    at: datetime

    def __post_init__(self) -> None:
        _require_times(self, self.announced, self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewListing:
    """`market` opens at `at`: nothing before it was traded here. From `preview_from` on it is listed as PREVIEW."""

    market: Market
    at: datetime
    preview_from: datetime | None = None

    def __post_init__(self) -> None:
        _require_times(self, self.preview_from or self.at, self.at if self.preview_from else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """The whole venue is down in [start, end): no trade happened in it, in no candle of any length."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        _require_times(self, self.start, self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rename:
    """From `at` on `market` is known as `new`, with all its history; its open orders are gone as at a delisting.

    Balances are left alone: the coin keeps its currency in every wallet.
    """

    market: Market
    new: Market
    at: datetime

    def __post_init__(self) -> None:
        _require_times(self, self.at, None)
        if not is_market(self.new) or quote_of(self.new) != quote_of(self.market):
            raise _wrong(self, f"new: expected a market of the same quote currency, got {self.new}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TickTable:
    """From `at` on prices in the currency `quote` have these steps; None: the published table again.

    `bands` are (price from, inclusive; step), highest first, the last one from zero.
    """

    quote: str
    at: datetime
    bands: tuple[tuple[Decimal, Decimal], ...] | None = None

    def __post_init__(self) -> None:
        _require_times(self, self.at, None)
        if self.quote not in _QUOTES:
            raise _wrong(self, f"quote: expected one of {', '.join(_QUOTES)}, got {self.quote!r}")
        wrong = None if self.bands is None else misfit(self.bands)
        if wrong is not None:
            raise _wrong(self, f"bands: {wrong}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Thin:
    """The street's book of `market` has at most `bids` and `asks` levels in [start, end)."""

    market: Market
    start: datetime
    end: datetime | None = None
    bids: int = BOOK_LEVELS
    asks: int = BOOK_LEVELS

    def __post_init__(self) -> None:
        _require_times(self, self.start, self.end)
        for name, levels in (("bids", self.bids), ("asks", self.asks)):
            if not 1 <= levels <= BOOK_LEVELS:
                raise _wrong(self, f"{name}: expected 1 to {BOOK_LEVELS} levels, got {levels}")


Event = Warned | Caution | Delisting | NewListing | Maintenance | Rename | TickTable | Thin


class Misfit(Misconfigured):
    """An event fits neither the data nor the other events.

    `event` is the one at fault: whoever wrote it knows where.
    """

    def __init__(self, event: Event, what: str) -> None:
        super().__init__(f"{named(event)}: {what}")
        self.event = event


def named(event: Event) -> str:
    """The event in an error message: its kind and what it concerns."""
    subject = getattr(event, "market", None) or getattr(event, "quote", None) or "the venue"
    return f"simulator: {type(event).__name__} of {subject}"


def _wrong(event: Event, what: str) -> Misconfigured:
    return Misconfigured(f"{named(event)}: {what}")


def _require_times(event: Event, start: datetime, end: datetime | None) -> None:
    for each in fields(event):
        value = getattr(event, each.name)
        if isinstance(value, datetime) and (value.utcoffset() is None or value.microsecond):
            raise _wrong(event, f"{each.name}: expected a whole second with a zone, got {value.isoformat()}")
    if end is not None and end <= start:
        raise _wrong(event, f"expected its end after {start.isoformat()}, got {end.isoformat()}")
