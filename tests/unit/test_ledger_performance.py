"""Performance, computed by hand (mission.md, E1-E3)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from makenaide.domain.clock import KST
from makenaide.domain.errors import Inconsistent
from makenaide.domain.money import Krw, Price
from makenaide.domain.order import PositionId
from makenaide.ledger.performance import (
    EquityPoint,
    buy_and_hold,
    drawdown_now,
    drawdowns,
    exposure,
    growth,
    maximum_drawdown,
    month_returns,
    month_to_date,
    period_returns,
    rolling_return,
    statistics,
    time_weighted_return,
    worst_trade,
)
from tests.unit.ledger_fills import START, trade


def points(*equities: int, flows: dict[int, int] | None = None, start: datetime = START) -> list[EquityPoint]:
    """One point a day; `flows` by index."""
    moved = flows or {}
    return [
        EquityPoint(at=start + timedelta(days=day), equity=Krw(equity), flow=Krw(moved.get(day, 0)))
        for day, equity in enumerate(equities)
    ]


def ratios(*texts: str) -> tuple[Decimal, ...]:
    """Texts as ratios."""
    return tuple(Decimal(text) for text in texts)


# ---- E2: time-weighted return ----


def test_without_flows_it_is_plain_growth() -> None:
    assert period_returns(points(100, 110, 99)) == ratios("0.1", "-0.1")
    assert growth(points(100, 110, 99)) == ratios("1", "1.1", "0.99")
    assert time_weighted_return(points(100, 110, 99)) == Decimal("-0.01")


def test_a_deposit_in_the_middle_of_the_month_is_no_profit() -> None:
    # 1,000,000 grows 5 %, then 1,000,000 more comes in and all of it grows 2 %: 1.05 x 1.02 - 1.
    curve = points(1_000_000, 1_050_000, 2_091_000, flows={0: 1_000_000, 2: 1_000_000})
    assert period_returns(curve) == ratios("0.05", "0.02")
    assert time_weighted_return(curve) == Decimal("0.071")


def test_a_withdrawal_is_no_loss() -> None:
    # 1,050,000 lose 10 %, then 500,000 of the 945,000 go out: 1.05 x 0.9 - 1.
    curve = points(1_000_000, 1_050_000, 445_000, flows={2: -500_000})
    assert curve[2].flow == Krw(-500_000)
    assert time_weighted_return(curve) == Decimal("-0.055")


def test_an_owner_who_takes_out_nearly_all_or_the_gains_as_well_distorts_nothing() -> None:
    # 1,000,000 lose 3 %, then 960,000 go out: a loss of 3 %, not of 75 % of the 40,000 that stay.
    assert period_returns(points(1_000_000, 10_000, flows={1: -960_000})) == ratios("-0.03")
    assert drawdown_now(points(1_000_000, 10_000, flows={1: -960_000})) == Decimal("0.03")
    # 1,000,000 gain 10 %, and all 1,100,000 go out: nothing is left, and nothing was lost.
    assert period_returns(points(1_000_000, 0, flows={1: -1_100_000})) == ratios("0.1")


def test_the_first_flow_is_the_capital_that_is_there_already() -> None:
    assert time_weighted_return(points(100, 110, flows={0: 100})) == Decimal("0.1")


def test_an_account_that_was_emptied_stands_still_and_starts_anew() -> None:
    curve = points(100, 0, 0, 50, 55, flows={1: -100, 3: 50})
    assert period_returns(curve) == ratios("0", "0", "0", "0.1")


@pytest.mark.parametrize(
    ("curve", "message"),
    [
        ([*points(100, 110), *points(120)], "does not follow"),
        ([points(100)[0], points(100)[0]], "does not follow"),
    ],
)
def test_a_curve_that_cannot_be_is_told(curve: list[EquityPoint], message: str) -> None:
    with pytest.raises(Inconsistent, match=message):
        time_weighted_return(curve)


@pytest.mark.parametrize("curve", [[], points(100)])
def test_less_than_two_points_have_no_return(curve: list[EquityPoint]) -> None:
    assert time_weighted_return(curve) == 0
    assert period_returns(curve) == ()
    assert month_returns(curve) == {}
    assert rolling_return(curve, 30) == 0
    assert drawdown_now(curve) == 0
    assert drawdowns(curve) == (Decimal(0),) * len(curve)


@given(
    st.lists(st.decimals("-0.5", "0.5", places=3), min_size=1, max_size=12),
    st.lists(st.integers(0, 10**7), min_size=12, max_size=12),
)
def test_deposits_of_any_size_never_change_the_return(gains: list[Decimal], deposits: list[int]) -> None:
    equity, curve, product = Decimal(1_000_000), points(1_000_000), Decimal(1)
    for day, (gain, deposit) in enumerate(zip(gains, deposits, strict=False), 1):
        equity = (equity + deposit) * (1 + gain)
        product *= 1 + gain
        curve.append(EquityPoint(at=START + timedelta(days=day), equity=Krw(equity), flow=Krw(deposit)))
    assert abs(time_weighted_return(curve) - (product - 1)) < Decimal("1e-18")


# ---- months and windows ----


def test_a_period_belongs_to_the_korean_month_in_which_it_ends() -> None:
    start = datetime(2026, 1, 30, 9, tzinfo=KST)
    curve = points(100, 110, 121, 133, start=start)  # 31 Jan, 1 Feb, 2 Feb at 09:00 KST
    assert month_returns(curve) == {"2026-01": Decimal("0.1"), "2026-02": Decimal("1.1") * 133 / 121 - 1}


def test_a_period_that_ends_on_the_first_instant_of_a_month_belongs_to_the_one_before() -> None:
    midnight = datetime(2026, 2, 1, tzinfo=KST)
    curve = points(100, 110, start=midnight - timedelta(days=1))
    assert month_returns(curve) == {"2026-01": Decimal("0.1")}
    later = [curve[0], replace(curve[1], at=midnight + timedelta(microseconds=1))]
    assert month_returns(later) == {"2026-02": Decimal("0.1")}


def test_the_months_linked_are_the_whole() -> None:
    curve = points(*range(1_000, 1_090), flows={40: 7})
    product = Decimal(1)
    for each in month_returns(curve).values():
        product *= 1 + each
    assert list(month_returns(curve)) == ["2026-01", "2026-02", "2026-03", "2026-04"]
    assert abs(product - 1 - time_weighted_return(curve)) < Decimal("1e-20")


def test_month_to_date_is_that_of_the_month_asked() -> None:
    curve = points(100, 110, 99)
    assert month_to_date(curve, START + timedelta(days=2)) == Decimal("-0.01")
    assert month_to_date(curve, datetime(2026, 1, 31, 15, tzinfo=UTC)) == 0  # already February in Korea
    assert month_to_date([], START) == 0


def test_a_rolling_return_looks_back_so_many_days() -> None:
    curve = points(100, 200, 100, 110)
    assert rolling_return(curve, 1) == Decimal("0.1")
    assert rolling_return(curve, 2) == Decimal("-0.45")
    assert rolling_return(curve, 30) == Decimal("0.1")


# ---- E3: two separate numbers ----


def test_the_drawdown_is_peak_to_trough() -> None:
    curve = points(100, 120, 90, 108, 130, 117)
    assert drawdowns(curve) == ratios("0", "0", "0.25", "0.1", "0", "0.1")
    deepest = maximum_drawdown(curve)
    assert deepest is not None
    assert (deepest.depth, deepest.peak_at, deepest.trough_at) == (
        Decimal("0.25"),
        START + timedelta(days=1),
        START + timedelta(days=2),
    )
    assert drawdown_now(curve) == Decimal("0.1")


def test_a_withdrawal_makes_no_drawdown_and_a_deposit_hides_none() -> None:
    assert drawdown_now(points(100, 50, flows={1: -50})) == 0
    assert drawdown_now(points(100, 180, flows={1: 100})) == Decimal("0.1")


def test_a_curve_that_only_rises_has_none() -> None:
    deepest = maximum_drawdown(points(100, 101, 102))
    assert deepest is not None
    assert deepest.depth == 0
    assert deepest.peak_at == deepest.trough_at == START
    assert maximum_drawdown([]) is None


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=30))
def test_the_maximum_drawdown_agrees_with_a_search_over_all_pairs(equities: list[int]) -> None:
    deepest = maximum_drawdown(points(*equities))
    pairs = [1 - Decimal(low) / high for i, high in enumerate(equities) for low in equities[i:]]
    assert deepest is not None
    assert abs(deepest.depth - max(pairs)) < Decimal("1e-20")
    assert 0 <= deepest.depth < 1
    assert deepest.peak_at <= deepest.trough_at


def test_the_worst_trade_may_be_closed_or_still_open() -> None:
    closed = [trade("KRW-BTC-1", 1_000, -50), trade("KRW-ETH-1", 1_000, 200)]
    still_open = {PositionId("KRW-XRP-1"): Decimal("-0.08"), PositionId("KRW-SOL-1"): Decimal("0.3")}
    assert worst_trade(closed, still_open) == ("KRW-XRP-1", Decimal("-0.08"))
    assert worst_trade(closed, {}) == ("KRW-BTC-1", Decimal("-0.05"))
    assert worst_trade([], still_open) == ("KRW-XRP-1", Decimal("-0.08"))
    assert worst_trade([], {}) is None


def test_worst_trade_and_drawdown_are_two_numbers() -> None:
    # Ten trades of 1 % each that lose 5 %: no trade is worse than -5 %, the account falls by half a percent.
    losses = [trade(f"KRW-C{number}-1", 10_000, -500) for number in range(10)]
    curve = points(*(1_000_000 - 500 * lost for lost in range(11)))
    worst, deepest = worst_trade(losses, {}), maximum_drawdown(curve)
    assert worst is not None
    assert deepest is not None
    assert (worst[1], deepest.depth) == (Decimal("-0.05"), Decimal("0.005"))


# ---- beside the curve ----


@pytest.mark.parametrize(
    ("prices", "gain"), [([100, 150, 120], "0.2"), ([100, 50], "-0.5"), ([100], "0"), ([], "0")]
)
def test_buying_and_holding_is_the_last_price_over_the_first(prices: list[int], gain: str) -> None:
    assert buy_and_hold([Price(price) for price in prices]) == Decimal(gain)


@pytest.mark.parametrize(
    ("invested", "equity", "share"), [(25, 100, "0.25"), (0, 100, "0"), (5, 0, None), (5, -1, None)]
)
def test_exposure_is_the_share_in_coins(invested: int, equity: int, share: str | None) -> None:
    assert exposure(Krw(invested), Krw(equity)) == (None if share is None else Decimal(share))


def test_statistics_of_closed_trades() -> None:
    closed = [
        trade("a", 1_000, 300, days=10),
        trade("b", 1_000, -100, days=2),
        trade("c", 1_000, -50, days=3),
        trade("d", 1_000, 0, days=5),
    ]
    found = statistics(closed)
    assert (found.count, found.wins, found.losses) == (4, 1, 2)
    assert found.win_rate == Decimal("0.25")
    assert found.profit_factor == 2
    assert found.expectancy == Krw("37.5")
    assert found.mean_gain == Decimal("0.0375")
    assert found.mean_days == 5
    assert (found.pnl, found.fees) == (Krw(150), Krw(8))


def test_statistics_divide_by_nothing() -> None:
    none = statistics([])
    assert (none.count, none.win_rate, none.profit_factor) == (0, None, None)
    assert (none.expectancy, none.mean_gain, none.mean_days) == (None, None, None)
    assert statistics([trade("a", 1_000, 300)]).profit_factor is None
    assert statistics([trade("a", 1_000, -300)]).profit_factor == 0


@pytest.mark.parametrize(
    "told", [points(0, 10), points(0, 0, flows={1: -150}), points(-50, 10), points(100, 0, 1, 2, flows={1: -100})]
)
def test_what_comes_of_nothing_is_no_return_and_ends_no_cycle(told: list[EquityPoint]) -> None:
    assert period_returns(told)[0] == 0
    assert month_to_date(told, told[-1].at) is not None
    assert drawdown_now(told) >= 0
