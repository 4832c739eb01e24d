"""Whether what the venue shows under our identifier is the order that was committed."""

from makenaide.domain.errors import Inconsistent
from makenaide.domain.intent import StoredOrder
from makenaide.domain.order import OrderRequest, OrderType
from makenaide.exchange.venue import PlacedOrder


def require_same(order: StoredOrder, placed: PlacedOrder) -> None:
    """`Inconsistent` unless the venue's order is, in market, side, type and size, one that was committed.

    That is the request itself or, once its identifier was to be spent, the bid that spends it.
    """
    if not any(_is(asked, placed) for asked in (order.request, order.burn) if asked is not None):
        asked = order.request
        raise Inconsistent(
            f"{order.identifier}: committed {asked.side} {asked.type} {asked.market} {asked.volume}, "
            f"the venue shows {placed.side} {placed.type} {placed.market} {placed.volume}"
        )


def is_burn(order: StoredOrder, placed: PlacedOrder) -> bool:
    """Whether what the venue shows is the bid that spends the identifier, and not the entry itself."""
    burn = order.burn
    if burn is None or not _is(burn, placed) or burn.price is None:
        return False
    return placed.price == burn.price.value


def _is(asked: OrderRequest, placed: PlacedOrder) -> bool:
    if (placed.market, placed.side, placed.type) != (asked.market, asked.side, asked.type.value):
        return False
    return asked.type is OrderType.PRICE or asked.volume == placed.volume
