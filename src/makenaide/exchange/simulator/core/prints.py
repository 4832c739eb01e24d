"""The accounts' own executions as the public sees them: trades of a market, beside those of the street."""

from bisect import bisect_right
from datetime import datetime, timedelta
from decimal import Decimal

from makenaide.domain.market import Market
from makenaide.domain.order import Side
from makenaide.exchange.simulator.market import PublicTrade
from makenaide.exchange.simulator.prices.moments import NUMBERS_A_MS, to_ms

KEPT = timedelta(days=9)
"""Seven days ago is as far as the public can ask (upbit-api.md section 2.3), counted from the last day of trade."""

_SWEEP = 1000


class Prints:
    """Appends trades in the order in which they happen and remembers them for `KEPT`.

    Their numbers are of the kind of the street's, milliseconds x 10,000, but never one of the street's own.
    """

    def __init__(self) -> None:
        self._trades: dict[Market, list[PublicTrade]] = {}
        self._last: dict[Market, int] = {}

    def add(self, market: Market, deal: tuple[Decimal, Decimal], taker: Side, at: datetime) -> PublicTrade:
        """`taker` took: `deal` is price and volume."""
        moment = to_ms(at)
        number = max(moment * NUMBERS_A_MS, self._last.get(market, 0)) + 1
        if number % NUMBERS_A_MS == 0:
            number += 1
        self._last[market] = number
        price, volume = deal
        trade = PublicTrade(at=moment, price=float(price), volume=float(volume), taker=taker, number=number)
        held = self._trades.setdefault(market, [])
        held.append(trade)
        if len(held) % _SWEEP == 0:
            del held[: bisect_right(held, _ceiling(at - KEPT), key=_number)]
        return trade

    def between(self, market: Market, after: datetime, until: datetime) -> list[PublicTrade]:
        """The trades in (`after`, `until`], oldest first."""
        held = self._trades.get(market, [])
        first, behind = (bisect_right(held, _ceiling(each), key=_number) for each in (after, until))
        return held[first:behind]


def _number(trade: PublicTrade) -> int:
    return trade.number


def _ceiling(at: datetime) -> int:
    """The greatest number of a trade at or before `at`."""
    return (to_ms(at) + 1) * NUMBERS_A_MS - 1
