"""The market data of the cases: a flat street for orders, candles on tapes for quotations, events over them."""

from datetime import timedelta
from functools import cache, partial

from makenaide.exchange.simulator.market import MarketData
from makenaide.exchange.simulator.prices.incidents import Event
from makenaide.exchange.simulator.prices.staged import Staged
from makenaide.exchange.simulator.prices.tape import Tape
from tests.contract.venue.case import World
from tests.unit.simulator_street import flat
from tests.unit.simulator_tapes import BTC, drawn, source, tape

HOURS = 24 * 320
NIGHT = timedelta(hours=24)


@cache
def hourly() -> Tape:
    """KRW-XRP with a tenth of its hours empty, and KRW-BTC without gaps: 320 days from Monday 2025-06-02 on."""
    return tape(source(drawn(1, HOURS)), source(drawn(2, HOURS, price=90_000_000.0, gaps=0.0), BTC))


@cache
def street(price: str) -> MarketData:
    """KRW-BTC at this price, KRW-XRP at 1,000 and BTC-ETH at 0.03."""
    return flat(price)


def at(price: str, **balances: str) -> World:
    """A flat street with KRW-BTC at `price`; both accounts hold ten million won and one bitcoin unless told."""
    return World(data=partial(street, price), balances=balances or {"KRW": "10000000", "BTC": "1"})


def staged(*events: Event) -> MarketData:
    """The tapes with these events."""
    return Staged(hourly(), events)


TAPES = World(data=hourly)
