"""Rate limits by group in fixed windows of venue time, and the block for those who go on (upbit-api.md section 7)."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from makenaide.exchange.simulator.limits import LIMITS
from makenaide.exchange.simulator.prices.moments import EPOCH, to_ms
from makenaide.exchange.simulator.settings import QuotaSettings

_SECOND = timedelta(seconds=1)
_LONGEST_WINDOW = timedelta(minutes=1)
_CROWD = 1000
"""Callers that are remembered before anybody looks for idle ones."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """200 with the calls `left` in this window, 429, or 418 with the `blocked` seconds."""

    status: int
    header: str
    left: int = 0
    blocked: int = 0

    @property
    def message(self) -> str:
        """What a refused call is told."""
        return "Too many API requests." + (f" Blocked for {self.blocked} seconds." if self.blocked else "")


@dataclass(slots=True)
class _Caller:
    seen: datetime
    windows: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)
    refusals: deque[datetime] = field(default_factory=deque)
    refused_at: datetime = EPOCH
    blocked_until: datetime = EPOCH
    blocks: int = 0


class Quota:
    """Counts the calls of each caller: an address for quotation, an account or a connection for the rest.

    Who has been idle for long enough to be owed a fresh start is forgotten, so the memory is that of the callers of
    the last minute and of those who were lately blocked.
    """

    def __init__(self, settings: QuotaSettings) -> None:
        self._settings = settings
        self._callers: dict[str, _Caller] = {}
        self._crowd = _CROWD
        self._names = {group: limit.shown or group for group, limit in LIMITS.items()} | dict(
            settings.header_names
        )
        self._calls = {group: limit.calls for group, limit in LIMITS.items()} | dict(settings.ceilings)

    def spend(self, group: str, who: str, now: datetime) -> Verdict:
        """Count one call of `who` in `group` at `now`."""
        caller = self._callers.get(who) or self._meet(who, now)
        caller.seen = now
        if now < caller.blocked_until:
            return self._blocked(group, caller.blocked_until - now)
        limit, windows = LIMITS[group], caller.windows
        moment = to_ms(now) - self._settings.phase_ms
        index = moment // (limit.seconds * 1000)
        used = _used(windows, (group, limit.seconds), index)
        minute = moment // 60_000 if limit.a_minute is not None else 0
        a_minute = _used(windows, (group, 60), minute) if limit.a_minute is not None else 0
        over = used >= self._calls[group] or (limit.a_minute is not None and a_minute >= limit.a_minute)
        if over and self._settings.enforced:
            return self._refuse(group, caller, now)
        windows[group, limit.seconds] = index, used + 1
        if limit.a_minute is not None:
            windows[group, 60] = minute, a_minute + 1
        left = max(0, self._calls[group] - used - 1)
        return Verdict(200, self.header(group, left), left)

    def header(self, group: str, left: int) -> str:
        """`remaining-req` of a call in `group` after which so many are left."""
        return f"group={self._names[group]}; min={LIMITS[group].minute}; sec={left}"

    def callers(self) -> int:
        """How many callers are remembered."""
        return len(self._callers)

    def _meet(self, who: str, now: datetime) -> _Caller:
        if len(self._callers) >= self._crowd:
            kept = {name: each for name, each in self._callers.items() if not self._idle(each, now)}
            self._callers = kept
            self._crowd = max(_CROWD, 2 * len(kept))
        return self._callers.setdefault(who, _Caller(seen=now))

    def _idle(self, caller: _Caller, now: datetime) -> bool:
        known = caller.blocks or caller.refusals
        rest = timedelta(seconds=self._settings.forgive_seconds) if known else _LONGEST_WINDOW
        return now - max(caller.seen, caller.blocked_until) >= rest

    def _refuse(self, group: str, caller: _Caller, now: datetime) -> Verdict:
        settings = self._settings
        since = now - timedelta(seconds=settings.refusal_seconds)
        while caller.refusals and caller.refusals[0] <= since:
            caller.refusals.popleft()
        if now - max(caller.refused_at, caller.blocked_until) >= timedelta(seconds=settings.forgive_seconds):
            caller.blocks = 0
        caller.refused_at = now
        if len(caller.refusals) < settings.refusals_to_block:
            caller.refusals.append(now)
            return Verdict(429, self.header(group, 0))
        # Doubling for ever would leave the calendar: a block has a longest length.
        doubled = settings.first_block_seconds << min(caller.blocks, 40)
        wait = timedelta(seconds=min(doubled, settings.longest_block_seconds))
        caller.blocks += 1
        caller.blocked_until = now + wait
        caller.refusals.clear()
        return self._blocked(group, wait)

    def _blocked(self, group: str, wait: timedelta) -> Verdict:
        return Verdict(418, self.header(group, 0), blocked=-(-wait // _SECOND))


def _used(windows: Mapping[tuple[str, int], tuple[int, int]], key: tuple[str, int], index: int) -> int:
    held = windows.get(key)
    return held[1] if held is not None and held[0] == index else 0
