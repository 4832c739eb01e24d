"""The stream client against the simulator's sockets: prices, the account's news, and eyes that wake on a frame."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import pytest

from makenaide.domain.market import Market
from makenaide.domain.money import Price, Quantity
from makenaide.domain.order import Accepted, Identifier, OrderRequest, OrderType, Side
from makenaide.exchange.polling import PollingWatcher
from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.rest.face import Face
from makenaide.exchange.simulator.server import Server
from makenaide.exchange.simulator.settings import ApiKey, FaceSettings, Pace, QuotaSettings, VenueSettings
from makenaide.exchange.upbit.auth import Keys, bearer
from makenaide.exchange.upbit.client import UpbitClient
from makenaide.exchange.upbit.stream.connection import PRIVATE, PUBLIC, Refused, WebSocketOpener
from makenaide.exchange.upbit.stream.frames import MyAssetFrame, MyOrderFrame, TradeFrame
from makenaide.exchange.upbit.stream.news import Connected, Missing
from makenaide.exchange.upbit.stream.settings import StreamSettings
from makenaide.exchange.upbit.stream.subscription import MARKET_TYPES, Subscription, Wanted, account_news, books_of
from makenaide.exchange.upbit.stream.watcher import EyesParts, StreamWatcher, in_thread
from makenaide.exchange.upbit.stream.wire import parse
from makenaide.exchange.upbit.transport import UrllibTransport
from makenaide.exchange.venue import Fence
from tests.contract.serving import RunningClock, running
from tests.contract.streaming import listening
from tests.unit.simulator_street import BEGIN, BTC, SECRET, XRP, Street, opened
from tests.unit.upbit_script import client_of

pytestmark = pytest.mark.sockets

KEYS = Keys(access="paper", secret=SECRET)
SETTINGS = StreamSettings(stale=5, snapshot=2, slice=0.05)


@dataclass(frozen=True)
class Served:
    """A simulator on loopback, and a REST client of it."""

    url: str
    clock: RunningClock
    client: UpbitClient


def jumping() -> Street:
    """KRW-BTC jumps every 100 ms between two prices and falls for good after 3 s; KRW-XRP stands still."""
    jumps = [(timedelta(milliseconds=100 * step), Decimal(100_000_000 + step % 2 * 1000)) for step in range(30)]
    fallen = (timedelta(seconds=3), Decimal(90_000_000))
    more = [
        (timedelta(seconds=3, milliseconds=100 * step), Decimal(90_000_000 - step % 2 * 1000))
        for step in range(1, 600)
    ]
    return Street(steps={BTC: [*jumps, fallen, *more], XRP: [(timedelta(0), Decimal(1000))]}, size=Decimal(100))


@contextmanager
def served() -> Iterator[Served]:
    venue: Venue = opened(jumping(), settings=VenueSettings(pace=Pace.REAL))
    clock = RunningClock()
    keys = [ApiKey(access="paper", secret=SECRET, account="paper")]
    server = Server(Face(venue, keys, FaceSettings(quota=QuotaSettings(enforced=False)), clock))
    url = f"http://127.0.0.1:{server.port}"
    with running(server), closing(UrllibTransport(url)) as transport:
        yield Served(url, clock, client_of(transport, clock, KEYS))


def test_books_tickers_trades_and_candles_arrive_and_unknown_codes_are_named() -> None:
    nowhere = Market("KRW-NONE")
    wanted = Subscription(
        (
            Wanted(type="orderbook", codes=(BTC, XRP, nowhere)),
            Wanted(type="ticker", codes=(BTC, XRP)),
            Wanted(type="trade", codes=(BTC,)),
            Wanted(type="candle.1s", codes=(BTC,)),
        )
    )
    with served() as venue, listening(venue.url, SETTINGS, KEYS) as listener:
        listener.stream.want(wanted)
        listener.stream.start()
        listener.until(lambda: any(isinstance(each, Missing) for each in listener.events))
        listener.until(lambda: len([each for each in listener.events if isinstance(each, TradeFrame)]) > 2)
        assert set(listener.latest.books([BTC, XRP, nowhere])) == {BTC, XRP}
        assert set(listener.latest.tickers([BTC, XRP])) == {BTC, XRP}
        assert len(listener.latest.books([XRP])[XRP].frame.book.bids) == 30
        status = listener.stream.status()
        assert (status.garbled, status.connects, status.last_error) == (0, 1, "")
    (missing,) = [each for each in listener.events if isinstance(each, Missing)]
    assert missing.snapshots == (("orderbook", nowhere),)


def test_an_order_is_told_from_its_placing_to_its_end_with_its_trade_and_the_balances() -> None:
    with served() as venue, listening(venue.url, SETTINGS, KEYS) as listener:
        listener.stream.want(account_news())
        listener.stream.start()
        listener.until(lambda: any(isinstance(each, Connected) for each in listener.events))
        answer = venue.client.place(
            OrderRequest(
                identifier=Identifier("mk1-7f3a-KRW-XRP-20260105T0900-e01"),
                market=XRP,
                side=Side.BID,
                type=OrderType.LIMIT,
                price=Price(1001),
                volume=Quantity(10),
            )
        )
        assert isinstance(answer, Accepted)
        listener.until(
            lambda: any(isinstance(each, MyOrderFrame) and each.state == "done" for each in listener.events)
        )
        listener.until(lambda: any(isinstance(each, MyAssetFrame) for each in listener.events))
        assert listener.stream.status().garbled == 0
    orders = [each for each in listener.events if isinstance(each, MyOrderFrame)]
    assert {each.uuid for each in orders} == {answer.uuid}
    assert {each.identifier for each in orders} == {"mk1-7f3a-KRW-XRP-20260105T0900-e01"}
    (trade,) = [each for each in orders if each.state == "trade"]
    assert (trade.price, trade.volume, trade.fee) == (Decimal(1000), Decimal(10), Decimal(5))
    assert orders[-1].executed == Quantity(10)


def test_a_wrong_key_is_refused_at_the_upgrade() -> None:
    wrong = {"Authorization": bearer(Keys(access="paper", secret="wrong" * 20), "nonce-1")}
    with served() as venue:
        opener = WebSocketOpener(venue.url)
        with pytest.raises(Refused) as caught:
            opener(PRIVATE, wrong)
    assert caught.value.response.status == 401


@pytest.mark.parametrize("form", ["DEFAULT", "SIMPLE", "JSON_LIST", "SIMPLE_LIST"])
def test_every_public_type_is_read_in_every_format(form: str) -> None:
    wanted = Subscription(tuple(Wanted(type=each, codes=(BTC,)) for each in MARKET_TYPES))
    with served() as venue:
        wire = WebSocketOpener(venue.url)(PUBLIC, {})
        wire.send(wanted.request("t").replace("DEFAULT", form))
        owed = set(wanted.snapshots)
        end = time.monotonic() + 5
        while owed:
            assert time.monotonic() < end, owed
            body = wire.receive(0.1)
            for frame in parse(body) if body else ():
                owed -= {
                    each for each in owed if Subscription((Wanted(type=each[0], codes=(BTC,)),)).includes(frame)
                }
        wire.close()


def test_the_eyes_wake_within_milliseconds_of_the_frame_that_touches() -> None:
    with served() as venue, listening(venue.url, SETTINGS, KEYS) as listener:
        eyes = StreamWatcher(
            EyesParts(
                latest=listener.latest,
                follow=lambda markets: listener.stream.want(books_of(tuple(markets), "KRW-BTC")),
                fallback=PollingWatcher(quotation=venue.client, clock=venue.clock, stopping=lambda: False),
                clock=venue.clock,
                monotonic=time.monotonic,
                stopping=lambda: False,
                pause=listener.latest.wait,
                run=in_thread,
            )
        )
        listener.stream.start()
        far = Fence(Price(1), Price(999_000_000))
        first = eyes.wait(venue.clock.now(), {BTC: far, XRP: far})
        assert set(first.bids) == {BTC, XRP}
        fence = Fence(Price(95_000_000), Price(999_000_000))
        seen = eyes.wait(BEGIN + timedelta(seconds=20), {BTC: fence, XRP: far})
        # The book falls 3 s after the beginning and is published on a grid of 100 ms.
        assert seen.bids[BTC] <= Price(90_000_000)
        assert (seen.at - BEGIN).total_seconds() < 5  # REST would look again after 10 s
        assert listener.latest.books([BTC])[BTC].frame.book.best_bid is not None
