"""Every kind of order that our code sends, built as it is built there, and whether the simulated venue takes it.

A case is a market, a day and a price. An entry comes of `risk.entry.entry_plan` over the market's own book, a sale of
the quantity that it bought; limits of either side stand on `round_down` and `round_up`. Each goes through the
client's `order_body` to the venue's own admission.
"""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import exp, log

from makenaide.domain.market import Market, base_of, market, round_down, round_up, tick_size
from makenaide.domain.money import Krw, Price, Quantity
from makenaide.domain.order import Identifier, OrderRequest, OrderType, Side, TimeInForce
from makenaide.exchange.simulator.core.errors import Refused
from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.settings import VenueSettings
from makenaide.exchange.upbit.answers import order_body
from makenaide.risk.entry import EntryFacts, EntryPlan, entry_plan
from makenaide.risk.settings import RiskSettings
from tests.unit.simulator_street import Street

LOWEST, HIGHEST = Decimal("0.00001"), Decimal(200_000_000)
MARKETS = tuple(market(code) for code in ("KRW-BTC", "KRW-ADA", "KRW-USDT"))
"""One of each tick table: the common one, the coarse hundreds and the fine thousands."""
FIRST_DAY, LAST_DAY = date(2023, 1, 1), date(2026, 12, 31)
CHANGES = (date(2024, 1, 29), date(2024, 10, 14), date(2025, 3, 21), date(2025, 7, 31))
"""The days from which another table holds (upbit-api.md section 8)."""
BAND_EDGES = tuple(edge.scaleb(power) for power in range(-5, 7) for edge in (Decimal(1), Decimal(2), Decimal(5)))
SIZES = (Decimal("5000"), Decimal("5000.5"), Decimal(10_000), Decimal(123_457), Decimal(99_999_999))
"""Won: the venue's minimum, ours, and up to what the greatest account would spend."""
ACCOUNT = "paper"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A market on a KST day, around `price`; `won` is what an order should be worth."""

    market: Market
    day: date
    price: Decimal
    won: Decimal


@dataclass(slots=True)
class Tally:
    """How many orders of each kind were judged, and the refused ones with the reason."""

    judged: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Accepted orders among those judged."""
        total = sum(self.judged.values())
        return (total - len(self.refused)) / total


def cases(seed: int, count: int) -> Iterator[Case]:
    """`count` seeded cases over all bands and dates, then every band's edges on the days about every change."""
    rng = random.Random(seed)
    low, high = log(float(LOWEST)), log(float(HIGHEST))
    for _ in range(count):
        yield Case(
            market=rng.choice(MARKETS),
            day=FIRST_DAY + timedelta(days=rng.randrange((LAST_DAY - FIRST_DAY).days)),
            price=Decimal(repr(exp(rng.uniform(low, high)))),
            won=rng.choice(SIZES),
        )
    for code in MARKETS:
        for day in (FIRST_DAY, *(each + timedelta(days=shift) for each in CHANGES for shift in (-1, 0)), LAST_DAY):
            for edge in BAND_EDGES:
                for nudge in (Decimal("0.99999"), Decimal(1), Decimal("1.00001")):
                    yield Case(market=code, day=day, price=edge * nudge, won=rng.choice(SIZES))


def judge(case: Case, tally: Tally) -> None:
    """Build every order of `case` and let its venue judge them."""
    venue = _venue(case)
    for kind, request in _orders(case, venue):
        tally.judged[kind] += 1
        body = {**dict(order_body(request)), "identifier": f"i{tally.judged.total()}"}
        try:
            venue.test(ACCOUNT, body)
        except Refused as refusal:
            tally.refused.append(f"{kind} {refusal.name}: {body} on {case.day}")


def _venue(case: Case) -> Venue:
    """A venue at noon KST of the day, at the price on its tick, with books deep enough for any of `SIZES`."""
    noon = datetime(case.day.year, case.day.month, case.day.day, 3, tzinfo=UTC)
    price = round_down(case.market, case.price, case.day).value
    street = Street(
        steps={case.market: [(timedelta(0), price)]},
        size=2 * max(SIZES) / price,
        start=noon - timedelta(days=1),
        first_slot=noon,
        end=noon + timedelta(days=1),
    )
    venue = Venue(street, VenueSettings())
    venue.open_account(
        ACCOUNT, {"KRW": 2 * max(SIZES), base_of(case.market): round(10 * max(SIZES) / price, 8) + 1}
    )
    return venue


def _orders(case: Case, venue: Venue) -> Iterator[tuple[str, OrderRequest]]:
    price, won = round_down(case.market, case.price, case.day), Krw(case.won)
    yield "limit buy", _limit(case, Side.BID, price, _worth(won, price))
    ceiling = round_up(case.market, case.price, case.day)
    yield "limit sell", _limit(case, Side.ASK, ceiling, _worth(won, ceiling))
    yield "market buy", _request(case, Side.BID, OrderType.PRICE, total=won)
    yield "market sell", _request(case, Side.ASK, OrderType.MARKET, volume=_worth(won, price))
    plan = _entry(case, venue)
    if plan is not None:
        entry = _limit(case, Side.BID, plan.price, plan.volume)
        yield "entry", entry
        if price * plan.volume >= Krw(5000):  # the best bid may stand just below what was paid
            yield "exit", _request(case, Side.ASK, OrderType.MARKET, volume=plan.volume)


def _worth(won: Krw, price: Price) -> Quantity:
    """The least volume, in whole steps, that is worth at least `won`."""
    volume = won / price
    return volume if price * volume >= won else volume + Quantity("0.00000001")


def _entry(case: Case, venue: Venue) -> EntryPlan | None:
    """The plan of an entry of the size that sizing allows; None where the book forbids one."""
    settings = RiskSettings()
    if case.won < settings.minimum_total:
        return None
    book = venue.floor.book(case.market)
    facts = EntryFacts(
        market=case.market,
        day=case.day,
        close=round_down(case.market, case.price, case.day),
        bids=[
            (Price(price), Quantity(size.quantize(Decimal("0.00000001"))))
            for price, size in book.bids
            if price > 0
        ],
        asks=[(Price(price), Quantity(size.quantize(Decimal("0.00000001")))) for price, size in book.asks],
    )
    plan = entry_plan(facts, Krw(case.won), settings)
    return plan if isinstance(plan, EntryPlan) else None


def _limit(case: Case, side: Side, price: Price, volume: Quantity) -> OrderRequest:
    timed = TimeInForce.IOC if side is Side.BID else None
    return OrderRequest(
        market=case.market,
        side=side,
        type=OrderType.LIMIT,
        identifier=Identifier("set-when-sent"),
        price=price,
        volume=volume,
        time_in_force=timed,
    )


def _request(
    case: Case, side: Side, kind: OrderType, *, volume: Quantity | None = None, total: Krw | None = None
) -> OrderRequest:
    return OrderRequest(
        market=case.market,
        side=side,
        type=kind,
        identifier=Identifier("set-when-sent"),
        volume=volume,
        total=total,
    )


def on_tick(price: Decimal, day: date) -> bool:
    """Whether the common won table of `day` takes `price`."""
    return price > 0 and price % tick_size(MARKETS[0], price, day) == 0
