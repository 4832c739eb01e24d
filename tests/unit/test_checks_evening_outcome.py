"""E1-E3, the pure parts: hand-computed returns, intervals, slippage, and every edge of the bands."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from makenaide.domain.market import Market
from makenaide.domain.money import Krw, Price, Quantity
from makenaide.domain.order import Identifier, PositionId, Side
from makenaide.domain.verdict import Verdict
from makenaide.ledger.fill import Fill
from makenaide.ledger.performance import EquityPoint
from makenaide.ops.checks.losses import judge_drawdown, judge_loss
from makenaide.ops.checks.outcome import (
    Trend,
    daily_log_returns,
    judge_month,
    month_interval,
    realised,
    slippage,
    student,
    trend,
)
from makenaide.ops.settings import OperationsSettings
from makenaide.store.journal import JournalFill
from makenaide.store.runs import EquityRow
from tests.unit.evening_scene import spoken

SETTINGS = OperationsSettings()
DAY = timedelta(days=1)
SLOT = datetime(2026, 3, 1, tzinfo=UTC)
"""2026-03-01 09:00 KST."""


def rows(*worth: tuple[int, int] | int, first: datetime = SLOT, bitcoin: Sequence[int] = ()) -> list[EquityRow]:
    """One slot a day: the equity, or (equity, flow)."""
    made = []
    for number, each in enumerate(worth):
        equity, flow = each if isinstance(each, tuple) else (each, 0)
        made.append(
            EquityRow(
                slot=first + number * DAY,
                valued_at=first + number * DAY,
                equity=Krw(equity),
                cash=Krw(0),
                flow=Krw(flow),
                bitcoin=Decimal(bitcoin[number]) if bitcoin else None,
            )
        )
    return made


# ---- E2 ----


def test_returns_are_those_of_the_month_and_of_thirty_days_without_what_was_paid_in() -> None:
    """28 February at 09:00 KST is 100; by 1 March 110; a deposit of 110 doubles it; then +10 %."""
    made = rows(100, 110, (220, 110), 242, first=SLOT - DAY, bitcoin=(10, 11, 11, 22))
    found = trend(made, made[-1].slot + timedelta(hours=9))
    # The first period ends in March, at its ninth hour, so it is of March: 1.1 x 1 x 1.1 - 1.
    assert found.month == Decimal("0.21")
    assert found.rolling == Decimal("0.21")
    assert (found.bitcoin_month, found.bitcoin_rolling) == (Decimal("1.2"), Decimal("1.2"))
    assert (found.whole, found.interval) == (False, None)


def test_a_month_begins_at_midnight_in_korea() -> None:
    made = rows(100, 200, 300, first=SLOT - 2 * DAY, bitcoin=(1, 2, 3))
    found = trend(made, SLOT + timedelta(hours=1))
    assert (found.month, found.bitcoin_month) == (Decimal("0.5"), Decimal("0.5"))
    assert found.rolling == 2
    # 15:00 UTC on 31 March is midnight of 1 April: nothing has ended in April yet.
    later = trend(made, datetime(2026, 3, 31, 15, tzinfo=UTC))
    assert later.month == 0
    assert later.bitcoin_month is None


def test_thirty_days_are_the_last_thirty_and_whole_once_they_are_there() -> None:
    worth = [50, *([100] * 30), 110]
    found = trend(rows(*worth), SLOT + 31 * DAY)
    assert (found.rolling, found.whole) == (Decimal("0.1"), True)
    assert trend(rows(*([100] * 30)), SLOT + 29 * DAY).whole is False
    assert trend(rows(*([100] * 31)), SLOT + 30 * DAY).whole is True


def test_bitcoin_is_not_told_where_its_price_is_not_known() -> None:
    assert trend(rows(100, 110), SLOT + DAY).bitcoin_rolling is None


@pytest.mark.parametrize(
    ("month", "rolling", "whole", "verdict", "key"),
    [
        ("0.05", "0.05", True, "PASS", "e2_goal"),
        ("0.0499", "0.0499", True, "PASS", "e2_below"),
        ("0.01", "0.01", True, "PASS", "e2_below"),
        ("0", "0.0099", True, "WARN", "e2_weak"),
        ("0", "-0.05", True, "WARN", "e2_weak"),
        ("0", "-0.0501", True, "FAIL", "e2_danger"),
        ("-0.0501", "0.2", True, "FAIL", "e2_danger"),
        ("0.05", "0", True, "PASS", "e2_goal"),
        ("0", "0.06", True, "PASS", "e2_goal"),
        ("0", "0", False, "PASS", "e2_below"),
        ("-0.05", "-0.05", False, "PASS", "e2_below"),
        ("-0.051", "-0.051", False, "FAIL", "e2_danger"),
    ],
)
def test_a_month_is_judged_by_its_bands(month: str, rolling: str, whole: bool, verdict: str, key: str) -> None:
    found = Trend(
        month=Decimal(month),
        rolling=Decimal(rolling),
        bitcoin_month=None,
        bitcoin_rolling=None,
        whole=whole,
        interval=(-0.5, 0.25),
    )
    judged = judge_month(found, SETTINGS)
    assert spoken([judged]) == [f"{verdict} {key}"]
    assert (judged.said.values["low"], judged.said.values["high"]) == ("-50.00", "25.00")
    assert judged.said.values["bitcoin"] == "-"


def test_daily_log_returns_are_between_days_that_follow_each_other() -> None:
    moments = (0, 8, 24, 48, 96, 120)  # hours; the fourth day has no point
    worth = (100, 105, 110, 121, 200, 100)
    points = [
        EquityPoint(at=SLOT + timedelta(hours=hours), equity=Krw(each))
        for hours, each in zip(moments, worth, strict=True)
    ]
    found = daily_log_returns(points, SLOT)
    assert found == pytest.approx([math.log(110 / 105), math.log(1.1), math.log(0.5)])
    assert daily_log_returns(points, SLOT + 3 * DAY) == pytest.approx([math.log(0.5)])
    assert daily_log_returns([], SLOT) == []


def test_a_day_that_took_everything_has_no_logarithm() -> None:
    points = [EquityPoint(at=SLOT + day * DAY, equity=Krw(each)) for day, each in enumerate((100, 0, 50))]
    assert daily_log_returns(points, SLOT) == []


@pytest.mark.parametrize(("freedom", "point"), [(9, 2.262157), (19, 2.093024), (29, 2.045230), (89, 1.986979)])
def test_students_point_is_that_of_the_tables(freedom: int, point: float) -> None:
    assert student(freedom) == pytest.approx(point, abs=0.001)


def test_the_interval_is_that_of_the_mean() -> None:
    returns = [0.01, -0.01] * 8  # mean 0, sample deviation 0.01 sqrt(16 / 15)
    margin = 30 * 2.13145 * 0.01 * math.sqrt(16 / 15) / 4
    found = month_interval(returns)
    assert found == pytest.approx((math.exp(-margin) - 1, math.exp(margin) - 1), rel=1e-3)
    assert month_interval([0.001] * 10) == pytest.approx((math.exp(0.03) - 1,) * 2)
    assert month_interval(returns[:9]) is None
    wild = month_interval([300.0, -300.0] * 10)
    assert wild is not None
    assert math.isfinite(wild[1])


# ---- E1 ----


def fill(position: str, side: Side, volume: str, price: int, at: datetime) -> JournalFill:
    """A trade without a fee... but one won."""
    made = Fill(
        trade_uuid=f"{position}{side}{volume}{at}",
        identifier=Identifier("i"),
        market=Market("KRW-ETH"),
        side=side,
        price=Price(price),
        volume=Quantity(volume),
        funds=Price(price) * Quantity(volume),
        fee=Krw(1),
        at=at,
    )
    return JournalFill(fill=made, position_id=PositionId(position), reason="entry")


def test_what_was_realised_today_is_told_from_what_was_before_net_of_fees() -> None:
    since = SLOT
    made = [
        fill("a", Side.BID, "2", 100, since - DAY),
        fill("a", Side.ASK, "1", 150, since - timedelta(seconds=1)),
        fill("a", Side.ASK, "1", 120, since),
        fill("b", Side.BID, "1", 100, since),
        fill("c", Side.BID, "1", 100, since - DAY),
        fill("c", Side.ASK, "1", 90, since + DAY),
    ]
    # a: 120 - 1 - 100.5 (half of 200 + 1); c: 90 - 1 - 101; b sold nothing.
    assert realised(made, since) == Krw("18.5") + Krw("-12")
    assert realised([], since) == Krw(0)


def bought(funds: int, volume: str, **evidence: Any) -> Any:
    return SimpleNamespace(funds=Decimal(funds), volume=Decimal(volume), evidence=evidence)


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([], None),
        ([bought(100, "1", adopted_at="90")], None),
        ([bought(101, "1", close="100")], Decimal("0.01")),
        ([bought(101, "1", close="100"), bought(300, "1", close="300"), bought(9, "1")], Decimal("0.0025")),
        ([bought(99, "1", close="100")], Decimal("-0.01")),
    ],
)
def test_slippage_is_what_was_paid_above_the_close_of_the_decision(entries: list[Any], expected: Any) -> None:
    assert slippage(entries) == expected


# ---- E3 ----


@pytest.mark.parametrize(
    ("loss", "distance", "verdict"),
    [
        ("-0.2", "0.05", Verdict.PASS),
        ("0.06", "0.05", Verdict.PASS),
        ("0.0601", "0.05", Verdict.WARN),
        ("0.075", "0.05", Verdict.WARN),
        ("0.0751", "0.05", Verdict.FAIL),
        ("0.05", "0.04", Verdict.PASS),
        ("0.06", "0.04", Verdict.WARN),
        ("0.061", "0.04", Verdict.FAIL),
        ("0.01", "0", Verdict.PASS),
        ("0.011", "0", Verdict.FAIL),
    ],
)
def test_a_trade_is_judged_by_its_own_stop(loss: str, distance: str, verdict: Verdict) -> None:
    assert judge_loss(Decimal(loss), Decimal(distance), SETTINGS) is verdict


@pytest.mark.parametrize(
    ("fall", "verdict", "state"),
    [
        ("0", "PASS", "safe"),
        ("0.0499", "PASS", "safe"),
        ("0.05", "PASS", "watch"),
        ("0.08", "PASS", "watch"),
        ("0.0801", "WARN", "warning"),
        ("0.15", "WARN", "warning"),
        ("0.1501", "FAIL", "danger"),
    ],
)
def test_the_account_is_judged_by_g7(fall: str, verdict: str, state: str) -> None:
    judged = judge_drawdown(Decimal(fall), SETTINGS)
    assert (str(judged[0]), judged[1]) == (verdict, state)
