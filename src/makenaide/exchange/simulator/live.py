"""Market data for paper money on a real exchange: real books now, and the books that were used before.

A paper order is matched against the real book of its moment. That book is written down before it is used, so that
the account can be rebuilt from the command log after a crash with the very same fills.
"""

import os
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec

from makenaide.domain.errors import Inconsistent, UnknownMarket
from makenaide.domain.market import Market
from makenaide.domain.order import Side
from makenaide.exchange.simulator.market import NO_BOOK, BookSides, CandleRow, CandleUnit, DayStats
from makenaide.exchange.venue import Listing, Quotation

_Level = tuple[Decimal, Decimal]


class _Seen(msgspec.Struct, frozen=True):
    market: str
    at: datetime
    bids: list[_Level]
    asks: list[_Level]


class LiveData:
    """`MarketData` of a real exchange, as far as a paper account needs it: its list and its books.

    Charts and tickers come from the real exchange itself, never through here. A book that cannot be had raises
    `Unavailable`: then the paper order is not taken either.
    """

    def __init__(self, quotation: Quotation, opened: datetime, file: Path) -> None:
        self._quotation = quotation
        self._opened = opened
        self._file = file
        self._seen = {(Market(each.market), each.at): each for each in _read(file)}
        self._listed: tuple[Listing, ...] = ()

    @property
    def start(self) -> datetime:
        """When the account was opened."""
        return self._opened

    @property
    def first_slot(self) -> datetime:
        """When the account was opened."""
        return self._opened

    @property
    def end(self) -> datetime:
        """No end."""
        return datetime.max.replace(tzinfo=UTC)

    def listings(self, at: datetime) -> tuple[Listing, ...]:  # noqa: ARG002 - the real exchange knows only now
        """The markets listed when first asked; a market that comes later is found by asking again."""
        self._listed = self._listed or tuple(self._quotation.markets())
        return self._listed

    def offline(self, at: datetime) -> bool:  # noqa: ARG002
        """Never known to be: a real exchange that is down does not answer."""
        return False

    def price(self, market: Market, at: datetime) -> Decimal:
        """The middle of the book."""
        sides = self.book(market, at)
        if not sides.bids or not sides.asks:
            raise UnknownMarket(f"{market}: no price: its book is empty")
        return (sides.bids[0][0] + sides.asks[0][0]) / 2

    def book(self, market: Market, at: datetime, depth: int = 30) -> BookSides:
        """The book that was used at `at`, or the real one of now, which is written down first."""
        seen = self._seen.get((market, at)) or self._look(market, at)
        return BookSides(tuple(seen.bids[:depth]), tuple(seen.asks[:depth])) if seen.bids or seen.asks else NO_BOOK

    def candles(
        self, market: Market, unit: CandleUnit, before: datetime, count: int, now: datetime
    ) -> list[CandleRow]:
        """Refused: ask the real exchange."""
        raise Inconsistent(
            f"{market}: candles {unit} up to {before} ({count}, at {now}) belong to the real exchange"
        )

    def day(self, market: Market, at: datetime) -> DayStats:
        """Refused: ask the real exchange."""
        raise Inconsistent(f"{market}: the ticker at {at} belongs to the real exchange")

    def touch(self, market: Market, after: datetime, until: datetime, floor: Decimal, peak: Decimal) -> None:
        """Nothing is known ahead of time."""

    def crossing(self, market: Market, after: datetime, until: datetime, side: Side, limit: Decimal) -> None:
        """Nothing of ours rests in a book."""

    def _look(self, market: Market, at: datetime) -> _Seen:
        book = self._quotation.books([market])[market]
        seen = _Seen(
            market=market,
            at=at,
            bids=[(level.price.value, level.size.value) for level in book.bids],
            asks=[(level.price.value, level.size.value) for level in book.asks],
        )
        with self._file.open("ab") as file:
            file.write(msgspec.json.encode(seen) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self._seen[market, at] = seen
        return seen


def _read(file: Path) -> list[_Seen]:
    try:
        lines = file.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    # The last part is what was torn off by a crash: a book that no order was matched against.
    return [msgspec.json.decode(line, type=_Seen) for line in lines[:-1]]
