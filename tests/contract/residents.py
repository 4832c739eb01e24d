"""Wall-clock accounts whose venue and guard are processes of their own; all are ended by whoever made them."""

import os
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from makenaide.app import world as worlds
from makenaide.app.client import read_keys, unhurried, upbit_client
from makenaide.app.detached import end, until
from makenaide.app.guardpost import Ground, Orders, Post
from makenaide.app.identity import Source
from makenaide.app.resident import Address, ResidentVenue, Tended, venue_address
from makenaide.app.venues import new_world
from makenaide.config import Config
from makenaide.domain.market import Market
from makenaide.domain.money import Krw
from makenaide.domain.order import Identifier, OrderRequest, OrderType, Side
from makenaide.exchange.upbit.client import UpbitClient

CONFIG = replace(Config(), market=replace(Config().market, history_days=3))
BTC = Market("KRW-BTC")


@dataclass(frozen=True)
class Place:
    """The folder of one account."""

    folder: Path

    @property
    def post(self) -> Post:
        """Its guard's files."""
        return Post(self.folder)

    @property
    def address(self) -> Address:
        """Where its venue is, or was."""
        found = venue_address(self.folder)
        assert found is not None
        return found

    def kill_venue(self) -> Address:
        """`kill -9`; returns when it is dead."""
        address = self.address
        os.kill(address.pid, signal.SIGKILL)
        assert until(lambda: not address.alive, 5)
        return address

    def end(self) -> None:
        """End what lives here."""
        for process in (self.post.on_duty(), venue_address(self.folder)):
            if process is not None and process.pid != os.getpid():
                end(process, 5)

    @contextmanager
    def client(self, venue: ResidentVenue) -> Iterator[UpbitClient]:
        """The account's owner at its venue."""
        with closing(Tended(venue, CONFIG.upbit.transport)) as near:
            yield upbit_client(CONFIG.upbit, near, read_keys(self.folder / "keys.json"), unhurried())


@contextmanager
def place(folder: Path) -> Iterator[Place]:
    """An account on a small simulator on the wall clock, whose venue nobody has started yet."""
    made = Place(folder)
    kind = Source(kind="simulator", seed=1, days=None, markets=3, replay=None, endless=True)
    world = new_world(CONFIG, kind, folder, datetime.now(UTC))
    worlds.save(replace(world, market=replace(world.market, days=3)) if world.market else world)
    try:
        yield made
    finally:
        made.end()


def orders(ground: Ground = Ground.SIMULATOR, account: str = "0123456789ab") -> Orders:
    """What a guard is told."""
    return Orders(
        account=account,
        installation="0123",
        ground=ground,
        upbit=CONFIG.upbit,
        risk=CONFIG.risk,
        execution=CONFIG.execution,
    )


def bought(name: str) -> OrderRequest:
    """A market buy for 10,000 won."""
    return OrderRequest(
        market=BTC,
        side=Side.BID,
        type=OrderType.PRICE,
        identifier=Identifier(f"mk1-0001-KRW-BTC-20260103T0900-{name}"),
        total=Krw(10_000),
    )
