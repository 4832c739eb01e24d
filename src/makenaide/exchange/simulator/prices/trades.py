"""The street's trades out of a market's track: one a second, so that they add up to the candles."""

from collections.abc import Iterator

from makenaide.domain.order import Side
from makenaide.exchange.simulator.market import PublicTrade
from makenaide.exchange.simulator.prices.moments import SECOND_MS
from makenaide.exchange.simulator.prices.track import Track

_NUMBERS_A_MILLISECOND = 10_000


def street_trades(track: Track, after: int, until: int) -> Iterator[PublicTrade]:
    """The trades in (`after`, `until`] (Unix milliseconds), newest first.

    Each second of a candle with volume has one, at its first millisecond, for an even share of the volume. A buyer
    took where the price rose or stood still on an even second, a seller elsewhere.
    """
    second = until // SECOND_MS * SECOND_MS
    while second > after:
        if not track.traded(second):
            index = track.index(second)
            if index < 0:
                return
            second = min(second - SECOND_MS, (int(track.candles.end[index]) - 1) // SECOND_MS * SECOND_MS)
            continue
        price, before = track.price(second), track.price(max(track.start, second - SECOND_MS))
        rose = price > before or (price == before and second // SECOND_MS % 2 == 0)
        yield PublicTrade(
            at=second,
            price=price,
            volume=track.last_trade(second)[1],
            taker=Side.BID if rose else Side.ASK,
            number=second * _NUMBERS_A_MILLISECOND,
        )
        second -= SECOND_MS
