"""Holdings by moving average cost with fees, and the closed trade that a position leaves behind.

Source: trading.md, Exits ("Cost basis: moving average with fees").
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import reduce

from makenaide.domain.errors import Inconsistent
from makenaide.domain.market import Market
from makenaide.domain.money import ZERO_KRW, ZERO_QUANTITY, Krw, Price, Quantity
from makenaide.domain.order import PositionId, Side
from makenaide.domain.reason import Exit
from makenaide.ledger.fill import Fill

_COST_STEP = Decimal("0.00000001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What is held of one market and what became of it so far; all amounts in won.

    `cost` is that of the coins still held, buying fees included; `realised` is net of all fees of what was sold.
    """

    market: Market
    quantity: Quantity = ZERO_QUANTITY
    cost: Krw = ZERO_KRW
    realised: Krw = ZERO_KRW
    fees: Krw = ZERO_KRW
    bought: Quantity = ZERO_QUANTITY
    spent: Krw = ZERO_KRW
    sold: Quantity = ZERO_QUANTITY
    earned: Krw = ZERO_KRW

    @property
    def average_entry(self) -> Price | None:
        """The average fill price of all buys, without fees: the `entry` that the exits measure from."""
        return Price(self.spent.value / self.bought.value) if self.bought else None

    @property
    def average_exit(self) -> Price | None:
        """The average fill price of all sales, without fees."""
        return Price(self.earned.value / self.sold.value) if self.sold else None

    def unrealised(self, price: Price) -> Krw:
        """What the coins still held are worth at `price` above their cost; the fee of selling is not yet paid."""
        return price * self.quantity - self.cost


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedTrade:
    """A position from its first buy to its last sale; `pnl` = proceeds - cost, both net of fees.

    `entry` and `exit` are average fill prices; `gain` is pnl over cost (0.05 = 5 %); `holding_days` are whole
    days; times aware UTC.
    """

    position: PositionId
    market: Market
    opened: datetime
    closed: datetime
    entry: Price
    exit: Price
    quantity: Quantity
    cost: Krw
    proceeds: Krw
    pnl: Krw
    gain: Decimal
    fees: Krw
    exits: tuple[Exit, ...]
    holding_days: int


def apply(holding: Holding, fill: Fill) -> Holding:
    """`holding` after `fill`; `Inconsistent` for another market or a sale of more than is held."""
    if fill.market != holding.market:
        raise Inconsistent(f"a fill of {fill.market} met the holding of {holding.market}")
    after = replace(holding, fees=holding.fees + fill.fee)
    if fill.side is Side.BID:
        return replace(
            after,
            quantity=holding.quantity + fill.volume,
            cost=holding.cost + fill.funds + fill.fee,
            bought=holding.bought + fill.volume,
            spent=holding.spent + fill.funds,
        )
    if fill.volume > holding.quantity:
        raise Inconsistent(f"{fill.market}: {fill.volume} were sold of {holding.quantity} held")
    share = _cost_share(holding, fill.volume)
    return replace(
        after,
        quantity=holding.quantity - fill.volume,
        cost=holding.cost - share,
        realised=holding.realised + (fill.funds - fill.fee - share),
        sold=holding.sold + fill.volume,
        earned=holding.earned + fill.funds,
    )


def hold(market: Market, fills: Iterable[Fill]) -> Holding:
    """The holding that `fills`, in the order of their happening, leave behind."""
    return reduce(apply, fills, Holding(market=market))


def closed_trade(position: PositionId, fills: Sequence[Fill], exits: Sequence[Exit]) -> ClosedTrade:
    """What a finished position came to; `exits` are the rules that sold, in order.

    `Inconsistent` when nothing was bought or when something is still held.
    """
    if not fills:
        raise Inconsistent(f"{position}: a trade without a fill")
    end = hold(fills[0].market, fills)
    entry, leaving = end.average_entry, end.average_exit
    if end.quantity or entry is None or leaving is None:
        raise Inconsistent(f"{position}: {end.bought} bought and {end.sold} sold is not a closed trade")
    cost = sum((fill.funds + fill.fee for fill in fills if fill.side is Side.BID), ZERO_KRW)
    proceeds = sum((fill.funds - fill.fee for fill in fills if fill.side is Side.ASK), ZERO_KRW)
    opened, closed = fills[0].at, max(fill.at for fill in fills)
    return ClosedTrade(
        position=position,
        market=end.market,
        opened=opened,
        closed=closed,
        entry=entry,
        exit=leaving,
        quantity=end.bought,
        cost=cost,
        proceeds=proceeds,
        pnl=proceeds - cost,
        gain=(proceeds - cost).value / cost.value,
        fees=end.fees,
        exits=tuple(exits),
        holding_days=(closed - opened).days,
    )


def _cost_share(holding: Holding, volume: Quantity) -> Krw:
    """The cost of `volume` coins at the moving average; all of it for the last coin, so that none stays behind."""
    if volume == holding.quantity:
        return holding.cost
    share = holding.cost.value * volume.value / holding.quantity.value
    return Krw(share.quantize(_COST_STEP, ROUND_HALF_EVEN))
