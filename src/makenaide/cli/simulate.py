"""`exchange simulate`: serve the built-in Upbit to whoever wants to talk to it, or to the trader that started it."""

import hashlib
import os
import sys
from pathlib import Path
from typing import Any

import msgspec

from makenaide.app import world as worlds
from makenaide.app.child import Announcement
from makenaide.app.clock import StopFlag, WallClock
from makenaide.app.identity import Source
from makenaide.app.serve import serve_world
from makenaide.app.venues import new_world
from makenaide.app.world import World
from makenaide.catalogue import Text, language, texts
from makenaide.cli.output import console, safe
from makenaide.domain.errors import MakenaideError
from makenaide.environment import load


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
    """A world of its own for each set of options, kept in the data folder, so that its orders outlive a restart."""
    env = load(os.environ)
    kind = "simulator" if asked["replay"] is None else "replay"
    wanted = Source(
        kind=kind,
        seed=asked["seed"],
        days=asked["days"],
        markets=asked["markets"] or env.config.market.markets,
        replay=asked["replay"],
        endless=not asked["stepped"],
    )
    name = hashlib.sha256(msgspec.json.encode([str(asked[key]) for key in sorted(asked)])).hexdigest()[:12]
    folder = env.home / "worlds" / name
    file = folder / "world.json"
    return (
        worlds.load(file) if file.exists() else new_world(env.config, wanted, folder, WallClock(StopFlag()).now())
    )


def _announce(world: World, port: int, text: Text, *, as_json: bool) -> None:
    url = f"http://127.0.0.1:{port}"
    if as_json:
        _write(Announcement(url=url, keys=str(world.keys_file)))
        return
    out = console()
    out.print(text("simulate.ready", url=url))
    out.print(text("simulate.keys", file=safe(world.keys_file)), soft_wrap=True)
    out.print(text("simulate.stop"))


def _write(said: Announcement) -> None:
    sys.stdout.write(msgspec.json.encode(said).decode() + "\n")
    sys.stdout.flush()
