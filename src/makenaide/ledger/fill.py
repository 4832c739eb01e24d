"""One trade of an order of ours, with its share of the order's fee."""

from dataclasses import dataclass
from datetime import datetime

from makenaide.domain.market import Market
from makenaide.domain.money import Krw, Price, Quantity
from makenaide.domain.order import Identifier, Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """What one trade of the venue moved: `volume` coins against `funds` won, and `fee` won; `at` aware UTC.

    `trade_uuid` is the venue's own and makes the fill unique for ever.
    """

    trade_uuid: str
    identifier: Identifier
    market: Market
    side: Side
    price: Price
    volume: Quantity
    funds: Krw
    fee: Krw
    at: datetime
