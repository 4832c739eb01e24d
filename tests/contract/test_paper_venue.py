"""Paper money on real prices: books written down before use, rebuilt with the very same fills; eyes on a clock."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from makenaide.domain.errors import Inconsistent, Unavailable, UnknownMarket
from makenaide.domain.market import Market
from makenaide.domain.money import Price, Quantity
from makenaide.domain.order import (
    Accepted,
    Identifier,
    OrderRequest,
    OrderType,
    Rejected,
    Side,
    TimeInForce,
)
from makenaide.exchange.paper import PaperVenue
from makenaide.exchange.polling import PollingWatcher
from makenaide.exchange.simulator.core.commandlog import rebuild
from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.market import NO_BOOK
from makenaide.exchange.simulator.prices.live import LiveData
from makenaide.exchange.simulator.rest.face import Face
from makenaide.exchange.simulator.settings import ApiKey, FaceSettings, Pace, VenueSettings
from makenaide.exchange.simulator.stepped import SteppedClock
from makenaide.exchange.upbit.client import UpbitClient
from makenaide.exchange.venue import CandleUnit, Fence
from tests.contract.charts import BTC, ETH, FIRST, Chart, bitcoin, hours, tape
from tests.contract.faults import Fault, FaultyTransport, Kind, Stamped
from tests.contract.trading import KEYS, NAME, Exchange, client
from tests.unit.upbit_script import client_of

START = FIRST + timedelta(seconds=10)
REAL = VenueSettings(pace=Pace.REAL)
WORLD = tape(bitcoin(2), Chart(market=ETH, price=5_000_000, days=[0.1, 0.1]))


@dataclass(slots=True, kw_only=True)
class Paper:
    """The real exchange (a stepped one that follows our clock) and a paper account on its prices."""

    folder: Path
    clock: SteppedClock = field(default_factory=lambda: SteppedClock(START))
    real: Exchange = field(default_factory=lambda: Exchange(tape=WORLD))
    wire: FaultyTransport = field(init=False)
    public: UpbitClient = field(init=False)
    simulated: Venue = field(init=False)
    venue: PaperVenue = field(init=False)

    def __post_init__(self) -> None:
        self.wire = FaultyTransport(Stamped(self.real.face, self.clock))
        self.public = client(self.wire, self.clock)

    def open(self) -> Callable[[], None]:
        """Start the paper account (again); returns how to end it."""
        self.simulated = Venue(LiveData(self.public, START, self.folder / "books.jsonl"), REAL)
        log = rebuild(self.simulated, self.folder / "commands.log", "paper")
        if NAME not in self.simulated.accounts:
            self.simulated.open_account(NAME, {"KRW": Decimal(10_000_000)})
        keys = [ApiKey(access=KEYS.access, secret=KEYS.secret, account=NAME)]
        face = Face(self.simulated, keys, FaceSettings(), self.clock)
        trading = client_of(face, self.clock, KEYS)
        self.venue = PaperVenue(quotation=self.public, trading=trading)
        return log.close


def bid(name: str, volume: str, price: str = "6000000") -> OrderRequest:
    """A limit order that takes what it gets."""
    return OrderRequest(
        market=ETH,
        side=Side.BID,
        type=OrderType.LIMIT,
        identifier=Identifier(f"mk1-0001-KRW-ETH-20260103T0900-{name}"),
        price=Price(price),
        volume=Quantity(volume),
        time_in_force=TimeInForce.IOC,
    )


def test_a_rebuilt_paper_account_has_the_very_same_fills(tmp_path: Path) -> None:
    paper = Paper(folder=tmp_path)
    close = paper.open()
    assert isinstance(paper.venue.place(bid("e01", "1.5")), Accepted)
    paper.clock.move_to(START + hours(3))
    assert isinstance(paper.venue.place(bid("e02", "0.2")), Accepted)
    before = [line for line in paper.simulated.state() if "now" not in line]
    orders = [paper.venue.order(Identifier(f"mk1-0001-KRW-ETH-20260103T0900-{n}")) for n in ("e01", "e02")]
    assert all(order is not None and order.closed and order.trades for order in orders)
    close()
    paper.clock.move_to(START + hours(20))
    close = paper.open()
    again = [paper.venue.order(Identifier(f"mk1-0001-KRW-ETH-20260103T0900-{n}")) for n in ("e01", "e02")]
    assert again == orders
    held = [line for line in before if line.startswith(NAME)]
    assert [line for line in paper.simulated.state() if line.startswith(NAME)] == held
    close()


def test_a_book_is_on_the_disk_before_an_order_meets_it(tmp_path: Path) -> None:
    paper = Paper(folder=tmp_path)
    data = LiveData(paper.public, START, tmp_path / "books.jsonl")
    book = data.book(ETH, START, 3)
    assert len(book.asks) == 3
    assert (tmp_path / "books.jsonl").read_bytes().count(b"\n") == 1
    paper.clock.move_to(START + hours(5))
    assert data.book(ETH, START, 3) == book, "the book of that moment, not of now"
    assert LiveData(paper.public, START, tmp_path / "books.jsonl").book(ETH, START, 3) == book
    assert data.price(ETH, START) == (book.asks[0][0] + book.bids[0][0]) / 2


def test_half_a_line_at_the_end_was_never_used(tmp_path: Path) -> None:
    paper = Paper(folder=tmp_path)
    file = tmp_path / "books.jsonl"
    LiveData(paper.public, START, file).book(ETH, START)
    whole = file.read_bytes()
    file.write_bytes(whole + whole[: len(whole) // 2])
    paper.clock.move_to(START + hours(5))
    assert LiveData(paper.public, START, file).book(ETH, START).asks


def test_without_a_book_there_is_no_paper_order(tmp_path: Path) -> None:
    paper = Paper(folder=tmp_path)
    close = paper.open()
    paper.wire.faults.append(Fault(kind=Kind.SERVER_ERROR, method="GET", path="/v1/orderbook", times=4))
    answer = paper.venue.place(bid("e01", "0.1"))
    assert not isinstance(answer, Accepted | Rejected)
    assert paper.venue.accounts()["KRW"].total == 10_000_000
    close()


def test_live_data_knows_its_limits(tmp_path: Path) -> None:
    silent = Chart(market=ETH, price=5_000_000, silent=[0], days=[0])
    paper = Paper(folder=tmp_path, real=Exchange(tape=tape(bitcoin(2), silent)))
    data = LiveData(paper.public, START, tmp_path / "books.jsonl")
    assert data.start == data.first_slot == START
    assert data.end > START + timedelta(days=100_000)
    assert [each.market for each in data.listings(START)] == [BTC, ETH]
    assert data.offline(START) is False
    assert data.book(ETH, START) == NO_BOOK
    with pytest.raises(UnknownMarket, match="its book is empty"):
        data.price(ETH, START)
    with pytest.raises(Inconsistent):
        data.candles(ETH, CandleUnit.DAYS, START, 1, START)
    with pytest.raises(Inconsistent):
        data.day(ETH, START)
    data.touch(ETH, START, START, Decimal(1), Decimal(2))
    data.crossing(ETH, START, START, Side.BID, Decimal(1))


def test_prices_are_the_exchanges_and_money_is_papers(tmp_path: Path) -> None:
    paper = Paper(folder=tmp_path)
    close = paper.open()
    venue = paper.venue
    assert [each.market for each in venue.markets()] == [BTC, ETH]
    assert venue.day_candles(ETH, FIRST, 5) == paper.public.day_candles(ETH, FIRST, 5)
    assert venue.tickers([ETH]).keys() == {ETH}
    assert venue.books([ETH], 1)[ETH].best_bid == paper.public.books([ETH], 1)[ETH].best_bid
    assert venue.instruments([ETH])[ETH].tick_size == 1000
    assert venue.chance(ETH).active
    assert venue.accounts()["KRW"].free == 10_000_000
    assert venue.order(Identifier("mk1-0001-KRW-ETH-20260103T0900-e09")) is None
    assert venue.cancel(Identifier("mk1-0001-KRW-ETH-20260103T0900-e09")) is False
    assert paper.real.balances() == {"KRW": Decimal(10_000_000)}
    close()


# ---- the polling watcher ----


def watcher(paper: Paper, stopping: Callable[[], bool] = lambda: False) -> PollingWatcher:
    """Looks once a second."""
    return PollingWatcher(quotation=paper.public, clock=paper.clock, stopping=stopping)


def fence(floor: str, peak: str) -> dict[Market, Fence]:
    """Around ETH."""
    return {ETH: Fence(Price(floor), Price(peak))}


@pytest.mark.parametrize(
    ("fences", "until", "early"),
    [
        (fence("1", "99000000"), START + timedelta(seconds=30), False),
        (fence("99000000", "99000001"), START + timedelta(seconds=30), True),
        (fence("1", "2"), START + timedelta(seconds=30), True),
        ({}, START + timedelta(seconds=30), False),
    ],
    ids=["nothing", "floor", "peak", "nobody to watch"],
)
def test_polling_ends_at_a_touch_or_at_its_time(
    tmp_path: Path, fences: dict[Market, Fence], until: datetime, early: bool
) -> None:
    paper = Paper(folder=tmp_path)
    sighting = watcher(paper).wait(until, fences)
    assert (sighting.at < until) is early
    assert sighting.bids.keys() == fences.keys()


def test_polling_looks_about_once_a_second(tmp_path: Path) -> None:
    paper = Paper(folder=tmp_path)
    watcher(paper).wait(START + timedelta(seconds=10), fence("1", "99000000"))
    assert len(paper.wire.sent) == 11


def test_polling_ends_when_asked_and_says_when_it_cannot_look(tmp_path: Path) -> None:
    paper = Paper(folder=tmp_path)
    sighting = watcher(paper, lambda: True).wait(START + hours(1), fence("1", "99000000"))
    assert sighting.at == START
    paper.wire.faults.append(Fault(kind=Kind.NOT_CONNECTED, method="GET", path="/v1/orderbook", times=9))
    with pytest.raises(Unavailable):
        watcher(paper).wait(START + hours(1), fence("1", "99000000"))


def test_a_market_without_a_bid_is_missing_from_what_was_seen(tmp_path: Path) -> None:
    silent = Chart(market=ETH, price=5_000_000, silent=range(24), days=[0])
    paper = Paper(folder=tmp_path, real=Exchange(tape=tape(bitcoin(2), silent)))
    sighting = watcher(paper).wait(START, fence("1", "99000000"))
    assert sighting.bids == {}


def test_a_market_that_left_the_list_blinds_nobody(tmp_path: Path) -> None:
    paper = Paper(folder=tmp_path)
    both = {**fence("1", "99000000"), Market("KRW-GONE"): Fence(Price(1), Price(2))}
    assert watcher(paper).wait(START, both).bids.keys() == {ETH}


def test_a_damaged_book_is_not_guessed_at(tmp_path: Path) -> None:
    paper = Paper(folder=tmp_path)
    (tmp_path / "books.jsonl").write_bytes(b"{}\n")
    with pytest.raises(Inconsistent, match="line 1: no book"):
        LiveData(paper.public, START, tmp_path / "books.jsonl")
