"""Candles as they go out, kept ready: the market data hands out the same closed candle again and again."""

from collections import OrderedDict
from datetime import datetime
from typing import Final

import msgspec

from makenaide.domain.market import Market
from makenaide.exchange.simulator.market import CandleRow
from makenaide.exchange.simulator.rest.rows import candle
from makenaide.exchange.venue import CandleUnit

MOST_SERIES: Final = 300
MOST_ROWS: Final = 600
"""Of one market and unit: three pages."""

_ENCODER: Final = msgspec.json.Encoder()

Series = dict[datetime, tuple[CandleRow, msgspec.Raw]]


class Shelf:
    """Encodes candles; one that was encoded before, the very same object, is only taken from the shelf."""

    def __init__(self) -> None:
        self._series: OrderedDict[tuple[Market, CandleUnit], Series] = OrderedDict()

    def encoded(self, market: Market, unit: CandleUnit, found: list[CandleRow]) -> list[msgspec.Raw]:
        """The JSON of each row of `found`, in its order."""
        series = self._series.setdefault((market, unit), {})
        self._series.move_to_end((market, unit))
        if len(self._series) > MOST_SERIES:
            self._series.popitem(last=False)
        if len(series) + len(found) > MOST_ROWS:
            series.clear()
        written = []
        for row in found:
            known = series.get(row.start)
            if known is None or known[0] is not row:
                known = series[row.start] = row, msgspec.Raw(_ENCODER.encode(candle(market, unit, row)))
            written.append(known[1])
        return written
