"""Ties and edges: what happens when two numbers are equal, and what holds unless it is said."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from makenaide.domain.market import Market
from makenaide.domain.money import Krw, Price, Quantity
from makenaide.domain.reason import Exit, Refusal
from makenaide.risk.exits import PositionFacts, StopState, initial_stop, raise_stop
from makenaide.risk.gate import GateReason, GateState
from makenaide.risk.limits import AccountFacts, CandidateFacts, limit
from makenaide.risk.settings import RiskSettings
from makenaide.risk.sizing import Bound, SizeRefusal, SizingInputs, size

SETTINGS = RiskSettings()
DAY = date(2026, 1, 5)
SLOT = datetime(2026, 1, 5, tzinfo=UTC)
FACTS = PositionFacts(
    market=Market("KRW-SOL"),
    entry=Price(200_000),
    atr_percent=Decimal(2),
    opened_on=DAY,
    quantity=Quantity(1),
    initial_quantity=Quantity(1),
)


def test_a_stop_that_the_hard_stop_only_equals_keeps_its_name() -> None:
    hard = initial_stop(FACTS, DAY, SETTINGS)
    trailing = replace(hard, kind=Exit.TRAILING_STOP)
    assert raise_stop(trailing, FACTS, FACTS.entry, DAY, SETTINGS).kind is Exit.TRAILING_STOP


def test_a_stop_that_the_trailing_stop_only_equals_keeps_its_name() -> None:
    # 216,000 x 0.92 = 198,720, rounded up to 198,800
    stop = StopState(price=Price(198_800), kind=Exit.HARD_STOP, high_water=Price(216_000))
    assert raise_stop(stop, FACTS, Price(216_000), DAY, SETTINGS) == stop


def test_a_stop_of_this_very_moment_completes_the_count() -> None:
    now = SLOT + timedelta(seconds=40)
    account = AccountFacts(
        slot=SLOT,
        now=now,
        gate_open=True,
        stops=(now, *(SLOT - timedelta(days=each) for each in (1, 2, 3))),
        month_return=Decimal(0),
        drawdown=Decimal(0),
        entries_today=0,
        open_positions=0,
        exposure=Krw(0),
        equity=Krw(1_000_000),
        books_equal=True,
    )
    calm = CandidateFacts(atr_percent=Decimal(4), last_stop=None)
    assert limit(account, calm, SETTINGS) is Refusal.STOPPED_OUT
    assert limit(replace(account, stops=account.stops[1:]), calm, SETTINGS) is None


RICH = SizingInputs(
    equity=Krw(10_000_000),
    free=Krw(10_000_000),
    stop_distance=Decimal("0.066"),
    turnover20=Krw(5_000_000_000),
    visible_depth=Krw(100_000_000),
    exposure=Krw(0),
    fee=Decimal("0.0005"),
)


def test_an_account_of_one_won_has_equity() -> None:
    result = size(replace(RICH, equity=Krw(1)), SETTINGS)
    assert isinstance(result, SizeRefusal)
    assert (result.refusal, result.bound) == (Refusal.BELOW_MINIMUM, Bound.UNPROVEN)


def test_an_exposure_one_won_below_its_limit_leaves_the_word_to_what_allows_less() -> None:
    result = size(replace(RICH, exposure=Krw(4_999_999), free=Krw(0)), SETTINGS)
    assert isinstance(result, SizeRefusal)
    assert (result.refusal, result.bound) == (Refusal.NO_CASH, Bound.CASH)


def test_an_allowance_is_shown_cut_and_never_rounded_up() -> None:
    assert size(RICH, SETTINGS).evidence["allowed_unproven"] == "227272.72"  # 15,000 / 0.066 = 227,272.727...


def test_nothing_is_known_or_taken_unless_it_is_said() -> None:
    assert FACTS.third_taken is False
    gate = GateState(open=False, reason=GateReason.NEVER_OPENED)
    assert (gate.btc_stage, gate.breadth) == (None, None)
