"""The line to the venue: pace, sign, send, measure, and (reads only) try again."""

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from makenaide.domain.clock import Clock
from makenaide.domain.errors import Misconfigured
from makenaide.exchange.http import Interrupted, NotConnected, Pairs, Request, Response, Transport
from makenaide.exchange.upbit.auth import Keys, bearer, query_text
from makenaide.exchange.upbit.errors import VenueRefused, VenueUnavailable
from makenaide.exchange.upbit.limiter import BLOCKED, TOO_MANY, Group, Limiter, NoTurn, Turn, group_of
from makenaide.exchange.upbit.offset import Offsets
from makenaide.exchange.upbit.retry import Breaker, RetrySettings, delay
from makenaide.exchange.upbit.wire import refusal

Name = TypeVar("Name", bound=str)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of the venue's API: `query` or `body` in the order in which they are sent and signed."""

    method: str
    path: str
    query: Pairs = ()
    body: Pairs = ()
    private: bool = False

    @property
    def name(self) -> str:
        """ "GET /v1/ticker": what errors and measures are filed under."""
        return f"{self.method} {self.path}"

    @property
    def group(self) -> Group:
        """The rate group that counts it."""
        return group_of(self.method, self.path)


@dataclass(frozen=True, slots=True)
class Measure:
    """What one endpoint has cost so far: sends, seconds between send and reply, and sends without a 2xx reply."""

    count: int = 0
    seconds: float = 0.0
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """What one send brought; `shut` is for how many seconds its group is closed because of a 429 or 418, else 0."""

    response: Response
    shut: float


@dataclass(slots=True, kw_only=True)
class Line:
    """Carries calls. Thread-safe. `keys` None serves public calls only; `offsets` learns from every reply's date."""

    transport: Transport
    limiter: Limiter
    keys: Keys | None
    clock: Clock
    ids: Callable[[], str]
    rng: random.Random
    settings: RetrySettings
    offsets: Offsets = field(default_factory=Offsets)
    _measures: dict[str, Measure] = field(default_factory=dict)
    _breakers: dict[Group, Breaker] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        # One for each group: a dead candle endpoint must not keep anybody from asking after an order.
        self._breakers = {group: Breaker(self.settings, self.clock) for group in Group}

    def measures(self) -> Mapping[str, Measure]:
        """The measures by call name, as of now."""
        with self._lock:
            return dict(self._measures)

    def read(self, call: Call) -> Response:
        """The 2xx reply to a GET, asked again while that may help.

        `VenueRefused` on a refusal (3xx, 4xx), `VenueUnavailable` when the tries are used up, the turn is further
        away than the patience, or the breaker is open.
        """
        if call.method != "GET":
            raise ValueError(f"only a GET may be repeated: {call.name}")
        breaker = self._breakers[call.group]
        breaker.require_closed(call.name)
        cause = ""
        for attempt in range(1, self.settings.attempts + 1):
            if attempt > 1:
                self.clock.sleep(delay(self.settings, attempt - 1, self.rng))
            try:
                response = self.once(call, self._turn(call)).response
            except (NotConnected, Interrupted) as fault:
                cause = f"{type(fault).__name__}: {fault}"
                continue
            if response.status < 500 and response.status not in (TOO_MANY, BLOCKED):
                breaker.passed()
                return accepted(call, response)
            cause = f"answered {response.status}"
        breaker.failed()
        raise VenueUnavailable(f"{call.name}: {self.settings.attempts} tries failed, the last: {cause}")

    def single(self, call: Call, patience: float | None = None) -> Response:
        """The 2xx reply to a call that must not be repeated, such as a cancellation: sent once or not at all.

        Its turn is waited for up to `patience` seconds (None: as for an order). `VenueUnavailable` when nothing is
        known of it, `VenueRefused` on a refusal.
        """
        turn = self.limiter.take(call.group, self.settings.order_patience if patience is None else patience)
        if isinstance(turn, NoTurn):
            raise VenueUnavailable(f"{call.name}: no turn for {turn.wait:.1f} s")
        try:
            response = self.once(call, turn).response
        except (NotConnected, Interrupted) as cause:
            raise VenueUnavailable(f"{call.name}: {type(cause).__name__}: {cause}") from cause
        if response.status >= 500 or response.status in (TOO_MANY, BLOCKED):
            raise VenueUnavailable(f"{call.name}: answered {response.status}")
        return accepted(call, response)

    def take(self, call: Call) -> Turn | NoTurn:
        """The turn of an order or a cancellation, which do not wait long."""
        return self.limiter.take(call.group, self.settings.order_patience)

    def once(self, call: Call, turn: Turn) -> Reply:
        """Send once and return whatever was answered; `NotConnected` or `Interrupted` as the transport says."""
        request = self._request(call)
        started = self.clock.now()
        failed = True
        try:
            response = self.transport.send(request)
            failed = not 200 <= response.status < 300
        finally:
            ended = self.clock.now()
            self._measure(call.name, (ended - started).total_seconds(), failed)
        self.offsets.heard(response.headers.get("date", ""), started, ended)
        return Reply(response, self.limiter.heard(turn, response))

    def _turn(self, call: Call) -> Turn:
        turn = self.limiter.take(call.group, self.settings.patience)
        if isinstance(turn, NoTurn):
            raise VenueUnavailable(f"{call.name}: the venue has shut this group for {turn.wait:.1f} s")
        return turn

    def _request(self, call: Call) -> Request:
        # Compressed replies exist for market data only (upbit-api.md, section 1).
        headers = {"accept-encoding": "gzip" if call.group.quotation else "identity"}
        body = None
        if call.body:
            headers["content-type"] = "application/json; charset=utf-8"
            body = msgspec.json.encode(dict(call.body))
        if call.private:
            if self.keys is None:
                raise Misconfigured(f"{call.name} needs Upbit keys: none are set")
            headers["authorization"] = bearer(self.keys, self.ids(), query_text(call.body or call.query))
        return Request(method=call.method, path=call.path, query=call.query, headers=headers, body=body)

    def _measure(self, name: str, seconds: float, failed: bool) -> None:
        with self._lock:
            old = self._measures.get(name, Measure())
            self._measures[name] = Measure(old.count + 1, old.seconds + seconds, old.failures + failed)


def accepted(call: Call, response: Response) -> Response:
    """`response` when it is 2xx; `VenueRefused` with the venue's name and words otherwise."""
    if 200 <= response.status < 300:
        return response
    why = refusal(response.body)
    if why is None:
        raise VenueRefused(call.name, response.status, "", "no error object in the reply")
    raise VenueRefused(call.name, response.status, why.name, why.message)


def chunks(names: Sequence[Name], size: int) -> list[tuple[Name, ...]]:
    """The distinct `names`, `size` at a time: for calls that take a list of bounded length."""
    distinct = tuple(dict.fromkeys(names))
    return [distinct[at : at + size] for at in range(0, len(distinct), size)]
