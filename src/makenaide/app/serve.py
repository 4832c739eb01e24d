"""Serving a simulated world over HTTP, on this machine only: which one is meant, if it can be, and the server."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from makenaide.app import scenario as scenarios
from makenaide.app import world as worlds
from makenaide.app.clock import StopFlag, WallClock
from makenaide.app.identity import Source
from makenaide.app.resident import move_in, move_out_when_idle, venue_address
from makenaide.app.venues import new_world
from makenaide.app.world import MAIN_KEY, SCOPES, World
from makenaide.domain.errors import Misconfigured
from makenaide.environment import Environment
from makenaide.exchange.simulator.faults.courier import Courier
from makenaide.exchange.simulator.faults.mischief import Mischief
from makenaide.exchange.simulator.market import MarketData
from makenaide.exchange.simulator.prices.files import fingerprint
from makenaide.exchange.simulator.rest.face import Face
from makenaide.exchange.simulator.server import Server
from makenaide.exchange.simulator.settings import Pace

_PLENTY = {"KRW": Decimal(1_000_000_000), "BTC": Decimal(20)}
"""Enough for whatever other clients' examples and tests order."""
_SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)


def asked_world(env: Environment, asked: Mapping[str, Any]) -> World:
    """The world that the options name, kept in the data folder, so that its orders outlive a restart.

    It is found again by what it is: what the options, the settings and the scenario make of it, and the replayed
    candles. `Misconfigured` for an option that would mean nothing.
    """
    _refuse_idle(asked)
    config, replay, stepped = env.config, asked["replay"], asked["stepped"]
    wanted = Source(
        kind="simulator" if replay is None else "replay",
        seed=config.market.seed if asked["seed"] is None else asked["seed"],
        days=asked["days"],
        markets=asked["markets"] or config.market.markets,
        replay=replay,
        endless=not stepped,
    )
    scenario = scenarios.Scenario(text="") if asked["scenario"] is None else scenarios.load(asked["scenario"])

    def made(folder: Path, now: datetime) -> World:
        world = _for_anybody(new_world(config, wanted, folder, now))
        return replace(scenario.applied(world), begun=None if stepped else now)

    # As it would be made on one and the same day, for a world on the wall clock begins on the day of its making.
    named = [made(Path(), _SOME_DAY), "" if replay is None else fingerprint(replay)]
    digest = hashlib.sha256(msgspec.json.encode(named, order="deterministic")).hexdigest()
    folder = env.home / "worlds" / digest[:12]
    file = folder / "world.json"
    return worlds.load(file) if file.exists() else made(folder, WallClock(StopFlag()).now().replace(microsecond=0))


def _refuse_idle(asked: Mapping[str, Any]) -> None:
    """`Misconfigured` for options that would be ignored in silence."""
    if asked["days"] is not None and not asked["stepped"]:
        raise Misconfigured("--days: a world on the wall clock has no end; one with --stepped has")
    if asked["replay"] is not None:
        for name in ("days", "markets"):
            if asked[name] is not None:
                raise Misconfigured(f"--{name}: with --replay nothing is generated")


def sound_data(world: World, scenario: Path | None) -> MarketData:
    """The prices of `world`, once all of it has proven to make sense; nothing has been written yet."""
    data = worlds.prices(world)
    if world.venue.pace is Pace.REAL and data.end <= WallClock(StopFlag()).now():
        over = f"end at {data.end.isoformat()}, and the wall clock has passed that"
        if world.replay is None:
            raise Misconfigured(
                f"{world.folder}: this world's days {over}: without that folder a new world begins"
            )
        raise Misconfigured(f"--replay: the candles {over}: serve them with --stepped")
    try:
        return worlds.staged(world, data)
    except Misconfigured as fault:
        raise Misconfigured(f"{scenario or 'settings'}: {fault}") from None


def _for_anybody(world: World) -> World:
    """`world` for other clients: a key with every right, and plenty to buy and sell with. Pay-outs stay locked."""
    return replace(world, balances=_PLENTY, keys={MAIN_KEY: {"scopes": list(SCOPES)}})


def serve_world(
    world: World, data: MarketData, port: int, announce: Callable[[int], None], *, watch_parent: bool
) -> None:
    """Build the venue of `world` over `data` again from its command log and serve it until SIGTERM or SIGINT.

    `announce` gets the port once requests are taken; `watch_parent` also stops at the end of standard input.
    """
    with _server(world, data, (port,)) as server:
        server.run(announce, watch_parent=watch_parent)


def serve_resident(world: World, data: MarketData, announce: Callable[[int], None]) -> None:
    """As `serve_world`, for as long as anybody claims the venue, on the port that it had before if that is free."""
    folder = Path(world.folder)

    def up(port: int) -> None:
        move_in(folder, port)
        announce(port)
        move_out_when_idle(folder, server.stop)

    before = venue_address(folder)
    with _server(world, data, (0,) if before is None else (before.port, 0)) as server:
        server.run(up)


@contextmanager
def _server(world: World, data: MarketData, ports: Sequence[int]) -> Iterator[Server]:
    """The venue's server, on the first of `ports` that can be had."""
    clock = WallClock(StopFlag())
    face, log = worlds.open_face(world, data, clock)
    with closing(log):
        door = worlds.open_door(world, face, clock)
        server = _bound(face, door, ports)
        server.hub.mischief = Mischief(server.hub, door.faults)
        yield server


def _bound(face: Face, door: Courier, ports: Sequence[int]) -> Server:
    for port in ports[:-1]:
        with suppress(Misconfigured):  # somebody else listens there
            return Server(face, port=port, door=door)
    return Server(face, port=ports[-1], door=door)
