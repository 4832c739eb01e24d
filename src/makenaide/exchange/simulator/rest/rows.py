"""The JSON rows of the public calls; numbers are JSON numbers (upbit-api.md section 2)."""

from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from makenaide.domain.market import Market
from makenaide.domain.money import plain
from makenaide.exchange.simulator.market import CAUTIONS, BookSides, CandleRow, DayStats, PublicTrade
from makenaide.exchange.simulator.prices.moments import to_ms
from makenaide.exchange.venue import CandleUnit, Listing

Json = dict[str, object]
Sized = tuple[tuple[Decimal, Decimal], ...]

_KST: Final = timedelta(hours=9)
_MINUTES: Final = {unit: unit.minutes for unit in CandleUnit}
_ZERO: Final = Decimal(0)
_PAD: Final = (_ZERO, _ZERO)


def listing(each: Listing, details: bool) -> Json:
    """A row of `/market/all`."""
    row: Json = {
        "market": each.market,
        "korean_name": each.korean_name,
        "english_name": each.english_name,
    }
    if details:
        cautions = {name: name in each.cautions for name in CAUTIONS}
        row["market_event"] = {"warning": each.warning, "caution": cautions}
    return row


def candle(market: Market, unit: CandleUnit, row: CandleRow) -> Json:
    """A candle; minutes, days and longer ones each have fields of their own."""
    shape: Json = {
        "market": market,
        "candle_date_time_utc": row.start.isoformat()[:19],
        "candle_date_time_kst": (row.start + _KST).isoformat()[:19],
        "opening_price": _number(row.open),
        "high_price": _number(row.high),
        "low_price": _number(row.low),
        "trade_price": _number(row.close),
        "timestamp": row.last_tick,
        "candle_acc_trade_price": row.turnover,
        "candle_acc_trade_volume": row.volume,
    }
    minutes = _MINUTES[unit]
    if minutes is not None:
        shape["unit"] = minutes
    elif unit is CandleUnit.DAYS:
        before = row.open if row.prev_close is None else row.prev_close
        shape["prev_closing_price"] = _number(before)
        shape["change_price"] = _number(round(row.close - before, 8))
        shape["change_rate"] = round((row.close - before) / before, 10)
    elif unit is not CandleUnit.SECONDS:
        shape["first_day_of_period"] = row.start.date().isoformat()
    return shape


def ticker(market: Market, day: DayStats, now: datetime) -> Json:
    """A row of `/ticker` and `/ticker/all`."""
    change = round(day.price - day.prev_close, 8)
    rate = round((day.price - day.prev_close) / day.prev_close, 10)
    date, time = _written(day.last_trade_at)
    date_kst, time_kst = _written(day.last_trade_at + _KST)
    return {
        "market": market,
        "trade_date": date,
        "trade_time": time,
        "trade_date_kst": date_kst,
        "trade_time_kst": time_kst,
        "trade_timestamp": to_ms(day.last_trade_at),
        "opening_price": _number(day.open),
        "high_price": _number(day.high),
        "low_price": _number(day.low),
        "trade_price": _number(day.price),
        "prev_closing_price": _number(day.prev_close),
        "change": "RISE" if change > 0 else "FALL" if change < 0 else "EVEN",
        "change_price": _number(abs(change)),
        "change_rate": abs(rate),
        "signed_change_price": _number(change),
        "signed_change_rate": rate,
        "trade_volume": day.last_trade_volume,
        "acc_trade_price": day.turnover,
        "acc_trade_price_24h": day.turnover_24h,
        "acc_trade_volume": day.volume,
        "acc_trade_volume_24h": day.volume_24h,
        "highest_52_week_price": _number(day.high_52w),
        "highest_52_week_date": day.high_52w_on.isoformat(),
        "lowest_52_week_price": _number(day.low_52w),
        "lowest_52_week_date": day.low_52w_on.isoformat(),
        "timestamp": to_ms(now),
    }


def trade(market: Market, each: PublicTrade, prev_close: float) -> Json:
    """A row of `/trades/ticks`; the change is against the close before the trade's own UTC day."""
    at = datetime.fromtimestamp(each.at // 1000, UTC).isoformat()
    return {
        "market": market,
        "trade_date_utc": at[:10],
        "trade_time_utc": at[11:19],
        "timestamp": each.at,
        "trade_price": _number(each.price),
        "trade_volume": each.volume,
        "prev_closing_price": _number(prev_close),
        "change_price": _number(round(each.price - prev_close, 8)),
        "ask_bid": each.taker.value.upper(),
        "sequential_id": each.number,
    }


def book_time(now: datetime) -> int:
    """When a book says that it changed, in Unix milliseconds: on the grid of 100 ms on which busy pairs publish."""
    return to_ms(now) // 100 * 100


def book(market: Market, sides: BookSides, level: Decimal, now: datetime) -> Json:
    """A row of `/orderbook`; a side that is shorter than the other is padded with zeros, as on the wire."""
    count = max(len(sides.bids), len(sides.asks))
    bids, asks = (side + (_PAD,) * (count - len(side)) for side in (sides.bids, sides.asks))
    return {
        "market": market,
        "timestamp": book_time(now),
        "total_ask_size": float(sum((size for _, size in sides.asks), _ZERO)),
        "total_bid_size": float(sum((size for _, size in sides.bids), _ZERO)),
        "orderbook_units": [
            {
                "bid_price": _number(float(bid[0])),
                "bid_size": float(bid[1]),
                "ask_price": _number(float(ask[0])),
                "ask_size": float(ask[1]),
            }
            for bid, ask in zip(bids, asks, strict=True)
        ],
        "level": level,
    }


def grouped(sides: BookSides, level: Decimal, depth: int) -> BookSides:
    """Both sides with the prices grouped by `level`, away from the middle."""
    return BookSides(
        _grouped(sides.bids, level, ROUND_FLOOR)[:depth], _grouped(sides.asks, level, ROUND_CEILING)[:depth]
    )


def _grouped(side: Sized, level: Decimal, rounding: str) -> Sized:
    groups: dict[Decimal, Decimal] = {}
    for price, size in side:
        group = (price / level).to_integral_value(rounding) * level
        groups[group] = groups.get(group, _ZERO) + size
    return tuple(groups.items())


def levels(tick: Decimal, price: Decimal) -> list[str]:
    """The groupings that a KRW book offers: tens of ticks up to the price's own size."""
    found, step = ["0"], tick * 10
    while step <= price:
        found.append(plain(step))
        step *= 10
    return found


def _written(at: datetime) -> tuple[str, str]:
    """A date and a time without separators."""
    text = at.isoformat()
    return text[:4] + text[5:7] + text[8:10], text[11:13] + text[14:16] + text[17:19]


def _number(value: float) -> int | float:
    """A whole price is written without a fraction, as on the wire."""
    return int(value) if value.is_integer() else value
