"""Candle rows of any length out of a market's track, newest first, as they stand at a given moment."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby, islice, takewhile

from makenaide.exchange.simulator.market import CandleRow
from makenaide.exchange.simulator.prices.days import Days
from makenaide.exchange.simulator.prices.leg import tidy
from makenaide.exchange.simulator.prices.moments import DAY_MS, SECOND_MS, from_ms, to_ms
from makenaide.exchange.simulator.prices.track import Track
from makenaide.exchange.venue import CandleUnit

SECONDS_KEPT = timedelta(days=90)
"""How long the venue serves candles of a second: "the last 3 months" (upbit-api.md section 2.2)."""

_LONGER_THAN = {CandleUnit.WEEKS: 7, CandleUnit.MONTHS: 31, CandleUnit.YEARS: 366}
"""Days after the start of a period that lie in the next one."""


def rows(track: Track, days: Days, unit: CandleUnit, before: int, now: int) -> Iterator[CandleRow]:
    """Candles that start before `before`, newest first, with what has traded up to and including `now`."""
    if unit is CandleUnit.SECONDS:
        kept = from_ms(now) - SECONDS_KEPT
        return takewhile(lambda row: row.start >= kept, slots(track, SECOND_MS, before, now))
    if unit.seconds is not None:
        return slots(track, unit.seconds * SECOND_MS, before, now)
    if unit is CandleUnit.DAYS:
        return _days(track, days, before, now)
    return (row for row in _periods(_days(track, days, now + 1, now), unit) if row.start < from_ms(before))


def forming_day(track: Track, days: Days, now: int) -> CandleRow | None:
    """The day candle of the day of `now`, with what has traded in it so far; None before its first trade."""
    day = now // DAY_MS
    span = track.span(day * DAY_MS, now + 1)
    if span is None:
        return None
    known = days.rows_before(day)
    return CandleRow(
        start=from_ms(day * DAY_MS),
        open=span.open,
        high=span.high,
        low=span.low,
        close=span.close,
        volume=span.volume,
        turnover=span.turnover,
        last_tick=span.last,
        prev_close=days.rows[known - 1].close if known else span.open,
    )


def slots(track: Track, length: int, before: int, now: int) -> Iterator[CandleRow]:
    """Slots of `length` ms, aligned to 00:00 UTC (upbit-api.md section 2.2); a slot without a trade is skipped."""
    slot = (min(before - 1, now) // length) * length
    ends = track.candles.end
    while (index := track.index(slot + length - 1)) >= 0:
        last = int(ends[index]) - 1
        slot = min(slot, last // length * length)
        span = track.span(slot, min(slot + length, now + 1))
        if span is not None:
            yield CandleRow(
                start=from_ms(slot),
                open=span.open,
                high=span.high,
                low=span.low,
                close=span.close,
                volume=span.volume,
                turnover=span.turnover,
                last_tick=span.last,
            )
        slot -= length


def _days(track: Track, days: Days, before: int, now: int) -> Iterator[CandleRow]:
    today = now // DAY_MS
    if before > today * DAY_MS:
        forming = forming_day(track, days, now)
        if forming is not None:
            yield forming
    yield from islice(
        reversed(days.rows), len(days.rows) - days.rows_before(min(today, -(-before // DAY_MS))), None
    )


def _periods(newest_first: Iterable[CandleRow], unit: CandleUnit) -> Iterator[CandleRow]:
    for start, group in groupby(newest_first, lambda row: period_start(row.start, unit)):
        yield joined(start, list(group))


def joined(start: datetime, inside: Sequence[CandleRow]) -> CandleRow:
    """The candle of the slot that begins at `start` out of the shorter ones inside it, newest first; not none."""
    return CandleRow(
        start=start,
        open=inside[-1].open,
        high=max(row.high for row in inside),
        low=min(row.low for row in inside),
        close=inside[0].close,
        volume=tidy(sum(row.volume for row in reversed(inside))),
        turnover=sum(row.turnover for row in reversed(inside)),
        last_tick=inside[0].last_tick,
    )


def slot_of(at: datetime, unit: CandleUnit) -> tuple[datetime, datetime]:
    """The slot [start, end) of `unit` that holds `at`, a whole millisecond."""
    if unit.seconds is not None:
        length = unit.seconds * SECOND_MS
        begin = to_ms(at) // length * length
        return from_ms(begin), from_ms(begin + length)
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    if unit is CandleUnit.DAYS:
        return day, day + timedelta(days=1)
    begin_day = period_start(day, unit)
    return begin_day, period_start(begin_day + timedelta(days=_LONGER_THAN[unit]), unit)


def period_start(day: datetime, unit: CandleUnit) -> datetime:
    """The first day of the week (Monday), month or year that holds `day`, a 00:00 UTC (upbit-api.md section 2.2)."""
    if unit is CandleUnit.WEEKS:
        return day - timedelta(days=day.weekday())
    if unit is CandleUnit.MONTHS:
        return day.replace(day=1)
    return day.replace(month=1, day=1)
