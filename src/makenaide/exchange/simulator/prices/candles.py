"""Candle rows of any length out of a market's track, newest first, as they stand at a given moment."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import groupby, islice

from makenaide.exchange.simulator.market import CandleRow, CandleUnit
from makenaide.exchange.simulator.prices.days import Days
from makenaide.exchange.simulator.prices.moments import DAY_MS, SECOND_MS, from_ms
from makenaide.exchange.simulator.prices.track import Track


def rows(track: Track, days: Days, unit: CandleUnit, before: int, now: int) -> Iterator[CandleRow]:
    """Candles that start before `before`, newest first, with what has traded up to and including `now`."""
    if unit.seconds is not None:
        return _slots(track, unit.seconds * SECOND_MS, before, now)
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


def _slots(track: Track, length: int, before: int, now: int) -> Iterator[CandleRow]:
    """Slots of `length` ms, aligned to 00:00 UTC (upbit-api.md section 2.2); a slot without a trade is skipped."""
    slot = (min(before - 1, now) // length) * length
    while (index := track.index(slot + length - 1)) >= 0:
        last = int(track.candles.end[index]) - 1
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
        inside = list(group)
        yield CandleRow(
            start=start,
            open=inside[-1].open,
            high=max(row.high for row in inside),
            low=min(row.low for row in inside),
            close=inside[0].close,
            volume=round(sum(row.volume for row in reversed(inside)), 8),
            turnover=sum(row.turnover for row in reversed(inside)),
            last_tick=inside[0].last_tick,
        )


def period_start(day: datetime, unit: CandleUnit) -> datetime:
    """The first day of the week (Monday), month or year that holds `day`, a 00:00 UTC (upbit-api.md section 2.2)."""
    if unit is CandleUnit.WEEKS:
        return day - timedelta(days=day.weekday())
    if unit is CandleUnit.MONTHS:
        return day.replace(day=1)
    return day.replace(month=1, day=1)
