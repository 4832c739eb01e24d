"""M6 by its rules: which candle is wanted when, which market is stale, and how many may be."""

from datetime import datetime, timedelta

import pytest

from makenaide.domain.clock import KST
from makenaide.domain.market import Market
from makenaide.ops.checks.candles import Wanted, judged, stale_markets, wanted_candle
from makenaide.ops.settings import OperationsSettings
from makenaide.store.freshness import MarketAge
from tests.unit.morning_scene import NOW

SETTINGS = OperationsSettings()
DAY = timedelta(days=1)
BTC = Market("KRW-BTC")


def at(text: str) -> datetime:
    """A moment of 2026-03-02 (or -03) in KST."""
    return datetime.fromisoformat(text).replace(tzinfo=KST)


TODAY = at("2026-03-02T09:00")


@pytest.mark.parametrize(
    ("now", "status", "start", "waiting"),
    [
        ("2026-03-02T09:00:00", None, TODAY - 2 * DAY, True),
        ("2026-03-02T09:02:09", None, TODAY - 2 * DAY, True),
        ("2026-03-02T09:02:10", None, TODAY - DAY, False),
        ("2026-03-02T09:05", "running", TODAY - 2 * DAY, True),
        ("2026-03-02T09:09:59", "running", TODAY - 2 * DAY, True),
        ("2026-03-02T09:05", "done", TODAY - DAY, False),
        ("2026-03-02T09:05", "missed", TODAY - DAY, False),
        ("2026-03-02T09:10", "running", TODAY - DAY, False),
        ("2026-03-02T09:10", None, TODAY - DAY, False),
        ("2026-03-02T18:00", "done", TODAY - DAY, False),
        ("2026-03-03T08:59:59", None, TODAY - DAY, False),
        ("2026-03-03T03:00", "running", TODAY - DAY, False),
    ],
)
def test_the_candle_before_counts_only_while_the_run_of_the_slot_has_time_left(
    now: str, status: str | None, start: datetime, waiting: bool
) -> None:
    wanted = wanted_candle(at(now), status, SETTINGS, timedelta(seconds=10))
    assert (wanted.start, wanted.waiting) == (start, waiting)
    assert wanted.listed_by == (TODAY if waiting else at(now))


WANTED = Wanted(start=TODAY - DAY, listed_by=NOW, waiting=False)


def age(
    name: str = "KRW-AAA",
    *,
    newest: datetime | None = TODAY - DAY,
    first: datetime = TODAY - 99 * DAY,
    last: datetime = TODAY,
) -> MarketAge:
    return MarketAge(market=Market(name), first_seen=first, last_seen=last, newest=newest)


@pytest.mark.parametrize(
    ("market", "stale"),
    [
        (age(), False),
        (age(newest=TODAY - 2 * DAY), True),
        (age(newest=TODAY - 2 * DAY, last=NOW), True),  # touched
        (age(newest=None), True),
        (age(newest=None, first=TODAY), False),  # listed today: no day of it has closed
        (age(newest=None, first=TODAY - timedelta(seconds=1)), True),
        (age(newest=TODAY - 2 * DAY, first=TODAY), True),  # it had candles, so it is no new one
        (age("KRW-BTC", newest=None, first=TODAY), True),
    ],
)
def test_a_market_is_stale_without_the_wanted_candle_unless_it_is_younger(market: MarketAge, stale: bool) -> None:
    assert stale_markets([market], WANTED) == ((market,) if stale else ())


def world(many: int, old: int, *, leader: bool = True, listed: datetime = TODAY) -> list[MarketAge]:
    """`many` markets of which the last `old` are a day behind; the first is the leader of the gate."""
    names = ["KRW-BTC" if leader else "KRW-X", *(f"KRW-M{number}" for number in range(1, many))]
    return [
        age(name, newest=TODAY - (2 if number >= many - old else 1) * DAY, last=listed)
        for number, name in enumerate(names)
    ]


@pytest.mark.parametrize(
    ("ages", "expected"),
    [
        ([], [("UNKNOWN", "m6_none")]),
        (world(100, 0), [("PASS", "m6_fresh")]),
        (world(100, 2), [("PASS", "m6_fresh")]),
        (world(100, 3), [("WARN", "m6_stale")]),
        (world(100, 10), [("WARN", "m6_stale")]),
        (world(100, 11), [("FAIL", "m6_stale")]),
        (world(100, 100), [("FAIL", "m6_leader"), ("FAIL", "m6_stale")]),
        (world(100, 0, leader=False), [("FAIL", "m6_leader")]),
        (world(100, 0, listed=NOW - DAY), [("PASS", "m6_fresh")]),
        (world(100, 0, listed=NOW - DAY - timedelta(seconds=1)), [("FAIL", "m6_listing")]),
        (world(100, 3, listed=NOW - 2 * DAY), [("WARN", "m6_stale"), ("FAIL", "m6_listing")]),
    ],
)
def test_a_few_markets_may_lack_their_candle_but_not_the_leader_and_the_list_has_to_be_fresh(
    ages: list[MarketAge], expected: list[tuple[str, str]]
) -> None:
    found = judged(ages, stale_markets(ages, WANTED), WANTED, SETTINGS)
    assert [(str(each.verdict), each.said.key) for each in found] == expected


def test_a_run_with_a_long_delay_is_waited_for_but_not_beyond_the_morning() -> None:
    def waiting(now: str, minutes: int) -> bool:
        return wanted_candle(at(f"2026-03-02T{now}"), None, SETTINGS, timedelta(minutes=minutes)).waiting

    assert [waiting("09:06:59", 5), waiting("09:07", 5)] == [True, False]
    assert [waiting("09:09:59", 10), waiting("09:10", 10)] == [True, False]


@pytest.mark.parametrize(
    ("old", "held", "expected"),
    [
        (1, "KRW-M99", [("WARN", "m6_held")]),
        (1, "KRW-M98", [("PASS", "m6_fresh")]),
        (11, "KRW-M99", [("FAIL", "m6_stale"), ("WARN", "m6_held")]),
    ],
)
def test_a_market_that_is_held_may_never_lack_its_candle(
    old: int, held: str, expected: list[tuple[str, str]]
) -> None:
    ages = world(100, old)
    found = judged(ages, stale_markets(ages, WANTED), WANTED, SETTINGS, {Market(held)})
    assert [(str(each.verdict), each.said.key) for each in found] == expected
    assert found[-1].said.values.get("names", "KRW-M99") == "KRW-M99"


def test_the_stale_ones_are_named_but_not_hundreds_of_them() -> None:
    ages = world(289, 100)
    (found,) = judged(ages, stale_markets(ages, WANTED), WANTED, SETTINGS)
    names = found.said.values["names"].split(", ")
    assert names[0] == "KRW-M189"
    assert len(names) == 21
    assert names[-1] == "..."
    assert found.said.values["day"] == "2026-03-01"
