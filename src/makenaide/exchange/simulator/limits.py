"""The published rate limits by group (upbit-api.md section 7)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Limit:
    """`calls` in every `seconds`, and `a_minute` in every minute where that is limited too.

    `minute` is the dead constant that the header calls min, `shown` the header's name where it is not the group's.
    """

    calls: int
    seconds: int = 1
    minute: int = 1800
    a_minute: int | None = None
    shown: str = ""


LIMITS: Final[Mapping[str, Limit]] = {
    "market": Limit(10, minute=600),
    "candle": Limit(10, minute=600),
    "trade": Limit(10, minute=600),
    "ticker": Limit(10, minute=600),
    "orderbook": Limit(10, minute=600),
    "origin": Limit(1, seconds=10, minute=6),
    "default": Limit(30),
    "order": Limit(12),
    "order-test": Limit(8),
    "order-cancel-all": Limit(1, seconds=2),
    "websocket-connect": Limit(5, minute=300, shown="websocket"),
    "websocket-message": Limit(5, minute=300, a_minute=100, shown="websocket"),
}
