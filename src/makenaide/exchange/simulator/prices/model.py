"""Every constant of the generator, in one place.

The prices that come of them are invented: they look like a year of the won market, and are made so that a follower
of trends finds something to do (breakouts, stops, targets, stage changes, warnings, a delisting). They say nothing
about profit.
"""

from dataclasses import dataclass
from datetime import date

from makenaide.domain.errors import Misconfigured
from makenaide.domain.parameter import parameter, require_in_range

_SOURCE = "house.md, Main path (generated venue)"
_MODEL = "chosen to resemble the won market of 2022-2025"

_BASES = (15, 30, 60, 240)


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """How prices and volumes move. Drifts and deviations are log returns a day."""

    # The market as a whole, which Bitcoin follows: three regimes in a fixed round, lengths drawn.
    bull_drift: float = parameter(0.0024, "per day", _MODEL, low=0, high=0.05)
    flat_drift: float = parameter(0.0002, "per day", _MODEL, low=-0.01, high=0.01)
    bear_drift: float = parameter(-0.0035, "per day", _MODEL, low=-0.05, high=0)
    market_sigma: float = parameter(0.01, "per day", _MODEL, low=0.001, high=0.2)
    bitcoin_sigma: float = parameter(0.008, "per day, beside the market", _MODEL, low=0, high=0.2)

    # One coin beside the market: bases, advances and declines of its own.
    beta_low: float = parameter(0.6, "ratio", _MODEL, low=0, high=3)
    beta_high: float = parameter(1.15, "ratio", _MODEL, low=0, high=3)
    coin_sigma_low: float = parameter(0.02, "per day", _MODEL, low=0.001, high=0.3)
    coin_sigma_high: float = parameter(0.038, "per day", _MODEL, low=0.001, high=0.3)
    advance_low: float = parameter(0.2, "gain of a whole advance", _MODEL, low=0, high=10)
    advance_high: float = parameter(0.9, "gain of a whole advance", _MODEL, low=0, high=30)
    decline_low: float = parameter(0.30, "loss of a whole decline", _MODEL, low=0, high=0.95)
    decline_high: float = parameter(0.60, "loss of a whole decline", _MODEL, low=0, high=0.95)
    temper_low: float = parameter(0.2, "x a coin's advances and declines: sluggish", _MODEL, low=0, high=10)
    temper_high: float = parameter(1.2, "x a coin's advances and declines: lively", _MODEL, low=0, high=10)
    plateau_share: float = parameter(0.6, "of the bases after an advance", _MODEL, low=0, high=1)
    stretch: float = parameter(0.9, "log level at which a coin must turn", _MODEL, low=0.1, high=10)
    quiet_base: float = parameter(0.3, "x sigma in a base", _MODEL, low=0.1, high=3)
    loud_decline: float = parameter(1.15, "x sigma in a decline", _MODEL, low=0.1, high=3)
    peg_sigma: float = parameter(0.002, "per day, of a stablecoin", _MODEL, low=0, high=0.1)

    # Noise: fat tails, and quiet and loud days in clusters (a GARCH(1,1) of unit mean).
    tail_degrees: float = parameter(5.0, "degrees of freedom", _MODEL, low=2.5, high=100)
    cluster_shock: float = parameter(0.09, "weight of yesterday's surprise", _MODEL, low=0, high=0.3)
    cluster_memory: float = parameter(0.88, "weight of yesterday's variance", _MODEL, low=0, high=0.99)
    wick: float = parameter(0.35, "x the candle's sigma, each side", _MODEL, low=0, high=3)
    gap: float = parameter(0.00004, "log gap between close and next open", _MODEL, low=0, high=0.01)

    # Turnover in won a day, falling with the rank of the coin; the last ones are thin.
    turnover_top: float = parameter(4e11, "KRW a day of the first coin", _MODEL, low=1e8, high=5e12)
    turnover_fall: float = parameter(1.25, "power of the rank", _MODEL, low=0, high=3)
    turnover_floor: float = parameter(1e9, "KRW a day of a coin that is not thin", _MODEL, low=1e7, high=1e12)
    thin_share: float = parameter(0.08, "ratio of the markets", _MODEL, low=0, high=1)
    thin_low: float = parameter(1e8, "KRW a day", _MODEL, low=1e6, high=1e12)
    thin_high: float = parameter(2.8e8, "KRW a day", _MODEL, low=1e6, high=1e12)
    thin_gaps: float = parameter(0.15, "share of candles without a trade", _MODEL, low=0, high=0.9)
    volume_surprise: float = parameter(0.6, "log volume per sigma of the day's move", _MODEL, low=0, high=3)
    volume_breakout: float = parameter(1.6, "x volume on a 60-day high", _MODEL, low=1, high=10)
    volume_noise: float = parameter(0.18, "log volume, a day", _MODEL, low=0, high=2)

    # Events.
    late_share: float = parameter(0.15, "of the markets list after the start", _MODEL, low=0, high=0.8)
    warned_trends: int = parameter(12, "warnings during an advance", _MODEL, low=0, high=50)
    warned_others: int = parameter(2, "warnings at other times", _MODEL, low=0, high=50)
    notice_shock: float = parameter(-0.05, "log return in the hour of a notice", _MODEL, low=-1, high=0)
    doom_drift: float = parameter(-0.06, "per day between notice and delisting", _MODEL, low=-1, high=0)

    def __post_init__(self) -> None:
        require_in_range(self)
        for low, high in (
            ("beta_low", "beta_high"),
            ("coin_sigma_low", "coin_sigma_high"),
            ("temper_low", "temper_high"),
            ("thin_low", "thin_high"),
        ):
            if getattr(self, low) > getattr(self, high):
                raise Misconfigured(f"{low}: expected at most {high}, got {getattr(self, low)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorSettings:
    """What to generate. Trading may begin on `first_day` at 09:00 KST (00:00 UTC); before it lies the history."""

    seed: int = parameter(1, "number", _SOURCE, low=0, high=2**63 - 1)
    markets: int = parameter(45, "markets", "upbit-api.md section 10", low=3, high=289)
    history_days: int = parameter(400, "days", "trading.md, Universe (260 closed candles)", low=1, high=2000)
    days: int = parameter(365, "days", _SOURCE, low=1, high=2000)
    first_day: date = parameter(date(2025, 1, 1), "UTC date", _SOURCE)
    base_minutes: int = parameter(60, "minutes: 15, 30, 60 or 240", _SOURCE, low=15, high=240)
    model: Model = Model()

    def __post_init__(self) -> None:
        require_in_range(self)
        if self.base_minutes not in _BASES:
            raise Misconfigured(f"base_minutes: expected one of {_BASES}, got {self.base_minutes}")
