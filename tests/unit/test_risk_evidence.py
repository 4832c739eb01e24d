"""What a decision stores beside its verdict: every number that was compared, by its name, to the letter."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest

from makenaide.domain.errors import Misconfigured
from makenaide.domain.market import Market
from makenaide.domain.money import Krw, Price, Quantity
from makenaide.domain.reason import Refusal
from makenaide.risk.entry import EntryFacts, EntryPlan, EntryRefusal, book_refusal, entry_plan, spread
from makenaide.risk.exits import CloseFacts, PositionFacts, exits_at_close
from makenaide.risk.gate import GateReason, GateState, next_gate
from makenaide.risk.limits import AccountFacts, CandidateFacts, limit_evidence
from makenaide.risk.settings import RiskSettings
from makenaide.risk.sizing import Bound, Size, SizeRefusal, SizingInputs, size

SETTINGS = RiskSettings()
SLOT = datetime(2026, 1, 5, tzinfo=UTC)
BOOK = EntryFacts(
    market=Market("KRW-SOL"),
    day=date(2026, 1, 5),
    close=Price(200_000),
    bids=((Price(199_900), Quantity(5)),),
    asks=((Price(200_100), Quantity(1)), (Price(200_500), Quantity(2))),
)
SEEN = {
    "close": "200000",
    "best_bid": "199900",
    "best_ask": "200100",
    "spread": "0.001",
    "visible_depth": "601100",
    "limit_spread": "0.005",
    "limit_cap": "202000",
}


@pytest.mark.parametrize("kind", [GateReason, Bound])
def test_a_stored_word_is_its_name_in_lower_case(kind: type[StrEnum]) -> None:
    assert (
        {each.name.lower() for each in kind}
        == {each.value for each in kind}
        == {*map(str.lower, kind.__members__)}
    )


def test_a_plan_tells_the_book_and_what_came_of_it() -> None:
    plan = entry_plan(BOOK, Krw(30_000), SETTINGS)
    assert isinstance(plan, EntryPlan)
    assert plan.evidence == {**SEEN, "size": "30000", "limit_price": "200100", "volume": "0.14992503"}


@pytest.mark.parametrize(
    ("change", "refusal", "seen"),
    [
        ({"asks": ()}, Refusal.SHALLOW_BOOK, {"best_ask": "none", "spread": "unknown", "visible_depth": "0"}),
        ({"bids": ()}, Refusal.SHALLOW_BOOK, {"best_bid": "none", "spread": "unknown"}),
        (
            {"bids": ((Price(199_000), Quantity(5)),)},
            Refusal.WIDE_SPREAD,
            {"best_bid": "199000", "spread": "0.005512"},
        ),
        ({"close": Price(198_000)}, Refusal.NOT_FILLED, {"close": "198000", "limit_cap": "199980"}),
    ],
)
def test_a_book_that_is_refused_tells_what_was_seen(
    change: dict[str, Any], refusal: Refusal, seen: dict[str, str]
) -> None:
    facts = replace(BOOK, **change)
    expected = EntryRefusal(refusal=refusal, evidence={**SEEN, **seen})
    assert book_refusal(facts, SETTINGS) == expected
    assert entry_plan(facts, Krw(30_000), SETTINGS) == expected


def test_an_ask_between_the_ticks_tells_the_book_too() -> None:
    between = replace(BOOK, asks=((Price(200_150), Quantity(1)),))
    seen = {**SEEN, "best_ask": "200150", "spread": "0.00125", "visible_depth": "200150"}
    assert entry_plan(between, Krw(30_000), SETTINGS) == EntryRefusal(refusal=Refusal.NOT_FILLED, evidence=seen)


def test_a_spread_needs_both_sides() -> None:
    assert spread((), BOOK.asks) is None
    assert spread(BOOK.bids, ()) is None
    assert spread(BOOK.bids, BOOK.asks) == Decimal("0.001")


ACCOUNT = AccountFacts(
    slot=SLOT,
    now=SLOT + timedelta(seconds=40),
    gate_open=False,
    stops=(SLOT, SLOT),
    month_return=Decimal("0.01"),
    drawdown=Decimal("0.020"),
    entries_today=3,
    open_positions=4,
    exposure=Krw(5),
    equity=Krw(6),
    books_equal=False,
)


def test_the_limits_tell_each_fact_under_its_own_name() -> None:
    candidate = CandidateFacts(
        atr_percent=Decimal("4.50"), last_stop=SLOT, market_free=False, wallet_working=False
    )
    assert limit_evidence(ACCOUNT, candidate) == {
        "slot": "2026-01-05T00:00:00+00:00",
        "now": "2026-01-05T00:00:40+00:00",
        "gate_open": "false",
        "atr_percent": "4.5",
        "last_stop": "2026-01-05T00:00:00+00:00",
        "stops": "2",
        "month_return": "0.01",
        "drawdown": "0.02",
        "entries_today": "3",
        "open_positions": "4",
        "exposure": "5",
        "equity": "6",
        "market_free": "false",
        "books_equal": "false",
        "wallet_working": "false",
    }


def test_a_candidate_is_free_and_movable_unless_it_is_said() -> None:
    seen = limit_evidence(ACCOUNT, CandidateFacts(atr_percent=None, last_stop=None))
    assert (seen["market_free"], seen["wallet_working"]) == ("true", "true")


INPUTS = SizingInputs(
    equity=Krw(10_000_000),
    free=Krw(9_000_000),
    stop_distance=Decimal("0.070"),
    turnover20=Krw(5_000_000_000),
    visible_depth=Krw(100_000_000),
    exposure=Krw(1_000_000),
    fee=Decimal("0.00050"),
)
COMPARED = {
    "equity": "10000000",
    "free": "9000000",
    "exposure": "1000000",
    "stop_distance": "0.07",
    "turnover20": "5000000000",
    "visible_depth": "100000000",
    "fee": "0.0005",
    "entry_weeks": "0",
    "limit_minimum_total": "10000",
    "allowed_unproven": "214285.71",  # 0.15 % of 10 M over 7 %, cut
    "allowed_risk_cap": "571428.57",
    "allowed_market_cap": "800000",
    "allowed_total_cap": "4000000",
    "allowed_turnover": "50000000",
    "allowed_depth": "20000000",
    "allowed_cash": "8990494.75",  # (9,000,000 - 5,010) / 1.0005 = 8,990,494.752...
    "bound": "unproven",
}


def test_a_size_tells_every_number_that_was_compared() -> None:
    result = size(INPUTS, SETTINGS)
    assert result == Size(total=Krw(214_285), bound=Bound.UNPROVEN, evidence=COMPARED)


@pytest.mark.parametrize(
    ("change", "refusal", "bound", "compared"),
    [
        ({"equity": Krw(0)}, Refusal.NO_CASH, None, {"equity": "0", "bound": "total_cap"}),
        ({"exposure": Krw(5_000_000)}, Refusal.EXPOSURE_LIMIT, Bound.TOTAL_CAP, {"allowed_total_cap": "0"}),
        ({"free": Krw(6_010)}, Refusal.NO_CASH, Bound.CASH, {"allowed_cash": "999.5", "bound": "cash"}),
    ],
)
def test_a_size_that_is_refused_tells_them_as_well(
    change: dict[str, Any], refusal: Refusal, bound: Bound | None, compared: dict[str, str]
) -> None:
    result = size(replace(INPUTS, **change), SETTINGS)
    assert isinstance(result, SizeRefusal)
    assert (result.refusal, result.bound) == (refusal, bound)
    assert {name: result.evidence[name] for name in compared} == compared
    assert result.evidence.keys() == COMPARED.keys()


@pytest.mark.parametrize("distance", ["0", "1"])
def test_an_impossible_stop_distance_is_named(distance: str) -> None:
    with pytest.raises(ValueError, match="distance") as caught:
        replace(INPUTS, stop_distance=Decimal(distance))
    assert str(caught.value) == f"stop_distance: expected a ratio between 0 and 1, got {distance}"


@pytest.mark.parametrize(
    ("btc", "breadth"), [(None, 0.5), (2, None), (4, 0.5), (2, 0.1), (2, 0.5), (3, 0.5), (2, 0.35)]
)
@pytest.mark.parametrize("before", [None, GateState(open=True, reason=GateReason.OPENED)])
def test_the_gate_keeps_what_it_was_told(before: GateState | None, btc: int | None, breadth: float | None) -> None:
    after = next_gate(before, btc, breadth, SETTINGS)
    assert (after.btc_stage, after.breadth) == (btc, breadth)


def test_a_sale_at_the_close_tells_what_is_unknown() -> None:
    position = PositionFacts(
        market=Market("KRW-SOL"),
        entry=Price(300),
        atr_percent=Decimal(2),
        opened_on=date(2026, 1, 1),
        quantity=Quantity(1000),
        initial_quantity=Quantity(1000),
    )
    blind = CloseFacts(today=date(2026, 1, 5), close=None, stage=None, warning=True)
    (signal,) = exits_at_close(position, blind, SETTINGS)
    assert signal.evidence == {
        "entry": "300",
        "close": "unknown",
        "gain": "unknown",
        "stage": "unknown",
        "warning": "true",
        "days": "4",
        "spoke": "warning",
    }
    (leaving,) = exits_at_close(position, replace(blind, warning=None, delisting=date(2026, 1, 20)), SETTINGS)
    assert (leaving.evidence["delisting"], leaving.evidence["spoke"]) == ("2026-01-20", "delisting")
    (third,) = exits_at_close(position, replace(blind, close=Price(400), warning=None), SETTINGS)
    assert third.evidence["gain"] == "0.333333"
    assert third.evidence["spoke"] == "third"


def test_a_pair_of_thresholds_the_wrong_way_round_is_named() -> None:
    with pytest.raises(Misconfigured) as caught:
        RiskSettings(hard_low=Decimal("0.08"))
    assert str(caught.value) == "hard_low: expected at most hard_high (0.07), got 0.08"
