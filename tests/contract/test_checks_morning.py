"""The morning list on a real database: connection, candles, measures, jobs."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from makenaide.domain.candle import Candle
from makenaide.domain.clock import day_start, trading_day
from makenaide.domain.errors import Unavailable
from makenaide.domain.market import Market
from makenaide.domain.money import Krw, Price, Quantity
from makenaide.exchange.venue import Ticker
from makenaide.monitoring.measures import CYCLE, Name, Registry
from makenaide.ops.checks.candles import candles
from makenaide.ops.checks.connection import connection
from makenaide.ops.checks.morning import MORNING
from makenaide.ops.checks.parts import board
from makenaide.ops.checks.performance import answers, failures, starts
from makenaide.ops.runner import run_checks
from makenaide.ops.scene import Board, Scene
from makenaide.store.accounts import Account, open_account
from makenaide.store.candles import mark_gone, put_listings
from makenaide.store.db import Database, Role
from makenaide.store.embedded import EmbeddedPostgres
from makenaide.store.jobs import claim_job, finish_job
from makenaide.store.measures import put_samples
from makenaide.store.runs import finish_run, mark_missed, open_run
from tests.contract.conftest import Connect
from tests.unit.morning_scene import NOW, HandMade, said, scene

FEED = "feed"
ACCOUNT = Account(
    account_id="0001aaaaaaaa",
    venue="simulator",
    mode="paper",
    feed=FEED,
    installation="0001",
    identity={},
    settings={},
    first_slot=None,
    last_slot=None,
)
DAY = timedelta(days=1)
TODAY = day_start(trading_day(NOW))
"""The decision slot of NOW's day: 09:00 KST."""

See = Callable[..., Scene]


@pytest.fixture
def see(journal: Database, connect: Connect) -> See:
    """Scenes over the test's database, each look with a reader of its own."""
    with journal.transaction():
        open_account(journal, ACCOUNT)

    def books() -> AbstractContextManager[Database]:
        return connect(Role.READER)

    def new(place: HandMade | None = None, **more: Any) -> Scene:
        about: dict[str, Any] = {"account": ACCOUNT, "books": books}
        return scene(place, **(about | more))

    return new


def listed(db: Database, names: list[str], at: datetime) -> None:
    rows = [{"market": name, "korean_name": "이름", "english_name": "A", "warning": False} for name in names]
    put_listings(db, FEED, rows, at)


def closed(db: Database, names: list[str], newest: datetime, days: int = 3) -> None:
    """Day candles of `names`, the newest of which starts at `newest`."""
    db.connection.execute(
        b"insert into candle (feed, market, minutes, start, open, high, low, close, volume, turnover)"
        b" select %(feed)s, m, 1440, %(newest)s - n * interval '1 day', 100, 101, 99, 100, 1, 100"
        b" from unnest(%(names)s::text[]) m, generate_series(0, %(days)s - 1) n",
        {"feed": FEED, "newest": newest, "names": names, "days": days},
    )


def note(db: Database, name: Name, values: list[float], *, at: datetime = NOW, **more: Any) -> None:
    """Values measured up to `at`; the first `failed` of them failed."""
    registry, failed = Registry(), more.get("failed", 0)
    for number, value in enumerate(values):
        registry.note(name, more.get("label", "x"), value, failed=number < failed)
    put_samples(db, ACCOUNT.account_id, registry.take(at))


# ---- M4 ----

BOARD = Board(shown="a", generated="a", widgets={"API": ("api",), "Returns": ("return", "drawdown")})


@pytest.mark.parametrize(
    ("shown", "ages", "expected"),
    [
        ("a", {"api": 23.9, "return": 0, "drawdown": 1}, ("PASS", "m4_good", None)),
        ("a", {"api": 24, "return": 0, "drawdown": 1}, ("WARN", "m4_silent", "API (api)")),
        ("a", {"api": 1, "return": 30}, ("WARN", "m4_silent", "Returns (return, drawdown)")),
        ("b", {"api": 1, "return": 1, "drawdown": 1}, ("WARN", "m4_other", None)),
        (None, {"api": 1, "return": 1, "drawdown": 1}, ("WARN", "m4_none", None)),
    ],
)
def test_every_widget_of_the_dashboard_needs_data_of_a_day(
    see: See,
    journal: Database,
    shown: str | None,
    ages: dict[str, float],
    expected: tuple[str, str, str | None],
) -> None:
    for name, hours in ages.items():
        note(journal, Name(name), [1.0], at=NOW - timedelta(hours=hours))
    place = HandMade(shown=Board(shown=shown, generated="a", widgets=BOARD.widgets))
    found = board(see(place))
    assert said(found) == expected[:2]
    assert expected[2] in (None, found.said.values.get("widgets"))


# ---- M5 ----


def test_a_connection_tells_its_schema_its_room_and_that_it_stays_on_the_machine(
    see: See, journal: Database
) -> None:
    note(journal, Name.CONNECT, [0.01] * 30)
    note(journal, Name.QUERY, [0.002] * 30)
    found = connection(see())
    assert said(found) == ("PASS", "m5_good")
    assert found.value["schema"] == 6
    assert found.value["private"] is True
    assert found.value["encrypted"] is False
    assert 0 < found.value["connections"]["used"] < found.value["connections"]["most"]
    assert found.value["connects"]["count"] == found.value["queries"]["count"] == 30
    assert 0 < found.value["latency_seconds"] < 1


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [
        (0.0, ("PASS", "m5_good")),
        (2.0, ("WARN", "m5_skew")),
        (-2.0, ("WARN", "m5_skew")),
        (9, ("FAIL", "m5_skew")),
    ],
)
def test_the_databases_clock_is_compared_with_the_machines_not_with_the_accounts(
    see: See, ahead: float, expected: tuple[str, str]
) -> None:
    found = connection(see(), lambda: datetime.now(UTC) + timedelta(seconds=ahead))
    assert said(found) == expected
    assert found.value["skew_seconds"] == pytest.approx(-ahead, abs=0.5)


def test_statements_that_are_slow_or_connections_that_fail_are_told(see: See, journal: Database) -> None:
    note(journal, Name.QUERY, [0.6] * 30)
    note(journal, Name.CONNECT, [0.01] * 30, failed=3)
    found = connection(see())
    assert said(found) == ("FAIL", "m5_refused")
    assert found.value["also"] == ["m5_queries"]


def test_without_an_account_the_connection_is_looked_at_all_the_same(see: See) -> None:
    assert said(connection(see(account=None))) == ("PASS", "m5_good")


def test_another_schema_is_a_failure(see: See, connect: Connect) -> None:
    owner = connect()
    owner.connection.execute(b"insert into migration (version, name, sha256) values (99, 'later', 'x')")
    assert said(connection(see())) == ("FAIL", "m5_schema")


@pytest.mark.parametrize("change", [{"password": "wrong", "passfile": ""}, {"port": "1"}])
def test_a_wrong_password_or_a_server_that_is_down_is_a_failure(
    see: See, postgres: EmbeddedPostgres, change: dict[str, str]
) -> None:
    from psycopg.conninfo import make_conninfo  # noqa: PLC0415 - only here

    there = make_conninfo(postgres.conninfo, **change)
    found = connection(see(books=lambda: Database.connect(there, role=Role.READER)))
    assert said(found) == ("FAIL", "m5_down")
    assert "wrong" not in str(found.said.values["cause"]).replace("wrong password", "")


# ---- M6 ----

NAMES = ["KRW-BTC", *(f"KRW-M{number}" for number in range(99))]


@pytest.fixture
def market(see: See, journal: Database) -> Database:
    """A hundred markets, refreshed this morning, each with its newest candle."""
    listed(journal, NAMES, TODAY - 9 * DAY)
    listed(journal, NAMES, TODAY + timedelta(seconds=15))
    closed(journal, NAMES, TODAY - 2 * DAY)
    closed(journal, NAMES, TODAY - DAY, 1)
    return journal


def test_markets_with_the_newest_closed_candle_are_fresh(see: See, market: Database) -> None:
    found = candles(see())
    assert said(found) == ("PASS", "m6_fresh")
    assert found.value["markets"] == 100
    assert found.value["stale"] == 0


def test_a_row_that_was_touched_while_its_candle_is_old_fails(see: See, market: Database) -> None:
    later = NOW + DAY
    listed(market, NAMES, later)  # every row is touched, and no candle came in
    found = candles(see(now=later))
    assert said(found) == ("FAIL", "m6_leader")
    assert found.value["also"] == ["m6_stale"]
    assert found.value["stale"] == 100
    assert found.value["listed_at"] == later.isoformat()


def test_a_candle_of_the_future_makes_nothing_fresh(see: See, market: Database) -> None:
    later = NOW + 2 * DAY
    listed(market, NAMES, later)
    closed(market, NAMES, later + 9 * DAY, 1)
    assert said(candles(see(now=later))) == ("FAIL", "m6_leader")


def test_a_market_that_left_the_list_and_one_that_is_new_are_not_asked_for(see: See, market: Database) -> None:
    mark_gone(market, FEED, [Market(name) for name in NAMES if name.endswith("7")], NOW)
    listed(market, ["KRW-NEW"], TODAY + timedelta(seconds=15))
    found = candles(see())
    assert said(found) == ("PASS", "m6_fresh")
    assert (found.value["markets"], found.value["stale"]) == (91, 0)


def test_an_old_list_fails_though_its_candles_are_there(see: See, market: Database) -> None:
    closed(market, NAMES, TODAY, 1)
    found = candles(see(now=TODAY + DAY + timedelta(minutes=10)))
    assert said(found) == ("FAIL", "m6_listing")


@pytest.mark.parametrize(
    ("minutes", "status", "expected"),
    [
        (2, None, ("PASS", "m6_waiting")),
        (5, None, ("FAIL", "m6_leader")),
        (5, "running", ("PASS", "m6_waiting")),
        (5, "done", ("FAIL", "m6_leader")),
        (10, "running", ("FAIL", "m6_leader")),
    ],
)
def test_before_ten_past_nine_the_candle_before_is_accepted_while_the_run_is_under_way(
    see: See, market: Database, minutes: int, status: str | None, expected: tuple[str, str]
) -> None:
    tomorrow = TODAY + DAY
    if status is not None:
        run = open_run(market, ACCOUNT.account_id, tomorrow, tomorrow)
        if status == "done":
            finish_run(market, run, tomorrow)
    assert said(candles(see(now=tomorrow + timedelta(minutes=minutes)))) == expected


@dataclass(frozen=True)
class Archive:
    """A venue that knows one day candle of each market; None: it does not answer."""

    start: datetime | None
    traded: datetime | None = None

    def tickers(self, markets: Sequence[Market]) -> dict[Market, Ticker]:
        if self.start is None:
            raise Unavailable("no answer")
        at = self.traded or self.start + DAY
        return {each: Ticker(market=each, price=Price(100), turnover_24h=Krw(0), at=at) for each in markets}

    def day_candles(self, market: Market, before: datetime, count: int) -> list[Candle]:
        if self.start is None:
            raise Unavailable("no answer")
        assert count == 1
        assert self.traded is None, "the ticker has told it already"
        candle = Candle(
            market=market,
            start=self.start,
            minutes=1440,
            open=Price(100),
            high=Price(100),
            low=Price(100),
            close=Price(100),
            volume=Quantity(1),
            turnover=Krw(100),
        )
        return [candle] if self.start < before else []


@pytest.mark.parametrize(
    ("there", "traded", "expected"),
    [
        (TODAY - 2 * DAY, None, ("PASS", "m6_fresh")),  # nobody traded there either
        (TODAY - 2 * DAY, TODAY - DAY - timedelta(seconds=1), ("PASS", "m6_fresh")),
        (TODAY - DAY, None, ("WARN", "m6_stale")),  # the venue has what we lack
        (None, None, ("WARN", "m6_stale")),  # nobody knows
    ],
)
def test_a_market_in_which_nobody_traded_lacks_no_candle(
    see: See, market: Database, there: datetime | None, traded: datetime | None, expected: tuple[str, str]
) -> None:
    quiet = [f"KRW-Q{number}" for number in range(3)]
    listed(market, quiet, TODAY - 9 * DAY)
    listed(market, quiet, TODAY)
    closed(market, quiet, TODAY - 2 * DAY)
    assert said(candles(see(venue=Archive(there, traded)))) == expected


def test_the_leader_of_the_gate_is_never_excused(see: See, journal: Database) -> None:
    listed(journal, ["KRW-BTC"], TODAY - 9 * DAY)
    listed(journal, ["KRW-BTC"], TODAY)
    closed(journal, ["KRW-BTC"], TODAY - 2 * DAY)
    assert said(candles(see(venue=Archive(TODAY - 2 * DAY)))) == ("FAIL", "m6_leader")


def test_no_market_at_all_is_unknown(see: See) -> None:
    assert said(candles(see())) == ("UNKNOWN", "m6_none")


# ---- M8 ----


@pytest.mark.parametrize(
    ("planned", "started", "expected"),
    [
        ({"trader": 6}, 10, ("PASS", "m8_good")),
        ({"trader": 6}, 11, ("WARN", "m8_many")),
        ({"trader": 4, "steward": 2}, 20, ("WARN", "m8_many")),
        ({"trader": 6}, 21, ("FAIL", "m8_many")),
        ({"trader": 6}, 0, ("UNKNOWN", "m8_none")),
        ({"trader": 0}, 0, ("PASS", "m8_good")),
        ({}, 0, ("PASS", "m8_good")),
        ({}, 5, ("WARN", "m8_many")),
    ],
)
def test_starts_are_counted_against_what_is_planned_and_a_few(
    see: See, journal: Database, planned: dict[str, int], started: int, expected: tuple[str, str]
) -> None:
    note(journal, Name.START, [0.5] * started, label="trader")
    found = starts(see(HandMade(runs=planned)))
    assert said(found) == expected
    assert found.value["count"] == started
    assert found.value["guide"] == 10
    assert found.value["band"] == ("target" if started else None)


def test_only_the_last_day_counts_and_a_count_of_none_is_a_sample(see: See, journal: Database) -> None:
    note(journal, Name.START, [1.0] * 99, at=NOW - DAY)
    note(journal, Name.START, [1.0] * 99, at=NOW + timedelta(seconds=1))
    assert said(starts(see(HandMade(runs={"trader": 1})))) == ("UNKNOWN", "m8_none")
    registry = Registry()
    registry.expect(Name.START, "trader")
    put_samples(journal, ACCOUNT.account_id, registry.take(NOW))
    assert said(starts(see(HandMade(runs={"trader": 1})))) == ("PASS", "m8_good")


# ---- M9 ----


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], ("UNKNOWN", "m9_none")),
        ([1.0, 2.99], ("PASS", "m9_good")),
        ([1.0, 3.0], ("WARN", "m9_slow")),
        ([4.0, 4.0], ("WARN", "m9_slow")),
        ([4.0, 4.01], ("FAIL", "m9_slow")),
    ],
)
def test_the_exchange_answers_on_average_below_the_limit(
    see: See, journal: Database, values: list[float], expected: tuple[str, str]
) -> None:
    note(journal, Name.API, values)
    assert said(answers(see())) == expected


def test_the_slowest_call_is_told_with_its_percentiles(see: See, journal: Database) -> None:
    note(journal, Name.API, [0.01] * 100, label="GET /v1/ticker")
    note(journal, Name.API, [0.1] * 98 + [3.0, 3.0], label="POST /v1/orders")
    found = answers(see())
    assert found.said.values["slowest"] == "POST /v1/orders"
    assert found.value["slowest"]["POST /v1/orders"]["p95"] == pytest.approx(0.128)
    assert found.value["slowest"]["POST /v1/orders"]["p99"] == 3.0
    assert list(found.value["slowest"]) == ["POST /v1/orders", "GET /v1/ticker"]


# ---- M10 ----


def job(db: Database, name: str, outcome: str | None, at: datetime = NOW - timedelta(hours=1)) -> None:
    claim = claim_job(db, (ACCOUNT.account_id, name, at), "me", at, timedelta(minutes=5))
    assert claim is not None
    if outcome is not None:
        finish_job(db, claim, at, outcome, {})


def test_nothing_ran_is_unknown_and_no_rate_of_zero(see: See) -> None:
    found = failures(see())
    assert said(found) == ("UNKNOWN", "m10_none")
    assert found.value["ratio"] is None


@pytest.mark.parametrize(
    ("many", "failed", "expected"),
    [
        (1000, 5, ("PASS", "m10_good")),
        (1000, 9, ("PASS", "m10_good")),
        (1000, 10, ("WARN", "m10_failed")),
        (1000, 50, ("WARN", "m10_failed")),
        (1000, 51, ("FAIL", "m10_failed")),
        (19, 1, ("WARN", "m10_failed")),
    ],
)
def test_the_rate_of_measured_work_decides(
    see: See, journal: Database, many: int, failed: int, expected: tuple[str, str]
) -> None:
    note(journal, Name.WORK, [1.0] * many, failed=failed)
    found = failures(see())
    assert said(found) == expected
    assert found.value["ratio"] == failed / many


def test_jobs_and_runs_count_once_though_measures_tell_of_them_too(see: See, journal: Database) -> None:
    note(journal, Name.WORK, [1.0], label="backup", failed=1)
    note(journal, Name.WORK, [1.0], label=CYCLE)
    job(journal, "backup", "failed")
    job(journal, "evening", "missed")
    job(journal, "readiness", "done")
    job(journal, "morning", None)  # its holder died
    job(journal, "audit", None, NOW - timedelta(minutes=1))  # under way
    job(journal, "old", "failed", NOW - DAY - timedelta(hours=1))
    finish_run(journal, open_run(journal, ACCOUNT.account_id, TODAY, TODAY), TODAY)
    mark_missed(journal, ACCOUNT.account_id, TODAY - DAY, TODAY)  # a day old when its row is written
    found = failures(see())
    assert {
        name: (each["count"], each["failures"], each["missed"]) for name, each in found.value["work"].items()
    } == {
        "backup": (1, 1, 0),
        "evening": (0, 0, 1),
        "readiness": (1, 0, 0),
        "morning": (1, 1, 0),
        CYCLE: (1, 0, 1),
    }
    assert said(found) == ("WARN", "m10_failed")
    assert found.said.values["names"] == "backup 1/1, morning 1/1"
    assert found.value["also"] == ["m10_missed"]


# ---- the whole list ----


def test_without_an_account_what_is_about_one_is_unknown(see: See) -> None:
    results = run_checks(MORNING, see(account=None))
    unknown = {each.check.id for each in results if each.evidence.said.key == "raised"}
    assert unknown == {"M4", "M6", "M7", "M8", "M9", "M10"}


def test_no_look_hangs_with_289_markets_and_a_year_of_candles(see: See, journal: Database) -> None:
    names = ["KRW-BTC", *(f"KRW-M{number}" for number in range(288))]
    listed(journal, names, TODAY)
    closed(journal, names, TODAY - DAY, 400)
    results = run_checks(MORNING, see())
    assert "hung" not in {each.evidence.said.key for each in results}
    assert said(results[5].evidence) == ("PASS", "m6_fresh")
