"""The market data of the cases: a flat street for orders, candles on tapes for quotations, events over them."""

from datetime import date, timedelta
from decimal import Decimal
from functools import cache, partial

from makenaide.exchange.simulator.market import MarketData
from makenaide.exchange.simulator.prices.generator import generate
from makenaide.exchange.simulator.prices.incidents import Event
from makenaide.exchange.simulator.prices.model import GeneratorSettings
from makenaide.exchange.simulator.prices.staged import Staged
from makenaide.exchange.simulator.prices.tape import Tape
from tests.contract.venue.case import World
from tests.unit.simulator_street import BTC, XRP, Street, flat
from tests.unit.simulator_tapes import drawn, source, tape

HOURS = 24 * 320


@cache
def hourly() -> Tape:
    """KRW-XRP with a tenth of its hours empty, and KRW-BTC without gaps: 320 days from Monday 2025-06-02 on."""
    return tape(source(drawn(1, HOURS)), source(drawn(2, HOURS, price=90_000_000.0, gaps=0.0), BTC))


@cache
def street(price: str) -> MarketData:
    """KRW-BTC at this price, KRW-XRP at 1,000 and BTC-ETH at 0.03."""
    return flat(price)


@cache
def deep_xrp() -> MarketData:
    """KRW-XRP whose best bid is 1,375 for ten coins."""
    prices = {BTC: Decimal(100_000_000), XRP: Decimal(1376)}
    return Street(steps={market: [(timedelta(0), price)] for market, price in prices.items()}, size=Decimal(10))


def at(price: str, **balances: str) -> World:
    """A flat street with KRW-BTC at `price`; both accounts hold ten million won and one bitcoin unless told."""
    return World(data=partial(street, price), balances=balances or {"KRW": "10000000", "BTC": "1"})


def staged(*events: Event) -> MarketData:
    """The tapes with these events."""
    return Staged(hourly(), events)


@cache
def generated() -> Tape:
    """A small world as the simulator makes them."""
    return generate(GeneratorSettings(seed=3, markets=12, history_days=40, days=5, first_day=date(2026, 1, 5)))


GENERATED = World(data=generated)
TAPES = World(data=hourly)
SPARSE = World(data=cache(lambda: tape(source(drawn(1, HOURS, gaps=0.7)))))
"""KRW-XRP with most of its hours empty."""
