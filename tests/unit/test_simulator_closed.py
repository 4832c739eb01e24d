"""Remembered candles are the ones that are counted anew, whatever is asked in whatever order."""

import random
from datetime import date, timedelta
from itertools import islice

import pytest

from makenaide.domain.market import Market
from makenaide.exchange.simulator.prices.candles import slots
from makenaide.exchange.simulator.prices.closed import TAILS, ClosedCandles
from makenaide.exchange.simulator.prices.generator import generate
from makenaide.exchange.simulator.prices.model import GeneratorSettings
from makenaide.exchange.simulator.prices.moments import MINUTE_MS, to_ms
from makenaide.exchange.simulator.prices.track import Track
from makenaide.exchange.venue import CandleUnit

SETTINGS = GeneratorSettings(seed=3, markets=12, history_days=40, days=5, first_day=date(2026, 1, 5))


def tracks() -> list[Track]:
    tape = generate(SETTINGS)
    return [Track(source.market, source.base, source.finer) for source in tape.sources if len(source.base)]


@pytest.mark.parametrize("seed", range(8))
def test_a_page_is_what_the_track_says_whatever_was_asked_before(seed: int) -> None:
    rng = random.Random(seed)
    remembered, known = ClosedCandles(), tracks()
    chosen = rng.sample(known, 3)
    lengths = rng.sample([each.minutes for each in CandleUnit if each.minutes], 3)
    now = to_ms(generate(SETTINGS).first_slot) + rng.randrange(MINUTE_MS)
    for _ in range(150):
        now += rng.choice([0, 1, 999, MINUTE_MS, 17 * MINUTE_MS, 3_000 * MINUTE_MS if rng.random() < 0.02 else 0])
        track, length = rng.choice(chosen), rng.choice(lengths) * MINUTE_MS
        back = rng.choice([0, 0, 0, 1, rng.randrange(400), rng.randrange(4000)])
        before = now + 1 - back * length - rng.choice([0, 0, rng.randrange(length)])
        count = rng.choice([1, 2, 50, 200])
        expected = list(islice(slots(track, length, before, now), count))
        assert remembered.page(track, length, (before, now), count) == expected


def test_a_whole_history_is_paged_without_keeping_all_of_it() -> None:
    track = tracks()[0]
    now, length = track.end + 1, 15 * MINUTE_MS
    remembered = ClosedCandles()
    before, paged = now, list[object]()
    while rows := remembered.page(track, length, (before, now), 200):
        paged += rows
        before = to_ms(rows[-1].start)
    assert paged == list(slots(track, length, now, now))
    [tail] = remembered._tails.values()
    assert len(paged) > 3000
    assert len(tail.rows) <= 1001


def test_only_the_last_tails_are_kept() -> None:
    track, remembered = tracks()[0], ClosedCandles()
    for number in range(TAILS + 5):
        other = Track(Market(f"KRW-X{number}"), track.candles)
        remembered.page(other, MINUTE_MS, (track.end, track.end), 1)
    assert len(remembered._tails) == TAILS
    assert (Market("KRW-X0"), MINUTE_MS) not in remembered._tails


def test_time_that_jumps_far_begins_a_new_tail() -> None:
    track, remembered = tracks()[0], ClosedCandles()
    early = track.start + 400 * MINUTE_MS
    remembered.page(track, MINUTE_MS, (early, early), 5)
    late = early + int(timedelta(days=3).total_seconds() * 1000)
    rows = remembered.page(track, MINUTE_MS, (late, late), 5)
    assert rows == list(islice(slots(track, MINUTE_MS, late, late), 5))
    [tail] = remembered._tails.values()
    assert len(tail.rows) <= 5
