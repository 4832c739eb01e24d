"""Eyes on the real clock: what wakes them, and that one market never blinds the others."""

from datetime import timedelta
from decimal import Decimal

import pytest

from makenaide.domain.errors import Unavailable
from makenaide.domain.market import Market
from makenaide.domain.money import Price
from makenaide.exchange.polling import PollingWatcher
from makenaide.exchange.venue import Fence
from tests.unit.simulator_street import BEGIN, BTC, XRP, Street, flat, seconds
from tests.unit.upbit_script import StepClock, reply, stand
from tests.unit.upbit_street import exchange

FAR = Fence(Price(1), Price(999_000_000))
"""A fence that is never touched."""


def falling() -> Street:
    """KRW-BTC falls after 5 s, KRW-XRP is delisted after 3 s."""
    steps = {
        BTC: [(seconds(0), Decimal(100_000_000)), (seconds(5), Decimal(90_000_000))],
        XRP: [(seconds(0), Decimal(1000))],
    }
    return Street(steps=steps, delisted={XRP: BEGIN + seconds(3)})


def watcher(street: Street) -> tuple[PollingWatcher, StepClock]:
    clock = StepClock(BEGIN)
    return PollingWatcher(quotation=exchange(street, clock), clock=clock, stopping=lambda: False), clock


def test_a_quiet_market_is_watched_until_the_time_has_come() -> None:
    eyes, clock = watcher(flat())
    seen = eyes.wait(BEGIN + seconds(4.5), {BTC: FAR, XRP: FAR})
    assert clock.now() - BEGIN == pytest.approx(seconds(4.5), abs=timedelta(seconds=0.1))
    assert seen.bids == {BTC: Price(99_999_000), XRP: Price(999)}


@pytest.mark.parametrize(
    "fence", [Fence(Price(99_999_000), Price(999_000_000)), Fence(Price(1), Price(99_998_000))]
)
def test_a_bid_at_the_floor_or_above_the_peak_ends_the_wait_at_once(fence: Fence) -> None:
    eyes, clock = watcher(flat())
    assert eyes.wait(BEGIN + seconds(60), {BTC: fence}).at == clock.now()
    assert clock.now() < BEGIN + seconds(1)


def test_a_market_that_is_delisted_does_not_blind_the_stops_of_the_others() -> None:
    eyes, _ = watcher(falling())
    seen = eyes.wait(BEGIN + seconds(60), {BTC: Fence(Price(95_000_000), Price(999_000_000)), XRP: FAR})
    assert seen.bids == {BTC: Price(89_999_000)}
    assert seen.at < BEGIN + seconds(8)


def test_when_all_are_delisted_there_is_nothing_to_see() -> None:
    eyes, _ = watcher(falling())
    assert eyes.wait(BEGIN + seconds(6), {XRP: FAR}).bids == {}
    assert eyes.wait(BEGIN + seconds(8), {XRP: FAR, Market("KRW-NONE"): FAR}).bids == {}


def test_nothing_held_asks_nothing_and_a_stop_ends_the_wait() -> None:
    silent = stand([reply([])])
    eyes = PollingWatcher(quotation=silent.client, clock=silent.clock, stopping=lambda: True)
    assert eyes.wait(silent.clock.now() + seconds(60), {}).bids == {}
    assert silent.sent == []


def test_an_exchange_that_does_not_answer_is_said_to_be_unavailable() -> None:
    down = stand([reply(b"", status=500)])
    eyes = PollingWatcher(quotation=down.client, clock=down.clock, stopping=lambda: False)
    with pytest.raises(Unavailable):
        eyes.wait(down.clock.now() + seconds(60), {BTC: FAR})
