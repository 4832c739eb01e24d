"""Float tick arithmetic against the exact tables of the domain."""

from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from makenaide.domain.market import Market, round_down, round_up, tick_size
from makenaide.exchange.simulator.prices.moments import day_date
from makenaide.exchange.simulator.prices.ticks import Ticks
from tests.unit.simulator_tapes import day_number

CODES = [Market(code) for code in ("KRW-BTC", "KRW-ADA", "KRW-USDT", "USDT-BTC", "BTC-ETH")]
DATES = [date(2023, 6, 1), date(2024, 1, 29), date(2024, 10, 14), date(2025, 3, 21), date(2025, 7, 31)]

codes = st.sampled_from(CODES)
days = st.sampled_from([day_number(each) for each in DATES])
prices = st.floats(-16, 18).map(lambda power: float(f"{2.0**power * 1e-3:.12g}"))


@given(codes, days, prices)
def test_steps_and_rounding_are_those_of_the_domain(code: Market, day: int, price: float) -> None:
    ticks, exact, on = Ticks(code), Decimal(repr(price)), day_date(day)
    tick = tick_size(code, exact, on)
    assert ticks.step(price, day).exact == tick
    nearest = Decimal(repr(ticks.nearest(price, day)))
    assert nearest % tick == 0
    assert abs(nearest - exact) <= tick / 2 or nearest == tick
    off = (exact / tick) % 1
    if Decimal("0.00001") < off < Decimal("0.99999"):
        assert Decimal(repr(ticks.floor(price, day))) == round_down(code, exact, on).value
        assert Decimal(repr(ticks.ceil(price, day))) == round_up(code, exact, on).value


@given(codes, days, prices)
def test_a_price_on_the_tick_stays_where_it_is(code: Market, day: int, price: float) -> None:
    ticks = Ticks(code)
    there = ticks.nearest(price, day)
    assert (ticks.floor(there, day), ticks.ceil(there, day), ticks.nearest(there, day)) == (there, there, there)


def test_under_a_band_edge_lies_another_step() -> None:
    ticks, day = Ticks(Market("KRW-XRP")), day_number(date(2025, 9, 1))
    assert (ticks.step(100.0, day).size, ticks.step_below(100.0, day).size) == (1.0, 0.1)
    assert ticks.step(100.0, day).below == 0.1
    assert (ticks.step(1e-10, day).edge, ticks.step(1e-10, day).size) == (0.0, 1e-8)


@given(st.lists(st.tuples(prices, days), min_size=1, max_size=30), codes)
def test_arrays_are_rounded_like_single_prices(each: list[tuple[float, int]], code: Market) -> None:
    ticks = Ticks(code)
    rounded = ticks.nearest_all(np.array([price for price, _ in each]), np.array([day for _, day in each]))
    assert rounded.tolist() == [ticks.nearest(price, day) for price, day in each]


def test_prices_of_whole_ticks_have_no_stray_digits() -> None:
    ticks, day = Ticks(Market("KRW-XRP")), day_number(date(2025, 9, 1))
    assert [repr(ticks.nearest(n * 0.1, day)) for n in range(101, 1000)] == [f"{n / 10}" for n in range(101, 1000)]


@pytest.mark.parametrize("code", CODES)
def test_the_lowest_price_is_one_tick(code: Market) -> None:
    ticks, day = Ticks(code), day_number(date(2025, 9, 1))
    assert ticks.floor(1e-12, day) == ticks.nearest(1e-12, day) == ticks.step(1e-12, day).size
