"""What the tests of the guard share: an account that holds coins, its guard, and what may go wrong between them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

from makenaide.domain.intent import StoredOrder
from makenaide.domain.money import Quantity
from makenaide.domain.order import Identifier, Leg, OrderRequest
from makenaide.domain.reason import Exit
from makenaide.exchange.venue import PlacedOrder, Venue
from makenaide.execution.disk import Disk
from makenaide.execution.guard.guard import STOPS, Guard
from makenaide.execution.guard.stops import StopsFile, decode
from makenaide.execution.leave import leave
from makenaide.pipeline.interlude import take_in
from makenaide.risk.exits import ExitSignal
from makenaide.store.db import Database
from makenaide.store.journal import all_fills
from makenaide.store.orders import orders_of_position
from tests.contract.charts import ETH, FIRST, XRP, Chart, bitcoin, hours, tape
from tests.contract.trading import Exchange, Trader, open_trader, whole

SLUMP = Chart(market=ETH, price=5_000_000, days=[-0.10, -0.05])
SLUMP_TOO = Chart(market=XRP, price=3_000, days=[-0.10, -0.05])


def never() -> bool:
    """Nobody asks to stop."""
    return False


@dataclass
class Hostile(Disk):
    """A disk that refuses to append as long as `broken`, and every write as long as `full`."""

    broken: bool = False
    full: bool = False
    refused: int = 0

    def append(self, path: Path, content: bytes) -> None:
        self._check()
        if self.broken:
            self.refused += 1
            raise OSError(5, "Input/output error")
        super().append(path, content)

    def replace(self, path: Path, content: bytes) -> None:
        self._check()
        super().replace(path, content)

    def _check(self) -> None:
        if self.full:
            self.refused += 1
            raise OSError(28, "No space left on device")


def holding(journal: Database, *charts: Chart, **more: object) -> Trader:
    """An account that holds 0.1 ETH, published to its guard."""
    trader = open_trader(journal, Exchange(tape=tape(bitcoin(2), *(charts or (SLUMP,)))), **more)  # type: ignore[arg-type]
    trader.buy(ETH, "0.1")
    return trader


def fallen(journal: Database, *charts: Chart, **more: object) -> Trader:
    """The same an hour before the second slot: the price is below the stop, and nobody has looked yet."""
    trader = holding(journal, *charts, **more)
    trader.clock.move_to(FIRST + hours(23))
    return trader


def alone(trader: Trader) -> Guard:
    """The guard again in a new process: nothing is remembered but its files."""
    return Guard(trader.guard.parts)


def exits(trader: Trader) -> list[StoredOrder]:
    """The exits in the books, in order."""
    account = trader.account.account_id
    position = all_fills(trader.db, account)[0].position_id
    return [each for each in orders_of_position(trader.db, account, position) if each.leg is Leg.EXIT]


def stops_file(trader: Trader) -> StopsFile:
    """What is published."""
    return decode((trader.exchange.guard / STOPS).read_bytes(), trader.guard.parts.key)


def third(trader: Trader) -> ExitSignal:
    """A wish to sell a part."""
    return ExitSignal(kind=Exit.THIRD, quantity=Quantity("0.03"), evidence={"stage": "2"})


def leave_all(trader: Trader) -> StoredOrder | None:
    """The trading process sells all of the first position."""
    position = trader.positions()[0]
    return leave(trader.desk, trader.account, position, whole(position))


def guarded(guard: Guard, moment: datetime) -> None:
    """The guard by itself until `moment`: nobody takes in what it does."""
    while guard.parts.clock.now() < moment:
        guard.until(moment, never)


def rounds(trader: Trader, count: int, **pause: float) -> None:
    """By turns, `count` times: the guard for so long at most, and what it did into the books."""
    for _ in range(count):
        trader.guard.until(trader.clock.now() + timedelta(**pause), never)
        take_in(trader.session)


def race(trader: Trader, method: str, path: str) -> Callable[[Any], None]:
    """For the wire: at the first such request the guard acts."""
    raced: list[str] = []

    def act(request: Any) -> None:
        if (request.method, request.path) == (method, path) and not raced:
            raced.append(path)
            trader.guard.until(trader.clock.now(), never)

    return act


def shown_as_is(placed: PlacedOrder) -> PlacedOrder:
    """Nothing is hidden."""
    return placed


def sent_as_is(request: OrderRequest) -> OrderRequest:
    """Nothing is changed."""
    return request


@dataclass
class Disguise:
    """The venue, which shows orders as `shows` makes them and takes them as `takes` makes them."""

    inner: Venue
    shows: Callable[[PlacedOrder], PlacedOrder]
    takes: Callable[[OrderRequest], OrderRequest]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def order(self, identifier: Identifier) -> PlacedOrder | None:
        placed = self.inner.order(identifier)
        return None if placed is None else self.shows(placed)

    def place(self, request: OrderRequest) -> Any:
        return self.inner.place(self.takes(request))


def disguise(
    trader: Trader,
    shows: Callable[[PlacedOrder], PlacedOrder] = shown_as_is,
    takes: Callable[[OrderRequest], OrderRequest] = sent_as_is,
) -> None:
    """Both processes see the venue so from now on."""
    venue = cast("Venue", Disguise(trader.guard.parts.venue, shows, takes))
    trader.guard.parts = replace(trader.guard.parts, venue=venue)
    trader.guard.seller = replace(trader.guard.seller, parts=trader.guard.parts)
    trader.session = replace(trader.session, desk=replace(trader.desk, venue=venue))
