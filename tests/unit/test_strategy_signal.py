"""Signals: which rule speaks, what is written down, who comes first, and the gate's two inputs."""

import json
from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np
import pytest

from makenaide.domain.market import Market
from makenaide.domain.reason import Refusal
from makenaide.strategy.features import Features, compute
from makenaide.strategy.panel import build_panel
from makenaide.strategy.signal import Signal, breadth, btc_stage, candidates, judge
from makenaide.strategy.stage import Stage
from makenaide.strategy.universe import MarketFacts
from tests.unit.strategy_panels import SMALL, day, series

CALM = MarketFacts(warning=False)
NOBODY: frozenset[Market] = frozenset()
A, BTC = Market("KRW-A"), Market("KRW-BTC")

RISE = [100 * 1.01**at for at in range(30)]
"""Above a rising average since its first computable bar; its last close is a new high."""
FALL = RISE[::-1]
LOUD = [100.0] * 29 + [1000.0]


def features_of(markets: dict[str, tuple[Sequence[float], Sequence[float]]]) -> Features:
    """Features of 30 days of closes and volumes by market."""
    built = {Market(code): series(close, volume=volume) for code, (close, volume) in markets.items()}
    return compute(build_panel(built, day(29)), SMALL)


def facts_of(features: Features) -> dict[Market, MarketFacts]:
    """Calm facts of every market."""
    return dict.fromkeys(features.panel.markets, CALM)


def changed(features: Features, name: str, cell: tuple[int, int], value: float) -> Features:
    """`features` with one cell changed."""
    array = getattr(features, name).copy()
    array[cell] = value
    return replace(features, **{name: array})


def judge_one(features: Features, facts: MarketFacts | None = CALM, held: bool = False) -> Signal:
    """The only market's signal on the last day."""
    known = {} if facts is None else {A: facts}
    (signal,) = judge(features, 29, known, frozenset({A}) if held else NOBODY)
    return signal


def test_a_breakout_in_stage_2_is_a_wish_to_buy() -> None:
    signal = judge_one(features_of({"KRW-A": (RISE, LOUD)}))
    assert (signal.market, signal.day, signal.refusal) == (A, day(29), None)


@pytest.mark.parametrize(
    ("close", "volume", "facts", "held", "expected"),
    [
        (RISE, LOUD, MarketFacts(warning=True), False, Refusal.WARNED),
        (RISE, LOUD, None, False, Refusal.UNKNOWN_DATA),
        (RISE, [1.0] * 30, CALM, True, Refusal.THIN_TURNOVER),
        (RISE, LOUD, CALM, True, Refusal.HELD),
        (FALL, LOUD, CALM, True, Refusal.HELD),
        (FALL, LOUD, CALM, False, Refusal.NOT_STAGE_2),
        (RISE, [100.0] * 30, CALM, False, Refusal.NO_BREAKOUT),
    ],
)
def test_the_first_rule_that_refuses_speaks(
    close: Sequence[float], volume: Sequence[float], facts: MarketFacts | None, held: bool, expected: Refusal
) -> None:
    assert judge_one(features_of({"KRW-A": (close, volume)}), facts, held).refusal is expected


def test_a_stage_that_is_unknown_is_unknown_data() -> None:
    features = changed(features_of({"KRW-A": (RISE, LOUD)}), "stage", (29, 0), 0)
    assert judge_one(features).refusal is Refusal.UNKNOWN_DATA


def test_a_day_without_a_candle_is_unknown_data() -> None:
    panel = build_panel({A: series(RISE, volume=LOUD)}, day(30))
    features = compute(panel, SMALL)
    (signal,) = judge(features, 30, {A: CALM}, NOBODY)
    assert signal.refusal is Refusal.UNKNOWN_DATA
    assert signal.evidence["candle"] is False
    assert signal.evidence["filled"] == 1


def test_every_market_gets_a_signal_in_order_of_its_code() -> None:
    features = features_of({"KRW-Z": (RISE, LOUD), "BTC-A": (RISE, LOUD), "KRW-A": (FALL, LOUD)})
    signals = judge(features, 29, facts_of(features), NOBODY)
    assert [(signal.market, signal.refusal) for signal in signals] == [
        ("BTC-A", Refusal.EXCLUDED),
        ("KRW-A", Refusal.NOT_STAGE_2),
        ("KRW-Z", None),
    ]


# ---- evidence ----


def test_the_evidence_holds_every_feature_and_every_threshold() -> None:
    features = features_of({"KRW-A": (RISE, LOUD)})
    evidence = judge_one(features).evidence
    arrays = {each.name for each in fields(Features)} - {"panel", "settings"}
    assert arrays <= set(evidence)
    assert evidence["close"] == float(f"{RISE[29]:.10g}")
    assert evidence["previous_close"] == float(f"{RISE[28]:.10g}")
    assert evidence["volume"] == 1000
    assert evidence["volume_ratio"] == 10
    assert evidence["stage"] == 2
    assert evidence["history"] == 30
    assert evidence["warning"] is False
    assert evidence["breakout"] is True
    assert {name: value for name, value in evidence.items() if name.startswith("limit_")} == {
        "limit_slope": 2.0,
        "limit_dwell": 3,
        "limit_volume_ratio": 1.4,
        "limit_reach": 5.0,
        "limit_range20": 0.4,
        "limit_turnover20": 1000,
        "limit_history": 15,
    }


def test_the_evidence_is_json_and_what_is_not_known_is_null() -> None:
    features = features_of({"KRW-A": (RISE, LOUD)})
    (signal,) = judge(features, 0, {}, NOBODY)
    read = json.loads(json.dumps(signal.evidence, allow_nan=False))
    assert read == signal.evidence
    unknown = {name for name, value in signal.evidence.items() if value is None}
    assert unknown == {
        *("warning", "previous_close", "ma", "slope", "slope_class", "atr_percent", "pivot", "v20"),
        *("volume_ratio", "range20", "quality", "turnover20"),
    }


def test_a_market_that_is_not_listed_yet_has_evidence_too() -> None:
    panel = build_panel({A: series(RISE), BTC: series([1.0], days=[29])}, day(29))
    signal = judge(compute(panel, SMALL), 28, {BTC: CALM}, NOBODY)[1]
    assert signal.refusal is Refusal.UNKNOWN_DATA
    assert signal.evidence["close"] is None
    assert signal.evidence["history"] == 0


def test_no_volume_before_has_no_ratio() -> None:
    evidence = judge_one(features_of({"KRW-A": (RISE, [0.0] * 29 + [5.0])})).evidence
    assert evidence["v20"] == 0
    assert evidence["volume_ratio"] is None


def test_numbers_are_kept_to_ten_digits() -> None:
    features = changed(features_of({"KRW-A": (RISE, LOUD)}), "quality", (29, 0), 1 / 3)
    assert judge_one(features).evidence["quality"] == 0.3333333333


# ---- ranking ----


def test_the_largest_turnover_comes_first_then_the_code() -> None:
    def signal(code: str, turnover: float | None, refusal: Refusal | None = None) -> Signal:
        return Signal(market=Market(code), day=day(0), refusal=refusal, evidence={"turnover20": turnover})

    signals = [
        signal("KRW-D", 5.0),
        signal("KRW-C", 9.0),
        signal("KRW-B", 5.0),
        signal("KRW-A", 99.0, Refusal.NO_BREAKOUT),
        signal("KRW-E", None),
    ]
    assert [wish.market for wish in candidates(signals)] == ["KRW-C", "KRW-B", "KRW-D", "KRW-E"]


def test_without_a_wish_there_is_no_candidate() -> None:
    assert candidates([]) == ()


# ---- the gate's inputs ----


def test_breadth_is_the_share_of_the_universe_above_its_average() -> None:
    features = features_of(
        {
            "KRW-A": (RISE, LOUD),
            "KRW-B": (FALL, LOUD),
            "KRW-C": (RISE, [100.0] * 30),
            "KRW-D": (RISE, LOUD),
            "KRW-THIN": (FALL, [1.0] * 30),
            "KRW-USDT": (FALL, LOUD),
        }
    )
    signals = judge(features, 29, facts_of(features), frozenset({Market("KRW-D")}))
    assert [signal.refusal for signal in signals] == [
        None,
        Refusal.NOT_STAGE_2,
        Refusal.NO_BREAKOUT,
        Refusal.HELD,
        Refusal.THIN_TURNOVER,
        Refusal.EXCLUDED,
    ]
    assert breadth(features, 29, signals) == 0.75


def test_a_close_on_its_average_is_not_above_it() -> None:
    features = features_of({"KRW-A": ([100.0] * 30, LOUD)})
    assert breadth(features, 29, [judge_one(features)]) == 0


def test_an_empty_universe_has_no_breadth() -> None:
    features = features_of({"KRW-A": (RISE, LOUD)})
    assert breadth(features, 29, judge(features, 29, {}, NOBODY)) is None
    assert breadth(features, 29, []) is None


def test_an_average_that_is_missing_in_the_universe_leaves_no_breadth() -> None:
    features = changed(features_of({"KRW-A": (RISE, LOUD), "KRW-B": (RISE, LOUD)}), "ma", (29, 1), np.nan)
    assert breadth(features, 29, judge(features, 29, facts_of(features), NOBODY)) is None


def test_the_stage_of_btc_is_that_of_the_row() -> None:
    features = features_of({"KRW-BTC": (RISE, LOUD), "KRW-A": (FALL, LOUD)})
    assert btc_stage(features, 5) is Stage.UNKNOWN
    assert btc_stage(features, 10) is Stage.TOPPING
    assert btc_stage(features, 29) is Stage.ADVANCING


def test_without_btc_or_without_its_candle_of_the_day_its_stage_is_unknown() -> None:
    assert btc_stage(features_of({"KRW-A": (RISE, LOUD)}), 29) is Stage.UNKNOWN
    late = compute(build_panel({BTC: series(RISE)}, day(30)), SMALL)
    assert late.stage[30, 0] == Stage.ADVANCING
    assert btc_stage(late, 30) is Stage.UNKNOWN
