"""The public call for trades (upbit-api.md section 2.3)."""

import re
from datetime import UTC, datetime, time, timedelta
from typing import Final

from makenaide.domain.market import Market
from makenaide.exchange.simulator.core.errors import bad_quotation
from makenaide.exchange.simulator.core.floor import Floor
from makenaide.exchange.simulator.core.prints import Prints
from makenaide.exchange.simulator.market import PublicTrade
from makenaide.exchange.simulator.prices.moments import NUMBERS_A_MS, from_ms
from makenaide.exchange.simulator.rest import rows
from makenaide.exchange.simulator.rest.asked import MARKET, number, one_market
from makenaide.exchange.simulator.rest.query import Query
from makenaide.exchange.simulator.rest.route import Kind, Open, Parameter
from makenaide.exchange.simulator.rest.rows import Json
from makenaide.exchange.venue import CandleUnit

MOST_TRADES: Final = 500
MOST_DAYS_AGO: Final = 7

_TICK: Final = timedelta(microseconds=1)
_MILLISECOND: Final = timedelta(milliseconds=1)
_SECOND: Final = timedelta(seconds=1)
_DAY: Final = timedelta(days=1)
_CLOCK: Final = re.compile(r"([0-9]{2}):?([0-9]{2}):?([0-9]{2})")
_TRADES: Final = (
    MARKET,
    Parameter("to"),
    Parameter("count", Kind.INTEGER, minimum=1, maximum=MOST_TRADES),
    Parameter("cursor", Kind.INTEGER, minimum=0),
    Parameter("days_ago", Kind.INTEGER, minimum=1, maximum=MOST_DAYS_AGO),
)


class Trades:
    """Answers what was traded; `prints` are the accounts' own trades, which the market sees too."""

    def __init__(self, floor: Floor, prints: Prints) -> None:
        self._floor = floor
        self._prints = prints

    def routes(self) -> list[Open]:
        """The one call."""
        return [
            Open(method="GET", path="/v1/trades/ticks", group="trade", handler=self.trades, parameters=_TRADES)
        ]

    def trades(self, query: Query) -> list[Json]:
        """GET /v1/trades/ticks: one UTC day's trades, newest first, those of the accounts among them.

        The day is that of the last trade or lies `days_ago` before it; `to` is the last second asked for, and after
        a `cursor` come the trades whose numbers are smaller.
        """
        market = one_market(query, self._floor)
        count = number(query, "count", 1, (1, MOST_TRADES))
        ago = number(query, "days_ago", 0, (1, MOST_DAYS_AGO))
        cursor = number(query, "cursor", 0, (0, None)) if query.one("cursor") else None
        begin, until = self._day(market, ago, query.one("to"))
        if cursor is not None:
            # A number begins with its trade's milliseconds: what is older need not be looked through.
            until = min(until, _moment_of(cursor))
        if until < begin:
            return []
        prev_close = self._prev_close(market, begin)
        found = self._trades(market, (begin - _MILLISECOND, until), count, cursor)
        return [rows.trade(market, each, prev_close) for each in found]

    def _day(self, market: Market, ago: int, to: str | None) -> tuple[datetime, datetime]:
        """The first moment of the day asked for, and the last one."""
        last = self._floor.data.day(market, self._floor.now).last_trade_at
        begin = datetime.combine(last.date(), time(), UTC) - ago * _DAY
        until = begin + _DAY - _TICK
        if to is not None:
            until = begin + _since_midnight(to) + _SECOND - _TICK
        return begin, min(until, self._floor.now)

    def _prev_close(self, market: Market, day: datetime) -> float:
        data, now = self._floor.data, self._floor.now
        candles = data.candles(market, CandleUnit.DAYS, day + _DAY, 1, now)
        if not candles:
            return float(self._floor.price(market))
        newest = candles[0]
        if newest.start < day:
            return newest.close
        return newest.open if newest.prev_close is None else newest.prev_close

    def _trades(
        self, market: Market, span: tuple[datetime, datetime], count: int, cursor: int | None
    ) -> list[PublicTrade]:
        after, until = span
        # One more than asked, for the trade that the cursor names stands at its head.
        street = self._floor.data.trades(market, after, until, count + 1)
        own = self._prints.between(market, after, until)[-count - 1 :]
        both = sorted((*street, *own), key=lambda each: each.number, reverse=True)
        return [each for each in both if cursor is None or each.number < cursor][:count]


def _moment_of(number: int) -> datetime:
    """The millisecond of the trade of `number`, which has at most 18 digits: a time within the calendar."""
    return from_ms(number // NUMBERS_A_MS)


def _since_midnight(text: str) -> timedelta:
    """HHmmss or HH:mm:ss."""
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise bad_quotation("invalid")
    hours, minutes, seconds = (int(part) for part in found.groups())
    if hours > 23 or minutes > 59 or seconds > 59:
        raise bad_quotation("invalid")
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)
