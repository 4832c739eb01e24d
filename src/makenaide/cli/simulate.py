"""`exchange simulate`: serve the built-in Upbit to whoever wants to talk to it, or to the trader that started it."""

import os
import sys
from pathlib import Path
from typing import Any

import msgspec

from makenaide.app import world as worlds
from makenaide.app.announcement import Announcement
from makenaide.app.serve import asked_world, serve_resident, serve_world, sound_data
from makenaide.app.world import World
from makenaide.catalogue import Text, language, texts
from makenaide.cli.output import console, safe
from makenaide.domain.errors import MakenaideError
from makenaide.environment import load


def serve_simulator(*, port: int, world: Path | None, resident: bool, as_json: bool, **asked: Any) -> None:
    """Serve until stopped; with --json the first line on stdout says where, or why not.

    `world` is kept by whoever started this process: with it the server ends with its parent, or, a `resident`, some
    seconds after the last one who uses it.
    """
    text = texts(language(os.environ))
    try:
        chosen = asked_world(load(os.environ), asked) if world is None else worlds.load(world)
        data = sound_data(chosen, asked["scenario"])

        def announce(bound: int) -> None:
            _announce(chosen, bound, text, as_json=as_json)

        if resident:
            serve_resident(chosen, data, announce)
            return
        worlds.save(chosen)
        serve_world(chosen, data, port, announce, watch_parent=world is not None)
    except MakenaideError as fault:
        if as_json:
            _write(Announcement(error=str(fault), code=fault.exit_code))
        raise


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
