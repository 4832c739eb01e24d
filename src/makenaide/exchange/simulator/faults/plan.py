"""The plan of faults: which call, connection or frame meets which misbehaviour. Pure, and the same for the same seed.

    faults = Faults((Rule(kind=Kind.REPLY_LOST, calls="POST /v1/orders", probability=0.1),), seed=1)
    faults.plan({"kind": "late", "calls": "GET *"}, "fault", now)        # one more, as people write it
    faults.met(Call(name="POST /v1/orders", group="order", at=now))     # the rules that this call meets

Whether a rule meets its n-th call depends on the seed, the rule's number and n alone: other rules, other calls and
the machine change nothing.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final

from makenaide.domain.errors import Misconfigured
from makenaide.domain.market import is_market
from makenaide.domain.parameter import near, parameter, require_in_range
from makenaide.exchange.simulator.limits import LIMITS
from makenaide.exchange.simulator.stream.request import PRIVATE, PUBLIC
from makenaide.exchange.simulator.table import read


class Kind(StrEnum):
    """What goes wrong. The first group concerns calls, the second frames and connections of a WebSocket."""

    NOT_CONNECTED = "not_connected"
    REQUEST_LOST = "request_lost"
    REPLY_LOST = "reply_lost"
    LATE = "late"
    TWICE = "twice"
    SERVER_ERROR = "server_error"
    OFFLINE = "offline"
    TOO_MANY = "too_many"
    BLOCKED = "blocked"
    HTML = "html"
    EMPTY = "empty"
    CUT = "cut"
    SLOW = "slow"
    STALL = "stall"
    SKEW = "skew"

    SILENCE = "silence"
    GAP = "gap"
    DISORDER = "disorder"
    REPEAT = "repeat"
    DROP = "drop"


STREAM: Final = frozenset({Kind.SILENCE, Kind.GAP, Kind.DISORDER, Kind.REPEAT, Kind.DROP})
"""The kinds that concern frames; all others concern calls."""

_MARKETS: Final = (*sorted(PUBLIC), "myOrder")
"""The types of frames that are of one market each: they have a code."""

FRAMES: Final = (*_MARKETS, *(each for each in PRIVATE if each not in _MARKETS), "status", "listing", "error")
"""The types of frames."""

REASONS: Final[Mapping[int, str]] = {
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Temporarily Unavailable",
    504: "Gateway Time-out",
}
"""The statuses of a server's error, in words."""

_WILD: Final = frozenset("*?[")
_REFUSALS: Final = frozenset({Kind.SERVER_ERROR, Kind.TOO_MANY, Kind.BLOCKED})
_OF_KINDS: Final[Mapping[str, frozenset[Kind]]] = {
    "group": frozenset(Kind) - STREAM,
    "status": frozenset({Kind.SERVER_ERROR}),
    "form": _REFUSALS,
    "performed": frozenset({Kind.SERVER_ERROR, Kind.STALL}),
    "told": frozenset({Kind.TWICE}),
    "unchecked": frozenset({Kind.TWICE}),
    "delay": frozenset({Kind.LATE}),
    "behind": frozenset({Kind.LATE}),
    "cut_at": frozenset({Kind.CUT}),
    "speed": frozenset({Kind.SLOW}),
    "seconds": frozenset({Kind.STALL, Kind.SILENCE, Kind.BLOCKED, Kind.SKEW}),
}
"""Fields that mean something for some kinds alone."""


class Form(StrEnum):
    """What the body of an error reply is."""

    JSON = "json"
    HTML = "html"
    TEXT = "text"
    EMPTY = "empty"


class Told(StrEnum):
    """Which reply a caller gets whose request was performed twice."""

    FIRST = "first"
    SECOND = "second"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One misbehaviour: its kind, the calls that it waits for, how often it strikes, and what it does exactly.

    `calls` is "METHOD PATH" with the wildcards * and ? ("*" = any call under /v1), or, for the kinds of frames,
    "TYPE" or "TYPE CODE" ("trade", "candle.* KRW-BTC"). Out of the calls that match within `start` <= venue time
    < `end`, the first `skip` are spared; of the others it strikes each `every`-th, with `probability`, and no more
    than `times` of them.
    """

    kind: Kind
    calls: str = parameter("*", "pattern", "METHOD PATH, or a frame's TYPE or TYPE CODE; * and ? are wildcards")
    group: str | None = parameter(None, "group", "only calls of this rate limit group (upbit-api.md section 7)")
    start: datetime | None = parameter(None, "time", "venue time from which it strikes")
    end: datetime | None = parameter(None, "time", "venue time from which it strikes no more")
    skip: int = parameter(0, "calls", "spared before the first strike", low=0)
    every: int = parameter(1, "calls", "each n-th call is struck", low=1)
    probability: float = parameter(1.0, "", "of a strike", low=0, high=1)
    times: int | None = parameter(None, "strikes", "no more than that")
    status: int = parameter(500, "HTTP status", "server_error: 500, 502, 503 or 504")
    form: Form | None = parameter(
        None, "", "body of server_error (json), too_many and blocked (text): json, html, text, empty"
    )
    performed: bool = parameter(False, "", "server_error, stall: the venue acted nevertheless")
    told: Told = parameter(Told.SECOND, "", "twice: which reply comes, first or second")
    unchecked: bool = parameter(False, "", "twice: the second one's nonce counts as new (a gateway that retries)")
    delay: float = parameter(1.0, "s", "late: venue time until it is performed", low=0, high=86_400)
    behind: int = parameter(0, "calls", "late: so many later calls go first in any case", low=0)
    cut_at: int = parameter(20, "bytes", "cut: the connection closes after so much of the body", low=0)
    speed: int = parameter(200, "bytes/s", "slow: pace of the body", low=1)
    seconds: float = parameter(30.0, "s", "stall, silence: how long; blocked: told; skew: added", -1e6, 1e6)

    def __post_init__(self) -> None:
        require_in_range(self)
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise Misconfigured("end: must be after start")
        if self.times is not None and self.times < 1:
            raise Misconfigured(f"times: expected 1 <= value, got {self.times}")
        if self.seconds < 0 and self.kind is not Kind.SKEW:
            raise Misconfigured(f"seconds: only skew may be negative, got {self.seconds}")
        if self.status not in REASONS:
            raise Misconfigured(f"status: expected one of {', '.join(map(str, REASONS))}, got {self.status}")
        if self.group is not None and self.group not in LIMITS:
            raise Misconfigured(f"group: unknown group {self.group}{near(self.group, LIMITS)}")
        self.require_meaning(each.name for each in fields(self) if getattr(self, each.name) != each.default)
        if self.kind in STREAM:
            self._require_frames()

    def uses(self, field: str) -> bool:
        """Whether `field` means something for this kind."""
        return self.kind in _OF_KINDS.get(field, (self.kind,))

    def require_meaning(self, given: Iterable[str]) -> None:
        """`Misconfigured` when one of the `given` fields means nothing for this kind."""
        for name in given:
            if not self.uses(name):
                raise Misconfigured(f"{name}: means nothing for {self.kind}")

    def _require_frames(self) -> None:
        """A rule that could never strike would look like a client that withstands everything."""
        kind, space, code = self.calls.partition(" ")
        if not any(fnmatchcase(each, kind) for each in FRAMES):
            raise Misconfigured(f"calls: there are no frames {kind}{near(kind, FRAMES)}")
        if space and not any(fnmatchcase(each, kind) for each in _MARKETS):
            raise Misconfigured(f"calls: frames {kind} have no code")
        if space and not _WILD.intersection(code) and not is_market(code):
            raise Misconfigured(f"calls: expected a market such as KRW-BTC behind {kind}, got {code}")

    def concerns(self, call: "Call") -> bool:
        """Whether the rule waits for `call`."""
        if (self.kind in STREAM) is not call.frame or (self.group is not None and self.group != call.group):
            return False
        if self.start is not None and call.at < self.start:
            return False
        if self.end is not None and call.at >= self.end:
            return False
        name = call.name if " " in self.calls or not call.frame else call.name.partition(" ")[0]
        return fnmatchcase(name, self.calls)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What may meet a fault: a call ("POST /v1/orders", its rate limit group), or a `frame` ("trade KRW-BTC").

    `at` is the venue's time.
    """

    name: str
    at: datetime
    group: str | None = None
    frame: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A rule on the list: its number, how many calls it has seen, how often it struck."""

    number: int
    rule: Rule
    seen: int = 0
    struck: int = 0

    @property
    def spent(self) -> bool:
        """Whether it has struck as often as it may."""
        return self.rule.times is not None and self.struck >= self.rule.times

    def strikes(self, seed: int) -> bool:
        """Whether the call that was just seen is struck."""
        turn = self.seen - self.rule.skip
        if self.spent or turn <= 0 or turn % self.rule.every:
            return False
        return _drawn(f"{seed} {self.number} {self.seen}") < self.rule.probability


class Faults:
    """The rules in force, in the order in which they were added. Not for several threads.

    `calls` are the names and groups of all calls that there are; without them a rule may wait for others.
    """

    def __init__(
        self, rules: Iterable[Rule] = (), seed: int = 1, calls: Iterable[tuple[str, str | None]] | None = None
    ) -> None:
        self._seed = seed
        self._calls = None if calls is None else tuple(calls)
        self._numbers = 0
        self._planned: dict[int, Planned] = {}
        for rule in rules:
            self.add(rule)

    def plan(self, table: Mapping[str, object], where: str, begin: datetime) -> int:
        """`add` the rule that `table` describes; "+2h" in it counts from `begin`, errors name the place `where`."""
        rule = read(Rule, table, where, begin)
        try:
            rule.require_meaning(table)
            return self.add(rule)
        except Misconfigured as cause:
            raise Misconfigured(f"{where}: {cause}") from None

    def add(self, rule: Rule) -> int:
        """Put `rule` at the end of the list; its number, never used twice. `Misconfigured` without any such calls."""
        if self._calls is not None and rule.kind not in STREAM:
            names = [name for name, group in self._calls if rule.group in (None, group)]
            if not names:
                raise Misconfigured(f"group: no call is counted in {rule.group}")
            if not any(fnmatchcase(name, rule.calls) for name in names):
                whose = "" if rule.group is None else f" of the group {rule.group}"
                raise Misconfigured(f"calls: no call{whose} is {rule.calls}{near(rule.calls, names)}")
        self._numbers += 1
        self._planned[self._numbers] = Planned(number=self._numbers, rule=rule)
        return self._numbers

    def remove(self, number: int) -> bool:
        """Take rule `number` off the list; False when it is not there."""
        return self._planned.pop(number, None) is not None

    def clear(self) -> int:
        """Take all rules off the list; how many there were."""
        count = len(self._planned)
        self._planned.clear()
        return count

    def listed(self) -> Sequence[Planned]:
        """The rules with their counts."""
        return tuple(self._planned.values())

    def met(self, call: Call) -> tuple[Rule, ...]:
        """The rules that strike `call`, which all that wait for it count.

        Only one of them decides what becomes of a call, the first; a wrong clock (`SKEW`) comes on top. Rules that
        come behind the deciding one do not use up a strike.
        """
        struck: list[Rule] = []
        decided = False
        for number, planned in self._planned.items():
            if not planned.rule.concerns(call):
                continue
            seen = replace(planned, seen=planned.seen + 1)
            lasting = planned.rule.kind is Kind.SKEW
            if seen.strikes(self._seed) and (lasting or not decided):
                decided = decided or not lasting
                seen = replace(seen, struck=seen.struck + 1)
                struck.append(planned.rule)
            self._planned[number] = seen
        return tuple(struck)


def _drawn(text: str) -> float:
    """A number of [0, 1) that depends on `text` alone."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7]) / 256**7
