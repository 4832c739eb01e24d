"""Serving a simulated world over HTTP, on this machine only."""

from collections.abc import Callable
from contextlib import closing

from makenaide.app import world as worlds
from makenaide.app.clock import StopFlag, WallClock
from makenaide.app.world import World
from makenaide.exchange.simulator.faults.mischief import Mischief
from makenaide.exchange.simulator.server import Server


def serve_world(world: World, port: int, announce: Callable[[int], None], *, watch_parent: bool) -> None:
    """Build the venue of `world` again from its command log and serve it until SIGTERM or SIGINT.

    `announce` gets the port once requests are taken; `watch_parent` also stops at the end of standard input.
    """
    data = worlds.market_data(world)
    clock = WallClock(StopFlag())
    face, log = worlds.open_face(world, data, clock)
    with closing(log):
        door = worlds.open_door(world, face, clock)
        server = Server(face, port=port, door=door)
        server.hub.mischief = Mischief(server.hub, door.faults)
        server.run(announce, watch_parent=watch_parent)
