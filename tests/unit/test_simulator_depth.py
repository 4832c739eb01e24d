"""The synthetic book: spread, ticks, order, and the square-root impact law."""

import math
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from makenaide.domain.market import Market, tick_size
from makenaide.exchange.simulator.market import BookSides
from makenaide.exchange.simulator.prices.depth import (
    IMPACT,
    LEVEL_SHARE,
    SPREAD,
    Liquidity,
    best_ask,
    best_bid,
    book,
)
from makenaide.exchange.simulator.prices.moments import day_date
from makenaide.exchange.simulator.prices.ticks import Ticks
from tests.unit.simulator_tapes import day_number

CODE = Market("KRW-XRP")
DAYS = [day_number(each) for each in (date(2023, 6, 1), date(2024, 6, 1), date(2025, 9, 1))]
TICKS = Ticks(CODE)

days = st.sampled_from(DAYS)
prices = st.floats(0, 8).map(lambda power: 10.0**power)


def on_tick(price: Decimal, day: int) -> bool:
    return price % tick_size(CODE, price, day_date(day)) == 0


@given(prices, days, st.floats(1e7, 1e12), st.floats(0.005, 0.2))
def test_levels_are_on_the_tick_apart_and_best_first(
    price: float, day: int, turnover: float, sigma: float
) -> None:
    sides = book(TICKS, price, day, Liquidity(turnover, sigma), 30)
    bids, asks = [level for level, _ in sides.bids], [level for level, _ in sides.asks]
    assert bids == sorted(set(bids), reverse=True)
    assert asks == sorted(set(asks))
    assert bids[0] < asks[0]
    assert len(asks) == 30
    assert all(on_tick(level, day) for level in (*bids, *asks))
    assert all(size > 0 and size == size.quantize(Decimal("1e-8")) for _, size in (*sides.bids, *sides.asks))
    assert float(bids[0]) == best_bid(TICKS, price, day)
    assert float(asks[0]) == best_ask(TICKS, price, day)


@given(prices, days)
def test_the_spread_is_ten_basis_points_or_a_tick(price: float, day: int) -> None:
    price = TICKS.nearest(price, day)
    bid, ask = best_bid(TICKS, price, day), best_ask(TICKS, price, day)
    tick = TICKS.step(price, day).size
    assert bid < ask
    assert bid <= price <= ask + tick / 2
    assert max(tick, price * SPREAD) * 0.999999 <= ask - bid <= max(tick, price * SPREAD) + 2 * tick


@given(st.floats(0, 8), st.floats(0, 0.02), days)
def test_the_best_prices_never_fall_while_the_price_rises(power: float, rise: float, day: int) -> None:
    low, high = 10.0**power, 10.0 ** (power + rise)
    assert best_bid(TICKS, low, day) <= best_bid(TICKS, high, day)
    assert best_ask(TICKS, low, day) <= best_ask(TICKS, high, day)


@pytest.mark.parametrize("edge", [10.0, 100.0, 1000.0, 5000.0, 10000.0, 50000.0, 100000.0, 500000.0, 1000000.0])
@pytest.mark.parametrize("day", DAYS)
def test_the_best_bid_does_not_fall_at_a_band_edge(edge: float, day: int) -> None:
    steps = [edge * (1 + part / 100_000) for part in range(-300, 301)]
    bids = [best_bid(TICKS, price, day) for price in sorted({*steps, edge})]
    assert bids == sorted(bids)


def walked(sides: BookSides, levels: int) -> tuple[float, float]:
    """(won, mean distance from the best ask) of buying `levels` whole levels."""
    eaten = sides.asks[:levels]
    won = float(sum(price * size for price, size in eaten))
    coins = float(sum(size for _, size in eaten))
    return won, won / coins / float(sides.asks[0][0]) - 1


@pytest.mark.parametrize("levels", range(2, 31))
@pytest.mark.parametrize("sigma", [0.03, 0.08])
def test_walking_the_book_costs_what_the_square_root_law_says(levels: int, sigma: float) -> None:
    turnover = 5e9
    sides = book(TICKS, 60_000_000.0, DAYS[2], Liquidity(turnover, sigma), 30)
    won, cost = walked(sides, levels)
    law = IMPACT * sigma * math.sqrt(won / turnover)
    first_level = IMPACT * sigma * math.sqrt(LEVEL_SHARE) / levels
    tick = 1000 / 60_000_000
    assert law - first_level - 0.02 * law <= cost <= law + tick + 0.02 * law


def test_every_level_holds_its_share_of_the_turnover() -> None:
    sides = book(TICKS, 3_000.0, DAYS[2], Liquidity(2e9, 0.05), 30)
    held = [float(price * size) for price, size in (*sides.bids, *sides.asks)]
    assert held == pytest.approx([2e9 * LEVEL_SHARE] * 60, rel=1e-6)


def test_a_short_book_is_the_top_of_the_long_one() -> None:
    long = book(TICKS, 101.0, DAYS[2], Liquidity(2e9, 0.05), 30)
    assert book(TICKS, 101.0, DAYS[2], Liquidity(2e9, 0.05), 5) == BookSides(long.bids[:5], long.asks[:5])


def test_bids_end_where_the_price_runs_out_of_ticks() -> None:
    sides = book(TICKS, 0.0000001, DAYS[2], Liquidity(0.0, 0.05), 30)
    assert 0 < len(sides.bids) < 30
    assert sides.bids[-1] == (Decimal("0.00000001"), Decimal("0.00000001"))
