"""The street's trades out of a market's track: two a second, so that they add up to the candles of any length."""

from collections.abc import Iterator

from makenaide.domain.order import Side
from makenaide.exchange.simulator.market import PublicTrade
from makenaide.exchange.simulator.prices.moments import NUMBERS_A_MS, SECOND_MS, last_trade_at
from makenaide.exchange.simulator.prices.track import Track


def street_trades(track: Track, after: int, until: int) -> Iterator[PublicTrade]:
    """The trades in (`after`, `until`] (Unix milliseconds), newest first.

    Each second of a candle with volume has one at its first and one at its last millisecond. A buyer took where the
    price rose or stood still in an even second, a seller elsewhere.
    """
    at = last_trade_at(until)
    while at > after:
        if not track.traded(at):
            index = track.index(at)
            if index < 0:
                return
            at = min(_before(at), int(track.candles.end[index]) - 1)
            continue
        price, before = track.price(at), track.price(max(track.start, _before(at)))
        rose = price > before or (price == before and at // SECOND_MS % 2 == 0)
        yield PublicTrade(
            at=at,
            price=price,
            volume=track.last_trade(at)[1],
            taker=Side.BID if rose else Side.ASK,
            number=at * NUMBERS_A_MS,
        )
        at = _before(at)


def _before(at: int) -> int:
    """The millisecond of the trade before the one at `at`."""
    return last_trade_at(at - 1)
