"""The price and the volume of an entry (trading.md, Entry)."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from makenaide.domain.market import Market, tick_size
from makenaide.domain.money import Krw, Price, Quantity
from makenaide.domain.reason import Refusal
from makenaide.risk.entry import (
    EntryFacts,
    EntryPlan,
    EntryRefusal,
    book_refusal,
    cap_price,
    entry_plan,
    spread,
    visible_depth,
)
from makenaide.risk.settings import RiskSettings

SETTINGS = RiskSettings()
DAY = date(2026, 1, 5)


def levels(*pairs: tuple[int | str, int | str]) -> tuple[tuple[Price, Quantity], ...]:
    """(price, size) pairs as a side of a book."""
    return tuple((Price(price), Quantity(size)) for price, size in pairs)


FACTS = EntryFacts(
    market=Market("KRW-SOL"),
    day=DAY,
    close=Price(200_000),
    bids=levels((199_900, 5)),
    asks=levels((200_100, 1), (200_500, 2), (201_000, 3), (203_000, 100)),
)


@pytest.mark.parametrize(
    ("total", "price"),
    [
        (10_000, 200_100),
        (200_100, 200_100),  # exactly what stands at the best ask
        (200_101, 200_500),
        (601_100, 200_500),
        (700_000, 201_000),
        (9_000_000, 202_000),  # 203,000 is beyond close x 1.01
        (99_000_000, 202_000),  # more than the book shows
    ],
)
def test_the_limit_is_the_ask_that_fills_the_size_but_never_above_the_cap(total: int, price: int) -> None:
    plan = entry_plan(FACTS, Krw(total), SETTINGS)
    assert isinstance(plan, EntryPlan)
    assert plan.price == Price(price)


def test_the_volume_is_truncated_and_never_costs_more_than_the_size() -> None:
    plan = entry_plan(FACTS, Krw(30_000), SETTINGS)
    assert isinstance(plan, EntryPlan)
    assert plan.volume == Quantity("0.14992503")  # 30,000 / 200,100 = 0.149925037...
    assert plan.total == Krw("29999.998503")
    assert plan.evidence["size"] == "30000"
    assert plan.evidence["limit_price"] == "200100"
    assert plan.evidence["volume"] == "0.14992503"


def test_the_last_ask_bounds_a_size_that_the_shown_book_cannot_fill() -> None:
    plan = entry_plan(replace(FACTS, asks=levels((200_100, 1), (200_200, 1))), Krw(9_000_000), SETTINGS)
    assert isinstance(plan, EntryPlan)
    assert plan.price == Price(200_200)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"asks": ()}, Refusal.SHALLOW_BOOK),
        ({"bids": ()}, Refusal.SHALLOW_BOOK),
        # (200,501 - 199,500) / 200,000.5 = 0.5005 %
        ({"bids": levels((199_500, 1)), "asks": levels((200_501, 9))}, Refusal.WIDE_SPREAD),
        # the market has run away: the best ask is above close x 1.01 = 202,000
        ({"bids": levels((202_000, 1)), "asks": levels((202_100, 9))}, Refusal.NOT_FILLED),
        # an ask left between the ticks by an older table: 200,150 rounds down to 200,100, below it
        ({"asks": levels((200_150, 9))}, Refusal.NOT_FILLED),
    ],
)
def test_a_book_that_does_not_suit_is_refused(change: dict[str, Any], refusal: Refusal) -> None:
    result = entry_plan(replace(FACTS, **change), Krw(30_000), SETTINGS)
    assert isinstance(result, EntryRefusal)
    assert result.refusal is refusal


def test_the_book_alone_is_judged_before_there_is_a_size() -> None:
    assert book_refusal(FACTS, SETTINGS) is None
    refused = book_refusal(replace(FACTS, asks=()), SETTINGS)
    assert refused is not None
    assert refused.evidence["best_ask"] == "none"
    assert refused.evidence["spread"] == "unknown"
    other = book_refusal(replace(FACTS, bids=()), SETTINGS)
    assert other is not None
    assert other.evidence["best_bid"] == "none"


def test_a_spread_of_exactly_the_limit_passes() -> None:
    # (200,500 - 199,500) / 200,000 = 0.5 %
    assert spread(levels((199_500, 1)), levels((200_500, 1))) == Decimal("0.005")
    assert book_refusal(replace(FACTS, bids=levels((199_500, 1)), asks=levels((200_500, 9))), SETTINGS) is None


def test_an_ask_exactly_at_the_cap_is_taken() -> None:
    facts = replace(FACTS, bids=levels((201_900, 1)), asks=levels((202_000, 9)))
    plan = entry_plan(facts, Krw(30_000), SETTINGS)
    assert isinstance(plan, EntryPlan)
    assert plan.price == Price(202_000) == cap_price(FACTS.close, SETTINGS)


def test_the_cap_is_cut_to_the_tick_below() -> None:
    facts = replace(FACTS, close=Price(199_300), asks=levels((200_100, 1), (203_000, 100)))
    plan = entry_plan(facts, Krw(9_000_000), SETTINGS)
    assert isinstance(plan, EntryPlan)
    assert plan.price == Price(201_200)  # 199,300 x 1.01 = 201,293


def test_a_tick_of_one_percent_is_too_wide_by_itself() -> None:
    facts = EntryFacts(
        market=Market("KRW-DOGE"), day=DAY, close=Price(110), bids=levels((109, 1)), asks=levels((110, 1))
    )
    refused = book_refusal(facts, SETTINGS)
    assert refused is not None
    assert refused.refusal is Refusal.WIDE_SPREAD


def test_visible_depth_is_what_all_asks_are_worth() -> None:
    assert visible_depth(levels((100, 2), (101, 3))) == Krw(503)
    assert visible_depth(()) == Krw(0)


STEPS = st.lists(st.tuples(st.integers(0, 20), st.integers(1, 10_000)), min_size=1, max_size=30)


@given(STEPS, st.integers(10_000, 10**9), st.integers(190_000, 210_000))
def test_a_plan_keeps_within_size_cap_and_tick(steps: list[tuple[int, int]], total: int, close: int) -> None:
    price, asks = 200_100, []
    for step, size in steps:
        price += 100 * step
        asks.append((price, size))
    facts = replace(FACTS, close=Price(close), asks=levels(*asks))
    plan = entry_plan(facts, Krw(total), SETTINGS)
    if isinstance(plan, EntryRefusal):
        ran_away = cap_price(facts.close, SETTINGS) < facts.asks[0][0]
        too_wide = spread(facts.bids, facts.asks) or 0
        assert plan.refusal is Refusal.WIDE_SPREAD if too_wide > SETTINGS.max_spread else ran_away
        return
    assert plan.total <= Krw(total)
    assert plan.price <= cap_price(facts.close, SETTINGS)
    assert plan.price >= facts.asks[0][0]
    assert plan.price.value % tick_size(facts.market, plan.price.value, DAY) == 0
