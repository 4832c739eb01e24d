"""Limits for real money: an order, a trading day, all that is invested; what is in doubt counts as spent.

Source: issue 4, live mode (mission: survive first). All amounts in won, fees included.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from makenaide.domain.money import ZERO_KRW, Krw


class Limit(StrEnum):
    """Which limit spoke."""

    UNSET = "unset"
    ORDER = "order"
    DAY = "day"
    TOTAL = "total"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The most that one entry, the entries of one trading day, and everything invested may cost; zero = not set."""

    order: Krw = ZERO_KRW
    day: Krw = ZERO_KRW
    total: Krw = ZERO_KRW

    @property
    def unset(self) -> tuple[Limit, ...]:
        """Those that are not set."""
        named = {Limit.ORDER: self.order, Limit.DAY: self.day, Limit.TOTAL: self.total}
        return tuple(limit for limit, amount in named.items() if not amount)


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitment:
    """One committed entry: the most that it can cost, what its fills cost so far, and whether it is at its end."""

    at: datetime
    most: Krw
    spent: Krw
    ended: bool

    @property
    def cost(self) -> Krw:
        """What it counts for: its fills once it has ended, else the most it can come to."""
        return self.spent if self.ended else max(self.most, self.spent)

    @property
    def rest(self) -> Krw:
        """What can still be added to what its fills cost."""
        return self.cost - self.spent


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What counts against the limits: this entry, the other entries of the day, and all that is held or pending."""

    order: Krw
    day: Krw
    invested: Krw


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A limit that would be passed: how much it allows, and what it would have come to."""

    limit: Limit
    allowed: Krw
    wanted: Krw

    def __str__(self) -> str:
        if self.limit is Limit.UNSET:
            return "no limits are set for real money"
        return f"the limit per {self.limit} is {self.allowed} KRW, this would make {self.wanted} KRW"


def spending(order: Krw, others: Iterable[Commitment], held: Krw, day_start: datetime) -> Spending:
    """`order` beside the `others`; `held` is the cost of open positions, `day_start` where the trading day began."""
    known = tuple(others)
    day = sum((each.cost for each in known if each.at >= day_start), ZERO_KRW)
    pending = sum((each.rest for each in known), ZERO_KRW)
    return Spending(order=order, day=day, invested=held + pending)


def most(notional: Krw, fee: Decimal) -> Krw:
    """The most that an entry of `notional` can cost with a fee of `fee` (a ratio)."""
    return notional * (1 + fee)


def breach(limits: Limits, spent: Spending, *, required: bool) -> Breach | None:
    """The first limit that speaks against the entry; with `required` each of the three has to be set."""
    if required and limits.unset:
        return Breach(limit=Limit.UNSET, allowed=ZERO_KRW, wanted=spent.order)
    for limit, allowed, wanted in (
        (Limit.ORDER, limits.order, spent.order),
        (Limit.DAY, limits.day, spent.day + spent.order),
        (Limit.TOTAL, limits.total, spent.invested + spent.order),
    ):
        if allowed and wanted > allowed:
            return Breach(limit=limit, allowed=allowed, wanted=wanted)
    return None
