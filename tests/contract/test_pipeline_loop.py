"""The schedule and the loop: what is due, what was missed, what is resumed, when it gives up or is asked to stop."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from makenaide.domain.clock import KST
from makenaide.domain.errors import Misconfigured, Unavailable
from makenaide.pipeline.cycle import run_cycle
from makenaide.pipeline.loop import Patience, run_loop
from makenaide.pipeline.schedule import ScheduleSettings, due
from makenaide.store.db import Database
from makenaide.store.runs import equity_rows, latest_run, open_run
from tests.contract.charts import ETH, FIRST, Chart, bitcoin, tape
from tests.contract.faults import Fault, Kind
from tests.contract.trading import Exchange, Trader, open_trader

DAY = timedelta(days=1)
DAILY = ScheduleSettings()
TWICE = ScheduleSettings(slots=("21:00", "09:00"))
CALM = Chart(market=ETH, price=5_000_000, days=[0.01] * 6)


def at(text: str) -> datetime:
    """KST as written, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=KST).astimezone(UTC)


@pytest.mark.parametrize(
    ("schedule", "now", "done", "missed", "slot"),
    [
        (DAILY, "2026-01-05 09:00", None, [], "2026-01-05 09:00"),
        (DAILY, "2026-01-05 08:59", None, [], "2026-01-04 09:00"),
        (DAILY, "2026-01-05 23:00", "2026-01-05 09:00", [], None),
        (DAILY, "2026-01-06 08:59", "2026-01-05 09:00", [], None),
        (DAILY, "2026-01-06 09:00", "2026-01-05 09:00", [], "2026-01-06 09:00"),
        (DAILY, "2026-01-07 10:00", "2026-01-05 09:00", ["2026-01-06 09:00"], "2026-01-07 09:00"),
        (DAILY, "2026-01-01 09:00", "2025-12-31 09:00", [], "2026-01-01 09:00"),
        (
            DAILY,
            "2026-01-02 12:00",
            "2025-12-30 09:00",
            ["2025-12-31 09:00", "2026-01-01 09:00"],
            "2026-01-02 09:00",
        ),
        (DAILY, "2028-03-01 09:00", "2028-02-28 09:00", ["2028-02-29 09:00"], "2028-03-01 09:00"),
        (TWICE, "2026-01-05 20:59", "2026-01-05 09:00", [], None),
        (TWICE, "2026-01-05 21:00", "2026-01-05 09:00", [], "2026-01-05 21:00"),
        (TWICE, "2026-01-01 00:30", "2025-12-31 09:00", [], "2025-12-31 21:00"),
        (TWICE, "2026-01-01 10:00", "2025-12-31 09:00", ["2025-12-31 21:00"], "2026-01-01 09:00"),
        (DAILY, "2026-01-04 10:00", "2026-01-05 09:00", [], None),
    ],
)
def test_what_is_due_now(
    schedule: ScheduleSettings, now: str, done: str | None, missed: list[str], slot: str | None
) -> None:
    found = due(schedule, at(now), None if done is None else at(done))
    assert found.missed == tuple(at(each) for each in missed)
    assert found.slot == (None if slot is None else at(slot))


@pytest.mark.parametrize(
    ("slots", "said"),
    [
        (("9:00", "09:00"), "expected HH:MM"),
        (("21:00",), "expected 09:00 among them"),
        (("25:00",), "hour must be"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(slots: tuple[str, ...], said: str) -> None:
    with pytest.raises(Misconfigured, match=said):
        ScheduleSettings(slots=slots)


def begun(journal: Database, many: int | None, **settings: object) -> Trader:
    """An account whose last slot is the `many`-th."""
    exchange = Exchange(tape=tape(bitcoin(6), CALM))
    last = None if many is None else FIRST + (many - 1) * DAY
    return open_trader(journal, exchange, last_slot=last, **settings)  # type: ignore[arg-type]


def runs(trader: Trader) -> list[tuple[str, str]]:
    """Day and status of every run."""
    rows = trader.db.rows("run_counts", account_id=trader.account.account_id)
    assert sum(row.many for row in rows) >= len(trader.seen)
    found = []
    for n in range(7):
        row = trader.db.row("run_get", account_id=trader.account.account_id, slot=FIRST + n * DAY)
        if row is not None:
            found.append((str(n), row.status))
    return found


def test_every_slot_is_run_once_up_to_the_last(journal: Database) -> None:
    trader = begun(journal, 4)
    assert trader.run()
    assert runs(trader) == [(each, "done") for each in "0123"]
    assert [each.slot for each in trader.seen] == [FIRST + n * DAY for n in range(4)]
    assert [row.slot for row in equity_rows(journal, trader.account.account_id)] == [
        each.slot for each in trader.seen
    ]
    assert trader.run(), "nothing is due any more"
    assert len(trader.seen) == 4
    trader.laws()


def test_slots_that_passed_while_nobody_ran_are_recorded_and_only_the_newest_is_run(journal: Database) -> None:
    trader = begun(journal, 6)
    run_cycle(trader.session, FIRST)
    trader.clock.move_to(FIRST + 3 * DAY + timedelta(hours=5))
    assert trader.run()
    assert runs(trader) == [("0", "done"), ("1", "missed"), ("2", "missed"), *[(each, "done") for each in "345"]]


def test_a_slot_that_was_broken_off_is_resumed_before_anything_else(journal: Database) -> None:
    trader = begun(journal, 4)
    open_run(journal, trader.account.account_id, FIRST, trader.clock.now())
    trader.clock.move_to(FIRST + 2 * DAY + timedelta(hours=5))
    assert trader.run()
    assert runs(trader) == [("0", "done"), ("1", "missed"), ("2", "done"), ("3", "done")]
    assert trader.decisions()[ETH] is not None


def test_a_slot_begins_only_after_its_delay(journal: Database) -> None:
    trader = begun(journal, 2)
    trader.run()
    second = journal.row("run_get", account_id=trader.account.account_id, slot=FIRST + DAY)
    assert second is not None
    assert second.started_at >= FIRST + DAY + timedelta(seconds=10)


def test_a_slot_beside_the_decision_enters_nothing_and_values_the_account(journal: Database) -> None:
    schedule = ScheduleSettings(slots=("09:00", "21:00"))
    trader = begun(journal, 2, schedule=schedule)
    assert trader.run()
    evening = FIRST + DAY / 2
    assert trader.decisions(evening) == {}
    assert evening in [row.slot for row in equity_rows(journal, trader.account.account_id)]


def test_a_venue_that_fails_is_tried_again_as_often_as_patience_allows(journal: Database) -> None:
    trader = begun(journal, 2)
    trader.wire.faults.append(Fault(kind=Kind.HTML, method="GET", path="/v1/market/all", times=8))
    assert trader.run(Patience(tries=3, pause_seconds=60))
    assert runs(trader) == [("0", "done"), ("1", "done")]


def test_patience_ends_and_what_was_done_is_kept(journal: Database) -> None:
    trader = begun(journal, 2)
    trader.wire.faults.append(Fault(kind=Kind.HTML, method="GET", path="/v1/market/all", times=99))
    with pytest.raises(Unavailable):
        trader.run(Patience(tries=2, pause_seconds=60))
    row = latest_run(journal, trader.account.account_id)
    assert row is not None
    assert row.status == "running"
    trader.wire.faults.clear()
    trader.clock.sleep(60)
    assert trader.run()


def stopping_after(calls: int) -> Callable[[], bool]:
    """Asks to stop at the `calls`-th question."""
    asked = iter(range(10**6))
    return lambda: next(asked) >= calls


@pytest.mark.parametrize("calls", range(12))
def test_asking_to_stop_ends_the_loop_and_the_next_run_finishes(journal: Database, calls: int) -> None:
    trader = begun(journal, 3, stopping=stopping_after(calls))
    ended = run_loop(trader.session, trader.seen.append, Patience(tries=3))
    again = trader.reopened()
    assert again.run()
    assert runs(again) == [(each, "done") for each in "012"]
    assert ended is False or len(trader.seen) == 3
    again.laws()
