"""The storm: which faults of the simulator meet a run, all kinds of them, drawn from its seed."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

from makenaide.exchange.simulator.faults.plan import Form, Kind, Rule, Told

_ORDER = "POST /v1/orders"
_LOOK = "GET /v1/order"
_READS = "GET /v1/*"

_SHARES = {Kind.REPLY_LOST: 3.0, Kind.REQUEST_LOST: 2.0, Kind.LATE: 3.0, Kind.TWICE: 2.0, Kind.STALL: 1.5}
"""How much more often than the others a kind strikes that leaves an order in doubt."""

_READ_KINDS = tuple(
    kind
    for kind in Kind
    if kind
    not in (Kind.SILENCE, Kind.GAP, Kind.DISORDER, Kind.REPEAT, Kind.DROP, Kind.BLOCKED, Kind.SKEW, Kind.TWICE)
)


def storm(rng: random.Random, first: datetime, last: datetime, harshness: float = 1.0) -> tuple[Rule, ...]:
    """Rules for [first, last): of each kind at least one, and some dark hours.

    At `harshness` 1 about one order in three meets a fault, one look in eight, and one other read in thirty.
    """
    span = (first, last)
    return (
        *_dark_hours(rng, span),
        *_on_orders(rng, span, harshness),
        *_on_reads(rng, span, harshness),
        *_on_frames(rng, span, harshness),
    )


def _on_orders(rng: random.Random, span: tuple[datetime, datetime], harshness: float) -> Iterator[Rule]:
    start, end = span
    for kind in (each for each in Kind if each in _READ_KINDS or each in (Kind.TWICE, Kind.BLOCKED)):
        chance = min(1.0, 0.018 * _SHARES.get(kind, 1.0) * harshness)
        yield _rule(rng, kind, _ORDER, (start, end, chance))
    # A second late one: so late that all hope is gone when it arrives.
    yield Rule(
        kind=Kind.LATE,
        calls=_ORDER,
        start=start,
        end=end,
        probability=min(1.0, 0.02 * harshness),
        delay=rng.uniform(90, 3600),
    )
    yield Rule(
        kind=Kind.SERVER_ERROR,
        calls=_ORDER,
        start=start,
        end=end,
        probability=min(1.0, 0.03 * harshness),
        performed=True,
        status=504,
    )


def _on_reads(rng: random.Random, span: tuple[datetime, datetime], harshness: float) -> Iterator[Rule]:
    for kind in _READ_KINDS:
        yield _rule(rng, kind, _LOOK, (*span, min(1.0, 0.01 * harshness)))
        yield _rule(rng, kind, _READS, (*span, min(1.0, 0.0025 * harshness)))
    yield _rule(rng, Kind.SKEW, "GET *", (*span, min(1.0, 0.02 * harshness)))
    yield _rule(rng, Kind.BLOCKED, "GET /v1/candles/*", (*span, min(1.0, 0.001 * harshness)))


def _on_frames(rng: random.Random, span: tuple[datetime, datetime], harshness: float) -> Iterator[Rule]:
    for kind in (Kind.SILENCE, Kind.GAP, Kind.DISORDER, Kind.REPEAT, Kind.DROP):
        yield _rule(rng, kind, "orderbook", (*span, min(1.0, 0.04 * harshness)))


def _dark_hours(rng: random.Random, span: tuple[datetime, datetime]) -> Iterator[Rule]:
    """Some stretches in which nothing at all works; one of them over a slot."""
    first, last = span
    days = max(1, (last - first).days)
    slot = first + timedelta(days=rng.randrange(days))
    for kind, begin in (
        (Kind.OFFLINE, slot + timedelta(seconds=rng.uniform(-60, 60))),
        (Kind.NOT_CONNECTED, first + timedelta(days=rng.uniform(0, days))),
        (Kind.SERVER_ERROR, first + timedelta(days=rng.uniform(0, days))),
        (Kind.STALL, first + timedelta(days=rng.uniform(0, days))),
    ):
        end = begin + timedelta(minutes=rng.uniform(2, 25))
        yield _rule(rng, kind, "*", (begin, end, 1.0))


def _rule(rng: random.Random, kind: Kind, calls: str, when: tuple[datetime, datetime, float]) -> Rule:
    """A rule with the fields that mean something for `kind` drawn."""
    start, end, probability = when
    more: dict[str, object] = {}
    if kind is Kind.LATE:
        more = {"delay": rng.choice((0.5, 3.0, 20.0, 70.0)), "behind": rng.randrange(4)}
    elif kind is Kind.TWICE:
        more = {"told": rng.choice(tuple(Told)), "unchecked": rng.random() < 0.5}
    elif kind is Kind.STALL:
        more = {"seconds": rng.choice((2.0, 30.0)), "performed": rng.random() < 0.5}
    elif kind is Kind.SERVER_ERROR:
        more = {"status": rng.choice((500, 502, 503)), "form": rng.choice(tuple(Form))}
    elif kind in (Kind.TOO_MANY, Kind.BLOCKED):
        more = {"form": rng.choice((Form.TEXT, Form.JSON, Form.HTML))}
    elif kind is Kind.SKEW:
        more = {"seconds": rng.choice((-45.0, 45.0))}
    elif kind is Kind.CUT:
        more = {"cut_at": rng.randrange(200)}
    if kind in (Kind.BLOCKED, Kind.SILENCE):
        more["seconds"] = rng.choice((3.0, 20.0))
    return Rule(kind=kind, calls=calls, start=start, end=end, probability=probability, **more)  # type: ignore[arg-type]
