"""What a process counts of its own work: sums, gauges, classes, and the percentiles that are read from them."""

import threading
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from makenaide.app import warden
from makenaide.app.guardian import Kept
from makenaide.app.operation import Worker, note_start
from makenaide.domain.errors import Unavailable
from makenaide.exchange.http import Interrupted, NotConnected, Request
from makenaide.monitoring.measures import BOUNDS, OTHERS, Name, Registry, Summary, summary
from makenaide.monitoring.watching import MeasuredTransport
from makenaide.store.measures import Sample
from makenaide.store.processes import seconds_alive
from tests.unit.test_heartbeat import orders
from tests.unit.upbit_script import Script, Step, StepClock, reply

NOW = datetime(2026, 1, 5, 0, 0, 20, tzinfo=UTC)
CALL = Request(method="GET", path="/v1/ticker", query=(("markets", "KRW-BTC"),))


def counted(values: list[float], label: str = "a") -> Registry:
    registry = Registry()
    for value in values:
        registry.note(Name.WORK, label, value)
    return registry


def lower(bound: float) -> float:
    """The bound below that of the class which `bound` lies in."""
    return max((each for each in BOUNDS if each < bound), default=0.0)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("many", [1, 2, 19, 100, 5_000])
def test_a_percentile_is_in_the_class_of_the_one_that_numpy_finds(seed: int, many: int) -> None:
    values = np.random.default_rng(seed).lognormal(mean=-3, sigma=2.5, size=many)
    found = summary(counted(values.tolist()).take(NOW))
    for share, mine in ((0.5, found.p50), (0.95, found.p95), (0.99, found.p99)):
        theirs = float(np.quantile(values, share, method="inverted_cdf"))
        assert mine is not None
        assert lower(min(mine, BOUNDS[-1])) < theirs <= mine
    assert found.mean == pytest.approx(float(values.mean()))
    assert found.largest == values.max()


@pytest.mark.parametrize(
    ("values", "p50", "p95", "p99"),
    [
        ([0.0005], 0.0005, 0.0005, 0.0005),
        ([0.001, 0.001, 0.0011], 0.001, 0.0011, 0.0011),
        ([0.0015] * 94 + [0.1] * 6, 0.002, 0.1, 0.1),
        ([0.0015] * 95 + [0.1] * 5, 0.002, 0.002, 0.1),
        ([500.0] * 2, 500.0, 500.0, 500.0),
        ([BOUNDS[-1]], BOUNDS[-1], BOUNDS[-1], BOUNDS[-1]),
    ],
)
def test_a_value_on_a_bound_belongs_below_it_and_none_is_told_beyond_the_largest(
    values: list[float], p50: float, p95: float, p99: float
) -> None:
    found = summary(counted(values).take(NOW))
    assert (found.p50, found.p95, found.p99) == (p50, p95, p99)


def test_nothing_counted_is_unknown_and_no_ratio() -> None:
    nothing = Summary(count=0, failures=0, mean=None, largest=None, p50=None, p95=None, p99=None)
    assert summary([]) == nothing
    registry = Registry()
    registry.expect(Name.START, "trader")
    assert summary(registry.take(NOW)) == nothing
    assert nothing.failed is None


def test_samples_of_several_whiles_are_put_together_as_one_would_be() -> None:
    registry, whole = Registry(), Registry()
    parts: list[Sample] = []
    for number in range(40):
        for each in (registry, whole):
            each.note(Name.API, "GET /v1/ticker", number / 100, failed=number % 4 == 0)
        if number % 7 == 0:
            parts += registry.take(NOW)
    parts += registry.take(NOW)
    found, one = summary(parts), summary(whole.take(NOW))
    assert len(parts) == 7
    assert (found.count, found.failures, found.failed) == (40, 10, 0.25)
    assert (found.p50, found.p95, found.largest) == (one.p50, one.p95, one.largest)
    assert found.mean == pytest.approx(one.mean)


def test_what_is_taken_is_counted_from_zero_again() -> None:
    registry = counted([1.0, 3.0])
    (sample,) = registry.take(NOW)
    assert (sample.name, sample.label, sample.at, sample.count) == ("work", "a", NOW, 2)
    assert (sample.total, sample.largest, sum(sample.classes)) == (4.0, 3.0, 2)
    assert registry.take(NOW) == ()


def test_what_could_not_be_kept_counts_with_what_comes_after() -> None:
    registry = Registry()
    registry.expect(Name.START, "trader")
    registry.note(Name.CONNECT, "", 0.5, failed=True)
    lost = registry.take(NOW)
    registry.note(Name.CONNECT, "", 2.0)
    registry.put_back(lost)
    connect, start = registry.take(NOW)
    assert (connect.count, connect.failures, connect.total, connect.largest) == (2, 1, 2.5, 2.0)
    assert (start.count, start.largest) == (0, 0.0)


def test_a_gauge_is_the_last_word_and_may_be_negative() -> None:
    registry = Registry()
    registry.gauge(Name.RETURN, 0.25)
    registry.gauge(Name.RETURN, -0.05)
    (sample,) = registry.take(NOW)
    assert (sample.count, sample.total, sample.largest) == (1, -0.05, -0.05)


def test_the_slowest_names_keep_theirs_and_the_rest_is_added_up() -> None:
    registry = Registry()
    for number in range(20):
        registry.note(Name.QUERY, f"query_{number:02}", number / 10)
        registry.note(Name.QUERY, f"query_{number:02}", 0.0, failed=True)
    registry.note(Name.WORK, "cycle", 9.0)
    taken = registry.take(NOW)
    queries = {each.label: each for each in taken if each.name == Name.QUERY}
    assert sorted(queries) == [OTHERS, *(f"query_{number}" for number in range(14, 20))]
    assert (queries[OTHERS].count, queries[OTHERS].failures, queries[OTHERS].largest) == (28, 14, 1.3)
    assert sum(each.count for each in queries.values()) == 40
    assert [each.label for each in taken if each.name == Name.WORK] == ["cycle"]


def test_threads_lose_no_count() -> None:
    registry = Registry()
    taken: list[Sample] = []

    def work() -> None:
        for _ in range(2_000):
            registry.note(Name.QUERY, "one", 0.001)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        taken += registry.take(NOW)
    taken += registry.take(NOW)
    assert sum(each.count for each in taken) == 8_000


@pytest.mark.parametrize(
    ("step", "failed"),
    [
        (reply({}), False),
        (reply({}, status=201), False),
        (reply({}, status=304), True),
        (reply({}, status=429), True),
        (reply({}, status=500), True),
        (NotConnected("no"), True),
        (Interrupted("half"), True),
    ],
    ids=str,
)
def test_a_call_is_timed_by_method_and_path_and_anything_but_success_has_failed(step: Step, failed: bool) -> None:
    seconds = count()
    registry = Registry(timer=lambda: next(seconds) * 0.5)
    carried = MeasuredTransport(Script([step], StepClock()), registry)
    if isinstance(step, Exception):
        with pytest.raises(type(step)):
            carried.send(CALL)
    else:
        assert carried.send(CALL) is step
    (sample,) = registry.take(NOW)
    assert (sample.name, sample.label) == ("api", "GET /v1/ticker")
    assert (sample.count, sample.failures, sample.total) == (1, int(failed), 0.5)


def test_a_worker_tells_of_its_start_once_and_afterwards_that_there_was_none() -> None:
    registry, alive = Registry(), seconds_alive()
    note_start(registry, Worker.TRADER)
    assert 0 < alive <= seconds_alive()
    _, start = registry.take(NOW)
    assert (start.name, start.label, start.count) == ("start", "trader", 1)
    assert alive <= start.total <= seconds_alive()
    connect, start = registry.take(NOW)
    assert (connect.name, connect.count, start.name, start.count) == ("connect", 0, "start", 0)


@pytest.mark.parametrize(
    ("steps", "starts", "failures"),
    [
        ([Kept(pid=1)], 0, 0),
        ([Kept(pid=1, started=True)], 1, 0),
        ([Unavailable("no"), Kept(pid=1, started=True), Kept(pid=1)], 2, 1),
    ],
)
def test_the_trader_notes_the_starts_of_its_guard(
    steps: list[Kept | Exception], starts: int, failures: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = list(steps)

    def ensure(*_: object) -> Kept:
        step = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(step, Exception):
            raise step
        return step

    monkeypatch.setattr(warden, "ensure_guard", ensure)
    registry = Registry()
    with warden.keeping(Path("account"), orders(), lambda *_: None, measures=registry) as one:
        for _ in steps[1:]:
            one.look()
    (start,) = registry.take(NOW)
    assert (start.name, start.label, start.count, start.failures) == ("start", "guard", starts, failures)
