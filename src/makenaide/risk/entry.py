"""The price and the volume of an entry: limit + ioc at a cap, one attempt.

Source: trading.md, Entry and Universe (spread). The book comes as plain levels, best first: this room knows no
exchange.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from makenaide.domain.market import Market, round_down
from makenaide.domain.money import ZERO_KRW, Krw, Price, Quantity, plain
from makenaide.domain.reason import Refusal
from makenaide.risk.settings import RiskSettings

Levels = Sequence[tuple[Price, Quantity]]
"""(price, size) of one side of a book, best first."""

_SHOWN = Decimal("0.000001")


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFacts:
    """The book of a market at the moment of deciding; `close` is the candle that broke out, `day` names the tick."""

    market: Market
    day: date
    close: Price
    bids: Levels
    asks: Levels


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPlan:
    """Bid `volume` at `price` or better; costs at most `total` won before fees."""

    price: Price
    volume: Quantity
    total: Krw
    evidence: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRefusal:
    """The book does not allow the entry."""

    refusal: Refusal
    evidence: Mapping[str, str]


def spread(bids: Levels, asks: Levels) -> Decimal | None:
    """(best ask - best bid) / mid as a ratio; None when a side is empty."""
    if not bids or not asks:
        return None
    bid, ask = bids[0][0].value, asks[0][0].value
    return (ask - bid) / ((ask + bid) / 2)


def visible_depth(asks: Levels) -> Krw:
    """What all asks shown are worth together, for sizing's bound (d)."""
    return sum((price * volume for price, volume in asks), ZERO_KRW)


def cap_price(close: Price, settings: RiskSettings) -> Price:
    """The most that an entry pays: close x 1.01, not on any tick yet."""
    return close.scale(1 + settings.entry_slip)


def book_refusal(facts: EntryFacts, settings: RiskSettings) -> EntryRefusal | None:
    """What the book alone says against any entry: a side empty, the spread too wide, or the price run away.

    `NOT_FILLED` stands for a best ask above the cap: an ioc there would get nothing, so none is sent.
    """
    gap = spread(facts.bids, facts.asks)
    evidence = _evidence(facts, gap, settings)
    if gap is None:
        return EntryRefusal(refusal=Refusal.SHALLOW_BOOK, evidence=evidence)
    if gap > settings.max_spread:
        return EntryRefusal(refusal=Refusal.WIDE_SPREAD, evidence=evidence)
    cap = round_down(facts.market, cap_price(facts.close, settings).value, facts.day)
    if facts.asks[0][0] > cap:
        return EntryRefusal(refusal=Refusal.NOT_FILLED, evidence=evidence)
    return None


def entry_plan(facts: EntryFacts, total: Krw, settings: RiskSettings) -> EntryPlan | EntryRefusal:
    """The limit order that spends at most `total`, or why there is none.

    The price is the lower of the ask that fills `total` and the cap, rounded down to the tick of the day; the
    volume is `total` over that price, truncated to 8 decimals: never more than sizing allowed.
    """
    refused = book_refusal(facts, settings)
    if refused is not None:
        return refused
    evidence = _evidence(facts, spread(facts.bids, facts.asks), settings)
    wanted = min(_filling_ask(facts.asks, total), cap_price(facts.close, settings))
    price = round_down(facts.market, wanted.value, facts.day)
    if price < facts.asks[0][0]:  # an ask left off the tick by an older table cannot be met from below
        return EntryRefusal(refusal=Refusal.NOT_FILLED, evidence=evidence)
    volume = total / price
    return EntryPlan(
        price=price,
        volume=volume,
        total=price * volume,
        evidence={**evidence, "size": str(total), "limit_price": str(price), "volume": str(volume)},
    )


def _filling_ask(asks: Levels, total: Krw) -> Price:
    """The ask at which the levels up to it are worth `total`; the last one shown when they never are."""
    worth = ZERO_KRW
    for price, volume in asks:
        worth += price * volume
        if worth >= total:
            break
    return price


def _evidence(facts: EntryFacts, gap: Decimal | None, settings: RiskSettings) -> dict[str, str]:
    return {
        "close": str(facts.close),
        "best_bid": str(facts.bids[0][0]) if facts.bids else "none",
        "best_ask": str(facts.asks[0][0]) if facts.asks else "none",
        "spread": "unknown" if gap is None else plain(gap.quantize(_SHOWN)),
        "visible_depth": str(visible_depth(facts.asks)),
        "limit_spread": plain(settings.max_spread),
        "limit_cap": str(cap_price(facts.close, settings)),
    }
