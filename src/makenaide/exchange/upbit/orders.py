"""Orders: the venue's order objects into domain values (upbit-api.md, sections 4.3 to 4.7)."""

from makenaide.domain.money import Krw, Price, Quantity
from makenaide.domain.order import Identifier
from makenaide.exchange.upbit.errors import VenueGarbled
from makenaide.exchange.upbit.outcomes import Cancels, NamedOrder, Replaced
from makenaide.exchange.upbit.rows import CancelledRow, CancelsRow, OrderRow, ReplacedRow, TradeRow
from makenaide.exchange.upbit.wire import amount, coded, moment, read, valued
from makenaide.exchange.venue import PlacedOrder, Trade


def placed_order(call: str, body: bytes, identifier: Identifier) -> PlacedOrder:
    """The order of `identifier`; `VenueGarbled` when the reply speaks of another one."""
    row = read(call, body, OrderRow)
    if row.identifier is not None and row.identifier != identifier:
        raise VenueGarbled(f"{call}: $.identifier: asked for {identifier}, got {row.identifier!r}")
    return order_of(row, f"{call}: $")


def order_by_uuid(call: str, body: bytes, uuid: str) -> PlacedOrder:
    """The order of the venue's own id `uuid`; `VenueGarbled` when the reply speaks of another one."""
    row = read(call, body, OrderRow)
    if row.uuid != uuid:
        raise VenueGarbled(f"{call}: $.uuid: asked for {uuid}, got {row.uuid!r}")
    return order_of(row, f"{call}: $")


def order_list(call: str, body: bytes) -> tuple[PlacedOrder, ...]:
    """Orders in the order in which the venue lists them; `VenueGarbled` when one stands there twice.

    A list carries no trades: `trades` is empty whatever `trades_count` says.
    """
    found = tuple(
        order_of(row, f"{call}: $[{index}]") for index, row in enumerate(read(call, body, list[OrderRow]))
    )
    if len({each.uuid for each in found}) < len(found):
        raise VenueGarbled(f"{call}: an order stands there twice")
    return found


def order_of(row: OrderRow, at: str) -> PlacedOrder:
    """One order object."""
    return PlacedOrder(
        uuid=row.uuid,
        identifier=None if row.identifier is None else Identifier(row.identifier),
        market=coded(row.market, at),
        side=row.side,
        type=row.ord_type,
        price=None if row.price is None else valued(amount, row.price, f"{at}.price"),
        volume=None if row.volume is None else valued(Quantity, row.volume, f"{at}.volume"),
        state=row.state,
        executed=valued(Quantity, row.executed_volume, f"{at}.executed_volume"),
        paid_fee=Krw(valued(amount, row.paid_fee, f"{at}.paid_fee")),
        trades_count=row.trades_count,
        trades=tuple(_trade(each, f"{at}.trades[{index}]") for index, each in enumerate(row.trades)),
        created_at=moment(row.created_at, f"{at}.created_at"),
    )


def _trade(row: TradeRow, at: str) -> Trade:
    return Trade(
        uuid=row.uuid,
        price=valued(Price, row.price, f"{at}.price"),
        volume=valued(Quantity, row.volume, f"{at}.volume"),
        funds=Krw(valued(amount, row.funds, f"{at}.funds")),
        at=moment(row.created_at, f"{at}.created_at"),
    )


def cancels(call: str, body: bytes) -> Cancels:
    """Which cancellations were taken and which were not; each order object names at least its id and market."""
    row = read(call, body, CancelsRow)
    return Cancels(
        taken=tuple(_named(each, f"{call}: $.success.orders[{i}]") for i, each in enumerate(row.success.orders)),
        failed=tuple(_named(each, f"{call}: $.failed.orders[{i}]") for i, each in enumerate(row.failed.orders)),
    )


def _named(row: CancelledRow, at: str) -> NamedOrder:
    identifier = None if row.identifier is None else Identifier(row.identifier)
    return NamedOrder(uuid=row.uuid, market=coded(row.market, at), identifier=identifier)


def replaced(call: str, body: bytes, old: Identifier) -> Replaced:
    """The reply to cancel-and-new: the old order as it was, and the venue's id of the new one."""
    return Replaced(old=placed_order(call, body, old), uuid=read(call, body, ReplacedRow).new_order_uuid)
