"""`exchange simulate`: serve the built-in Upbit to whoever wants to talk to it, or to the trader that started it."""

import hashlib
import os
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from makenaide.app import scenario as scenarios
from makenaide.app import world as worlds
from makenaide.app.child import Announcement
from makenaide.app.clock import StopFlag, WallClock
from makenaide.app.identity import Source
from makenaide.app.serve import serve_world
from makenaide.app.venues import new_world
from makenaide.app.world import MAIN_KEY, SCOPES, World
from makenaide.catalogue import Text, language, texts
from makenaide.cli.output import console, safe
from makenaide.domain.errors import MakenaideError
from makenaide.environment import load

_SOME_BITCOIN = Decimal("0.1")


def serve_simulator(*, port: int, world: Path | None, as_json: bool, **asked: Any) -> None:
    """Serve until stopped; with --json the first line on stdout says where, or why not."""
    text = texts(language(os.environ))
    try:
        chosen = _asked_world(asked) if world is None else worlds.load(world)
        worlds.save(chosen)
        serve_world(
            chosen,
            port,
            lambda bound: _announce(chosen, bound, text, as_json=as_json),
            watch_parent=world is not None,
        )
    except MakenaideError as fault:
        if as_json:
            _write(Announcement(error=str(fault), code=fault.exit_code))
        raise


def _asked_world(asked: dict[str, Any]) -> World:
    """A world of its own for each set of options, kept in the data folder, so that its orders outlive a restart.

    What the scenario's file says is one of the options, not what the file is called.
    """
    env = load(os.environ)
    scenario = None if asked["scenario"] is None else scenarios.load(asked["scenario"])
    kind = "simulator" if asked["replay"] is None else "replay"
    wanted = Source(
        kind=kind,
        seed=asked["seed"],
        days=asked["days"],
        markets=asked["markets"] or env.config.market.markets,
        replay=asked["replay"],
        endless=not asked["stepped"],
    )
    named = [str(asked[key]) for key in sorted(asked) if key != "scenario"]
    if scenario is not None:
        named.append(scenario.text)
    folder = env.home / "worlds" / hashlib.sha256(msgspec.json.encode(named)).hexdigest()[:12]
    file = folder / "world.json"
    if file.exists():
        return worlds.load(file)
    now = WallClock(StopFlag()).now().replace(microsecond=0)
    world = _for_anybody(new_world(env.config, wanted, folder, now))
    if scenario is None:
        return world
    return replace(scenario.applied(world), begun=None if asked["stepped"] else now)


def _for_anybody(world: World) -> World:
    """`world` for other clients: a key with every right, and a little of a coin to sell. Pay-outs stay locked."""
    balances = world.balances | {"BTC": _SOME_BITCOIN}
    return replace(world, balances=balances, keys={MAIN_KEY: {"scopes": list(SCOPES)}})


def _announce(world: World, port: int, text: Text, *, as_json: bool) -> None:
    here = f"127.0.0.1:{port}"
    said = Announcement(
        url=f"http://{here}",
        socket=f"ws://{here}/websocket/v1",
        private=f"ws://{here}/websocket/v1/private",
        keys=str(world.keys_file),
        operator=str(world.operator_file),
    )
    if as_json:
        _write(said)
        return
    out = console()
    out.print(text("simulate.ready", url=said.url))
    out.print(text("simulate.sockets", public=said.socket, private=said.private), soft_wrap=True)
    out.print(text("simulate.keys", file=safe(said.keys)), soft_wrap=True)
    out.print(text("simulate.operator", file=safe(said.operator)), soft_wrap=True)
    out.print(text("simulate.stop"))


def _write(said: Announcement) -> None:
    sys.stdout.write(msgspec.json.encode(said).decode() + "\n")
    sys.stdout.flush()
