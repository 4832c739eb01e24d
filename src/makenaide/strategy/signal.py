"""One verdict a market and day, with every number that led to it (trading.md, Entry)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from makenaide.domain.market import Market
from makenaide.domain.reason import Refusal
from makenaide.strategy.features import Features
from makenaide.strategy.stage import Stage
from makenaide.strategy.universe import UNIVERSE_REFUSALS, MarketFacts, Record, exclusion

BTC = Market("KRW-BTC")
"""The market whose stage leads all others."""

Evidence = Mapping[str, float | int | bool | str | None]
"""Feature values under their names and the thresholds they met under `limit_*`; fit for JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """What is thought of `market` after the close of `day`: `refusal` None is a wish to buy."""

    market: Market
    day: date
    refusal: Refusal | None
    evidence: Evidence


def judge(
    features: Features, row: int, facts: Mapping[Market, MarketFacts], held: frozenset[Market]
) -> tuple[Signal, ...]:
    """The signals of all markets on the day of `row`, in order of their codes; the first rule that refuses speaks."""
    panel = features.panel
    return tuple(
        Signal(
            market=market,
            day=panel.days[row],
            refusal=_refusal(features, (row, column), facts.get(market), market in held),
            evidence=_evidence(features, (row, column), facts.get(market), market in held),
        )
        for column, market in enumerate(panel.markets)
    )


def candidates(signals: Iterable[Signal]) -> tuple[Signal, ...]:
    """The signals to buy, the largest turnover first, then by code (the score comes before both once it exists)."""
    wishes = (signal for signal in signals if signal.refusal is None)
    return tuple(sorted(wishes, key=lambda wish: (-float(wish.evidence["turnover20"] or 0), wish.market)))


def breadth(features: Features, row: int, signals: Iterable[Signal]) -> float | None:
    """The share 0..1 of the universe that closed above its average on the day of `row`.

    `signals` are those of that row. None when the universe is empty or an average is missing in it.
    """
    columns = [features.panel.markets.index(s.market) for s in signals if s.refusal not in UNIVERSE_REFUSALS]
    averages = features.ma[row, columns]
    if not columns or np.isnan(averages).any():
        return None
    return float(np.mean(features.panel.close[row, columns] > averages))


def btc_stage(features: Features, row: int) -> Stage:
    """The stage of BTC on the day of `row`; UNKNOWN also without a candle of that very day."""
    panel = features.panel
    if BTC not in panel.markets:
        return Stage.UNKNOWN
    column = panel.markets.index(BTC)
    return Stage.UNKNOWN if panel.filled[row, column] else Stage(int(features.stage[row, column]))


def _has_candle(features: Features, cell: tuple[int, int]) -> bool:
    return bool(features.history[cell] > 0 and not features.panel.filled[cell])


def _refusal(features: Features, cell: tuple[int, int], facts: MarketFacts | None, held: bool) -> Refusal | None:
    record = Record(
        candle=_has_candle(features, cell),
        history=int(features.history[cell]),
        turnover=float(features.turnover20[cell]),
    )
    outside = exclusion(features.panel.markets[cell[1]], facts, record, features.settings)
    if outside is not None:
        return outside
    if held:
        return Refusal.HELD
    stage = features.stage[cell]
    if stage == Stage.UNKNOWN:
        return Refusal.UNKNOWN_DATA
    if stage != Stage.ADVANCING:
        return Refusal.NOT_STAGE_2
    return None if features.breakout[cell] else Refusal.NO_BREAKOUT


def _evidence(features: Features, cell: tuple[int, int], facts: MarketFacts | None, held: bool) -> Evidence:
    panel, settings = features.panel, features.settings
    row, column = cell
    slope = _rounded(features.slope[cell])
    volume, v20 = float(panel.volume[cell]), float(features.v20[cell])
    return {
        "warning": None if facts is None else facts.warning,
        "candle": _has_candle(features, cell),
        "held": held,
        "close": _rounded(panel.close[cell]),
        "previous_close": _rounded(panel.close[row - 1, column]) if row else None,
        "ma": _rounded(features.ma[cell]),
        "slope": slope,
        "slope_class": None if slope is None else int(features.slope_class[cell]),
        "stage": int(features.stage[cell]),
        "days_in_stage": int(features.days_in_stage[cell]),
        "atr_percent": _rounded(features.atr_percent[cell]),
        "pivot": _rounded(features.pivot[cell]),
        "volume": _rounded(volume),
        "v20": _rounded(v20),
        "volume_ratio": _rounded(volume / v20) if v20 > 0 else None,
        "range20": _rounded(features.range20[cell]),
        "quality": _rounded(features.quality[cell]),
        "turnover20": _rounded(features.turnover20[cell]),
        "history": int(features.history[cell]),
        "filled": int(features.filled[cell]),
        "breakout": bool(features.breakout[cell]),
        "limit_slope": settings.slope_on,
        "limit_dwell": settings.dwell,
        "limit_volume_ratio": settings.volume_multiple,
        "limit_reach": settings.reach,
        "limit_range20": settings.range_limit,
        "limit_turnover20": settings.min_turnover,
        "limit_history": settings.min_history,
    }


def _rounded(value: float) -> float | None:
    """`value` to 10 significant digits: more is noise, and would differ between machines; None for NaN."""
    return None if np.isnan(value) else float(f"{value:.10g}")
