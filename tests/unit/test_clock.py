"""The flag that a signal raises, and the sleep that ends with it."""

import os
import signal
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from makenaide.app.clock import StopFlag, WallClock


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_raises_the_flag_and_the_old_handlers_come_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    flag = StopFlag()
    with flag.on_signals():
        assert not flag()
        os.kill(os.getpid(), number)
        flag.wait(10)
        assert flag()
    assert signal.getsignal(number) is before


def test_a_sleep_ends_as_soon_as_the_flag_is_raised() -> None:
    flag = StopFlag()
    clock = WallClock(flag)
    timer = threading.Timer(0.05, flag.raise_)
    started = time.monotonic()
    timer.start()
    clock.sleep(60)
    timer.join()
    assert time.monotonic() - started < 30
    clock.sleep(60)
    assert time.monotonic() - started < 30


def test_a_sleep_lasts_as_long_as_asked_and_never_backwards() -> None:
    clock = WallClock(StopFlag())
    started = time.monotonic()
    clock.sleep(0.02)
    assert time.monotonic() - started >= 0.019
    clock.sleep(0)
    clock.sleep(-5)


def test_the_present_is_aware_and_in_utc() -> None:
    now = WallClock(StopFlag()).now()
    assert now.tzinfo is UTC
    assert abs(now - datetime.now(UTC)) < timedelta(minutes=1)
