"""Rate limits by group in fixed windows of venue time, and the block for those who go on (upbit-api.md section 7)."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from makenaide.exchange.simulator.settings import QuotaSettings

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Limit:
    """`calls` in every `seconds`; `minute` is the dead constant that the header calls min."""

    calls: int
    seconds: int = 1
    minute: int = 1800


LIMITS: Final[Mapping[str, Limit]] = {
    "market": Limit(10, minute=600),
    "candle": Limit(10, minute=600),
    "trade": Limit(10, minute=600),
    "ticker": Limit(10, minute=600),
    "orderbook": Limit(10, minute=600),
    "origin": Limit(1, seconds=10, minute=6),
    "default": Limit(30),
    "order": Limit(12),
    "order-test": Limit(8),
    "order-cancel-all": Limit(1, seconds=2),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """200 with the calls `left` in this window, 429, or 418 with the `blocked` seconds."""

    status: int
    header: str
    blocked: int = 0


@dataclass(slots=True)
class _Caller:
    windows: dict[str, tuple[int, int]] = field(default_factory=dict)
    refusals: deque[datetime] = field(default_factory=deque)
    blocked_until: datetime = _EPOCH
    blocks: int = 0


class Quota:
    """Counts the calls of each caller: an address for quotation, an account for the rest."""

    def __init__(self, settings: QuotaSettings) -> None:
        self._settings = settings
        self._callers: dict[str, _Caller] = {}
        self._names = dict(settings.header_names)

    def spend(self, group: str, who: str, now: datetime) -> Verdict:
        """Count one call of `who` in `group` at `now`."""
        caller = self._callers.setdefault(who, _Caller())
        if now < caller.blocked_until:
            return self._blocked(group, caller.blocked_until - now)
        limit = LIMITS[group]
        window = ((now - _EPOCH) // _MILLISECOND - self._settings.phase_ms) // (limit.seconds * 1000)
        index, used = caller.windows.get(group, (window, 0))
        used = used if index == window else 0
        if used >= limit.calls and self._settings.enforced:
            return self._refuse(group, caller, now)
        caller.windows[group] = window, used + 1
        return Verdict(200, self._header(group, max(0, limit.calls - used - 1)))

    def _refuse(self, group: str, caller: _Caller, now: datetime) -> Verdict:
        settings = self._settings
        since = now - timedelta(seconds=settings.refusal_seconds)
        while caller.refusals and caller.refusals[0] <= since:
            caller.refusals.popleft()
        if len(caller.refusals) >= settings.refusals_to_block:
            wait = timedelta(seconds=settings.first_block_seconds * 2**caller.blocks)
            caller.blocks += 1
            caller.blocked_until = now + wait
            caller.refusals.clear()
            return self._blocked(group, wait)
        caller.refusals.append(now)
        return Verdict(429, self._header(group, 0))

    def _blocked(self, group: str, wait: timedelta) -> Verdict:
        return Verdict(418, self._header(group, 0), blocked=-(-wait // timedelta(seconds=1)))

    def _header(self, group: str, left: int) -> str:
        return f"group={self._names.get(group, group)}; min={LIMITS[group].minute}; sec={left}"
