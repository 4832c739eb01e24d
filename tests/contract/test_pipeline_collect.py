"""Collecting and deciding: pages and gaps, a list that shrinks, a cache that is never wiser than the database."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from makenaide.domain.candle import Candle
from makenaide.domain.clock import day_start
from makenaide.domain.errors import InUse
from makenaide.domain.market import Market
from makenaide.domain.money import Krw, Price, Quantity
from makenaide.exchange.venue import Quotation
from makenaide.pipeline.collect import HISTORY_DAYS, collect, missing_days, refresh_listings
from makenaide.pipeline.cycle import run_cycle
from makenaide.pipeline.decide import features_of, outlook
from makenaide.pipeline.entering import held_markets
from makenaide.pipeline.history import History
from makenaide.risk.gate import GateReason
from makenaide.store.accounts import Lease
from makenaide.store.candles import day_series, known_listings, last_days
from makenaide.store.db import Database, Role
from makenaide.store.runs import latest_gate
from makenaide.strategy.features import compute
from makenaide.strategy.panel import build_panel
from makenaide.strategy.signal import judge
from makenaide.strategy.universe import MarketFacts
from tests.contract.charts import BTC, ETH, FIRST, HISTORY, XRP, Chart, bitcoin, hours, tape
from tests.contract.conftest import Connect
from tests.contract.faults import Fault, Kind
from tests.contract.trading import STRATEGY, Exchange, Trader, open_trader

LAST = FIRST.date() - timedelta(days=1)
CALM = Chart(market=ETH, price=5_000_000, days=[0.01, 0.01])


def begun(journal: Database, *charts: Chart) -> Trader:
    """An account on these markets, beside BTC."""
    return open_trader(journal, Exchange(tape=tape(bitcoin(2), *charts)))


def candle(day: date, close: int = 100, market: Market = ETH) -> Candle:
    """A day in which little happened."""
    price = Price(close)
    return Candle(
        market=market,
        start=day_start(day),
        minutes=1440,
        open=price,
        high=price,
        low=price,
        close=price,
        volume=Quantity(1),
        turnover=Krw(close),
    )


@dataclass
class Pages:
    """Day candles on the days given, in pages as the venue gives them."""

    days: Sequence[date]
    asked: list[tuple[datetime, int]] = field(default_factory=list)

    def day_candles(self, market: Market, before: datetime, count: int) -> Sequence[Candle]:
        self.asked.append((before, count))
        return [candle(day, market=market) for day in sorted(self.days) if day_start(day) < before][-count:]


def pages(days: Sequence[date]) -> Quotation:
    """As much of a venue as collecting needs."""
    return Pages(days)  # type: ignore[return-value]


def back(count: int, step: int = 1) -> list[date]:
    """`count` days up to `LAST`, every `step`-th."""
    return [LAST - timedelta(days=n * step) for n in range(count)]


@pytest.mark.parametrize(
    ("days", "newest", "expected", "calls"),
    [
        (back(500), None, HISTORY_DAYS, [200, 200]),
        (back(400), None, 400, [200, 200]),
        (back(150), None, 150, [200, 200]),
        (back(300, 2), None, 200, [200, 1]),
        (back(5), LAST - timedelta(days=3), 3, [3]),
        (back(5, 3), LAST - timedelta(days=9), 3, [9, 2]),
        (back(5), LAST, 0, []),
        ([], None, 0, [200]),
    ],
    ids=["long", "exact", "young", "gaps", "few", "few with gaps", "nothing new", "never traded"],
)
def test_pages_follow_the_oldest_candle_that_came(
    days: list[date], newest: date | None, expected: int, calls: list[int]
) -> None:
    venue = pages(days)
    found = missing_days(venue, ETH, newest, LAST)
    starts = [each.start for each in found]
    assert len(found) == expected
    assert starts == sorted(set(starts))
    assert [count for _, count in venue.asked] == calls  # type: ignore[attr-defined]


def test_only_what_is_missing_is_asked_for_and_stored(journal: Database) -> None:
    trader = begun(journal, CALM)
    assert collect(trader.session, [BTC, ETH], FIRST).candles == 2 * HISTORY
    again = collect(trader.session, [BTC, ETH], FIRST)
    assert (again.candles, again.failed) == (0, {})
    trader.clock.move_to(FIRST + hours(24))
    assert collect(trader.session, [BTC, ETH], FIRST + hours(24)).candles == 2
    newest = last_days(journal, trader.account.feed, ETH, FIRST + hours(48), 2)
    assert [each.start for each in newest] == [FIRST - hours(24), FIRST]


def test_a_market_that_fails_mutes_only_itself(journal: Database) -> None:
    trader = begun(journal, CALM)
    trader.wire.faults.append(
        Fault(kind=Kind.SERVER_ERROR, method="GET", path="/v1/candles", about="KRW-ETH", times=99)
    )
    got = collect(trader.session, [BTC, ETH, Market("KRW-GONE")], FIRST)
    assert got.candles == HISTORY
    assert got.failed.keys() == {ETH, "KRW-GONE"}


def test_candles_that_were_not_stored_are_forgotten(journal: Database, connect: Connect) -> None:
    trader = begun(journal, CALM)
    collect(trader.session, [BTC], FIRST)
    trader.session.lease.release()
    Lease(connect(Role.WRITER), trader.account.account_id, "the next one")
    with pytest.raises(InUse):
        collect(trader.session, [ETH], FIRST)
    assert trader.session.history.newest(ETH, FIRST.date()) is None
    assert trader.session.history.newest(BTC, FIRST.date()) == LAST


def rolled_back(so: bool) -> None:
    """The end of a transaction that is (not) to be kept."""
    if so:
        raise InterruptedError


@pytest.mark.parametrize("seed", range(5))
def test_the_cache_is_what_the_database_says(journal: Database, seed: int) -> None:
    rng = random.Random(seed)
    history = History(journal, "feed")
    days = back(40)
    for _ in range(12):
        first = rng.randrange(40)
        chosen = sorted(rng.sample(days[: first + 1], k=rng.randint(0, min(5, first + 1))))
        markets = rng.sample([BTC, ETH, XRP], k=rng.randint(1, 3))
        new = [candle(day, rng.randint(1, 999), market) for market in markets for day in chosen]
        try:
            with journal.transaction():
                history.add(new)
                rolled_back(rng.random() < 0.2)
        except InterruptedError:
            history.forget()
        last = rng.choice(days)
        known = history.series([BTC, ETH, XRP], last)
        truth = day_series(journal, "feed", None, last)
        assert known.keys() == truth.keys()
        for market, series in truth.items():
            for name in ("days", "open", "high", "low", "close", "volume", "turnover"):
                assert np.array_equal(getattr(known[market], name), getattr(series, name))
            assert history.newest(market, last + timedelta(days=1)) == date.fromordinal(int(series.days[-1]))


def many(delisted: int) -> list[Chart]:
    """Eleven markets, some of which are delisted before the second slot."""
    gone = FIRST + hours(20)
    return [
        replace(CALM, market=Market(f"KRW-A{n:02d}"), parts=12, delisted_at=gone if n < delisted else None)
        for n in range(10)
    ]


def test_a_market_that_left_the_list_is_marked_gone(journal: Database) -> None:
    trader = begun(journal, *many(1))
    assert len(refresh_listings(trader.session, FIRST).codes) == 11
    trader.clock.move_to(FIRST + hours(24))
    second = refresh_listings(trader.session, FIRST + hours(24))
    assert (len(second.codes), second.shrunk) == (10, False)
    known = known_listings(journal, trader.account.feed)
    assert known[Market("KRW-A00")].gone_at == FIRST + hours(24)
    assert known[BTC].gone_at is None
    assert trader.alarms() == []


def test_a_list_that_shrinks_by_more_than_a_tenth_is_not_believed(journal: Database) -> None:
    trader = begun(journal, *many(2))
    before = refresh_listings(trader.session, FIRST)
    trader.clock.move_to(FIRST + hours(24))
    after = refresh_listings(trader.session, FIRST + hours(24))
    assert after.shrunk
    assert after.codes == before.codes
    assert trader.alarms() == ["alarm.list_shrank"]
    assert all(each.gone_at is None for each in known_listings(journal, trader.account.feed).values())


def test_deciding_is_the_strategy_on_the_stored_candles(journal: Database) -> None:
    trader = begun(journal, replace(CALM, last=0.03))
    session = trader.session
    markets = refresh_listings(session, FIRST)
    collect(session, markets.codes, FIRST)
    thinking = outlook(session, markets.listings, held_markets(session), FIRST)
    features = compute(build_panel(day_series(journal, session.account.feed, None, LAST), LAST), STRATEGY)
    facts = {code: MarketFacts(warning=False) for code in markets.codes}
    assert thinking.day == LAST
    assert thinking.signals == judge(features, len(features.panel.days) - 1, facts, frozenset())
    assert [each.refusal for each in thinking.signals] == ["no_breakout", None]


def test_without_a_candle_there_is_no_signal_and_no_open_gate(journal: Database) -> None:
    trader = begun(journal, CALM)
    markets = refresh_listings(trader.session, FIRST)
    thinking = outlook(trader.session, markets.listings, frozenset(), FIRST)
    assert thinking.signals == ()
    assert (thinking.gate.open, thinking.gate.reason) == (False, GateReason.INPUT_MISSING)
    assert features_of(trader.session, [ETH], FIRST) is None


def test_the_gate_of_each_slot_is_stored_and_the_next_goes_on_from_it(journal: Database) -> None:
    trader = begun(journal, replace(CALM, days=[-0.05, 0]))
    run_cycle(trader.session, FIRST)
    row = latest_gate(journal, trader.account.account_id, FIRST)
    assert row is not None
    assert (row.open, row.reason) == (True, "opened")
    stricter = replace(trader.session.risk, gate_open_breadth=Decimal(1), gate_shut_breadth=Decimal(0))
    trader.clock.move_to(FIRST + hours(24) + timedelta(seconds=10))
    run_cycle(replace(trader.session, risk=stricter), FIRST + hours(24))
    row = latest_gate(journal, trader.account.account_id, FIRST + hours(24))
    assert row is not None
    assert (row.open, row.reason) == (True, "kept"), "one market of two is above its average"
    assert row.evidence["breadth"] == 0.5
