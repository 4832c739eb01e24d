"""A wall-clock account that holds something: public prices in the test's hands, a person's coins, taken over.

The prices come from a real server on loopback, as Upbit's would; the paper account's own venue takes its books from
there. What a test lets fall falls for everybody: the stream, the REST calls, and the book that an order meets.
"""

import json
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from makenaide.app.client import read_keys, unhurried, upbit_client
from makenaide.app.clock import boot_seconds
from makenaide.app.database import open_store
from makenaide.app.guardpost import Watch
from makenaide.domain.clock import trading_day
from makenaide.domain.market import Market
from makenaide.domain.money import Krw
from makenaide.domain.order import Accepted, Identifier, OrderRequest, OrderType, Side
from makenaide.environment import load
from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.market import BOOK_LEVELS, BookSides, MarketData
from makenaide.exchange.simulator.prices.generator import generate
from makenaide.exchange.simulator.prices.model import GeneratorSettings, Model
from makenaide.exchange.simulator.rest.face import Face
from makenaide.exchange.simulator.server import Server
from makenaide.exchange.simulator.settings import FaceSettings, Pace, QuotaSettings, VenueSettings
from makenaide.exchange.upbit.settings import UpbitSettings
from makenaide.exchange.upbit.transport import UrllibTransport
from makenaide.execution.disk import Disk
from makenaide.execution.guard.file import read_journal
from makenaide.execution.guard.guard import STOPS
from makenaide.execution.guard.stops import StopsFile, decode
from makenaide.store.accounts import latest_account
from makenaide.store.db import Database, Role
from makenaide.store.journal import all_fills
from tests.acceptance.worlds import Going, Home

PAPER = ("run", "--json", "--exchange", "upbit", "--mode", "paper")

QUICK = """
[market]
history_days = 60
[execution]
rest_seconds = 0
balance_pause = 0.05
compare_pause = 0.1
settle_pause = 0.2
settle_again_seconds = 1
exit_retry_seconds = 1
wish_seconds = 0.2
[upbit]
base_url = "{url}"
"""
"""The real rules, under which a history of two months buys nothing; only the waiting is shorter."""


class Falling:
    """Generated prices that fall when a test says so."""

    def __init__(self, inner: MarketData) -> None:
        self.inner = inner
        self.factors: dict[Market, Decimal] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def price(self, market: Market, at: datetime) -> Decimal:
        """The price, fallen."""
        return self._fallen(market, self.inner.price(market, at), at)

    def book(self, market: Market, at: datetime, depth: int = BOOK_LEVELS) -> BookSides:
        """The book, fallen level by level."""
        sides = self.inner.book(market, at, depth)
        if market not in self.factors:
            return sides
        bids, asks = (
            tuple(dict.fromkeys((self._fallen(market, price, at), size) for price, size in side))
            for side in (sides.bids, sides.asks)
        )
        return BookSides(bids, asks)

    def _fallen(self, market: Market, price: Decimal, at: datetime) -> Decimal:
        factor = self.factors.get(market)
        if factor is None:
            return price
        step = self.inner.tick(market, price * factor, at)
        return max(step, price * factor // step * step)


@dataclass(frozen=True)
class Prices:
    """The server of public prices."""

    url: str
    data: Falling

    def fall(self, market: Market, factor: str = "0.9") -> None:
        """From now on everything in `market` costs so much of what it would."""
        self.data.factors[market] = Decimal(factor)

    def coins(self) -> list[Market]:
        """The markets in won."""
        listed = self.data.inner.listings(datetime.now(UTC))
        return [each.market for each in listed if each.market.startswith("KRW-")]


@contextmanager
def prices(markets: int) -> Iterator[Prices]:
    """Serve so many markets until the block ends."""
    now = datetime.now(UTC)
    # A market that is warned of or without offers at this very hour would be another test.
    even = Model(thin_gaps=0, warned_trends=0, warned_others=0)
    settings = GeneratorSettings(markets=markets, history_days=60, days=3, first_day=trading_day(now), model=even)
    data = Falling(generate(settings))
    venue = Venue(data, VenueSettings(pace=Pace.REAL))
    face = Face(venue, [], FaceSettings(quota=QuotaSettings(enforced=False)), unhurried())
    server, up = Server(face), threading.Event()
    thread = threading.Thread(target=lambda: server.run(lambda _port: up.set()), daemon=True)
    thread.start()
    assert up.wait(30)
    try:
        yield Prices(url=f"http://127.0.0.1:{server.port}", data=data)
    finally:
        server.stop()
        thread.join(10)


@dataclass(slots=True)
class Holder:
    """A home on those prices, the run that trades on it, and what a person and an operator do to it."""

    home: Home
    prices: Prices
    going: Going | None = None

    def run(self, seen: Callable[[], object]) -> Going:
        """Start the run, and wait until `seen`."""
        self.going = self.home.start(*PAPER)
        self.going.wait_for(seen)
        return self.going

    def begin(self, markets: Sequence[Market]) -> Going:
        """A run is under way that has done today's slot and knows of the person's coins in each of `markets`."""
        first = self.run(lambda: self.going is not None and " KRW\n" in self.going.said())
        self.buy(markets)
        first.kill()
        return self.run(lambda: len(self.account()["persons_coins"]) == len(markets))

    def account(self) -> dict[str, Any]:
        """What `status` tells of it."""
        told: dict[str, Any] = self.home.must("status", "--json").data()["account"]
        return told

    @contextmanager
    def reader(self) -> Iterator[Database]:
        """The account's database, to be read."""
        env = load({"MAKENAIDE_HOME": str(self.home.path)})
        with open_store(env, prepare=True) as store, store.open(Role.READER) as db:
            yield db

    def operator(self, call: str, body: dict[str, Any] | None = None) -> Any:
        """What the operator of the account's own venue asks of it."""
        folder = self.home.post().account
        token = (folder / "operator.token").read_text().strip()
        request = urllib.request.Request(  # noqa: S310 - loopback
            f"{self.home.venue().url}/simulator/{call}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Makenaide-Operator": token, "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310
            return json.loads(reply.read())

    def buy(self, markets: Sequence[Market]) -> None:
        """The person buys for 50,000 won in each of `markets`, in the app: under no identifier of ours."""
        keys = read_keys(self.home.post().account / "keys.json")
        with closing(UrllibTransport(self.home.venue().url)) as near:
            client = upbit_client(UpbitSettings(), near, keys, unhurried())
            for market in markets:
                name = Identifier(f"app-{market}")
                wish = OrderRequest(
                    market=market, side=Side.BID, type=OrderType.PRICE, identifier=name, total=Krw(50_000)
                )
                outcome = client.place(wish)
                assert isinstance(outcome, Accepted), outcome

    def balance(self, market: Market) -> Decimal:
        """What the venue holds of a market's coin, free and locked."""
        (account,) = self.operator("state")["accounts"].values()
        held = account["balances"].get(market.partition("-")[2])
        return Decimal(0) if held is None else Decimal(held["free"]) + Decimal(held["locked"])

    def adopt(self, market: Market) -> None:
        """The person's coins become a position with a stop 2 % below the bid; the guard has taken it up."""
        done = self.home.must("adopt", market, "--stop", "2", "--json").data()
        assert done["wishes"][0]["done"] is True
        self.wait_for(lambda: market in self.watched(), f"{market} is guarded")

    def watched(self) -> set[str]:
        """The markets in the stops file, once a living guard has taken up that very file."""
        post = self.home.post()
        beat, file = post.heartbeat(), self.stops()
        if beat is None or file is None or (beat.version, beat.digest) != (file.version, file.digest):
            return set()
        if post.standing(boot_seconds()).watch is not Watch.WATCHING:
            return set()
        return {each.market for each in file.stops}

    def stops(self) -> StopsFile | None:
        """What is published."""
        folder = self.home.post().folder
        content = Disk().read(folder / STOPS)
        return None if content is None else decode(content, self.key())

    def key(self) -> bytes:
        """What signs the guard's files."""
        return bytes.fromhex((self.home.post().folder / "key").read_text("ascii"))

    def journal(self) -> list[str]:
        """The exits that the guard's journal tells of."""
        found = read_journal(Disk(), self.home.post().folder, self.key())
        return [each.data["identifier"] for read in found for each in read.entries if each.kind == "intent"]

    def sold(self) -> dict[str, Decimal]:
        """What the books say was sold, by market."""
        with self.reader() as db:
            account = latest_account(db)
            assert account is not None
            fills = [each.fill for each in all_fills(db, account.account_id)]
        sums: dict[str, Decimal] = {}
        for each in fills:
            if each.side is Side.ASK:
                sums[each.market] = sums.get(each.market, Decimal(0)) + each.volume.value
        return sums

    def held(self) -> set[str]:
        """The markets of the system's positions in the books."""
        return {each["market"] for each in self.account()["positions"]}

    def wait_for(self, seen: Callable[[], object], what: str, patience: float = 30.0) -> float:
        """Wait until `seen` says so; the seconds that it took."""
        began = time.monotonic()
        while not seen():
            assert time.monotonic() - began < patience, f"waited in vain: {what}"
            time.sleep(0.02)
        return time.monotonic() - began
