"""The venue of an account, with its clock and its eyes: a simulator beside us, or the real exchange on paper."""

import random
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

from makenaide.app import world as worlds
from makenaide.app.child import Simulator, simulator
from makenaide.app.clock import StopFlag, WallClock
from makenaide.app.identity import Source
from makenaide.app.world import World
from makenaide.config import Config
from makenaide.domain.clock import Clock, last_slot, next_slot, trading_day
from makenaide.domain.errors import LiveClosed, Misconfigured
from makenaide.exchange.http import Transport
from makenaide.exchange.paper import PaperVenue
from makenaide.exchange.polling import PollingWatcher
from makenaide.exchange.simulator.core.commandlog import rebuild
from makenaide.exchange.simulator.core.venue import Venue as SimulatedVenue
from makenaide.exchange.simulator.prices.live import LiveData
from makenaide.exchange.simulator.rest.face import Face
from makenaide.exchange.simulator.settings import ApiKey, FaceSettings, Pace, fingerprint
from makenaide.exchange.simulator.stepped import Remote, SteppedClock, SteppedWatcher
from makenaide.exchange.upbit.auth import Keys
from makenaide.exchange.upbit.client import UpbitClient
from makenaide.exchange.upbit.limiter import Limiter
from makenaide.exchange.upbit.transport import UrllibTransport
from makenaide.exchange.venue import Venue, Watcher

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


def new_world(config: Config, wanted: Source, folder: Path, now: datetime) -> World:
    """The world that a new account of `wanted` lives in; an endless one starts on today's date."""
    pace = Pace.REAL if wanted.endless else Pace.STEPPED
    venue = replace(config.venue, seed=wanted.seed, pace=pace)
    market = replace(config.market, seed=wanted.seed, markets=wanted.markets)
    if wanted.endless:
        market = replace(market, first_day=trading_day(now), days=_ENDLESS_DAYS)
    elif wanted.days is not None:
        market = replace(market, days=wanted.days)
    return World(
        folder=str(folder),
        market=None if wanted.kind == "replay" else market,
        replay=None if wanted.replay is None else str(wanted.replay.absolute()),
        venue=venue,
        face=FaceSettings(quota=config.quota),
        balances={"KRW": Decimal(config.paper.krw)},
    )


@contextmanager
def open_market(config: Config, wanted: Source, folder: Path, flag: StopFlag) -> Iterator[Market]:
    """The venue of the account that lives in `folder`, ready to be traded on; never one with a real key."""
    if wanted.live:
        raise LiveClosed("--mode live: this way leads to paper only")
    if wanted.kind == "upbit":
        with _paper_upbit(config, folder, flag) as market:
            yield market
        return
    file = folder / "world.json"
    clock = WallClock(flag)
    world = worlds.load(file) if file.exists() else new_world(config, wanted, folder, clock.now())
    worlds.save(world)
    keys = worlds.keys(world)
    with simulator(world) as beside:
        opened = _on_the_wall if wanted.endless else _stepped
        with opened(config, wanted, (beside, keys), flag) as market:
            yield market


@contextmanager
def _stepped(config: Config, wanted: Source, at: tuple[Simulator, Keys], flag: StopFlag) -> Iterator[Market]:  # noqa: ARG001
    beside, keys = at
    with closing(UrllibTransport(beside.url, config.upbit.transport)) as plain:
        times = Remote(transport=beside.attended(plain), keys=keys, ids=_nonce).times()
    clock = SteppedClock(max(times.now, times.first_slot + config.schedule.delay))
    with closing(UrllibTransport(beside.url, config.upbit.transport, clock.stamp)) as plain:
        transport = beside.attended(plain)
        remote = Remote(transport=transport, keys=keys, ids=_nonce)
        yield Market(
            venue=_client(config, transport, keys, clock),
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
def _on_the_wall(config: Config, wanted: Source, at: tuple[Simulator, Keys], flag: StopFlag) -> Iterator[Market]:  # noqa: ARG001
    beside, keys = at
    clock = WallClock(flag)
    with closing(UrllibTransport(beside.url, config.upbit.transport)) as plain:
        client = _client(config, beside.attended(plain), keys, _unhurried())
        yield Market(
            venue=client,
            watcher=PollingWatcher(quotation=client, clock=clock, stopping=flag),
            clock=clock,
            first_slot=last_slot(clock.now(), config.schedule.times),
            last_slot=None,
        )


@contextmanager
def _paper_upbit(config: Config, folder: Path, flag: StopFlag) -> Iterator[Market]:
    clock = WallClock(flag)
    now = clock.now()
    folder.mkdir(parents=True, exist_ok=True)
    with closing(UrllibTransport(config.upbit.base_url, config.upbit.transport)) as transport:
        public = _client(config, transport, None, _unhurried())
        settings = replace(config.venue, pace=Pace.REAL)
        paper = SimulatedVenue(LiveData(public, now, folder / "books.jsonl"), settings)
        with closing(rebuild(paper, folder / "commands.log", fingerprint(settings, {"prices": "upbit"}))):
            if worlds.ACCOUNT not in paper.accounts:
                paper.open_account(worlds.ACCOUNT, {"KRW": Decimal(config.paper.krw)})
            # Keys between two parts of one process: they never leave it.
            keys = Keys(access=_nonce(), secret=_nonce() + _nonce())
            key = ApiKey(access=keys.access, secret=keys.secret, account=worlds.ACCOUNT)
            face = Face(paper, [key], FaceSettings(quota=config.quota), clock)
            account = _client(config, face, keys, _unhurried())
            yield Market(
                venue=PaperVenue(quotation=public, trading=account),
                watcher=PollingWatcher(quotation=public, clock=clock, stopping=flag),
                clock=clock,
                first_slot=next_slot(now - timedelta(days=1), config.schedule.times),
                last_slot=None,
            )


@contextmanager
def live_market(config: Config, keys: Keys, flag: StopFlag) -> Iterator[Market]:
    """The venue at `upbit.base_url`, for data and for orders with `keys`. Only `app.live` lets anybody get here."""
    clock = WallClock(flag)
    with keyed_client(config, keys) as client:
        yield Market(
            venue=client,
            watcher=PollingWatcher(quotation=client, clock=clock, stopping=flag),
            clock=clock,
            first_slot=next_slot(clock.now() - timedelta(days=1), config.schedule.times),
            last_slot=None,
        )


@contextmanager
def keyed_client(config: Config, keys: Keys) -> Iterator[UpbitClient]:
    """The client at `upbit.base_url` with `keys`, to be asked what they may do."""
    with closing(UrllibTransport(config.upbit.base_url, config.upbit.transport)) as transport:
        yield _client(config, transport, keys, _unhurried())


def _client(config: Config, transport: Transport, keys: Keys | None, clock: Clock) -> UpbitClient:
    """A client that paces itself by `clock`, which no stop flag may cut short: a hurried client gets banned."""
    rng = random.Random()  # noqa: S311 - jitter of retries, no secret
    return UpbitClient(
        transport=transport,
        limiter=Limiter(config.upbit.limiter, clock, rng),
        keys=keys,
        clock=clock,
        ids=_nonce,
        rng=rng,
        settings=config.upbit.retry,
    )


def _unhurried() -> WallClock:
    return WallClock(StopFlag())


def _nonce() -> str:
    return str(uuid4())
