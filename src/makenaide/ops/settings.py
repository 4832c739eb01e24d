"""Settings of operating: when what is looked at, and where a value turns from good to bad.

None of them changes what is traded, so they make no other account and need no new rehearsal.
"""

from dataclasses import dataclass
from datetime import time, timedelta
from decimal import Decimal

from makenaide.domain.clock import slot_time
from makenaide.domain.errors import Misconfigured
from makenaide.domain.parameter import parameter, require_in_range
from makenaide.pipeline.schedule import DECISION_SLOT

_TIMES = ("database_at", "readiness_at", "morning_by", "evening_at", "backup_at", "audit_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationsSettings:
    """Times of day are "HH:MM" in KST; ratios: 0.05 = 5 %."""

    database_at: str = parameter("08:40", "KST time", "issue 5: database start")
    readiness_at: str = parameter("08:50", "KST time", "issue 5: readiness list")
    morning_by: str = parameter("09:10", "KST time", "issue 5: morning list at the latest")
    evening_at: str = parameter("18:00", "KST time", "issue 5: evening list")
    backup_at: str = parameter("03:30", "KST time", "E4: one verified backup a day, far from every slot")
    audit_at: str = parameter(
        "03:10", "KST time", "P3: the chains are looked at before the backup keeps their heads"
    )
    catch_up_minutes: int = parameter(
        120, "min", "a list that is later than this says too little", low=1, high=1380
    )
    lease_seconds: float = parameter(300.0, "s", "a job whose holder died is taken over", low=1, high=86_400)
    jitter_seconds: float = parameter(0.0, "s", "spread of machines that share a venue", low=0, high=60)

    skew_warn_seconds: float = parameter(1.0, "s", "issue 5: skew against the venue's Date", low=0, high=60)
    skew_fail_seconds: float = parameter(5.0, "s", "issue 5: skew against the venue's Date", low=0, high=600)
    part_seconds: float = parameter(5.0, "s", "issue 5: wall and monotonic time part", low=0.1, high=600)
    candle_hours: float = parameter(24.0, "h", "M6: the guide's 24 hours", low=1, high=240)
    stale_markets: float = parameter(
        0.02, "ratio", "M6: markets without the newest candle, WARN above", low=0, high=1
    )
    stale_markets_fail: float = parameter(0.1, "ratio", "M6: FAIL above; trading.md, Universe", low=0, high=1)
    cold_starts_guide: int = parameter(10, "a day", "M8: the guide's limit, shown beside ours", low=0)
    cold_starts_spare: int = parameter(4, "a day", "issue 5: functions x planned runs + 4", low=0)
    api_mean_seconds: float = parameter(2.0, "s", "M9", low=0.01, high=60)
    error_target: float = parameter(0.005, "ratio", "G2: target", low=0, high=1)
    error_warn: float = parameter(0.01, "ratio", "M10 and G2: warning", low=0, high=1)
    error_danger: float = parameter(0.05, "ratio", "G2: danger", low=0, high=1)
    error_samples: int = parameter(20, "calls", "G2: fewer say little of a ratio", low=1)
    connect_warn: float = parameter(0.99, "ratio", "G4: connections that came about, warning", low=0, high=1)
    connect_danger: float = parameter(0.95, "ratio", "G4: connections that came about, danger", low=0, high=1)
    query_warn_seconds: float = parameter(0.5, "s", "G5: warning", low=0.001, high=60)
    query_danger_seconds: float = parameter(1.0, "s", "G5: danger", low=0.001, high=60)
    month_goal: Decimal = parameter(Decimal("0.05"), "ratio", "E2 and G6: goal of a month", low=-1, high=10)
    month_warn: Decimal = parameter(Decimal("0.01"), "ratio", "G6: warning", low=-1, high=10)
    month_danger: Decimal = parameter(Decimal("-0.05"), "ratio", "G6: danger", low=-1, high=10)
    drawdown_safe: Decimal = parameter(Decimal("0.05"), "ratio", "G7: safe below", low=0, high=1)
    drawdown_warn: Decimal = parameter(Decimal("0.08"), "ratio", "E3 and G7: warning above", low=0, high=1)
    drawdown_danger: Decimal = parameter(Decimal("0.15"), "ratio", "G7: danger above", low=0, high=1)
    stop_slip: Decimal = parameter(Decimal("0.01"), "ratio", "issue 5, E3: own stop distance + 1 %", low=0, high=1)
    stop_fail: Decimal = parameter(Decimal("1.5"), "times", "issue 5, E3: FAIL above 1.5 x", low=1, high=10)
    backup_hours: float = parameter(26.0, "h", "E4: daily, with two hours of grace", low=1, high=720)
    drill_days: int = parameter(30, "d", "E4: age of the last backup that was restored", low=1, high=365)
    key_warn_days: tuple[int, ...] = parameter((30, 7, 1, 0), "d", "E6: key expiry 30/7/1/0 days")
    calendar_days: int = parameter(
        30, "d", "E7: a calendar without an entry beyond it is out of date", low=1, high=366
    )
    calendar: str = parameter("", "file", "E7: a macro calendar of your own; empty = the one that comes along")
    disk_warn: float = parameter(0.15, "ratio", "E8: free disk, WARN below", low=0, high=1)
    disk_fail: float = parameter(0.05, "ratio", "E8: free disk, FAIL below", low=0, high=1)
    memory_warn: float = parameter(0.1, "ratio", "E8: free memory, WARN below", low=0, high=1)
    connections_warn: float = parameter(0.8, "ratio", "E8: database connections in use, WARN above", low=0, high=1)

    paper_backup: bool = parameter(
        False, "yes or no", "whether paper accounts, too, need a verified backup to buy"
    )
    paper_rehearsal: bool = parameter(False, "yes or no", "whether paper accounts, too, need a rehearsal to buy")
    dead_man: bool = parameter(False, "yes or no", "whether something outside this machine watches the guard")
    dashboard: bool = parameter(True, "yes or no", "M4: whether the dashboard's data is kept")

    def __post_init__(self) -> None:
        require_in_range(self)
        for name in _TIMES:
            try:
                slot_time(getattr(self, name))
            except ValueError as cause:
                raise Misconfigured(f"{name}: {cause}") from None
        if self.time_of("morning_by") <= DECISION_SLOT:
            raise Misconfigured(f"morning_by: expected a time after {DECISION_SLOT:%H:%M}, got {self.morning_by}")

    def time_of(self, name: str) -> time:
        """The setting `name` as a time of day in KST."""
        return slot_time(getattr(self, name))

    @property
    def lease(self) -> timedelta:
        """How long a job belongs to whoever began it."""
        return timedelta(seconds=self.lease_seconds)
