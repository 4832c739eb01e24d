"""A candle and its laws; a series of candles and its order."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from makenaide.domain.errors import BadCandles
from makenaide.domain.market import Market
from makenaide.domain.money import Krw, Price, Quantity

DAY_MINUTES = 1440


@dataclass(frozen=True, slots=True, kw_only=True)
class Candle:
    """One closed candle.

    `start` is the slot's first moment (aware UTC), `minutes` its length (1440 = the exchange's day), prices are
    in the quote currency, `volume` in coins, `turnover` in the quote currency.
    """

    market: Market
    start: datetime
    minutes: int
    open: Price
    high: Price
    low: Price
    close: Price
    volume: Quantity
    turnover: Krw

    @property
    def end(self) -> datetime:
        """The moment at which the candle closes."""
        return self.start + timedelta(minutes=self.minutes)


def flaw(candle: Candle) -> str | None:
    """The law that `candle` breaks, in words that name the field; None when it is sound."""
    if candle.high < candle.low:
        return f"high {candle.high} is below low {candle.low}"
    for name in ("open", "close"):
        price: Price = getattr(candle, name)
        if not candle.low <= price <= candle.high:
            return f"{name} {price} is outside low {candle.low} .. high {candle.high}"
    if candle.turnover.value < 0:
        return f"turnover {candle.turnover} is negative"
    if candle.start.tzinfo is None:
        return "start has no time zone"
    return None


def require_sound(candles: Iterable[Candle]) -> None:
    """`BadCandles` naming market and time unless all are sound and strictly ascending in time, per market."""
    latest: dict[Market, datetime] = {}
    for candle in candles:
        broken = flaw(candle)
        before = latest.get(candle.market)
        if broken is None and before is not None and candle.start <= before:
            broken = f"start does not follow {before.isoformat()}"
        if broken is not None:
            raise BadCandles(f"{candle.market} {candle.start.isoformat()}: {broken}")
        latest[candle.market] = candle.start
