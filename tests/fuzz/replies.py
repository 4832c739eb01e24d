"""The client's calls, met with replies of any status, headers and bytes; and the headers by themselves."""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import count
from typing import Any

from makenaide.domain.errors import Unavailable, UnknownMarket
from makenaide.domain.market import Market
from makenaide.domain.money import Price
from makenaide.exchange.http import Interrupted, NotConnected, Response
from makenaide.exchange.simulator.stepped import Remote
from makenaide.exchange.upbit.limiter import Group, Limiter, LimiterSettings, NoTurn, Turn, remaining
from makenaide.exchange.upbit.offset import Offsets
from makenaide.exchange.upbit.retry import RetrySettings
from makenaide.exchange.venue import Fence
from tests.fuzz.material import body, junk, spoiled, text
from tests.fuzz.sound import require_sound, require_words
from tests.unit.test_upbit_garbage import BOOK, CALLS, SEEDS, VALUED
from tests.unit.test_upbit_wire import CANDLE, CHANCE, LIMIT_SELL, LISTING, MARKET_BUY, TICKER
from tests.unit.upbit_script import KEYS, START, Stand, StepClock, stand

_STATUSES = (200, 200, 200, 200, 201, 204, 301, 400, 401, 403, 404, 404, 418, 429, 500, 502, 503, 507)
_TRANSFER = {
    "uuid": "d",
    "currency": "BTC",
    "amount": "1",
    "fee": "0",
    "state": "DONE",
    "created_at": "2026-03-01T00:00:00Z",
}
_ORDER = MARKET_BUY | {"identifier": "mk1-7f3a-KRW-BTC-20260105T0900-e01"}
_TICK = {"market": "KRW-BTC", "timestamp": 1751606040327, "trade_price": 1, "trade_volume": 1, "ask_bid": "BID"}
_REACHED = {"at": "2026-01-05T00:00:01+00:00", "bids": {"KRW-BTC": "100"}}
_CLOCK = dict.fromkeys(("now", "first_slot", "end"), "2026-01-05T00:00:00+00:00")
_CANCELS = {
    "success": {"count": 1, "orders": [{"uuid": "u", "market": "KRW-BTC", "identifier": "i"}]},
    "failed": {"orders": []},
}
_FULL = [LIMIT_SELL | {"uuid": f"u-{number}"} for number in range(100)]

TRUE: Mapping[str, Any] = {
    "markets": [json.loads(LISTING)],
    "day candles": [json.loads(CANDLE)],
    "candles": [json.loads(CANDLE)],
    "trades": [_TICK | {"sequential_id": 1}],
    "tickers": [json.loads(TICKER)],
    "all tickers": [json.loads(TICKER)],
    "books": [BOOK],
    "instruments": [{"market": "KRW-BTC", "tick_size": "1000"}],
    "accounts": [
        {"currency": "KRW", "balance": "1", "locked": "0.0"},
        {"currency": "BTC", "balance": "0", "locked": "2"},
    ],
    "chance": CHANCE,
    "wallets": [{"currency": "BTC", "wallet_state": "working", "block_state": None}],
    "keys": [{"access_key": "a", "expire_at": "2026-03-01T09:00:00+09:00"}],
    "deposits": [_TRANSFER | {"uuid": f"d-{number}"} for number in range(3)],
    "withdrawals": [_TRANSFER],
    "place": _ORDER,
    "test": _ORDER,
    "exchange": _ORDER | {"new_order_uuid": "u-2"},
    "order": _ORDER,
    "by uuid": _ORDER,
    "orders": [_ORDER],
    "orders by uuid": [_ORDER],
    "open orders": [LIMIT_SELL],
    "closed orders": [LIMIT_SELL],
    "cancel": _ORDER,
    "cancel many": _CANCELS,
    "cancel all": _CANCELS,
    "withdrawal right": {"error": {"name": "withdraw_not_found", "message": "words"}},
    "address": [{"access_key": "a", "expire_at": "2026-03-01T09:00:00+09:00"}],
    "stepped clock": _CLOCK,
    "stepped advance": _REACHED,
}
"""A true reply to each call; the last two are the stepped simulator's own."""

_NAMES = tuple(TRUE)
_DATES = (
    "Mon, 05 Jan 2026 00:00:10 GMT",
    "Mon, 05 Jan 2026 00:00:10 -2400",
    "Thu, 01 Jan 0001 00:00:00 +1400",
    "x",
    "0",
)
_REMAINING = (
    "group=order; min=1800; sec=11",
    "group=default; min=1; sec=0",
    "sec=99999999999999999999999",
    "group=; sec=-1",
)
_WAITS = ("3", "-1", "1e9", "9" * 400, "٣", "Wed, 21 Oct 2026 07:28:00 GMT", "0", " 7 ", "²")


@dataclass(frozen=True, slots=True)
class Answered:
    """A call, and what the venue answers to it: steps, the last one for ever."""

    call: str
    steps: tuple[Response | Exception, ...]
    settings: RetrySettings


class Calls:
    """The client over a transport that plays what was made up."""

    def make(self, rng: random.Random) -> Answered:
        name = rng.choice(_NAMES)
        steps = tuple(_step(name, rng) for _ in range(rng.choice((1, 1, 1, 2, 3))))
        attempts = rng.choice((1, 1, 1, 2, 4))
        return Answered(name, steps, RetrySettings(attempts=attempts, breaker_failures=rng.choice((1, 1000))))

    def check(self, given: object) -> None:
        assert isinstance(given, Answered)
        done = stand(given.steps, settings=given.settings)
        try:
            require_sound(_asked(given.call, done))
        except (Unavailable, UnknownMarket) as error:
            words = require_words(error)
            _require_silence(given.call, words)
        require_sound(done.client.clock_offset())
        assert len(done.sent) < 300

    def close(self) -> None:
        """Each input has a client of its own."""


def calls(_rng: random.Random) -> Calls:
    """A bench of the client's calls."""
    return Calls()


def _require_silence(name: str, words: str) -> None:
    """Calls whose doubts are values raise nothing, and none tells our secret."""
    assert name not in VALUED, words
    assert KEYS.secret not in words


def _asked(name: str, done: Stand) -> object:
    if name in CALLS:
        return CALLS[name](done.client)
    numbers = count()
    remote = Remote(transport=done.script, keys=KEYS, ids=lambda: f"id-{next(numbers)}")
    if name == "stepped clock":
        return remote.times()
    return remote.advance(START + timedelta(days=1), {Market("KRW-BTC"): Fence(floor=Price(1), peak=Price(2))})


def _step(name: str, rng: random.Random) -> Response | Exception:
    turn = rng.random()
    if turn < 0.02:
        return rng.choice((NotConnected("words"), Interrupted("words")))
    if turn < 0.08:
        true: Any = rng.choice(SEEDS)
    elif turn < 0.1 and name.endswith("orders"):
        true = _FULL
    elif turn < 0.2:
        true = {
            "error": {
                "name": rng.choice(("order_not_found", "out_of_scope", "duplicated_identifier", 404)),
                "message": "m",
            }
        }
    else:
        true = TRUE[name]
    return Response(status=rng.choice(_STATUSES), headers=_headers(rng), body=body(true, rng))


def _headers(rng: random.Random) -> dict[str, str]:
    if rng.random() < 0.4:
        return {}
    headers = {
        "date": _text_of(_DATES, rng),
        "remaining-req": _text_of(_REMAINING, rng),
        "retry-after": _text_of(_WAITS, rng),
        "content-encoding": rng.choice(("gzip", "identity", "br", text(rng))),
        "content-type": rng.choice(("text/html", "application/json; charset=utf-16", text(rng))),
    }
    return {name: headers[name] for name in rng.sample(sorted(headers), rng.randrange(len(headers)))}


def _text_of(true: tuple[str, ...], rng: random.Random) -> str:
    turn = rng.random()
    if turn < 0.2:
        return rng.choice(true)
    if turn < 0.25:
        return format_datetime(
            datetime(rng.randrange(1, 10_000), 1, 1, rng.randrange(24), tzinfo=UTC), usegmt=True
        )
    if turn < 0.3:
        return rng.choice(("9", " ", "-", ";", "sec=", "a")) * rng.choice((10, 1000, 20_000))
    if turn < 0.75:
        return spoiled(rng.choice(true).encode(), rng).decode("latin-1")
    return text(rng, 60)


@dataclass(frozen=True, slots=True)
class Heard:
    """One reply to one turn: only what the limiter and the clock's offset look at."""

    group: Group
    response: Response


@dataclass
class Headers:
    """One limiter and one offset, which hear reply after reply."""

    clock: StepClock = field(default_factory=StepClock)
    offsets: Offsets = field(default_factory=Offsets)
    settings: LimiterSettings = field(default_factory=LimiterSettings)

    def __post_init__(self) -> None:
        self.limiter = Limiter(self.settings, self.clock, random.Random(1))

    def make(self, rng: random.Random) -> Heard:
        said = f"Blocked for {rng.choice(_WAITS)} seconds." if rng.random() < 0.5 else ""
        raw = spoiled(said.encode(), rng) if rng.random() < 0.5 else said.encode() or junk(rng)
        status = rng.choice((200, 200, 400, 418, 429, 429, 500))
        return Heard(rng.choice(list(Group)), Response(status=status, headers=_headers(rng), body=raw))

    def check(self, given: object) -> None:
        assert isinstance(given, Heard)
        left = remaining(given.response.headers)
        assert left is None or 0 <= left < 10**9
        sent = self.clock.now()
        self.offsets.heard(given.response.headers.get("date", ""), sent, sent + timedelta(seconds=0.1))
        require_sound(self.offsets.estimate())
        turn = self.limiter.take(given.group, 1e6)
        assert isinstance(turn, Turn)
        wait = self.limiter.heard(turn, given.response)
        assert 0 <= wait <= self.settings.block_cap + 10
        after = self.limiter.take(given.group, 0.0)
        assert isinstance(after, Turn) or 0 <= after.wait <= self.settings.block_cap + 30
        assert not wait or isinstance(after, NoTurn)

    def close(self) -> None:
        """Nothing grows: a pace for each group, and the latest offsets."""
        assert len(self.offsets._kept) <= 32


def headers(_rng: random.Random) -> Headers:
    """A bench of headers."""
    return Headers()
