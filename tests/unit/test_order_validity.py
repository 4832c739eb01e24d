"""100.0 % of the prices and sizes that our code produces are accepted by the simulated venue."""

from datetime import date
from decimal import Decimal

import pytest

from makenaide.domain.market import market
from makenaide.domain.money import Price
from tests.unit.order_validity import CHANGES, MARKETS, Case, Tally, cases, judge, on_tick

SEED = 20261101
COUNT = 600


def test_every_order_that_our_code_builds_is_taken_in_every_band_on_every_date() -> None:
    tally = Tally()
    for case in cases(SEED, COUNT):
        judge(case, tally)
    print(f"seed {SEED}: {dict(tally.judged)}, accepted {tally.share:.1%}")  # noqa: T201 - the seed of a failure
    assert tally.refused == []
    assert min(tally.judged[kind] for kind in ("limit buy", "limit sell", "market buy", "market sell")) > COUNT
    assert min(tally.judged[kind] for kind in ("entry", "exit")) > COUNT / 2


def test_the_cases_reach_every_market_and_both_sides_of_every_change() -> None:
    seen = {(case.market, case.day) for case in cases(SEED, 0)}
    assert {code for code, _ in seen} == set(MARKETS)
    for change in CHANGES:
        assert {change, date.fromordinal(change.toordinal() - 1)} <= {day for _, day in seen}


def test_a_price_off_the_tick_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.unit.order_validity.round_up", lambda code, price, on: _just_above(price))
    tally = Tally()
    judge(
        Case(market=market("KRW-BTC"), day=date(2026, 1, 5), price=Decimal(59_000_000), won=Decimal(10_000)), tally
    )
    assert len(tally.refused) == 1
    assert tally.refused[0].startswith("limit sell invalid_price_ask")
    assert tally.share < 1


def _just_above(price: Decimal) -> Price:
    return Price(price + 1)


@pytest.mark.parametrize(
    ("price", "taken"), [("59000000", True), ("59000500", False), ("101", True), ("100.5", False), ("0", False)]
)
def test_the_common_table_judges_other_peoples_prices(price: str, taken: bool) -> None:
    assert on_tick(Decimal(price), date(2026, 1, 5)) is taken
