"""The cautions of generated markets: how often they are up, what raises them, and that no price depends on them."""

from datetime import timedelta
from functools import cache

import numpy as np
import pytest

from makenaide.exchange.simulator.market import CAUTIONS
from makenaide.exchange.simulator.prices.cautions import LARGE_MOVE, SOARING, cautions
from makenaide.exchange.simulator.prices.generator import generate
from makenaide.exchange.simulator.prices.model import GeneratorSettings
from makenaide.exchange.simulator.prices.moments import to_ms
from makenaide.exchange.simulator.prices.tape import Tape, Window
from makenaide.exchange.venue import CandleUnit
from tests.unit.simulator_street import XRP
from tests.unit.simulator_tapes import ORIGIN, recorded, source, tape

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@cache
def world() -> Tape:
    return generate(GeneratorSettings(markets=20, history_days=100, days=100))


def days(prices: list[float], volumes: list[float]) -> list[tuple[str, Window]]:
    candles = [
        (ORIGIN + n * DAY, (price, price, price, price), volume)
        for n, (price, volume) in enumerate(zip(prices, volumes, strict=True))
    ]
    drawn = cautions(3, 0, recorded(1440, candles))
    return [(name, window) for name, window in drawn if name in CAUTIONS[:2]]


def test_about_a_quarter_of_the_markets_have_a_caution_most_of_them_for_foreign_prices() -> None:
    seen = [each.cautions for n in range(100) for each in world().listings(world().first_slot + n * DAY + HOUR)]
    assert 0.15 < np.mean([bool(flags) for flags in seen]) < 0.35
    foreign = [flags for flags in seen if "GLOBAL_PRICE_DIFFERENCES" in flags]
    assert len(foreign) > 0.6 * len([flags for flags in seen if flags])
    up = {name for flags in seen for name in flags}
    assert {"TRADING_VOLUME_SOARING", "DEPOSIT_AMOUNT_SOARING", "CONCENTRATION_OF_SMALL_ACCOUNTS"} < up
    assert all(list(flags) == [name for name in CAUTIONS if name in flags] for flags in seen)


def test_the_same_seed_raises_the_same_flags_and_another_one_others() -> None:
    base = world().sources[4].base
    assert cautions(1, 4, base) == cautions(1, 4, base) == world().sources[4].cautions
    assert cautions(1, 4, base) != cautions(2, 4, base)
    assert cautions(1, 4, base) != cautions(1, 5, base)


def test_a_large_move_is_flagged_the_day_after() -> None:
    jump = float(np.exp(LARGE_MOVE)) * 1.001
    up_and_down = [100.0, 100.0, 100.0 * jump, 100.0 * jump, 100.0]
    for prices in (up_and_down, up_and_down[::-1]):
        flags = days(prices, [1.0] * 5)
        assert [name for name, _ in flags] == ["PRICE_FLUCTUATIONS"] * 2
        moved = [n for n in range(1, 5) if prices[n] != prices[n - 1]]
        assert [window.start for _, window in flags] == [ORIGIN + (n + 1) * DAY for n in moved]
        assert {window.end - window.start for _, window in flags if window.end is not None} == {DAY}
    assert days([100.0, 100.0 * float(np.exp(LARGE_MOVE)) * 0.999], [1.0] * 2) == []


@pytest.mark.parametrize(("times", "flagged"), [(SOARING * 1.001, True), (SOARING * 0.999, False)])
def test_soaring_turnover_is_flagged_the_day_after(times: float, flagged: bool) -> None:
    flags = days([100.0] * 22, [1.0] * 20 + [times, 1.0])
    assert [(name, window.start) for name, window in flags] == (
        [("TRADING_VOLUME_SOARING", ORIGIN + 21 * DAY)] if flagged else []
    )


def test_a_market_without_a_candle_has_no_flags() -> None:
    assert cautions(1, 0, recorded(60, [(ORIGIN, (1.0,) * 4, 0.0)])) == ()


def test_overlapping_flags_of_one_name_are_up_until_the_last_ends() -> None:
    spells = [(0, 4), (2, 6), (9, None)]
    flags = tuple(
        ("PRICE_FLUCTUATIONS", Window(start=ORIGIN + one * HOUR, end=None if two is None else ORIGIN + two * HOUR))
        for one, two in spells
    )
    candles = [(ORIGIN + n * HOUR, (9.0, 9.0, 9.0, 9.0), 1.0) for n in range(12)]
    data = tape(source(recorded(60, candles), cautions=flags))
    up = [bool(data.listings(ORIGIN + n * HOUR)[0].cautions) for n in range(12)]
    assert up == [True] * 6 + [False] * 3 + [True] * 3


def test_lists_are_the_same_whichever_way_time_is_looked_at() -> None:
    times = [world().first_slot + n * 5 * HOUR for n in range(60)]
    forward = [world().listings(at) for at in times]
    assert [world().listings(at) for at in times[::-1]][::-1] == forward
    assert world().candles(XRP, CandleUnit.DAYS, times[3], 1, times[3])[0].last_tick <= to_ms(times[3])
