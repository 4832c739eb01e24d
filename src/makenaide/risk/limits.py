"""The locks and brakes on buying, asked in the order of `domain.reason.Refusal`. They never touch an exit.

Source: trading.md, Entry and Sizing (c); mission.md, G6 and G7. Times are compared at the slot, not at the
moment of asking, so that a backtest and a live run decide alike; only lateness, and which stops have happened,
look at the present.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from makenaide.domain.money import Krw, plain
from makenaide.domain.reason import Refusal
from makenaide.risk.exits import too_volatile
from makenaide.risk.settings import RiskSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFacts:
    """What holds for every market of a slot; renewed after each entry.

    `stops` are the times of all stop exits of late, `drawdown` the account's present fall from its peak
    (0.1 = 10 %), `month_return` the time-weighted return of the KST month so far; None = unknown, which refuses.
    `books_equal` is False also when the comparison could not be made. All times aware.
    """

    slot: datetime
    now: datetime
    gate_open: bool
    stops: tuple[datetime, ...]
    month_return: Decimal | None
    drawdown: Decimal | None
    entries_today: int
    open_positions: int
    exposure: Krw
    equity: Krw
    books_equal: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateFacts:
    """What holds for one market that broke out.

    `atr_percent` in percent of the close, None = unknown; `last_stop` the market's latest stop exit;
    `market_free` is False while an order of ours there is in doubt or the venue has it shut; `wallet_working`
    says whether the coin can be moved in and out of the venue, None = unknown, which refuses like False.
    """

    atr_percent: Decimal | None
    last_stop: datetime | None
    market_free: bool = True
    wallet_working: bool | None = True


def limit(account: AccountFacts, candidate: CandidateFacts, settings: RiskSettings) -> Refusal | None:
    """The first lock or brake that speaks against buying, or None. Doubt blocks."""
    asked = (
        (Refusal.LATE, account.now - account.slot > timedelta(minutes=settings.late_minutes)),
        (Refusal.GATE_SHUT, not account.gate_open),
        (Refusal.TOO_VOLATILE, candidate.atr_percent is None or too_volatile(candidate.atr_percent, settings)),
        (Refusal.COOLING_DOWN, _cooling(account.slot, candidate.last_stop, settings)),
        (Refusal.STOPPED_OUT, _paused(account, settings)),
        (
            Refusal.MONTHLY_LOSS,
            account.month_return is None or account.month_return < -settings.monthly_loss_limit,
        ),
        (Refusal.DRAWDOWN, account.drawdown is None or account.drawdown > settings.drawdown_limit),
        (Refusal.DAILY_LIMIT, account.entries_today >= settings.entries_per_day),
        (Refusal.POSITION_LIMIT, account.open_positions >= settings.max_positions),
        (Refusal.EXPOSURE_LIMIT, _exposed(account, settings)),
        (Refusal.MARKET_CLOSED, not candidate.market_free),
        (Refusal.BOOKS_DIFFER, not account.books_equal),
        (Refusal.WALLET_SHUT, candidate.wallet_working is not True),
    )
    return next((refusal for refusal, speaks in asked if speaks), None)


def cooling_until(last_stop: datetime, settings: RiskSettings) -> datetime:
    """The first moment at which the market of that stop may be bought again."""
    return last_stop + timedelta(days=settings.cooldown_days)


def paused_until(stops: Sequence[datetime], settings: RiskSettings) -> datetime | None:
    """The end of the latest pause that the account's stops call for, None when they never called for one.

    A pause runs from the stop that completes a full count (4) within the window (7 days, its edge included).
    """
    times = sorted(stops)
    window = timedelta(days=settings.stops_window_days)
    firsts, lasts = times, times[settings.stops_in_week - 1 :]
    completing = [last for first, last in zip(firsts, lasts, strict=False) if last - first <= window]
    return completing[-1] + timedelta(days=settings.stops_pause_days) if completing else None


def limit_evidence(account: AccountFacts, candidate: CandidateFacts) -> Mapping[str, str]:
    """The inputs of `limit` as text, to be stored beside its verdict; "unknown" where a fact is missing."""
    return {
        "slot": account.slot.isoformat(),
        "now": account.now.isoformat(),
        "gate_open": str(account.gate_open).lower(),
        "atr_percent": _shown(candidate.atr_percent),
        "last_stop": "never" if candidate.last_stop is None else candidate.last_stop.isoformat(),
        "stops": str(len(account.stops)),
        "month_return": _shown(account.month_return),
        "drawdown": _shown(account.drawdown),
        "entries_today": str(account.entries_today),
        "open_positions": str(account.open_positions),
        "exposure": str(account.exposure),
        "equity": str(account.equity),
        "market_free": str(candidate.market_free).lower(),
        "books_equal": str(account.books_equal).lower(),
        "wallet_working": "unknown" if candidate.wallet_working is None else str(candidate.wallet_working).lower(),
    }


def _shown(value: Decimal | None) -> str:
    return "unknown" if value is None else plain(value)


def _exposed(account: AccountFacts, settings: RiskSettings) -> bool:
    # An account with nothing in it is not exposed: sizing finds the better word for it.
    return bool(account.exposure) and account.exposure.value >= settings.total_cap * account.equity.value


def _cooling(slot: datetime, last_stop: datetime | None, settings: RiskSettings) -> bool:
    return last_stop is not None and slot < cooling_until(last_stop, settings)


def _paused(account: AccountFacts, settings: RiskSettings) -> bool:
    # Up to now, not to the slot: a stop between the slot and its decision completes the count as well.
    until = paused_until([stop for stop in account.stops if stop <= account.now], settings)
    return until is not None and account.slot < until
