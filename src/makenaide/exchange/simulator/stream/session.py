"""One client's stream without its socket: what it asked for, and what is still to be sent to it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from makenaide.domain.market import Market
from makenaide.exchange.simulator.rest.quota import Verdict
from makenaide.exchange.simulator.settings import ApiKey, StreamSettings
from makenaide.exchange.simulator.stream import frames
from makenaide.exchange.simulator.stream.request import (
    PRIVATE,
    PUBLIC,
    Asked,
    Code,
    Format,
    Subscription,
    WrongRequest,
    parsed,
)


class Frame(NamedTuple):
    """One message on its way: its type ("error", "status", "listing" are types too), its market, its bytes."""

    type: str
    code: str
    payload: bytes


class Line(Protocol):
    """What carries frames to a client."""

    def deliver(self, payloads: Sequence[bytes]) -> None:
        """Send them in this order, each as one message; a client that is gone or does not read is dropped."""
        ...

    def drop(self) -> None:
        """Close without a word."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """One code of one subscription. What happens after `since` is told live; None: only the snapshot is."""

    subscription: Subscription
    code: Code
    since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """Snapshots that are due at `at`."""

    at: datetime
    wants: tuple[Want, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who is connected: on the private endpoint with a key, on the public one without."""

    number: int
    peer: str
    key: ApiKey | None = None

    @property
    def account(self) -> str | None:
        """Whose account it is; None on the public endpoint."""
        return None if self.key is None else self.key.account


@dataclass(slots=True, kw_only=True, eq=False)
class Session:
    """A client's subscriptions. `instant`: snapshots come at once (stepped pace). `ended`: an error was answered."""

    caller: Caller
    settings: StreamSettings
    line: Line
    instant: bool
    format: Format = Format.DEFAULT
    subscriptions: tuple[Subscription, ...] = ()
    wants: tuple[Want, ...] = ()
    bursts: list[Burst] = field(default_factory=list)
    outbox: list[Frame] = field(default_factory=list)
    up_at: datetime | None = None
    ended: bool = False

    def receive(self, message: str | bytes, now: datetime, spend: Callable[[], Verdict]) -> bool:
        """Take a client's message; whether the subscriptions are others now. `spend` counts it.

        Answers go to the outbox. After an error nothing more is taken: the socket is to be closed.
        """
        if self.ended:
            return False
        verdict = spend()
        if verdict.status != 200:
            self._end(WrongRequest("I'm a teapot" if verdict.status == 418 else "Too Many Requests"))
            return True
        if message in ("PING", b"PING"):
            self._up(now)
            return False
        try:
            asked = parsed(message, self.settings.largest_message)
            self._judge(asked)
        except WrongRequest as wrong:
            self._end(wrong)
            return True
        self.format = asked.format
        if asked.listing:
            answer = frames.listing(asked.ticket, self.subscriptions, self.format)
            self.outbox.append(Frame("listing", "", answer))
            return False
        self._subscribe(asked.subscriptions, now)
        return True

    def refuse(self, name: str) -> None:
        """End with the error `name`."""
        self._end(WrongRequest(name))

    def tick(self, now: datetime) -> list[Want]:
        """The snapshots that are due at `now`, in order; the status that PING asked for is told on the way."""
        if self.up_at is not None and now >= self.up_at:
            self._up(now)
        due: list[Want] = []
        while self.bursts and self.bursts[0].at <= now:
            due.extend(self.bursts.pop(0).wants)
        return due

    def take(self) -> list[Frame]:
        """What is to be sent, and forget it."""
        sent, self.outbox = self.outbox, []
        return sent

    def asks_for(self, kind: str, *, market: str = "", category: str = "") -> Subscription | None:
        """The subscription to the private type `kind` that covers `market` or `category`; None without one."""
        for each in self.subscriptions:
            covers = not each.codes or any(code.market == market for code in each.codes)
            if each.type == kind and covers and (not each.categories or category in each.categories):
                return each
        return None

    def _up(self, now: datetime) -> None:
        self.outbox.append(Frame("status", "", frames.UP))
        self.up_at = now + timedelta(seconds=self.settings.up_seconds)

    def _end(self, wrong: WrongRequest) -> None:
        self.outbox.append(Frame("error", "", frames.error(wrong.name, wrong.message)))
        self.subscriptions, self.wants, self.bursts = (), (), []
        self.up_at, self.ended = None, True

    def _judge(self, asked: Asked) -> None:
        key = self.caller.key
        for each in asked.subscriptions:
            if each.type in PRIVATE:
                scope = PRIVATE[each.type]
                if key is None or (scope is not None and scope not in key.scopes):
                    raise WrongRequest("INVALID_AUTH")
            elif each.type in PUBLIC and key is not None and not self.settings.public_on_private:
                raise WrongRequest("INVALID_PARAM", f"{each.type} 은 지원하지 않는 타입입니다.")

    def _subscribe(self, subscriptions: tuple[Subscription, ...], now: datetime) -> None:
        self.subscriptions = subscriptions
        # By subscription, then by code: a pair of both costs the whole subscription's length to tell from another.
        distinct = [each for each in dict.fromkeys(subscriptions) if each.type in PUBLIC]
        pairs = [(each, code) for each in distinct for code in _distinct(each.codes)]
        left = (sum(each.snapshot for each, _ in pairs) + 1) // 2
        delays = (self.settings.snapshot_first_ms, self.settings.snapshot_second_ms)
        early, late = (now + timedelta(milliseconds=0 if self.instant else each) for each in delays)
        wants: list[Want] = []
        bursts: dict[datetime, list[Want]] = {}
        for each, code in pairs:
            at = now if not each.snapshot else early if left > 0 else late
            left -= each.snapshot
            want = Want(subscription=each, code=code, since=at if each.realtime else None)
            wants.append(want)
            if each.snapshot:
                bursts.setdefault(at, []).append(want)
        self.wants = tuple(wants)
        self.bursts = [Burst(at=at, wants=tuple(bursts[at])) for at in sorted(bursts)]


def _distinct(codes: Sequence[Code]) -> Iterable[Code]:
    """The first code of each market and depth: "KRW-BTC.7" asks for nothing else than "KRW-BTC"."""
    found: dict[tuple[Market, int], Code] = {}
    for each in codes:
        found.setdefault((each.market, each.depth), each)
    return found.values()
