"""Eyes on the stream: a touching frame wakes them at once, and what is stale is never taken for a price."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from makenaide.domain.errors import Unavailable
from makenaide.domain.market import Market
from makenaide.domain.money import Price
from makenaide.exchange.upbit.stream.frames import BookFrame
from makenaide.exchange.upbit.stream.latest import Latest
from makenaide.exchange.upbit.stream.watcher import EyesParts, EyesSettings, StreamWatcher, in_thread
from makenaide.exchange.upbit.stream.wire import parse
from makenaide.exchange.venue import Fence, Sighting
from tests.unit.upbit_frames import book
from tests.unit.upbit_stream_script import START, HandClock

BTC, ETH = Market("KRW-BTC"), Market("KRW-ETH")
FAR = Fence(Price(1), Price(999_000_000))
FLOOR = Fence(Price(90_000), Price(999_000_000))


@dataclass
class Rest:
    """The REST look: what it sees now, or how it fails; keeps notes."""

    clock: HandClock
    bids: dict[Market, Price] = field(default_factory=dict)
    fault: Unavailable | None = None
    looks: list[tuple[float, frozenset[Market]]] = field(default_factory=list)

    def wait(self, until: datetime, fences: Mapping[Market, Fence]) -> Sighting:
        assert until <= self.clock.now()
        self.looks.append((self.clock.seconds, frozenset(fences)))
        if self.fault is not None:
            raise self.fault
        return Sighting(at=self.clock.now(), bids={code: bid for code, bid in self.bids.items() if code in fences})


def eyes_on(rest: Rest, **other: Any) -> StreamWatcher:
    """Eyes without a stream that live by the clock of `rest` for a minute, but for the `other` parts."""
    clock = rest.clock
    parts = EyesParts(
        latest=Latest(),
        follow=lambda _: None,
        fallback=rest,
        clock=clock,
        monotonic=clock.monotonic,
        stopping=lambda: clock.seconds >= 60,
        pause=lambda _version, seconds: clock.sleep(seconds),
        run=lambda job: job(),
    )
    return StreamWatcher(replace(parts, **other))


@dataclass
class Street:
    """Eyes whose stream plays `frames` (seconds, market, bid) while they wait."""

    frames: list[tuple[float, Market, int]] = field(default_factory=list)
    settings: EyesSettings = field(default_factory=EyesSettings)
    stop: float = 1e9
    clock: HandClock = field(default_factory=HandClock)
    latest: Latest = field(default_factory=Latest)
    followed: list[frozenset[Market]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rest = Rest(self.clock)
        self.eyes = eyes_on(
            self.rest,
            latest=self.latest,
            follow=self.followed.append,
            stopping=lambda: self.clock.seconds >= self.stop,
            pause=self._pause,
            settings=self.settings,
        )

    def show(self, code: Market, bid: int) -> None:
        (frame,) = parse(book(code, bid))
        assert isinstance(frame, BookFrame)
        self.latest.put(frame, self.clock.mark)

    def wait(self, seconds: float, fences: Mapping[Market, Fence]) -> Sighting:
        return self.eyes.wait(START + timedelta(seconds=seconds), fences)

    def _pause(self, version: int, seconds: float) -> None:
        if self.latest.version != version:
            return
        end = self.clock.seconds + seconds
        if self.frames and self.frames[0][0] <= end:
            at, code, bid = self.frames.pop(0)
            self.clock.sleep(at - self.clock.seconds)
            self.show(code, bid)
        else:
            self.clock.sleep(seconds)


def beating(until: int, code: Market = BTC, bid: int = 100_000) -> list[tuple[float, Market, int]]:
    return [(float(second), code, bid) for second in range(until)]


def test_a_frame_that_touches_the_floor_ends_the_wait_at_that_moment() -> None:
    street = Street([*beating(5), (5.125, BTC, 90_000)])
    seen = street.wait(60, {BTC: FLOOR})
    assert seen.bids == {BTC: Price(90_000)}
    assert seen.at == START + timedelta(seconds=5.125)


def test_a_frame_above_the_peak_ends_the_wait_too() -> None:
    street = Street([*beating(5), (5.125, BTC, 100_001)])
    street.rest.bids = {BTC: Price(100_000)}
    assert street.wait(60, {BTC: Fence(Price(1), Price(100_000))}).at == START + timedelta(seconds=5.125)


def test_untouched_it_waits_until_the_time_has_come_and_asks_rest_now_and_then() -> None:
    street = Street(beating(31))
    street.rest.bids = {BTC: Price(100_000)}
    seen = street.wait(30, {BTC: FLOOR})
    assert seen.bids == {BTC: Price(100_000)}
    assert seen.at == START + timedelta(seconds=30)
    assert [at for at, _ in street.rest.looks] == pytest.approx([0, 10, 20, 30], abs=1)


def test_the_first_look_is_answered_at_once_though_the_stream_knows_nothing_yet() -> None:
    street = Street()
    street.rest.bids = {BTC: Price(100_000)}
    assert street.wait(0, {BTC: FLOOR}).bids == {BTC: Price(100_000)}
    assert street.clock.seconds == 0


def test_a_stream_that_fell_silent_is_replaced_by_rest_and_its_price_is_not_used() -> None:
    street = Street([*beating(5)])
    street.rest.bids = {BTC: Price(100_000)}
    street.wait(5, {BTC: FLOOR})
    street.rest.bids = {BTC: Price(80_000)}
    seen = street.wait(60, {BTC: FLOOR})
    assert seen.bids == {BTC: Price(80_000)}
    assert 7 <= street.clock.seconds <= 9


def test_a_lost_connection_is_noticed_at_once() -> None:
    street = Street(beating(3))
    street.rest.bids = {BTC: Price(100_000)}
    street.wait(2.5, {BTC: FLOOR})
    street.latest.clear()
    street.rest.bids = {BTC: Price(80_000)}
    assert street.wait(60, {BTC: FLOOR}).bids == {BTC: Price(80_000)}
    assert street.clock.seconds < 4


def test_a_market_that_the_stream_does_not_know_is_looked_at_by_rest_every_second() -> None:
    street = Street(beating(20))
    street.rest.bids = {BTC: Price(100_000), ETH: Price(95_000)}
    seen = street.wait(10, {BTC: FLOOR, ETH: FLOOR})
    assert seen.bids == {BTC: Price(100_000), ETH: Price(95_000)}
    assert 10 <= len(street.rest.looks) <= 11


def test_a_market_that_nobody_knows_is_left_out_and_does_not_blind_the_others() -> None:
    street = Street([*beating(5), (5.5, BTC, 90_000)])
    street.rest.bids = {BTC: Price(100_000)}
    seen = street.wait(60, {BTC: FLOOR, ETH: FLOOR})
    assert seen.bids == {BTC: Price(90_000)}
    assert seen.at == START + timedelta(seconds=5.5)


def test_a_rest_answer_is_no_price_for_long() -> None:
    street = Street(settings=EyesSettings(look=30.0, lasting=2.0))
    street.rest.bids = {BTC: Price(100_000)}
    street.wait(1, {BTC: FLOOR})
    street.rest.fault = Unavailable("down")
    with pytest.raises(Unavailable):
        street.wait(60, {BTC: FLOOR})
    assert street.clock.seconds >= 30


def test_a_rest_answer_that_is_too_old_is_asked_again_before_the_wait_ends() -> None:
    street = Street(settings=EyesSettings(look=30.0, lasting=2.0))
    street.rest.bids = {BTC: Price(100_000)}
    street.wait(1, {BTC: FLOOR})
    street.rest.bids = {BTC: Price(99_000)}
    assert street.wait(20, {BTC: FLOOR}).bids == {BTC: Price(99_000)}
    assert len(street.rest.looks) == 2


def test_a_book_that_came_after_the_doubt_is_not_forgotten() -> None:
    street = Street()
    street.show(BTC, 100_000)
    street.latest.forget(BTC, street.clock.mark - 1)
    street.latest.forget(ETH, street.clock.mark)
    assert list(street.latest.books([BTC])) == [BTC]
    street.latest.forget(BTC, street.clock.mark)
    assert street.latest.books([BTC]) == {}


@pytest.mark.parametrize(("mark", "alive"), [(1003.0, True), (1003.01, False)])
def test_a_stream_is_alive_up_to_the_last_moment_of_the_time_it_has(mark: float, alive: bool) -> None:
    latest = Latest()
    latest.beat(1000.0)
    assert latest.alive(mark, 3.0) is alive


def test_blind_on_both_eyes_it_says_so() -> None:
    street = Street()
    street.rest.fault = Unavailable("down")
    with pytest.raises(Unavailable, match="down"):
        street.wait(60, {BTC: FLOOR})


def test_a_look_that_failed_before_the_wait_began_does_not_end_it() -> None:
    street = Street(settings=EyesSettings(look=30.0))
    street.rest.fault = Unavailable("down")
    with pytest.raises(Unavailable, match="down"):
        street.wait(60, {BTC: FLOOR})
    street.rest.fault, street.rest.bids = None, {BTC: Price(80_000)}
    street.clock.sleep(1)
    assert street.wait(60, {BTC: FLOOR}).bids == {BTC: Price(80_000)}
    assert street.clock.seconds == 30


def test_rest_that_is_down_does_not_blind_the_stream() -> None:
    street = Street([*beating(8), (8.5, BTC, 90_000)])
    street.show(BTC, 100_000)
    street.rest.fault = Unavailable("down")
    seen = street.wait(60, {BTC: FLOOR, ETH: FLOOR})
    assert seen.bids == {BTC: Price(90_000)}
    assert street.wait(9, {BTC: FLOOR, ETH: FLOOR}).bids == {BTC: Price(90_000)}


def test_at_its_time_it_returns_what_it_knows_though_the_rest_of_it_is_dark() -> None:
    street = Street(beating(20))
    street.show(BTC, 100_000)
    street.rest.fault = Unavailable("down")
    assert street.wait(5, {BTC: FLOOR, ETH: FLOOR}).bids == {BTC: Price(100_000)}
    assert street.clock.seconds == 5


def test_a_book_that_rest_contradicts_has_missed_a_frame_and_is_forgotten() -> None:
    street = Street([(float(second), Market("KRW-XRP"), 500) for second in range(1, 60)])
    street.show(ETH, 100_000)
    street.rest.bids = {ETH: Price(100_000)}
    street.wait(5, {ETH: FLOOR})
    street.rest.bids = {ETH: Price(85_000)}
    seen = street.wait(60, {ETH: FLOOR})
    assert seen.bids == {ETH: Price(85_000)}
    assert 10 <= street.clock.seconds <= 11


def test_a_side_without_bids_is_no_touch_and_no_blindness() -> None:
    street = Street([*beating(2), *((float(second), BTC, 0) for second in range(2, 12))])
    street.rest.bids = {BTC: Price(100_000)}
    street.wait(1.5, {BTC: FLOOR})
    street.rest.bids = {}
    assert street.wait(8, {BTC: FLOOR}).bids == {}
    assert street.clock.seconds == 8
    assert len(street.rest.looks) <= 3


def test_it_follows_what_is_watched_and_lets_go_only_when_that_is_much() -> None:
    street = Street()
    street.wait(0, {})
    assert street.followed == []
    for fences in ({BTC: FAR}, {BTC: FAR, ETH: FAR}, {ETH: FAR}):
        street.rest.bids = dict.fromkeys(fences, Price(5))
        street.wait(0, fences)
    assert street.followed == [frozenset({BTC}), frozenset({BTC, ETH})]
    many = {Market(f"KRW-A{number}"): FAR for number in range(40)}
    street.rest.bids = dict.fromkeys(many, Price(5))
    street.clock.sleep(5)
    street.wait(0, many)
    street.rest.bids = {BTC: Price(5)}
    street.clock.sleep(5)
    street.wait(0, {BTC: FAR})
    assert street.followed[2:] == [frozenset(many) | {BTC, ETH}, frozenset({BTC})]


def test_a_stop_ends_the_wait() -> None:
    street = Street(beating(60), stop=3.0)
    street.wait(60, {BTC: FLOOR})
    assert street.clock.seconds <= 3.3


def test_nothing_watched_just_lets_the_time_pass() -> None:
    street = Street()
    assert street.wait(5, {}).bids == {}
    assert street.rest.looks == []


def test_a_rest_look_that_hangs_does_not_hide_a_touching_frame_for_more_than_milliseconds() -> None:
    latest, hang = Latest(), threading.Event()

    class Hanging(Rest):
        def wait(self, until: datetime, fences: Mapping[Market, Fence]) -> Sighting:
            hang.wait(10)
            raise Unavailable("late")

    clock = HandClock()
    clock.monotonic = time.monotonic  # type: ignore[method-assign]
    eyes = eyes_on(Hanging(clock), latest=latest, pause=latest.wait, run=in_thread)
    shown: list[float] = []
    timer = threading.Timer(0.1, _shower(latest, shown))
    timer.start()
    seen = eyes.wait(START + timedelta(seconds=60), {BTC: FLOOR})
    woke = time.monotonic()
    hang.set()
    timer.join()
    assert seen.bids == {BTC: Price(90_000)}
    assert woke - shown[0] < 1  # microseconds as a rule; the look hangs for ten seconds


def _shower(latest: Latest, shown: list[float]) -> Callable[[], None]:
    def show() -> None:
        (frame,) = parse(book(BTC, 90_000))
        assert isinstance(frame, BookFrame)
        shown.append(time.monotonic())
        latest.put(frame, shown[0])

    return show


def test_a_look_that_breaks_off_in_an_unforeseen_way_does_not_hold_the_wait_for_ever() -> None:
    clock = HandClock()
    broken: list[BaseException] = []

    class Broken(Rest):
        def wait(self, until: datetime, fences: Mapping[Market, Fence]) -> Sighting:
            raise KeyError("a fault of ours")

    def run(job: Callable[[], None]) -> None:
        try:
            job()
        except KeyError as fault:
            broken.append(fault)

    eyes = eyes_on(Broken(clock), run=run)
    for number in range(1, 4):
        with pytest.raises(Unavailable, match="broke off"):
            eyes.wait(START + timedelta(seconds=5), {BTC: FLOOR})
        clock.sleep(2)
        assert len(broken) == number, "and it is looked again"


def test_a_look_that_finds_no_thread_is_a_failed_look_and_the_next_one_is_taken() -> None:
    clock = HandClock()
    started: list[Callable[[], None]] = []

    def run(job: Callable[[], None]) -> None:
        started.append(job)
        if len(started) == 1:
            raise RuntimeError("can't start new thread")
        job()

    eyes = eyes_on(Rest(clock, {BTC: Price(95_000)}), run=run)
    with pytest.raises(Unavailable, match="can't start new thread"):
        eyes.wait(START + timedelta(seconds=5), {BTC: FLOOR})
    clock.sleep(1)
    assert eyes.wait(START + timedelta(seconds=5), {BTC: FLOOR}).bids == {BTC: Price(95_000)}
    assert clock.seconds == 5
