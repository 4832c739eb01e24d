"""The guard itself: the best bid of each position against its stop, and the sale when it is touched.

It needs the stops file, its journal and the venue; neither the database nor the trading process. No market's
trouble ever holds up another's stop: each sale goes one step at a time.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from makenaide.domain.clock import kst
from makenaide.domain.errors import Inconsistent, MakenaideError
from makenaide.domain.intent import StoredOrder
from makenaide.domain.market import Market
from makenaide.domain.money import Price, Quantity
from makenaide.domain.order import PositionId
from makenaide.exchange.venue import Fence
from makenaide.execution.guard.journal import FileJournal
from makenaide.execution.guard.seller import Seller
from makenaide.execution.guard.stock import GuardParts, Stock, Watched
from makenaide.execution.guard.stops import StopsFile, decode
from makenaide.execution.guard.tally import tally
from makenaide.risk.exits import StopState, raise_stop, stop_exit

log = logging.getLogger(__name__)

STOPS = "stops.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """What the guard holds: the version and digest of the stops file, and what is wrong with it (None: nothing)."""

    version: int
    digest: str
    fault: str | None


@dataclass(slots=True)
class Guard:
    """Watches the stops of one account until told to stop; `reload` takes up what was published."""

    parts: GuardParts
    file: StopsFile | None = None
    fault: str | None = None
    journal: FileJournal = field(init=False)
    stock: Stock = field(init=False)
    seller: Seller = field(init=False)
    _watched: dict[PositionId, Watched] = field(default_factory=dict)
    _content: bytes | None = None
    _blind: int = 0

    def __post_init__(self) -> None:
        parts = self.parts
        self.journal = FileJournal(
            folder=parts.folder,
            key=parts.key,
            account_id=parts.account_id,
            files=parts.files,
            coins=self._coins,
            most_of=self._most,
        )
        self.stock = Stock(parts, self.journal)
        self.seller = Seller(parts, self.journal, self.stock, lambda: self.file.installation if self.file else "")
        self._read()
        self.journal.open(self.file.seen if self.file else 0, parts.clock.now())
        self._adopt()

    def reload(self) -> Ack:
        """Take up the stops file if it is new and sound; what is held stays in force where it is not."""
        if self._read():
            self._adopt()
            calm = all(sale.order.life.state.terminal for sale in self.journal.sales.values())
            if self.file is not None and calm:
                self.journal.file.rotate(self.file.seen)
        self.journal.file.flush()
        refused = self.journal.file.refused
        fault = self.fault or (str(refused) if refused else None)
        file = self.file
        return Ack(version=file.version if file else 0, digest=file.digest if file else "", fault=fault)

    def until(self, moment: datetime, stopping: Callable[[], bool]) -> None:
        """Return at `moment`, soon after `stopping` says so, or as soon as a sale has come one step further.

        What happened while nobody looked counts: the first look is at once.
        """
        wake = self.parts.clock.now()
        while True:
            self.reload()
            wake = min([wake, moment, *self._retries()])
            bids = self._wait(wake)
            sold = self._act(bids)
            now = self.parts.clock.now()
            if sold or now >= moment or stopping():
                return
            wake = moment

    def watched(self) -> tuple[Watched, ...]:
        """What is guarded now."""
        return tuple(self._watched.values())

    # ---- the stops file ----

    def _read(self) -> bool:
        try:
            content = self.parts.files.read(self.parts.folder / STOPS)
            if content is None or content == self._content:
                self.fault = "there is no stops file any more" if content is None and self.file else None
                return False
            file = decode(content, self.parts.key)
        except (Inconsistent, OSError) as cause:
            if self.fault is None:
                log.error("no sound stops file", extra={"action": "alarm.guard_stops", "cause": str(cause)})  # noqa: TRY400
            self.fault = str(cause)
            return False
        if self.file is not None and file.version < self.file.version:
            self.fault = f"the stops file went back from version {self.file.version} to {file.version}"
            return False
        if file.account_id != self.parts.account_id:
            self.fault = f"the stops file is of account {file.account_id}"
            return False
        self.file, self._content, self.fault = file, content, None
        return True

    def _adopt(self) -> None:
        before = self._watched
        self._watched = {}
        for stop in self.file.stops if self.file else ():
            known = before.get(stop.position_id)
            held = known.stop if known else self.journal.stops.get(stop.position_id)
            state = stop.stop if held is None else _higher(stop.stop, held)
            watched = known or Watched(about=stop, stop=state)
            if watched.about != stop:
                watched.sold, watched.bought = False, None
            if watched.about.amounts != stop.amounts:
                # Something else to sell may be sold where this could not.
                watched.retry_at, watched.pause = None, 0.0
            watched.about, watched.stop = stop, state
            self._watched[stop.position_id] = watched

    def _coins(self, position: PositionId) -> Decimal | None:
        """What the account should hold of the position's coin: the books' word, less what was sold since."""
        watched = self._watched.get(position)
        if watched is None:
            return None
        coins = watched.about.coins
        for each in self._watched.values():
            if each.about.market != watched.about.market:
                continue
            books = tally(each.about, {}, each.about.bought).total.value
            left = self.stock.left_of_books(each.about)
            coins -= books - left
        return coins

    def _most(self, order: StoredOrder) -> Quantity | None:
        return self.stock.most(order, self._watched.get(order.position_id))

    # ---- watching ----

    def _retries(self) -> list[datetime]:
        now = self.parts.clock.now()
        waiting = [each.retry_at for each in self._watched.values() if not each.sold]
        return [moment for moment in waiting if moment is not None and moment > now]

    def _fences(self) -> dict[Market, Fence]:
        now = self.parts.clock.now()
        fences: dict[Market, Fence] = {}
        for each in self._watched.values():
            if each.about.position_id in self.journal.dust or not each.due(now):
                continue
            mine, other = Fence(each.stop.price, each.stop.high_water), fences.get(each.about.market)
            fences[each.about.market] = (
                mine if other is None else Fence(max(mine.floor, other.floor), min(mine.peak, other.peak))
            )
        return fences

    def _wait(self, until: datetime) -> Mapping[Market, Price]:
        try:
            bids = self.parts.watcher.wait(until, self._fences()).bids
        except MakenaideError as cause:
            self._blind += 1
            if self.parts.blind_looks is not None and self._blind >= self.parts.blind_looks:
                raise
            log.warning("cannot watch", extra={"action": "stop.blind", "cause": str(cause)})
            self.parts.clock.sleep(self.parts.settings.poll_seconds)
            return {}
        self._blind = 0
        return bids

    def _act(self, bids: Mapping[Market, Price]) -> bool:
        """Raise the stops by what was seen, and sell where one is touched; whether there was something to sell."""
        sold = False
        for each in tuple(self._watched.values()):
            if each.about.position_id in self.journal.dust:
                continue
            bid = bids.get(each.about.market)
            now = self.parts.clock.now()
            if bid is not None and each.due(now) and not self.stock.begun(each.about):
                self._look_at(each, bid)
            if (each.signal is not None or self.stock.begun(each.about)) and each.due(self.parts.clock.now()):
                self._sell(each, bid)
                sold = True
        return sold

    def _sell(self, watched: Watched, bid: Price | None) -> None:
        """One step of its sale; whatever is wrong with one market is no other's trouble."""
        try:
            self.seller.step(watched, bid)
        except MakenaideError as cause:
            position = watched.about.position_id
            log.exception(
                "cannot sell", extra={"action": "position.stuck", "position": position, "cause": str(cause)}
            )
            self.seller.later(watched)

    def _look_at(self, watched: Watched, bid: Price) -> None:
        about = watched.about
        if about.pending is None:
            facts = about.facts
            day = kst(self.parts.clock.now()).date()
            stop = raise_stop(watched.stop, facts, bid, day, self.parts.risk)
            if stop != watched.stop:
                watched.stop = stop
                self.journal.rise(about.position_id, stop, self.parts.clock.now())
        watched.signal = stop_exit(watched.stop, about.facts, bid)


def _higher(published: StopState, held: StopState) -> StopState:
    """The higher of two stops of one position, with the higher mark: neither ever falls."""
    higher = held if held.price >= published.price else published
    return replace(higher, high_water=max(published.high_water, held.high_water))
