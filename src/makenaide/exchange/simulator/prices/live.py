"""Market data for paper money on a real exchange: real books now, and the books that were used before.

A paper order is matched against the real book of its moment. That book is written down before it is used, so that
the account can be rebuilt from the command log after a crash with the very same fills.
"""

import os
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec

from makenaide.domain.clock import kst
from makenaide.domain.errors import Inconsistent, Unavailable, UnknownMarket
from makenaide.domain.market import Market, tick_size
from makenaide.domain.order import Side
from makenaide.exchange.simulator.amount import countable
from makenaide.exchange.simulator.disk import not_kept
from makenaide.exchange.simulator.market import NO_BOOK, BookSides, CandleRow, DayStats, PublicTrade, Standing
from makenaide.exchange.venue import CandleUnit, Listing, Quotation

_Level = tuple[Decimal, Decimal]


class _Seen(msgspec.Struct, frozen=True):
    """A book at a moment in UTC; ValueError when an order cannot be matched against it."""

    market: str
    at: datetime
    bids: list[_Level]
    asks: list[_Level]

    def __post_init__(self) -> None:
        if self.at.utcoffset() != timedelta(0):
            raise ValueError(f"not a time in UTC: {self.at}")
        for amount in (amount for level in (*self.bids, *self.asks) for amount in level):
            if not countable(amount) or amount <= 0:
                raise ValueError(f"not a price or a size: {amount}")


class _BookFile:
    """The books that were used, a line each; `length` is that of its whole lines."""

    __slots__ = ("_length", "_path")

    def __init__(self, path: Path, length: int) -> None:
        self._path = path
        self._length = length

    def keep(self, line: bytes) -> None:
        """Return once `line` is durable; raises `DiskFull` or `Unavailable` when it cannot be."""
        try:
            with self._path.open("ab", buffering=0) as file:
                # What a crash or a full disk left of a line was never used: the next one must not grow onto it.
                file.truncate(self._length)
                while line:
                    written = file.write(line)
                    line = line[written:]
                os.fsync(file.fileno())
                self._length = file.tell()
        except OSError as cause:
            raise not_kept(str(self._path), cause) from cause


class LiveData:
    """`MarketData` of a real exchange, as far as a paper account needs it: its list and its books.

    Charts and tickers come from the real exchange itself, never through here. A book that cannot be had raises
    `Unavailable`: then the paper order is not taken either. `Inconsistent` when `file` holds a line that is no book.
    """

    def __init__(self, quotation: Quotation, opened: datetime, file: Path) -> None:
        self._quotation = quotation
        self._seen: dict[datetime, dict[Market, _Seen]] = {}
        seen, length = _read(file)
        self._file = _BookFile(file, length)
        for each in seen:
            self._seen.setdefault(each.at, {})[Market(each.market)] = each
        # A venue begins at `start` and its time only goes on: what is rebuilt must begin before its first order.
        self._opened = min([opened, *self._seen])
        self._listed: tuple[Listing, ...] = ()

    @property
    def start(self) -> datetime:
        """When the account was opened, or its first book if that is earlier."""
        return self._opened

    @property
    def first_slot(self) -> datetime:
        """The same as `start`."""
        return self._opened

    @property
    def end(self) -> datetime:
        """No end."""
        return datetime.max.replace(tzinfo=UTC)

    def listings(self, at: datetime) -> tuple[Listing, ...]:
        """The markets that the exchange listed when first asked, and those whose book was used at `at`.

        The exchange knows only its present list; a book of that very moment proves that its market was listed then,
        whatever has become of it since. A market that is listed later is found by the next process.
        """
        self._listed = self._listed or tuple(self._quotation.markets())
        gone = sorted(self._seen.get(at, {}).keys() - {each.market for each in self._listed})
        if not gone:
            return self._listed  # the very same, which whoever keeps something of it goes by
        past = (Listing(market=code, korean_name=code, english_name=code, warning=False) for code in gone)
        return (*self._listed, *past)

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
        seen = self._seen.get(at, {}).get(market) or self._look(market, at)
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

    def standing(self, market: Market, at: datetime) -> Standing:  # noqa: ARG002
        """Active as far as a paper account knows: what is listed can be traded."""
        return Standing()

    def tick(self, market: Market, price: Decimal, at: datetime) -> Decimal:
        """The published table of the Korean date of `at`."""
        return tick_size(market, price, kst(at).date())

    def trades(self, market: Market, after: datetime, until: datetime, count: int) -> list[PublicTrade]:
        """Refused: ask the real exchange."""
        raise Inconsistent(f"{market}: {count} trades in ({after}, {until}] belong to the real exchange")

    def touch(self, market: Market, after: datetime, until: datetime, floor: Decimal, peak: Decimal) -> None:
        """Nothing is known ahead of time."""

    def crossing(self, market: Market, after: datetime, until: datetime, side: Side, limit: Decimal) -> None:
        """Nothing of ours rests in a book."""

    def _look(self, market: Market, at: datetime) -> _Seen:
        book = self._quotation.books([market])[market]
        bids, asks = ([(each.price.value, each.size.value) for each in side] for side in (book.bids, book.asks))
        try:
            seen = _Seen(market=market, at=at, bids=bids, asks=asks)
        except ValueError as cause:
            raise Unavailable(f"{market}: its book cannot be used: {cause}") from cause
        self._file.keep(msgspec.json.encode(seen) + b"\n")
        self._seen.setdefault(at, {})[market] = seen
        return seen


def _read(file: Path) -> tuple[list[_Seen], int]:
    """The books in `file`, and the length of its whole lines; what follows them was torn off by a crash."""
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return [], 0
    whole = data[: data.rfind(b"\n") + 1]
    found = []
    for number, line in enumerate(whole.splitlines(), start=1):
        try:
            found.append(msgspec.json.decode(line, type=_Seen))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
            raise Inconsistent(f"{file} line {number}: no book: {cause}") from cause
    return found, len(whole)
