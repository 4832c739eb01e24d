"""The open positions: what the fills say is held, with the entry's frozen facts and the newest stop."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import groupby

from makenaide.domain.errors import Inconsistent
from makenaide.domain.market import Market, minimum_total
from makenaide.domain.money import Price, Quantity
from makenaide.domain.order import PositionId, Side
from makenaide.domain.reason import Exit
from makenaide.ledger.position import Holding, hold
from makenaide.risk.exits import PositionFacts, StopState
from makenaide.store.db import Database
from makenaide.store.journal import JournalFill, StoredStop, all_dust, entries, latest_stops, open_fills

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """One open position. `facts` are what its exits look at; `stop` only ever rises.

    `dust`: what is left was once worth less than the venue takes. It has no stop and takes no slot any more, and is
    sold with the next exit of its market.
    """

    position_id: PositionId
    opened_at: datetime
    holding: Holding
    facts: PositionFacts
    stop: StopState
    dust: bool = False

    @property
    def market(self) -> Market:
        """The market it is held in."""
        return self.facts.market

    def sellable(self, bid: Price) -> bool:
        """Whether it is worth the venue's minimum order at `bid`, or at its stop: one absurd price proves nothing."""
        return (max(bid, self.stop.price) * self.facts.quantity).value >= minimum_total(self.market)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A position of which the books tell no sense: `quantity` is what its fills add up to, `cause` what is wrong."""

    position_id: PositionId
    market: Market
    quantity: Decimal
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Portfolio:
    """What is held: the positions that can be read, oldest first, and those that cannot."""

    positions: tuple[Position, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()


def portfolio(db: Database, account_id: str) -> Portfolio:
    """Every position that holds something, dust too. One that makes no sense never hides the others.

    Reconciling (`execution.reconcile`) calls a person for each unreadable one, and buys nothing while there is one;
    whoever publishes stops keeps the one that it published for it last.
    """
    fills = open_fills(db, account_id)
    if not fills:
        return Portfolio()
    entered = entries(db, account_id)
    dust = all_dust(db, account_id)
    grouped = {key: tuple(group) for key, group in groupby(fills, key=lambda each: each.position_id)}
    stops = latest_stops(db, account_id, list(grouped))
    found, unreadable = [], []
    for key, group in grouped.items():
        try:
            found.append(_position(group, entered[key].evidence, stops.get(key), dust=key in dust))
        except (Inconsistent, ArithmeticError, LookupError, TypeError, ValueError) as cause:
            unreadable.append(_unreadable(key, group, cause))
    return Portfolio(
        positions=tuple(sorted(found, key=lambda position: (position.opened_at, position.position_id))),
        unreadable=tuple(unreadable),
    )


def open_positions(db: Database, account_id: str) -> tuple[Position, ...]:
    """The positions of `portfolio` that can be read."""
    return portfolio(db, account_id).positions


def _unreadable(key: PositionId, group: tuple[JournalFill, ...], cause: Exception) -> Unreadable:
    told = str(cause) if isinstance(cause, Inconsistent) else f"position {key}: {cause!r}"
    log.error("a position cannot be read", extra={"action": "position.unreadable", "position": key, "cause": told})
    signed = (each.fill.volume.value * (1 if each.fill.side is Side.BID else -1) for each in group)
    return Unreadable(position_id=key, market=group[0].fill.market, quantity=sum(signed, Decimal(0)), cause=told)


def watched_positions(db: Database, account_id: str) -> tuple[Position, ...]:
    """The open positions that have a stop and take a slot: all but dust."""
    return tuple(position for position in open_positions(db, account_id) if not position.dust)


def dust_with(position: Position, positions: Sequence[Position]) -> dict[PositionId, Quantity]:
    """The dust of the market that goes with a sale of `position`; the oldest position of a market takes it."""
    peers = [each for each in positions if each.market == position.market and not each.dust]
    if not peers or peers[0].position_id != position.position_id:
        return {}
    return {
        each.position_id: each.facts.quantity for each in positions if each.dust and each.market == position.market
    }


def held_now(db: Database, account_id: str, position: PositionId) -> Quantity:
    """What the position holds at this moment: no sale of ours may exceed it."""
    row = db.row("fill_held", account_id=account_id, position_id=position)
    return Quantity(0 if row is None else max(row.held, Decimal(0)))


def _position(
    group: tuple[JournalFill, ...], evidence: Mapping[str, str], stop: StoredStop | None, *, dust: bool
) -> Position:
    fills = [each.fill for each in group]
    key = group[0].position_id
    if stop is None:
        raise Inconsistent(f"position {key} has no stop")
    holding = hold(fills[0].market, fills)
    bought = holding.average_entry
    if bought is None:
        raise AssertionError(f"position {key} holds what it never bought")  # `hold` would have refused it
    # A lot that was taken over has the person's cost; its exits measure from the price at which it was taken over.
    entry = Price(evidence["adopted_at"]) if "adopted_at" in evidence else bought
    facts = PositionFacts(
        market=holding.market,
        entry=entry,
        atr_percent=Decimal(evidence["atr_percent"]),
        opened_on=fills[0].at.astimezone(UTC).date(),
        quantity=holding.quantity,
        initial_quantity=holding.bought,
        third_taken=any(each.reason == Exit.THIRD for each in group),
    )
    return Position(
        position_id=key,
        opened_at=fills[0].at,
        holding=holding,
        facts=facts,
        stop=StopState(price=stop.price, kind=stop.kind, high_water=stop.high_water),
        dust=dust,
    )
