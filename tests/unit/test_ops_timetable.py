"""The timetable: KST and nothing else, one slot to catch up with, and every other one recorded."""

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise

import pytest

from makenaide.domain.clock import KST
from makenaide.domain.errors import Misconfigured
from makenaide.ops.settings import OperationsSettings
from makenaide.ops.timetable import MOST_MISSED, Doer, Job, JobName, Past, due, jobs, listing, next_start
from makenaide.pipeline.schedule import ScheduleSettings

OPENED = datetime(2020, 1, 1, tzinfo=UTC)
TABLE = {job.name: job for job in jobs(OperationsSettings(), ScheduleSettings())}
EVENING, MORNING, READINESS = (TABLE[JobName(name)] for name in ("evening", "morning", "readiness"))


def at(text: str) -> datetime:
    """ "2026-11-28 09:00" on Korean clocks, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=KST).astimezone(UTC)


def on(text: str, year: int = 2026) -> datetime:
    """ "11-28 09:00" of the year 2026 on Korean clocks."""
    return at(f"{year}-{text}")


def test_a_day_has_these_jobs_at_these_times() -> None:
    told = [
        (job.name.value, [f"{each:%H:%M}" for each in job.times], job.doer.value, job.waits)
        for job in TABLE.values()
    ]
    assert told == [
        ("audit", ["03:10"], "steward", None),
        ("backup", ["03:30"], "steward", None),
        ("database", ["08:40"], "steward", None),
        ("readiness", ["08:50"], "steward", None),
        ("decision", ["09:00"], "trader", None),
        ("morning", ["09:00"], "steward", timedelta(minutes=10)),
        ("evening", ["18:00"], "steward", None),
    ]
    assert {job.name.value for job in TABLE.values() if job.alone} == {"readiness", "morning", "evening"}


def test_the_times_are_the_settings() -> None:
    made = jobs(
        OperationsSettings(evening_at="21:30", morning_by="09:25", audit_at="23:59"),
        ScheduleSettings(slots=("21:00", "09:00")),
    )
    table = {job.name: job for job in made}
    assert table[JobName.EVENING].times == (time(21, 30),)
    assert table[JobName.MORNING].waits == timedelta(minutes=25)
    assert table[JobName.DECISION].times == (time(9), time(21))
    assert made[-1].name is JobName.AUDIT


@pytest.mark.parametrize("wrong", ["09:00", "08:10", "00:00"])
def test_a_morning_list_that_is_due_before_its_run_is_refused(wrong: str) -> None:
    with pytest.raises(Misconfigured, match="morning_by"):
        OperationsSettings(morning_by=wrong)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-11-28 17:59", "2026-11-28 18:00"),
        ("2026-11-28 18:00", "2026-11-29 18:00"),
        ("2026-12-31 23:59", "2027-01-01 18:00"),
        ("2028-02-28 19:00", "2028-02-29 18:00"),
        ("2028-02-29 19:00", "2028-03-01 18:00"),
        ("2027-02-28 19:00", "2027-03-01 18:00"),
        ("2026-04-30 18:00", "2026-05-01 18:00"),
        # Summer time elsewhere begins and ends: Korea has none.
        ("2026-03-29 01:59", "2026-03-29 18:00"),
        ("2026-10-25 18:00", "2026-10-26 18:00"),
    ],
)
def test_the_next_slot_is_the_next_one_on_korean_clocks(now: str, expected: str) -> None:
    assert next_start(EVENING, at(now)) == at(expected)


def test_a_leap_year_has_366_slots_one_a_day() -> None:
    moment, slots = at("2027-12-31 18:00"), []
    while moment < at("2028-12-31 18:00"):
        moment = next_start(EVENING, moment)
        slots.append(moment)
    assert len(slots) == 366
    assert {later - earlier for earlier, later in pairwise(slots)} == {timedelta(days=1)}
    assert {each.utcoffset() for each in slots} == {timedelta(0)}


@pytest.mark.parametrize(
    ("now", "done", "missed", "slot"),
    [
        ("11-28 17:59", "11-27 18:00", [], None),
        ("11-28 18:00", "11-27 18:00", [], "11-28 18:00"),
        ("11-28 20:00", "11-27 18:00", [], "11-28 18:00"),  # the last moment of the catch-up
        ("11-28 20:01", "11-27 18:00", ["11-28 18:00"], None),
        ("11-28 18:05", "11-25 18:00", ["11-26 18:00", "11-27 18:00"], "11-28 18:00"),
        ("11-29 04:00", "11-26 18:00", ["11-27 18:00", "11-28 18:00"], None),
        ("11-28 18:05", "11-28 18:00", [], None),
        ("11-28 18:05", "11-30 18:00", [], None),  # the clock was set back
        ("12-02 18:00", "11-30 18:00", ["12-01 18:00"], "12-02 18:00"),
    ],
)
def test_only_the_newest_slot_is_made_up_for(now: str, done: str, missed: list[str], slot: str | None) -> None:
    found = due(EVENING, on(now), on(done), opened=OPENED)
    assert found.missed == tuple(on(each) for each in missed)
    assert found.slot == (None if slot is None else on(slot))


def test_the_year_ends_between_two_slots() -> None:
    found = due(EVENING, at("2027-01-01 18:30"), at("2026-12-30 18:00"), opened=OPENED)
    assert (found.missed, found.slot) == ((at("2026-12-31 18:00"),), at("2027-01-01 18:00"))


@pytest.mark.parametrize(
    ("opened", "missed", "slot"),
    [
        ("11-28 18:01", [], None),
        ("11-28 18:00", [], "11-28 18:00"),
        ("11-28 01:00", [], "11-28 18:00"),
        ("11-26 18:00", ["11-26 18:00", "11-27 18:00"], "11-28 18:00"),
    ],
)
def test_no_slot_is_from_before_the_account_was_opened(opened: str, missed: list[str], slot: str | None) -> None:
    found = due(EVENING, on("11-28 18:30"), None, opened=on(opened))
    assert found.missed == tuple(on(each) for each in missed)
    assert found.slot == (None if slot is None else on(slot))


def test_of_very_many_missed_slots_the_newest_get_a_row() -> None:
    found = due(EVENING, at("2099-06-01 18:30"), at("2026-11-28 18:00"), opened=OPENED)
    assert len(found.missed) == MOST_MISSED
    assert (found.missed[-1], found.slot) == (at("2099-05-31 18:00"), at("2099-06-01 18:00"))
    late = due(EVENING, at("2099-06-01 23:30"), None, opened=OPENED)
    assert (len(late.missed), late.missed[-1], late.slot) == (MOST_MISSED, at("2099-06-01 18:00"), None)


@pytest.mark.parametrize(
    ("now", "ran", "slot"),
    [
        ("11-28 08:59", "11-27 09:00", None),
        ("11-28 09:00", "11-27 09:00", None),
        ("11-28 09:00", "11-28 09:00", "11-28 09:00"),  # a run of no length
        ("11-28 09:01", "11-28 09:00", "11-28 09:00"),
        ("11-28 09:09", "11-27 09:00", None),
        ("11-28 09:09", None, None),
        ("11-28 09:10", "11-27 09:00", "11-28 09:00"),
        ("11-28 09:10", None, "11-28 09:00"),
        ("11-28 11:00", None, "11-28 09:00"),
    ],
)
def test_the_morning_list_waits_for_its_run_but_not_for_ever(now: str, ran: str | None, slot: str | None) -> None:
    found = due(MORNING, on(now), on("11-27 09:00"), opened=OPENED, ran=None if ran is None else on(ran))
    assert (found.missed, found.slot) == ((), None if slot is None else on(slot))


def test_while_the_morning_list_waits_yesterdays_is_recorded_as_missed() -> None:
    found = due(MORNING, on("11-28 09:05"), on("11-26 09:00"), opened=OPENED, ran=None)
    assert (found.missed, found.slot) == ((on("11-27 09:00"),), None)


def test_a_job_may_have_several_slots_a_day() -> None:
    job = Job(name=JobName.DECISION, times=(time(9), time(21)), catch_up=timedelta(hours=2))
    found = due(job, on("11-29 09:30"), on("11-27 21:00"), opened=OPENED)
    assert found.missed == (on("11-28 09:00"), on("11-28 21:00"))
    assert found.slot == on("11-29 09:00")


def test_the_jitter_is_the_same_again_within_its_bound_and_another_elsewhere() -> None:
    wide = OperationsSettings(jitter_seconds=60)
    here, there = (jobs(wide, ScheduleSettings(), name) for name in ("0001", "0002"))
    slots = [on("11-01 18:00") + timedelta(days=day) for day in range(30)]
    assert [here[-1].start(slot) for slot in slots] == [
        jobs(wide, ScheduleSettings(), "0001")[-1].start(slot) for slot in slots
    ]
    delays = [here[-1].start(slot) - slot for slot in slots]
    assert all(timedelta(0) <= delay <= timedelta(seconds=60) for delay in delays)
    assert len(set(delays)) == 30
    assert delays != [there[-1].start(slot) - slot for slot in slots]


def test_a_slot_comes_only_when_its_jitter_is_over() -> None:
    job = jobs(OperationsSettings(jitter_seconds=60), ScheduleSettings(), "0001")[-1]
    slot, done = on("11-28 18:00"), on("11-27 18:00")
    begin = job.start(slot)
    assert slot < begin
    assert due(job, begin - timedelta(milliseconds=1), done, opened=OPENED).slot is None
    assert next_start(job, slot) == begin
    assert due(job, begin, done, opened=OPENED).slot == slot
    assert next_start(job, begin) == job.start(on("11-29 18:00"))


def test_the_listing_tells_what_was_and_what_is_next() -> None:
    now = on("11-28 12:00")
    past = {"evening": Past(slot=on("11-27 18:00"), outcome="done")}
    lines = listing(tuple(TABLE.values()), now, past)
    assert [line.job.name for line in lines] == list(TABLE)
    assert lines[-1].last == past["evening"]
    assert lines[-1].wait(now) == timedelta(hours=6)
    assert lines[0].last is None
    assert lines[0].next == on("11-29 03:10")
    assert [line.job.name.value for line in lines if line.job.doer is Doer.TRADER] == ["decision"]
