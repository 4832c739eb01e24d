"""The generated venue: reproducible, sound, on the tick, with events; and what each setting may be."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache

import numpy as np
import pytest

from makenaide.domain.clock import KST
from makenaide.domain.errors import Misconfigured
from makenaide.domain.market import tick_size
from makenaide.exchange.simulator.prices.bars import Bars
from makenaide.exchange.simulator.prices.events import Life, maintenance, notices
from makenaide.exchange.simulator.prices.generator import generate
from makenaide.exchange.simulator.prices.model import GeneratorSettings, Model
from makenaide.exchange.simulator.prices.moments import from_ms
from makenaide.exchange.simulator.prices.names import coin_of, coins
from makenaide.exchange.simulator.prices.tape import Source, Tape
from makenaide.exchange.venue import CandleUnit
from tests.unit.simulator_street import BTC
from tests.unit.simulator_tapes import ORIGIN, moment

DAY = timedelta(days=1)
SMALL = GeneratorSettings(seed=7, markets=12, history_days=280, days=160, first_day=date(2025, 3, 1))


@cache
def small() -> Tape:
    return generate(SMALL)


@cache
def whole() -> Tape:
    return generate(GeneratorSettings())


def content(tape: Tape) -> bytes:
    return b"".join(
        getattr(each.base, name).tobytes()
        for each in tape.sources
        for name in ("start", "open", "high", "low", "close", "volume", "turnover")
    )


def events(source: Source) -> tuple[object, ...]:
    return source.market, source.listed_at, source.warnings, source.delisted_at


def test_the_same_seed_gives_the_same_bytes() -> None:
    again = generate(SMALL)
    assert content(again) == content(small())
    assert [events(each) for each in again.sources] == [events(each) for each in small().sources]


def test_another_seed_gives_other_prices() -> None:
    other = generate(GeneratorSettings(seed=8, markets=12, history_days=280, days=160, first_day=date(2025, 3, 1)))
    assert content(other) != content(small())


def test_trading_begins_on_the_first_day_at_nine_in_korea() -> None:
    tape = whole()
    assert tape.first_slot == datetime(2025, 1, 1, 9, tzinfo=KST)
    assert (tape.start, tape.end) == (tape.first_slot - 400 * DAY, tape.first_slot + 365 * DAY)


@pytest.mark.parametrize("source", small().sources, ids=lambda source: str(source.market))
def test_every_candle_is_sound_and_inside_its_prices(source: Source) -> None:
    base: Bars = source.base
    assert (base.low > 0).all()
    assert (base.low <= np.minimum(base.open, base.close)).all()
    assert (base.high >= np.maximum(base.open, base.close)).all()
    assert (np.diff(base.start) > 0).all()
    assert (base.volume > 0).all()
    average = base.turnover / base.volume
    assert (average >= base.low * (1 - 1e-12)).all()
    assert (average <= base.high * (1 + 1e-12)).all()


@pytest.mark.parametrize("source", small().sources, ids=lambda source: str(source.market))
def test_every_price_is_on_the_tick_of_its_korean_date(source: Source) -> None:
    for place in range(0, len(source.base), 97):
        on = from_ms(int(source.base.start[place])).astimezone(KST).date()
        for column in (source.base.open, source.base.high, source.base.low, source.base.close):
            price = Decimal(repr(float(column[place])))
            assert price % tick_size(source.market, price, on) == 0


def test_the_venue_has_the_named_coins_first() -> None:
    assert [coin.code for coin in coins(5)] == ["BTC", "ETH", "XRP", "USDT", "SOL"]
    many = coins(289)
    assert len({coin.code for coin in many}) == 289
    assert (many[-1].code, many[-1].english) == ("G289", "Generated 289")
    assert all(coin.price > 0 for coin in many)
    known = coin_of(BTC)
    assert known is not None
    assert (known.korean, known.market) == ("비트코인", BTC)
    assert coin_of(many[-1].market) is None


def test_markets_are_listed_warned_lifted_and_delisted() -> None:
    tape = whole()
    late = [each for each in tape.sources if each.listed_at is not None and each.listed_at > tape.start]
    warned = [each for each in tape.sources if each.warnings]
    delisted = [each for each in warned if each.delisted_at is not None]
    model = Model()
    assert len(late) == round(model.late_share * 45)
    assert 2 <= len(warned) <= model.warned_trends + model.warned_others
    assert 1 <= len(delisted) < len(warned)
    for each in warned:
        (notice,) = each.warnings
        assert tape.first_slot < notice.start < tape.end
        if each.delisted_at is None:
            assert notice.end is not None
            assert timedelta(days=7) <= notice.end - notice.start < timedelta(days=15)
        else:
            assert timedelta(days=13) < each.delisted_at - notice.start < timedelta(days=31)
    for at in (tape.first_slot, tape.first_slot + 200 * DAY, tape.end - DAY):
        assert BTC in {listing.market for listing in tape.listings(at)}
    assert all(each.market not in {x.market for x in tape.listings(tape.end)} for each in delisted)


def test_a_life_without_a_warning_has_no_notice() -> None:
    assert notices(Life(), ORIGIN) == ()


def test_the_venue_is_down_on_each_quarters_first_morning() -> None:
    down = [window.start.astimezone(KST) for window in maintenance(moment("2024-12-01"), moment("2025-12-31"))]
    assert [(at.month, at.day, at.hour) for at in down] == [(1, 1, 2), (4, 1, 2), (7, 1, 2), (10, 1, 2)]
    tape = whole()
    for at in down:
        assert tape.offline(at)
        assert not tape.offline(at + timedelta(hours=3))
        assert tape.book(BTC, at).bids == ()
        before = tape.candles(BTC, CandleUnit.MINUTES_60, at + timedelta(hours=3), 1, at + timedelta(hours=3))
        assert before[0].start == at - timedelta(hours=1)


def changes(source: Source) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    days = [row.close for row in whole().candles(source.market, CandleUnit.DAYS, whole().end, 999, whole().end)]
    return np.diff(np.log(days))


def test_prices_move_like_those_of_the_won_market() -> None:
    sigmas = {each.market: float(changes(each).std()) for each in whole().sources if each.delisted_at is None}
    assert 0.008 < sigmas[BTC] < 0.04
    assert sigmas[BTC] < float(np.median(list(sigmas.values()))) < 0.06
    assert sigmas[coins(4)[3].market] < 0.005
    hourly = np.diff(np.log(whole().sources[0].base.close))
    assert float(((hourly - hourly.mean()) ** 4).mean() / hourly.var() ** 2) > 4


def test_bitcoin_rises_into_the_year_and_falls_later() -> None:
    tape = whole()
    price = {month: tape.price(BTC, tape.first_slot + month * 30 * DAY) for month in (-2, 0, 5, 9)}
    assert price[-2] < price[0] < price[5]
    assert price[9] < price[5]


def test_a_few_markets_are_thin_and_have_gaps() -> None:
    tape = whole()
    usual = {each.market: float(np.median(each.base.turnover) * 24) for each in tape.sources}
    thin = [each for each in tape.sources if usual[each.market] < 3e8]
    assert 2 <= len(thin) <= 6
    for each in thin:
        slots = (int(each.base.start[-1]) - int(each.base.start[0])) / 3_600_000 + 1
        assert 0.05 < 1 - len(each.base) / slots < 0.3
    assert max(usual.values()) > 1e11


@pytest.mark.parametrize(
    "settings",
    [
        GeneratorSettings(markets=3, history_days=1, days=1),
        GeneratorSettings(markets=5, history_days=30, days=20, base_minutes=240),
        GeneratorSettings(markets=4, history_days=5, days=100, base_minutes=15),
        GeneratorSettings(markets=8, history_days=70, days=40, model=Model(warned_trends=9, warned_others=9)),
    ],
    ids=["smallest", "long candles", "short candles", "more warnings than markets"],
)
def test_small_worlds_can_be_generated(settings: GeneratorSettings) -> None:
    tape = generate(settings)
    assert tape.first_slot == moment("2025-01-01")
    assert len(tape.listings(tape.first_slot)) >= 3
    assert tape.book(BTC, tape.first_slot).bids


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"markets": 2}, "markets"),
        ({"markets": 290}, "markets"),
        ({"seed": -1}, "seed"),
        ({"base_minutes": 45}, "base_minutes"),
        ({"days": 0}, "days"),
    ],
)
def test_settings_out_of_range_are_named(wrong: dict[str, int], named: str) -> None:
    with pytest.raises(Misconfigured, match=named):
        GeneratorSettings(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("low", ["beta_low", "coin_sigma_low", "thin_low"])
def test_a_model_keeps_its_bounds_in_order(low: str) -> None:
    high = low.replace("low", "high")
    with pytest.raises(Misconfigured, match=low):
        Model(**{low: getattr(Model(), high) * 1.01})
