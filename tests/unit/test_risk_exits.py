"""Stops and exits (trading.md, Exits; flaws 15, 16 and 17 of the original)."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from makenaide.domain.market import Market, tick_size
from makenaide.domain.money import Price, Quantity
from makenaide.domain.reason import Exit
from makenaide.risk.exits import (
    CloseFacts,
    PositionFacts,
    StopState,
    arming_price,
    exits_at_close,
    hard_distance,
    initial_stop,
    raise_stop,
    stop_exit,
    too_volatile,
    touched,
    trailing_distance,
)
from makenaide.risk.settings import RiskSettings

SETTINGS = RiskSettings()
DAY = date(2026, 1, 5)
FACTS = PositionFacts(
    market=Market("KRW-SOL"),
    entry=Price(200_000),
    atr_percent=Decimal(2),
    opened_on=DAY,
    quantity=Quantity("0.3"),
    initial_quantity=Quantity("0.3"),
)
QUIET = CloseFacts(today=DAY + timedelta(days=1), close=Price(201_000), stage=2, warning=False)


def raised(state: StopState, *bids: int, facts: PositionFacts = FACTS) -> StopState:
    """`state` after the bids, one after the other."""
    for bid in bids:
        state = raise_stop(state, facts, Price(bid), DAY, SETTINGS)
    return state


START = initial_stop(FACTS, DAY, SETTINGS)


@pytest.mark.parametrize(
    ("atr", "hard", "trailing"),
    [
        ("0.5", "0.04", "0.08"),
        ("1.6", "0.04", "0.08"),
        ("2", "0.05", "0.08"),
        ("2.6666", "0.066665", "0.08"),
        ("2.8", "0.07", "0.084"),
        ("4", "0.07", "0.12"),
        ("5", "0.07", "0.15"),
        ("7", "0.07", "0.15"),
    ],
)
def test_stop_distances_follow_the_volatility_within_their_clamps(atr: str, hard: str, trailing: str) -> None:
    assert hard_distance(Decimal(atr), SETTINGS) == Decimal(hard)
    assert trailing_distance(Decimal(atr), SETTINGS) == Decimal(trailing)


@pytest.mark.parametrize(
    ("atr", "refused"), [("0.01", False), ("7", False), ("7.0001", True), ("0", True), ("-1", True), ("NaN", True)]
)
def test_a_market_is_too_volatile_beyond_seven_percent_or_without_a_number(atr: str, refused: bool) -> None:
    assert too_volatile(Decimal(atr), SETTINGS) is refused


def test_a_new_position_has_its_hard_stop_on_the_tick_above() -> None:
    assert StopState(price=Price(190_000), kind=Exit.HARD_STOP, high_water=Price(200_000)) == START
    odd = initial_stop(replace(FACTS, entry=Price(200_100)), DAY, SETTINGS)
    assert odd.price == Price(190_100)  # 190,095 rounded up to 100


def test_the_trailing_stop_waits_until_it_is_armed() -> None:
    assert arming_price(FACTS.entry, SETTINGS) == Price(216_000)
    almost = raised(START, 215_900)
    assert almost == replace(START, high_water=Price(215_900))
    armed = raised(almost, 216_000)
    # 216,000 x 0.92 = 198,720, rounded up to the tick of 100
    assert armed == StopState(price=Price(198_800), kind=Exit.TRAILING_STOP, high_water=Price(216_000))


def test_the_trailing_stop_is_measured_from_the_high_water_mark_and_locks_profit_in() -> None:
    # Flaw 17: the original clamped from the entry, so that a stop never rose above the entry less 5 %.
    top = raised(START, 260_000)
    assert top.price == Price(239_200)  # 260,000 x 0.92
    assert top.price > FACTS.entry
    after = raised(top, 240_000, 250_000, 239_300)
    assert after == top


def test_a_high_water_mark_that_was_stored_arms_the_stop_after_a_restart() -> None:
    # Flaw 16: the original forgot the mark and took the first price it saw for the entry.
    stored = replace(START, high_water=Price(240_000))
    assert raised(stored, 230_000).price == Price(220_800)


def test_a_stop_that_lay_lower_rises_to_the_hard_stop_of_the_average_fill_price() -> None:
    before = initial_stop(replace(FACTS, entry=Price(199_000)), DAY, SETTINGS)
    assert before.price < START.price
    assert raised(before, 200_000).price == START.price
    assert raised(before, 200_000).kind is Exit.HARD_STOP


def test_a_stop_that_lay_higher_stays_with_its_kind() -> None:
    high = StopState(price=Price(195_000), kind=Exit.HARD_STOP, high_water=Price(205_000))
    assert raised(high, 201_000) == high
    trailing = StopState(price=Price(198_800), kind=Exit.TRAILING_STOP, high_water=Price(216_000))
    assert raised(trailing, 199_000) == trailing


BIDS = st.lists(st.integers(1_800, 5_000).map(lambda hundreds: hundreds * 100), min_size=1, max_size=40)
ATR = st.decimals("0.1", "7", places=2)


@given(BIDS, ATR)
def test_a_stop_only_ever_rises(bids: list[int], atr: Decimal) -> None:
    facts = replace(FACTS, atr_percent=atr)
    state = initial_stop(facts, DAY, SETTINGS)
    for bid in bids:
        after = raised(state, bid, facts=facts)
        assert after.price >= state.price
        assert after.high_water >= state.high_water
        assert after.high_water.value == max(state.high_water.value, bid)
        assert after.price.value % tick_size(facts.market, after.price.value, DAY) == 0
        state = after


@given(BIDS, ATR)
def test_a_stop_is_the_highest_of_hard_and_armed_trailing(bids: list[int], atr: Decimal) -> None:
    facts = replace(FACTS, atr_percent=atr)
    state = raised(initial_stop(facts, DAY, SETTINGS), *bids, facts=facts)
    top = max(200_000, *bids)
    hard = 200_000 * (1 - hard_distance(atr, SETTINGS))
    trailing = top * (1 - trailing_distance(atr, SETTINGS)) if top >= 216_000 else Decimal(0)
    ideal = max(hard, trailing)
    assert ideal <= state.price.value < ideal + tick_size(facts.market, ideal, DAY)
    assert state.kind is (
        Exit.TRAILING_STOP if state.price > initial_stop(facts, DAY, SETTINGS).price else Exit.HARD_STOP
    )


@given(BIDS, st.randoms(use_true_random=False))
def test_the_order_of_the_bids_does_not_matter(bids: list[int], rng: Any) -> None:
    mixed = list(bids)
    rng.shuffle(mixed)
    assert raised(START, *bids).price == raised(START, *mixed).price


@pytest.mark.parametrize(("bid", "hit"), [(190_100, False), (190_000, True), (150_000, True)])
def test_a_stop_is_touched_at_its_price_and_below(bid: int, hit: bool) -> None:
    assert touched(START, Price(bid)) is hit
    signal = stop_exit(START, FACTS, Price(bid))
    assert (signal is not None) is hit
    if signal is not None:
        assert (signal.kind, signal.quantity) == (Exit.HARD_STOP, FACTS.quantity)
        assert signal.evidence == {
            "bid": str(bid),
            "stop": "190000",
            "high_water": "200000",
            "entry": "200000",
            "atr_percent": "2",
        }


def test_a_trailing_stop_sells_under_its_own_name() -> None:
    signal = stop_exit(raised(START, 260_000), FACTS, Price(230_000))
    assert signal is not None
    assert signal.kind is Exit.TRAILING_STOP


MONTH = DAY + timedelta(days=30)


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        ({}, []),
        ({"stage": 1}, []),
        ({"stage": 3}, [Exit.STAGE]),
        ({"stage": 4}, [Exit.STAGE]),
        ({"stage": None}, []),
        ({"stage": 0}, []),
        ({"warning": True}, [Exit.WARNING]),
        ({"warning": None}, []),
        ({"warning": True, "stage": 4}, [Exit.WARNING]),
        ({"today": MONTH}, [Exit.NO_PROGRESS]),
        ({"today": MONTH - timedelta(days=1)}, []),
        ({"today": MONTH, "close": Price(209_900)}, [Exit.NO_PROGRESS]),
        ({"today": MONTH, "close": Price(210_000)}, []),
        ({"today": MONTH, "close": None}, []),
        ({"today": MONTH, "stage": 3}, [Exit.STAGE]),
        ({"close": Price(239_900)}, []),
        ({"close": Price(240_000)}, [Exit.THIRD]),
        ({"close": Price(240_000), "stage": 3}, [Exit.STAGE]),
    ],
)
def test_a_closed_candle_calls_for_at_most_one_sale(change: dict[str, Any], kinds: list[Exit]) -> None:
    signals = exits_at_close(FACTS, replace(QUIET, **change), SETTINGS)
    assert [signal.kind for signal in signals] == kinds
    for signal in signals:
        assert signal.quantity == (Quantity("0.1") if signal.kind is Exit.THIRD else FACTS.quantity)


def test_every_rule_that_spoke_is_told_even_when_another_gives_the_name() -> None:
    everything = CloseFacts(today=MONTH, close=Price(205_000), stage=4, warning=True)
    (signal,) = exits_at_close(FACTS, everything, SETTINGS)
    assert signal.evidence["spoke"] == "warning,stage,no_progress"
    (swallowed,) = exits_at_close(FACTS, replace(everything, close=Price(250_000)), SETTINGS)
    assert swallowed.evidence["spoke"] == "warning,stage,third"
    assert swallowed.quantity == FACTS.quantity


@pytest.mark.parametrize("missing", ["close", "stage", "warning"])
@pytest.mark.parametrize("kind", [Exit.WARNING, Exit.STAGE, Exit.NO_PROGRESS])
def test_a_missing_input_mutes_only_its_own_rule(missing: str, kind: Exit) -> None:
    # Flaw 15: one failing check kept every other exit from ever running.
    owner = {"close": Exit.NO_PROGRESS, "stage": Exit.STAGE, "warning": Exit.WARNING}[missing]
    everything = CloseFacts(today=MONTH, close=Price(205_000), stage=4, warning=True)
    nothing: dict[str, Any] = {missing: None}
    (signal,) = exits_at_close(FACTS, replace(everything, **nothing), SETTINGS)
    assert (kind.value in signal.evidence["spoke"].split(",")) is (kind is not owner)
    assert signal.evidence.get("gain" if missing == "close" else missing) == "unknown"


def test_the_evidence_of_a_sale_at_the_close() -> None:
    (signal,) = exits_at_close(FACTS, replace(QUIET, stage=3), SETTINGS)
    assert signal.evidence == {
        "entry": "200000",
        "close": "201000",
        "gain": "0.005",
        "stage": "3",
        "warning": "false",
        "days": "1",
        "spoke": "stage",
    }


@pytest.mark.parametrize(
    ("initial", "held", "taken", "third"),
    [
        ("0.3", "0.3", True, None),  # once only
        ("0.3", "0.3", False, "0.1"),
        ("3", "3", False, "1"),
        ("1", "1", False, "0.33333333"),  # truncated
        ("0.125", "0.125", False, "0.04166666"),  # 0.04166666 x 240,000 = 9,999.9984: below 10,000
        ("0.12500001", "0.12500001", False, "0.04166667"),
        ("0.3", "0.14166666", False, "0.1"),
        ("0.3", "0.14166667", False, "0.1"),
        ("0.3", "0.1", False, None),  # nothing would be left
        ("0.3", "0.05", False, None),
    ],
)
def test_a_third_is_of_the_first_size_and_neither_part_is_too_small(
    initial: str, held: str, taken: bool, third: str | None
) -> None:
    facts = replace(FACTS, initial_quantity=Quantity(initial), quantity=Quantity(held), third_taken=taken)
    signals = exits_at_close(facts, replace(QUIET, close=Price(240_000)), SETTINGS)
    rest = Decimal(held) - Decimal(third or 0)
    too_small = third is None or min(Decimal(third), rest) * 240_000 < 10_000
    assert [signal.quantity for signal in signals] == ([] if too_small else [Quantity(third or 0)])


def test_a_third_of_exactly_the_minimum_is_sold() -> None:
    facts = replace(FACTS, entry=Price(1_000), quantity=Quantity(25), initial_quantity=Quantity(25))
    big = replace(QUIET, close=Price(1_200))
    (signal,) = exits_at_close(facts, big, RiskSettings(third_minimum=Decimal("9999.999996")))
    assert signal.quantity == Quantity("8.33333333")  # worth 9,999.999996
    assert exits_at_close(facts, big, SETTINGS) == ()


@given(st.integers(1, 10**12))
def test_a_third_and_its_rest_are_the_whole(units: int) -> None:
    whole = Quantity(Decimal(units) / 100_000_000)
    facts = replace(FACTS, quantity=whole, initial_quantity=whole)
    for signal in exits_at_close(facts, replace(QUIET, close=Price(240_000)), SETTINGS):
        rest = whole - signal.quantity
        assert signal.quantity.value * 3 <= whole.value
        assert rest.value - 2 * signal.quantity.value < Decimal("0.00000003")
