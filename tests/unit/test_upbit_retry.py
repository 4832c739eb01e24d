"""Reads are asked again, patiently and at random; orders never; and a dead group is left alone for a while."""

import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from makenaide.domain.clock import Clock
from makenaide.domain.errors import Misconfigured, Unavailable
from makenaide.domain.market import Market
from makenaide.exchange.http import Interrupted, NotConnected
from makenaide.exchange.upbit.errors import VenueRefused, VenueUnavailable
from makenaide.exchange.upbit.limiter import Limiter, LimiterSettings
from makenaide.exchange.upbit.line import Call, Line
from makenaide.exchange.upbit.retry import Breaker, RetrySettings, delay
from tests.unit.upbit_script import Script, Step, StepClock, refused, reply, stand

FAULTS: list[Step] = [
    NotConnected("refused"),
    Interrupted("reset"),
    reply(b"", 500),
    reply(b"<html>", 503),
    reply(b"Too many API requests.", 429),
    reply(b"", 418, retry_after="5"),
]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_read_survives_any_passing_fault(fault: Step) -> None:
    at = stand([fault, fault, reply([])])
    assert at.client.accounts() == {}
    assert len(at.sent) == 3


@pytest.mark.parametrize("fault", FAULTS)
def test_a_read_gives_up_after_its_tries_and_says_why(fault: Step) -> None:
    at = stand([fault], settings=RetrySettings(attempts=3))
    with pytest.raises(VenueUnavailable, match=r"GET /v1/accounts: 3 tries failed, the last: ") as caught:
        at.client.accounts()
    assert len(at.sent) == 3
    assert caught.value.exit_code == 11


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 422])
def test_a_refusal_is_not_asked_again(status: int) -> None:
    at = stand([refused(status, "some_name", "말")])
    with pytest.raises(VenueRefused, match=r"GET /v1/accounts: refused with .* some_name: 말") as caught:
        at.client.accounts()
    refusal = caught.value
    assert (refusal.status, refusal.name, refusal.message) == (status, "some_name", "말")
    assert isinstance(refusal, Unavailable)
    assert len(at.sent) == 1


def test_a_refusal_without_an_error_object_has_no_name() -> None:
    with pytest.raises(VenueRefused, match=r"\(no name\)") as caught:
        stand([reply(b"<html>", 403)]).client.accounts()
    assert caught.value.name == ""


def test_nothing_but_a_get_can_be_repeated() -> None:
    clock = StepClock()
    line = Line(
        transport=Script([reply([])], clock),
        limiter=Limiter(LimiterSettings(), clock, random.Random(1)),
        keys=None,
        clock=clock,
        ids=lambda: "n",
        rng=random.Random(1),
        settings=RetrySettings(),
    )
    for method in ("POST", "DELETE", "PUT"):
        with pytest.raises(ValueError, match="only a GET"):
            line.read(Call(method=method, path="/v1/orders"))


@given(attempt=st.integers(1, 60), seed=st.integers(0, 1000))
def test_the_wait_has_full_jitter_and_a_cap(attempt: int, seed: int) -> None:
    settings = RetrySettings(base=0.25, cap=4)
    assert 0 <= delay(settings, attempt, random.Random(seed)) <= min(4, 0.25 * 2 ** (attempt - 1))


def test_the_wait_reaches_both_ends_of_its_span() -> None:
    rng = random.Random(9)
    waits = [delay(RetrySettings(), 20, rng) for _ in range(300)]
    assert min(waits) < 0.1
    assert max(waits) > 3.9


def test_the_waits_are_slept_between_the_tries_only() -> None:
    at = stand([Interrupted("x")], settings=RetrySettings(attempts=4, base=2, cap=2))
    with pytest.raises(VenueUnavailable):
        at.client.accounts()
    backoffs = [seconds for seconds in at.clock.slept if seconds > 0.06]
    assert 1 <= len(backoffs) <= 3
    assert (at.clock.now() - stand([]).clock.now()).total_seconds() <= 6.2


def test_a_block_longer_than_the_patience_is_not_waited_out() -> None:
    at = stand([reply(b"", 418, retry_after="600")])
    with pytest.raises(VenueUnavailable, match=r"shut this group for (599|600)\.\d s"):
        at.client.accounts()
    assert len(at.sent) == 1
    assert sum(at.clock.slept) < 5


def test_a_dead_group_fails_fast_for_a_while_and_the_others_do_not_care() -> None:
    settings = RetrySettings(attempts=1, breaker_failures=3, breaker_pause=20)
    at = stand([reply(b"", 500)], settings=settings)
    for _ in range(3):
        with pytest.raises(VenueUnavailable, match="tries failed"):
            at.client.tickers([Market("KRW-BTC")])
    with pytest.raises(VenueUnavailable, match="3 reads failed in a row, next try in 20"):
        at.client.tickers([Market("KRW-BTC")])
    assert len(at.sent) == 3
    at.script.steps = [reply([])]
    assert at.client.accounts() == {}, "another group"
    at.clock.sleep(20)
    with pytest.raises(Unavailable, match="lacks"):
        at.client.tickers([Market("KRW-BTC")])
    assert len(at.sent) == 5


def test_after_the_pause_one_more_failure_starts_the_next() -> None:
    clock = StepClock()
    breaker = Breaker(RetrySettings(breaker_failures=2, breaker_pause=10), clock)
    breaker.failed()
    breaker.require_closed("a")
    breaker.failed()
    with pytest.raises(VenueUnavailable):
        breaker.require_closed("a")
    clock.sleep(10)
    breaker.require_closed("a")
    breaker.failed()
    with pytest.raises(VenueUnavailable):
        breaker.require_closed("a")
    breaker.passed()
    breaker.require_closed("a")
    breaker.failed()
    breaker.require_closed("a")


def test_a_clock_that_is_set_back_does_not_stretch_the_pause() -> None:
    clock = StepClock()
    breaker = Breaker(RetrySettings(breaker_failures=1), clock)
    breaker.failed()
    clock.at -= timedelta(hours=1)
    breaker.require_closed("a")


@pytest.mark.parametrize("bad", [{"attempts": 0}, {"cap": -1.0}, {"breaker_failures": 0}])
def test_settings_out_of_range_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(Misconfigured, match=next(iter(bad))):
        RetrySettings(**bad)  # type: ignore[arg-type]  # a table over fields of two types


def test_a_stepped_clock_is_a_clock() -> None:
    clock: Clock = StepClock()
    assert clock.now().tzinfo is not None
