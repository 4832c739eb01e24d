"""Why a market was passed over, why a buy was refused, why a position was left: one list for all rooms.

The texts for people are in the message catalogue under `refusal.<value>` and `exit.<value>`.
"""

from enum import StrEnum


class Refusal(StrEnum):
    """The rule that spoke against buying a market in a slot; in the order in which the rules are asked."""

    # universe (trading.md, Universe)
    EXCLUDED = "excluded"
    WARNED = "warned"
    UNKNOWN_DATA = "unknown_data"
    SHORT_HISTORY = "short_history"
    THIN_TURNOVER = "thin_turnover"
    # signal (trading.md, Entry)
    HELD = "held"
    NOT_STAGE_2 = "not_stage_2"
    NO_BREAKOUT = "no_breakout"
    # entry: these speak only of markets that broke out
    LATE = "late"
    GATE_SHUT = "gate_shut"
    TOO_VOLATILE = "too_volatile"
    COOLING_DOWN = "cooling_down"
    STOPPED_OUT = "stopped_out"
    MONTHLY_LOSS = "monthly_loss"
    DRAWDOWN = "drawdown"
    DAILY_LIMIT = "daily_limit"
    POSITION_LIMIT = "position_limit"
    EXPOSURE_LIMIT = "exposure_limit"
    MARKET_CLOSED = "market_closed"
    BOOKS_DIFFER = "books_differ"
    HALTED = "halted"
    NOT_READY = "not_ready"
    UNGUARDED = "unguarded"
    LIVE_LIMIT = "live_limit"
    PAUSED = "paused"
    WALLET_SHUT = "wallet_shut"
    WIDE_SPREAD = "wide_spread"
    SHALLOW_BOOK = "shallow_book"
    NO_CASH = "no_cash"
    BELOW_MINIMUM = "below_minimum"
    NOT_FILLED = "not_filled"
    VENUE_REFUSED = "venue_refused"


SIGNAL_REFUSALS = tuple(
    refusal for refusal in Refusal if list(Refusal).index(refusal) >= list(Refusal).index(Refusal.LATE)
)
"""The refusals of a market that had broken out: what a report counts as "refused signals"."""


class Exit(StrEnum):
    """The rule that ended (or, for THIRD, lightened) a position."""

    HARD_STOP = "hard_stop"
    TRAILING_STOP = "trailing_stop"
    THIRD = "third"
    STAGE = "stage"
    NO_PROGRESS = "no_progress"
    WARNING = "warning"
    DELISTING = "delisting"
    MANUAL = "manual"

    @property
    def stop(self) -> bool:
        """Whether the exit is a stop, which starts the market's cool-down."""
        return self in (Exit.HARD_STOP, Exit.TRAILING_STOP)
