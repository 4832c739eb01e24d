"""The universe: each rule, its edge, and which speaks first."""

import pytest

from makenaide.domain.market import Market
from makenaide.domain.reason import Refusal
from makenaide.strategy.settings import STABLECOINS, StrategySettings
from makenaide.strategy.universe import UNIVERSE_REFUSALS, MarketFacts, Record, exclusion

SETTINGS = StrategySettings()
CALM, WARNED = MarketFacts(warning=False), MarketFacts(warning=True)
GOOD = Record(candle=True, history=260, turnover=300e6)
NAN = float("nan")


@pytest.mark.parametrize(
    ("market", "facts", "record", "expected"),
    [
        ("KRW-XRP", CALM, GOOD, None),
        ("KRW-BTC", CALM, GOOD, None),
        ("KRW-ETH", CALM, GOOD, None),
        ("BTC-XRP", CALM, GOOD, Refusal.EXCLUDED),
        ("USDT-XRP", CALM, GOOD, Refusal.EXCLUDED),
        ("KRW-XRP", WARNED, GOOD, Refusal.WARNED),
        ("KRW-XRP", None, GOOD, Refusal.UNKNOWN_DATA),
        ("KRW-XRP", CALM, Record(candle=False, history=260, turnover=300e6), Refusal.UNKNOWN_DATA),
        ("KRW-XRP", CALM, Record(candle=False, history=0, turnover=NAN), Refusal.UNKNOWN_DATA),
        ("KRW-XRP", CALM, Record(candle=True, history=259, turnover=300e6), Refusal.SHORT_HISTORY),
        ("KRW-XRP", CALM, Record(candle=True, history=1, turnover=NAN), Refusal.SHORT_HISTORY),
        ("KRW-XRP", CALM, Record(candle=True, history=260, turnover=299_999_999.9), Refusal.THIN_TURNOVER),
        ("KRW-XRP", CALM, Record(candle=True, history=260, turnover=NAN), Refusal.UNKNOWN_DATA),
        # the order in which the rules are asked
        ("BTC-XRP", WARNED, Record(candle=False, history=0, turnover=NAN), Refusal.EXCLUDED),
        ("KRW-XRP", WARNED, Record(candle=False, history=0, turnover=NAN), Refusal.WARNED),
        ("KRW-XRP", CALM, Record(candle=True, history=2, turnover=1), Refusal.SHORT_HISTORY),
    ],
)
def test_the_first_rule_that_excludes_speaks(
    market: str, facts: MarketFacts | None, record: Record, expected: Refusal | None
) -> None:
    assert exclusion(Market(market), facts, record, SETTINGS) is expected


@pytest.mark.parametrize("coin", STABLECOINS)
def test_stablecoins_are_excluded_by_default(coin: str) -> None:
    assert exclusion(Market(f"KRW-{coin}"), CALM, GOOD, SETTINGS) is Refusal.EXCLUDED


def test_the_exclusion_list_is_a_setting() -> None:
    settings = StrategySettings(exclusion=("BTC",))
    assert exclusion(Market("KRW-BTC"), CALM, GOOD, settings) is Refusal.EXCLUDED
    assert exclusion(Market("KRW-USDT"), CALM, GOOD, settings) is None


def test_the_refusals_of_the_universe_are_those_that_it_can_give() -> None:
    assert {
        Refusal.EXCLUDED,
        Refusal.WARNED,
        Refusal.UNKNOWN_DATA,
        Refusal.SHORT_HISTORY,
        Refusal.THIN_TURNOVER,
    } == UNIVERSE_REFUSALS
