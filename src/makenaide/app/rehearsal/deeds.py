"""What others do during a run: the venue's operator with markets and wallets, and a person with the same account."""

import random
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal

from makenaide.app.rehearsal.exchange import NAME, Change, Exchange
from makenaide.app.rehearsal.span import Span
from makenaide.domain.errors import MakenaideError
from makenaide.domain.market import Market, base_of
from makenaide.domain.money import QUANTITY_STEP, plain
from makenaide.exchange.simulator.core.errors import Refused
from makenaide.exchange.simulator.core.operator import Operator
from makenaide.exchange.simulator.core.treasury import Move, WalletState
from makenaide.execution.halt import HaltFile

Act = Callable[[Exchange], Sequence[str] | None]
"""Does it; returns the names under which the venue tells of it (trades, transfers), if it does."""

AIRDROP = "airdrop"
"""Coins that no order and no transfer tells of."""


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that is done at `at`; what the venue refuses is not done."""

    at: datetime
    name: str
    act: Act


@dataclass(slots=True)
class Agenda:
    """Deeds in the order of time, each done once, also across a rebuilding of the venue."""

    deeds: Sequence[Deed]
    done: Counter[str] = field(default_factory=Counter)
    _next: int = 0

    def __post_init__(self) -> None:
        self.deeds = sorted(self.deeds, key=lambda each: each.at)

    def due(self, exchange: Exchange, until: datetime) -> None:
        """Do all that is planned up to `until`."""
        while self._next < len(self.deeds) and self.deeds[self._next].at <= until:
            deed = self.deeds[self._next]
            self._next += 1
            exchange.venue.advance(deed.at)
            before = exchange.balances()
            try:
                sources = tuple(deed.act(exchange) or ())
            except (Refused, MakenaideError):
                continue  # the venue was down, or there was nothing to do it with
            self.done[deed.name] += 1
            amounts = _apart(before, exchange.balances())
            if amounts:
                change = Change(at=exchange.venue.now, name=deed.name, amounts=amounts, sources=sources)
                exchange.changes.append(change)

    def following(self, now: datetime) -> datetime | None:
        """When the next deed after `now` is planned; None when there is none."""
        place = bisect_right(self.deeds, now, lo=self._next, key=lambda each: each.at)
        return self.deeds[place].at if place < len(self.deeds) else None


def _apart(before: Mapping[str, Decimal], after: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
    zero = Decimal(0)
    moved = {code: after.get(code, zero) - before.get(code, zero) for code in sorted({*before, *after})}
    return {code: amount for code, amount in moved.items() if amount}


def operators_deeds(rng: random.Random, span: Span, markets: Sequence[Market]) -> list[Deed]:
    """Wallets of some coins stop for a while."""
    found: list[Deed] = []
    for market in rng.sample(list(markets), min(3, len(markets))):
        begin = span.first + (span.last - span.first) * rng.random()
        end = begin + timedelta(hours=rng.uniform(3, 60))
        for at, state in ((begin, WalletState.PAUSED), (end, WalletState.WORKING)):
            found.append(Deed(at, f"wallet {state}", _wallet(base_of(market), state)))
    return found


def halts(rng: random.Random, span: Span, switch: HaltFile) -> list[Deed]:
    """A person halts buying over a slot and for some hours, twice."""
    days = (span.last - span.first).days
    found: list[Deed] = []
    for _ in range(2):
        begin = span.first + timedelta(days=rng.randrange(days), seconds=rng.uniform(-600, 40))
        end = begin + timedelta(hours=rng.uniform(0.2, 30))
        found += [Deed(begin, "halt", _halted(switch, begin)), Deed(end, "halt lifted", lambda _: switch.lift())]
    return found


def _halted(switch: HaltFile, at: datetime) -> Act:
    return lambda _exchange: switch.set("a rehearsal", "a person", at)


def persons_deeds(rng: random.Random, span: Span, markets: Sequence[Market]) -> list[Deed]:
    """A person moves money, and trades by hand in markets that we hold, and in others."""
    acts: list[tuple[str, Act]] = [
        ("deposit", _deposit(Decimal(rng.randrange(10, 200)) * 10_000)),
        ("withdrawal", _withdraw(Decimal(rng.randrange(1, 30)) * 10_000)),
        (AIRDROP, _airdrop(base_of(rng.choice(list(markets))), Decimal(rng.randrange(1, 50)) / 100)),
        ("manual buy", _buy(rng.choice(list(markets)), Decimal(rng.randrange(1, 20)) * 10_000)),
        ("manual buy of ours", _of_held(rng.random(), "bid")),
        ("manual sell of ours", _of_held(rng.random(), "ask")),
        ("manual sell of ours", _of_held(rng.random(), "ask")),
    ]
    days = (span.last - span.first) / timedelta(days=1)
    return [Deed(span.first + timedelta(days=rng.uniform(0.2, days - 0.3)), name, act) for name, act in acts]


def _wallet(currency: str, state: WalletState) -> Act:
    def act(exchange: Exchange) -> None:
        Operator(exchange.venue).set_wallet(currency, state)

    return act


def _deposit(amount: Decimal) -> Act:
    def act(exchange: Exchange) -> Sequence[str]:
        return [f"deposit:{Operator(exchange.venue).deposit(NAME, Move(currency='KRW', amount=amount)).uuid}"]

    return act


def _withdraw(amount: Decimal) -> Act:
    def act(exchange: Exchange) -> Sequence[str]:
        move = Move(currency="KRW", amount=amount, fee=Decimal(1000))
        return [f"withdrawal:{Operator(exchange.venue).withdraw(NAME, move).uuid}"]

    return act


def _airdrop(currency: str, amount: Decimal) -> Act:
    def act(exchange: Exchange) -> None:
        Operator(exchange.venue).airdrop(NAME, currency, amount)

    return act


def _buy(market: Market, total: Decimal) -> Act:
    def act(exchange: Exchange) -> Sequence[str]:
        body = {"market": market, "side": "bid", "ord_type": "price", "price": plain(total)}
        return _traded(exchange, exchange.venue.place(NAME, body).uuid)

    return act


def _of_held(place: float, side: str) -> Act:
    """Half as much more, or half of it sold, in a market that the account holds."""

    def act(exchange: Exchange) -> Sequence[str] | None:
        held = [(code, each.free) for code, each in exchange.account.wallet if code != "KRW" and each.free]
        if not held:
            return None
        code, free = held[int(place * len(held))]
        if side == "bid":
            return _buy(Market(f"KRW-{code}"), Decimal(50_000))(exchange)
        half = (free / 2).quantize(QUANTITY_STEP, ROUND_DOWN)
        body = {"market": f"KRW-{code}", "side": "ask", "ord_type": "market", "volume": plain(half)}
        return _traded(exchange, exchange.venue.place(NAME, body).uuid)

    return act


def _traded(exchange: Exchange, uuid: str) -> Sequence[str]:
    return [trade.uuid for each in exchange.others() if each.uuid == uuid for trade in each.trades]
