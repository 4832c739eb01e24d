"""The venue of an account, with its clock and its eyes: a simulator beside us, or the real exchange on paper.

A stepped simulator is a child of the trading process, whose steps are its time. On the wall clock the venue is a
resident, which the guard needs when the trading process is gone.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from makenaide.app import world as worlds
from makenaide.app.child import Simulator, simulator
from makenaide.app.client import nonce, read_keys, unhurried, upbit_client
from makenaide.app.clock import StopFlag, WallClock
from makenaide.app.endings import Endings, Following
from makenaide.app.identity import Source
from makenaide.app.resident import Tended, resident
from makenaide.app.world import World
from makenaide.config import Config
from makenaide.domain.clock import Clock, last_slot, next_slot, trading_day
from makenaide.domain.errors import LiveClosed, Misconfigured
from makenaide.exchange.paper import PaperVenue
from makenaide.exchange.polling import PollingWatcher
from makenaide.exchange.simulator.settings import FaceSettings, Pace
from makenaide.exchange.simulator.stepped import Remote, SteppedClock, SteppedWatcher
from makenaide.exchange.upbit.auth import Keys
from makenaide.exchange.upbit.client import UpbitClient
from makenaide.exchange.upbit.stream.connection import Opener, WebSocketOpener
from makenaide.exchange.upbit.transport import UrllibTransport
from makenaide.exchange.venue import Venue, Watcher
from makenaide.monitoring.measures import Registry

_ENDLESS_DAYS = 730
"""Generated days that lie ahead of a run on the wall clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """A venue that can be traded on now. `first_slot` .. `last_slot` is the run's span (None: no end); UTC."""

    venue: Venue
    watcher: Watcher
    clock: Clock
    first_slot: datetime
    last_slot: datetime | None
    endings: Endings | None = None


def new_world(config: Config, wanted: Source, folder: Path, now: datetime) -> World:
    """The world that a new account of `wanted` lives in; an endless one starts on today's date."""
    pace = Pace.REAL if wanted.endless else Pace.STEPPED
    venue = replace(config.venue, pace=pace)
    if wanted.kind != "upbit":
        venue = replace(venue, seed=wanted.seed)
    market = replace(config.market, seed=wanted.seed, markets=wanted.markets)
    if wanted.endless:
        market = replace(market, first_day=trading_day(now), days=_ENDLESS_DAYS)
    elif wanted.days is not None:
        market = replace(market, days=wanted.days)
    return World(
        folder=str(folder),
        market=market if wanted.kind == "simulator" else None,
        replay=None if wanted.replay is None else str(wanted.replay.absolute()),
        venue=venue,
        face=FaceSettings(quota=config.quota),
        balances={"KRW": Decimal(config.paper.krw)},
    )


@contextmanager
def open_market(
    config: Config, wanted: Source, folder: Path, flag: StopFlag, measures: Registry | None = None
) -> Iterator[Market]:
    """The venue of the account that lives in `folder`, ready to be traded on; never one with a real key.

    Calls to it are counted in `measures`.
    """
    if wanted.live:
        raise LiveClosed("--mode live: this way leads to paper only")
    file = folder / "world.json"
    world = worlds.load(file) if file.exists() else new_world(config, wanted, folder, WallClock(flag).now())
    if wanted.kind == "upbit":
        world = replace(world, upbit=config.upbit)  # how it is asked is no part of what the account is
    worlds.save(world)
    if wanted.endless:
        with _on_the_wall(config, wanted, folder, flag, measures) as market:
            yield market
        return
    with simulator(world) as beside, _stepped(config, wanted, (beside, worlds.keys(world)), measures) as market:
        yield market


@contextmanager
def _stepped(
    config: Config, wanted: Source, at: tuple[Simulator, Keys], measures: Registry | None
) -> Iterator[Market]:
    beside, keys = at
    with closing(UrllibTransport(beside.url, config.upbit.transport)) as plain:
        times = Remote(transport=beside.attended(plain), keys=keys, ids=nonce).times()
    clock = SteppedClock(max(times.now, times.first_slot + config.schedule.delay))
    with closing(UrllibTransport(beside.url, config.upbit.transport, clock.stamp)) as plain:
        transport = beside.attended(plain)
        remote = Remote(transport=transport, keys=keys, ids=nonce)
        yield Market(
            venue=upbit_client(config.upbit, transport, keys, clock, measures),
            watcher=SteppedWatcher(remote=remote, clock=clock),
            clock=clock,
            first_slot=times.first_slot,
            last_slot=_last_slot(config, wanted, times.first_slot, times.end),
        )


def _last_slot(config: Config, wanted: Source, first: datetime, end: datetime) -> datetime:
    """The slot that closes the run: `days` after the first, or the last one that the data reaches."""
    reached = last_slot(end, config.schedule.times)
    asked = reached if wanted.days is None else first + timedelta(days=wanted.days)
    if min(asked, reached) < first:
        raise Misconfigured(
            f"--replay: the data ends at {end.isoformat()}, before its first slot {first.isoformat()}"
        )
    return min(asked, reached)


@contextmanager
def _on_the_wall(
    config: Config, wanted: Source, folder: Path, flag: StopFlag, measures: Registry | None
) -> Iterator[Market]:
    """The resident venue of the account in `folder`; prices are its own, or those of the real exchange."""
    clock, upbit = WallClock(flag), config.upbit
    with resident(folder) as beside, closing(Tended(beside, upbit.transport)) as near:
        account = upbit_client(upbit, near, read_keys(folder / "keys.json"), unhurried(), measures)
        if wanted.kind != "upbit":
            first = last_slot(clock.now(), config.schedule.times)
            yield _wall_market((account, account), Following(folder), flag, first)
            return
        with closing(UrllibTransport(upbit.base_url, upbit.transport)) as far:
            public = upbit_client(upbit, far, None, unhurried(), measures)
            first = next_slot(clock.now() - timedelta(days=1), config.schedule.times)
            yield _wall_market((public, account), WebSocketOpener(upbit.base_url), flag, first)


@contextmanager
def live_market(config: Config, keys: Keys, flag: StopFlag, measures: Registry | None = None) -> Iterator[Market]:
    """The venue at `upbit.base_url`, for data and for orders with `keys`. Only `app.live` lets anybody get here."""
    clock = WallClock(flag)
    with keyed_client(config, keys, measures) as client:
        first = next_slot(clock.now() - timedelta(days=1), config.schedule.times)
        yield _wall_market((client, client), WebSocketOpener(config.upbit.base_url), flag, first)


@contextmanager
def keyed_client(config: Config, keys: Keys, measures: Registry | None = None) -> Iterator[UpbitClient]:
    """The client at `upbit.base_url` with `keys`, to be asked what they may do."""
    with closing(UrllibTransport(config.upbit.base_url, config.upbit.transport)) as transport:
        yield upbit_client(config.upbit, transport, keys, unhurried(), measures)


def _wall_market(
    clients: tuple[UpbitClient, UpbitClient], stream: Opener, flag: StopFlag, first: datetime
) -> Market:
    (public, account), clock = clients, WallClock(flag)
    return Market(
        venue=account if public is account else PaperVenue(quotation=public, trading=account),
        watcher=PollingWatcher(quotation=public, clock=clock, stopping=flag),
        clock=clock,
        first_slot=first,
        last_slot=None,
        endings=Endings(opener=stream),
    )
