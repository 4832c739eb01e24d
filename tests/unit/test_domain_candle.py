"""The laws of a candle and of a series."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from makenaide.domain.candle import DAY_MINUTES, Candle, flaw, require_sound
from makenaide.domain.errors import BadCandles
from makenaide.domain.market import Market
from makenaide.domain.money import Krw, Price, Quantity

SOUND = Candle(
    market=Market("KRW-BTC"),
    start=datetime(2026, 1, 5, tzinfo=UTC),
    minutes=DAY_MINUTES,
    open=Price(100),
    high=Price(110),
    low=Price(90),
    close=Price(105),
    volume=Quantity(3),
    turnover=Krw(300),
)
FLAT = replace(SOUND, high=Price(100), low=Price(100), close=Price(100), volume=Quantity(0), turnover=Krw(0))


@pytest.mark.parametrize("candle", [SOUND, FLAT, replace(SOUND, open=Price(90), close=Price(110))])
def test_a_sound_candle_has_no_flaw(candle: Candle) -> None:
    assert flaw(candle) is None


@pytest.mark.parametrize(
    ("candle", "word"),
    [
        (replace(SOUND, high=Price(89)), "high 89 is below low 90"),
        (replace(SOUND, open=Price(111)), "open 111 is outside"),
        (replace(SOUND, open=Price(89)), "open 89 is outside"),
        (replace(SOUND, close=Price(111)), "close 111 is outside"),
        (replace(SOUND, close=Price(89)), "close 89 is outside"),
        (replace(SOUND, turnover=Krw(-1)), "turnover -1 is negative"),
        (replace(SOUND, start=SOUND.start.replace(tzinfo=None)), "no time zone"),
    ],
)
def test_a_flaw_names_its_field(candle: Candle, word: str) -> None:
    assert word in str(flaw(candle))
    with pytest.raises(BadCandles, match="KRW-BTC 2026-01-05T00:00:00"):
        require_sound([candle])


def test_a_candle_ends_where_the_next_may_start() -> None:
    assert SOUND.end == SOUND.start + timedelta(days=1)
    require_sound([SOUND, replace(SOUND, start=SOUND.end)])


@pytest.mark.parametrize("step", [timedelta(0), timedelta(minutes=-1)])
def test_a_series_ascends(step: timedelta) -> None:
    with pytest.raises(BadCandles, match="start does not follow"):
        require_sound([SOUND, replace(SOUND, start=SOUND.start + step)])


def test_the_same_moment_in_another_zone_is_the_same_moment() -> None:
    there = SOUND.start.astimezone(timezone(timedelta(hours=9)))
    with pytest.raises(BadCandles):
        require_sound([SOUND, replace(SOUND, start=there)])


def test_markets_are_in_order_each_for_itself() -> None:
    require_sound([SOUND, replace(SOUND, market=Market("KRW-ETH")), replace(SOUND, start=SOUND.end)])
