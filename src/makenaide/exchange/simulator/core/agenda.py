"""What the venue does by itself at a later moment: end a cancelled order, free a balance that lags.

Time is the venue's; the moments come out in order of time, and in the order in which they were put in at equal times.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from heapq import heappop, heappush

from makenaide.exchange.simulator.core.orders import Order, Ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class Heir:
    """The order that takes a cancelled one's place under `uuid`; `remain_only`: with what was left of its volume."""

    uuid: str
    ticket: Ticket
    remain_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The cancel of `order` takes effect; its `heir` is placed if it was still open."""

    order: Order
    heir: Heir | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """`amount` of `currency` that is pending in `account` becomes free."""

    account: str
    currency: str
    amount: Decimal


Deed = Ending | Arrival


class Agenda:
    """Deeds by their time."""

    def __init__(self) -> None:
        self._deeds: list[tuple[datetime, int, Deed]] = []
        self._count = 0

    def add(self, at: datetime, deed: Deed) -> None:
        """Do `deed` at `at`."""
        self._count += 1
        heappush(self._deeds, (at, self._count, deed))

    def next(self, until: datetime) -> datetime | None:
        """When the first deed is due, if that is not after `until`."""
        return self._deeds[0][0] if self._deeds and self._deeds[0][0] <= until else None

    def first(self) -> Deed:
        """The first deed; `pop` it once it is done."""
        return self._deeds[0][2]

    def pop(self) -> None:
        """Take the first deed out; what was added since it was the first is due after it."""
        heappop(self._deeds)

    def state(self) -> list[str]:
        """What is still to do, in words, for comparing two venues."""
        return [
            f"due {at.isoformat()} {_worded(deed)}" for at, _, deed in sorted(self._deeds, key=lambda it: it[:2])
        ]


def _worded(deed: Deed) -> str:
    return str(deed) if isinstance(deed, Arrival) else f"end {deed.order.uuid} {deed.heir}"
