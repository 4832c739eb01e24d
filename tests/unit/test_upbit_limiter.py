"""The law of the pacing: the rate is held, evenly, and no window of the venue is ever overfilled."""

import random
import threading
from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from makenaide.domain.errors import Misconfigured
from makenaide.exchange.http import Response
from makenaide.exchange.upbit.limiter import (
    VENUE_LIMITS,
    Group,
    Limiter,
    LimiterSettings,
    NoTurn,
    Turn,
    group_of,
    remaining,
)
from tests.unit.upbit_script import START, StepClock

OURS = LimiterSettings()
WHOLE = LimiterSettings(
    market=10,
    candle=10,
    trade=10,
    ticker=10,
    orderbook=10,
    default=30,
    order=12,
    order_test=8,
    order_cancel_all=0.5,
)


class FixedWindows:
    """The venue's counter: `calls` in each window of `seconds`, whose edges lie `phase` before ours."""

    def __init__(self, group: Group, phase: float) -> None:
        self.limit = VENUE_LIMITS[group]
        self.phase = phase
        self.counts: Counter[int] = Counter()
        self.refused = 0

    def hear(self, seconds: float) -> Response:
        window = int((seconds + self.phase) // self.limit.seconds)
        self.counts[window] += 1
        left = self.limit.calls - self.counts[window]
        self.refused += left < 0
        return answered(max(0, left), 429 if left < 0 else 200)


def answered(left: int | None, status: int = 200, body: bytes = b"", **headers: str) -> Response:
    """A reply that says that `left` calls are left."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    if left is not None:
        named["remaining-req"] = f"group=default; min=1800; sec={left}"
    return Response(status=status, headers=named, body=body)


def limiter(clock: StepClock, chosen: LimiterSettings | None = None) -> Limiter:
    return Limiter(chosen or LimiterSettings(), clock, random.Random(3))


def turn(of: Limiter, group: Group, patience: float = 3600) -> Turn:
    taken = of.take(group, patience)
    assert isinstance(taken, Turn)
    return taken


def drive(group: Group, chosen: LimiterSettings, phase: float, jitter: float) -> tuple[list[float], FixedWindows]:
    """60 simulated seconds: when each call was sent, and the venue's counter. Arrivals are late by up to `jitter`."""
    clock, venue, rng = StepClock(), FixedWindows(group, phase), random.Random(5)
    pacer = limiter(clock, chosen)
    sent: list[float] = []
    while True:
        given_turn = turn(pacer, group)
        at = (given_turn.sent - START).total_seconds()
        if at >= 60:
            return sent, venue
        sent.append(at)
        pacer.heard(given_turn, venue.hear(at + rng.uniform(0, jitter)))


@pytest.mark.parametrize("jitter", [0.0, 0.03])
@pytest.mark.parametrize("chosen", [LimiterSettings(), WHOLE], ids=["our share", "the whole limit"])
@pytest.mark.parametrize("group", [Group.TICKER, Group.DEFAULT, Group.ORDER, Group.ORDER_CANCEL_ALL])
def test_the_rate_is_held_evenly_and_no_window_overflows_at_any_phase(
    group: Group, chosen: LimiterSettings, jitter: float
) -> None:
    rate = chosen.rate(group)
    for step in range(20):
        sent, venue = drive(group, chosen, VENUE_LIMITS[group].seconds * step / 20, jitter)
        gaps = [later - earlier for earlier, later in pairwise(sent)]
        assert venue.refused == 0
        assert len(gaps) / (sent[-1] - sent[0]) >= 0.95 * rate
        assert max(gaps) - min(gaps) <= 0.001, "evenly spaced"


@settings(max_examples=60)
@given(
    phase=st.floats(0, 1),
    jitters=st.lists(st.floats(0, 0.04), min_size=1, max_size=40),
    idle=st.lists(st.floats(0, 2), min_size=1, max_size=40),
)
def test_idle_spells_and_late_arrivals_never_overfill_a_window(
    phase: float, jitters: list[float], idle: list[float]
) -> None:
    clock, venue = StepClock(), FixedWindows(Group.TICKER, phase)
    pacer = limiter(clock, WHOLE)
    for number in range(120):
        given_turn = turn(pacer, Group.TICKER)
        at = (given_turn.sent - START).total_seconds()
        pacer.heard(given_turn, venue.hear(at + jitters[number % len(jitters)]))
        if number % 15 == 14:
            clock.sleep(idle[number % len(idle)])
    assert venue.refused == 0


@pytest.mark.parametrize(
    ("method", "path", "group"),
    [
        ("GET", "/v1/market/all", "market"),
        ("GET", "/v1/candles/days", "candle"),
        ("GET", "/v1/candles/minutes/60", "candle"),
        ("GET", "/v1/trades/ticks", "trade"),
        ("GET", "/v1/ticker", "ticker"),
        ("GET", "/v1/ticker/all", "ticker"),
        ("GET", "/v1/orderbook", "orderbook"),
        ("GET", "/v1/orderbook/instruments", "orderbook"),
        ("GET", "/v1/accounts", "default"),
        ("GET", "/v1/order", "default"),
        ("DELETE", "/v1/order", "default"),
        ("DELETE", "/v1/orders/uuids", "default"),
        ("GET", "/v1/orders/chance", "default"),
        ("GET", "/v1/orders/open", "default"),
        ("POST", "/v1/orders", "order"),
        ("POST", "/v1/orders/cancel_and_new", "order"),
        ("POST", "/v1/orders/test", "order-test"),
        ("DELETE", "/v1/orders/open", "order-cancel-all"),
    ],
)
def test_the_group_follows_from_method_and_path(method: str, path: str, group: str) -> None:
    assert group_of(method, path) == group


@pytest.mark.parametrize(
    ("header", "left"),
    [
        ("group=default; min=1800; sec=29", 29),
        ("group=crix-trades; min=600; sec=0", 0),
        ("group=default; min=1800; sec=" + "9" * 6000, 999_999_999),
        ("garbage", None),
        ("", None),
    ],
)
def test_the_header_is_read_whatever_group_it_names(header: str, left: int | None) -> None:
    assert remaining({"remaining-req": header}) == left
    assert remaining({}) is None


def test_the_defaults_leave_the_guard_its_share() -> None:
    chosen = LimiterSettings()
    for group in Group:
        limit = VENUE_LIMITS[group]
        assert chosen.rate(group) < limit.calls / limit.seconds


@pytest.mark.parametrize("bad", [{"ticker": 11.0}, {"order": -1.0}, {"margin": 0.5}, {"block_first": 0.5}])
def test_a_share_above_the_limit_of_the_venue_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(Misconfigured, match=next(iter(bad))):
        LimiterSettings(**bad)


def test_a_window_that_somebody_else_emptied_is_waited_out_whole() -> None:
    clock = StepClock()
    pacer = limiter(clock)
    first = turn(pacer, Group.TICKER)
    pacer.heard(first, answered(0))
    second = turn(pacer, Group.TICKER)
    assert second.sent - first.sent >= timedelta(seconds=1.04)
    assert turn(pacer, Group.CANDLE).sent == second.sent, "other groups do not wait"


def test_a_window_that_others_emptied_after_our_first_calls_is_waited_out_from_the_last_of_them() -> None:
    pacer = limiter(StepClock())
    pacer.heard(turn(pacer, Group.TICKER), answered(9))
    second = turn(pacer, Group.TICKER)
    pacer.heard(second, answered(0))
    assert turn(pacer, Group.TICKER).sent - second.sent >= timedelta(seconds=1.04)


def test_a_window_that_our_own_share_filled_costs_nothing() -> None:
    clock = StepClock()
    pacer = limiter(clock)
    taken = []
    for left in reversed(range(int(OURS.ticker))):
        taken.append(turn(pacer, Group.TICKER))
        pacer.heard(taken[-1], answered(left))
    following = turn(pacer, Group.TICKER)
    assert following.sent - taken[-1].sent <= timedelta(seconds=1.05 / OURS.ticker)


def test_a_reply_without_the_header_changes_nothing() -> None:
    clock = StepClock()
    pacer = limiter(clock)
    assert pacer.heard(turn(pacer, Group.TICKER), answered(None)) == 0
    assert turn(pacer, Group.TICKER).sent - START == timedelta(seconds=1.04 / OURS.ticker)


def test_each_429_in_a_row_may_wait_longer_and_a_good_reply_forgives() -> None:
    chosen = LimiterSettings(penalty_base=1, penalty_cap=4)
    clock = StepClock()
    pacer = limiter(clock, chosen)
    waits = []
    for spans in (1, 2, 4, 4):
        given_turn = turn(pacer, Group.ORDER)
        wait = pacer.heard(given_turn, answered(0, 429, b"Too many API requests."))
        assert 1.04 <= wait <= 1.04 + spans
        waits.append(wait)
        refused_at = clock.now()
        assert turn(pacer, Group.ORDER).sent - refused_at >= timedelta(seconds=wait - 0.001)
    assert len(set(waits)) == len(waits), "jittered"
    assert pacer.heard(turn(pacer, Group.ORDER), answered(5)) == 0
    assert pacer.heard(turn(pacer, Group.ORDER), answered(0, 429)) <= 1.04 + 1


def test_a_429_that_names_its_wait_is_believed() -> None:
    pacer = limiter(StepClock())
    assert pacer.heard(turn(pacer, Group.ORDER), answered(0, 429, retry_after="30")) == 30


@pytest.mark.parametrize(
    ("body", "headers", "low", "high"),
    [
        (b"", {"retry_after": "42"}, 42, 43),
        (b'{"error":{"name":418,"message":"blocked for 25 seconds"}}', {}, 25, 26),
        ('{"error":{"name":"x","message":"12초 후"}}'.encode(), {}, 12, 13),
        (b"I'm a teapot", {}, 10, 11),
        (b"", {"retry_after": "Wed, 21 Oct 2026 07:28:00 GMT"}, 10, 11),
        (b"", {"retry_after": "9" * 400}, 3600, 3601),
        (b"for 0 seconds", {}, 10, 11),
        (b"\xff\xfe", {}, 10, 11),
    ],
)
def test_a_418_waits_as_long_as_it_says_or_ten_seconds(
    body: bytes, headers: dict[str, str], low: float, high: float
) -> None:
    pacer = limiter(StepClock())
    assert low <= pacer.heard(turn(pacer, Group.ORDER), answered(None, 418, body, **headers)) <= high


def test_a_418_that_names_no_wait_doubles_up_to_the_cap() -> None:
    pacer = limiter(StepClock(), LimiterSettings(block_cap=35))
    waits = [pacer.heard(turn(pacer, Group.ORDER), answered(None, 418)) for _ in range(4)]
    assert [int(wait) for wait in waits] == [10, 20, 35, 35]
    assert pacer.heard(turn(pacer, Group.ORDER), answered(5)) == 0
    assert 10 <= pacer.heard(turn(pacer, Group.ORDER), answered(None, 418)) <= 11, "a good reply forgives"


def test_who_was_blocked_together_does_not_come_back_together() -> None:
    waits = set()
    for seed in range(20):
        pacer = Limiter(LimiterSettings(), StepClock(), random.Random(seed))
        waits.add(pacer.heard(turn(pacer, Group.ORDER), answered(None, 418, retry_after="30")))
    assert len(waits) == 20
    assert max(waits) - min(waits) > 0.5


def test_a_418_shuts_what_is_counted_at_the_same_place_and_nothing_else() -> None:
    clock = StepClock()
    pacer = limiter(clock)
    pacer.heard(turn(pacer, Group.CANDLE), answered(None, 418))
    assert isinstance(pacer.take(Group.TICKER, 5), NoTurn), "the same address"
    assert turn(pacer, Group.ORDER, 0).sent == START, "another count: the pocket's"


def test_without_patience_nobody_waits_and_nothing_is_reserved() -> None:
    clock = StepClock()
    pacer = limiter(clock)
    pacer.heard(turn(pacer, Group.ORDER), answered(None, 418, retry_after="20"))
    refused = pacer.take(Group.ORDER, 2)
    assert isinstance(refused, NoTurn)
    assert 20 <= refused.wait <= 21
    assert clock.slept == []
    clock.sleep(refused.wait)
    assert turn(pacer, Group.ORDER, 0).sent == clock.now()


def test_a_clock_that_is_set_back_does_not_stop_the_pace() -> None:
    clock = StepClock()
    pacer = limiter(clock)
    turn(pacer, Group.TICKER)
    clock.at -= timedelta(hours=1)
    assert turn(pacer, Group.TICKER, 1).sent <= clock.now()
    assert clock.slept[-1] <= 0.2


class LateClock(StepClock):
    """Every sleep ends `late` seconds too late."""

    late = 0.0

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds + self.late)


@pytest.mark.parametrize(("late", "held"), [(0.002, 0.95), (0.02, 0.95), (0.3, 0.25)])
def test_a_little_lateness_costs_no_rate_and_a_lot_never_bunches(late: float, held: float) -> None:
    clock = LateClock()
    clock.late = late
    pacer = limiter(clock)
    sent = [(turn(pacer, Group.TICKER).sent - START).total_seconds() for _ in range(100)]
    gaps = [later - earlier for earlier, later in pairwise(sent)]
    assert 99 / (sent[-1] - sent[0]) >= held * OURS.ticker
    assert min(gaps) >= 1.04 / OURS.ticker - 0.021


class Interruption(StepClock):
    """During the first sleep another thread hears a 418."""

    def __init__(self) -> None:
        super().__init__()
        self.pacer: Limiter | None = None
        self.earlier: Turn | None = None

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self.pacer is not None and self.earlier is not None:
            pacer, self.pacer = self.pacer, None
            pacer.heard(self.earlier, answered(None, 418, retry_after="15"))


class RunningClock(StepClock):
    """Time passes while one looks at it."""

    def now(self) -> datetime:
        self.at += timedelta(microseconds=3)
        return self.at


def test_without_patience_a_turn_that_is_free_is_taken_though_time_passes_meanwhile() -> None:
    pacer = limiter(RunningClock())
    assert isinstance(pacer.take(Group.ORDER, 0), Turn)
    assert isinstance(pacer.take(Group.ORDER, 0), NoTurn)


def test_a_penalty_that_comes_while_one_sleeps_is_served_as_well() -> None:
    clock = Interruption()
    pacer = limiter(clock)
    clock.earlier = turn(pacer, Group.TICKER)
    clock.pacer = pacer
    assert turn(pacer, Group.TICKER).sent - START >= timedelta(seconds=15)


def test_threads_never_get_the_same_turn() -> None:
    clock = StepClock()
    pacer = limiter(clock)
    reserved: list[float] = []
    guard = threading.Lock()

    def work() -> None:
        for _ in range(25):
            taken = pacer.take(Group.DEFAULT, 3600)
            assert isinstance(taken, Turn)
            with guard:
                reserved.append(1.0)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(reserved) == 100
    # 100 turns of 20/s: at whatever order the threads slept, the plan has moved on by 99 spacings.
    following = pacer.take(Group.DEFAULT, 3600)
    assert isinstance(following, Turn)
    assert (following.sent - START).total_seconds() >= 99 * 1.04 / 20 - 0.1
