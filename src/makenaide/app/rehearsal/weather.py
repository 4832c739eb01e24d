"""What happens to the markets of a run: prices that fall through every stop, maintenance, warnings, a delisting."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from makenaide.app.rehearsal.span import Span
from makenaide.domain.market import Market
from makenaide.exchange.simulator.prices.bars import Bars
from makenaide.exchange.simulator.prices.incidents import Delisting, Event, Maintenance, Thin, Warned
from makenaide.exchange.simulator.prices.moments import DAY_MS, KST_MS, to_ms
from makenaide.exchange.simulator.prices.tape import Tape
from makenaide.exchange.simulator.prices.ticks import Ticks

_PRICES = ("open", "high", "low", "close")


def with_falls(rng: random.Random, span: Span, count: int) -> Span:
    """`span` with up to `count` of the markets that can be bought falling by a fifth to a half soon afterwards.

    A fall takes hours or comes at once, lasts, and breaks through every stop on its way.
    """
    chances = [(day, market) for day, markets in sorted(span.chances.items()) for market in markets]
    fallen: dict[Market, datetime] = {}
    for day, market in rng.sample(chances, min(count, len(chances))):
        begin = span.first + timedelta(days=day, hours=rng.uniform(0.5, 40))
        fallen.setdefault(market, begin)
    sources = tuple(
        replace(source, base=_fallen(rng, source.market, source.base, fallen[source.market]))
        if source.market in fallen
        else source
        for source in span.tape.sources
    )
    tape = Tape(sources=sources, maintenance=span.tape.maintenance, history=span.tape.history)
    return replace(span, tape=tape)


def events(rng: random.Random, span: Span) -> tuple[Event, ...]:
    """Maintenance (once over a slot), a warning, a delisting of a market that may be held, and thin books."""
    days = (span.last - span.first).days
    markets = sorted({market for bought in span.chances.values() for market in bought})
    found: list[Event] = [_maintenance(rng, span, days)]
    if days >= 2 and rng.random() < 0.5:
        slot = span.first + timedelta(days=rng.randrange(1, days))
        found.append(
            Maintenance(start=slot - timedelta(minutes=20), end=slot + timedelta(minutes=rng.randrange(5, 90)))
        )
    if markets and days >= 8:
        leaving, warned, thin = (rng.choice(markets) for _ in range(3))
        announced = _moment(rng, span, days - 6)
        found.append(
            Delisting(market=leaving, announced=announced, at=announced + timedelta(days=rng.randrange(1, 6)))
        )
        if warned != leaving:
            begin = _moment(rng, span, days - 2)
            found.append(Warned(market=warned, start=begin, end=begin + timedelta(days=rng.randrange(1, 5))))
        if thin != leaving:
            begin = _moment(rng, span, days - 2)
            found.append(Thin(market=thin, start=begin, end=begin + timedelta(days=2), bids=rng.randrange(1, 4)))
    return _apart(found)


def _maintenance(rng: random.Random, span: Span, days: int) -> Maintenance:
    begin = _moment(rng, span, days)
    return Maintenance(start=begin, end=begin + timedelta(minutes=rng.randrange(10, 200)))


def _apart(found: Sequence[Event]) -> tuple[Event, ...]:
    """Without a maintenance that touches another one."""
    downs: list[Maintenance] = []
    kept: list[Event] = []
    for each in found:
        if isinstance(each, Maintenance):
            if any(each.start <= other.end and other.start <= each.end for other in downs):
                continue
            downs.append(each)
        kept.append(each)
    return tuple(kept)


def _moment(rng: random.Random, span: Span, days: int) -> datetime:
    at = span.first + timedelta(days=rng.uniform(0.1, max(0.2, days)))
    return at.replace(microsecond=0)


def _fallen(rng: random.Random, market: Market, base: Bars, begin: datetime) -> Bars:
    hours = rng.choice((0.0, 0.0, 3.0, 12.0))
    depth = rng.uniform(0.2, 0.5)
    first = to_ms(begin)
    past = (base.start - first) / 3_600_000
    share = np.clip(past / hours, 0.0, 1.0) if hours else (past >= 0).astype(np.float64)
    factor = np.where(past < 0, 1.0, 1.0 - depth * share)
    days = (base.start + KST_MS) // DAY_MS
    ticks = Ticks(market)
    moved: Mapping[str, object] = {
        name: np.where(factor < 1.0, ticks.nearest_all(getattr(base, name) * factor, days), getattr(base, name))
        for name in _PRICES
    }
    return replace(base, **moved, turnover=base.turnover * factor)  # type: ignore[arg-type]
