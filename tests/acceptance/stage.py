"""The way to live trading, set up to be rehearsed: a data folder, its key, and the simulator that it leads to."""

import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from makenaide.app.evidence import export_rehearsal, hashes
from makenaide.environment import ACCESS_NAME, SECRET_NAME, load
from tests.acceptance.worlds import PATIENCE, Home, Make, Outcome

TRADING_KEY = '[keys.main]\nscopes = ["view_account", "view_orders", "make_orders"]\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A data folder set up to rehearse the way to live trading, and the simulator that it leads to."""

    home: Home
    env: Mapping[str, str]
    world: Mapping[str, Any] = field(default_factory=dict)
    """What the simulator said of itself: its addresses, and the files of its keys and of its operator's token."""

    @property
    def secret(self) -> str:
        """The key's secret: it may stand nowhere."""
        return self.env[SECRET_NAME]

    def call(self, *arguments: str, **env: str) -> Outcome:
        """Run a command with the key."""
        return self.home.inside(*arguments, env={**self.env, **env})

    def check(self) -> dict[str, str]:
        """What `live check` says, by precondition."""
        return {
            each["name"]: each["verdict"] for each in self.call("live", "check", "--json").data()["conditions"]
        }

    def rehearsal(self, **more: object) -> Path:
        """A signed rehearsal of this code and these settings; green unless `more` says otherwise."""
        config = load({**os.environ, "MAKENAIDE_HOME": str(self.home.path), **self.env}).config
        plain = {"seeds": 20, "days": 30, "violations": 0, "taken_at": datetime.now(UTC).isoformat()}
        file = self.home.path.with_name("rehearsal.signed")
        file.write_bytes(export_rehearsal(self.home.path, plain | hashes(config) | more))
        return file

    def typed(self, sentence: str, *arguments: str) -> tuple[int, str]:
        """Run a command on a terminal of its own and type `sentence` when it has asked; its exit code and words."""
        ours, theirs = pty.openpty()
        env = {**os.environ, **self.env, "MAKENAIDE_HOME": str(self.home.path), "COLUMNS": "300"}
        command = [sys.executable, "-m", "makenaide", *arguments]
        process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=env)
        os.close(theirs)
        said, asked, deadline = b"", False, time.monotonic() + PATIENCE
        try:
            while time.monotonic() < deadline:
                ready, _, _ = select.select([ours], [], [], 0.1)
                try:
                    said += os.read(ours, 65536) if ready else b""
                except OSError:
                    break  # the terminal's other end is closed: it has ended
                if not asked and b"type this" in said.lower():
                    os.write(ours, sentence.encode() + b"\n")
                    asked = True
            return process.wait(PATIENCE), said.decode()
        finally:
            process.kill()
            process.wait()
            os.close(ours)

    def sentence(self) -> str:
        """What has to be typed."""
        account = self.call("live", "check", "--json").data()["account"]
        return (
            f"rehearse live trading on account {account} with at most 50000 KRW an order, "
            "150000 KRW a day, 500000 KRW in all"
        )


@contextmanager
def staged(make: Make, folder: Path, scenario: str = TRADING_KEY) -> Iterator[Stage]:
    """Everything is in place but the rehearsal and the person's word; `scenario` goes into a file in `folder`."""
    exchange = make("exchange")
    file = folder / "scenario.toml"
    file.write_text(scenario)
    serving = exchange.start("exchange", "simulate", "--json", "--markets", "3", "--scenario", str(file))
    serving.wait_for(lambda: serving.out.read_bytes().endswith(b"\n"))
    said = json.loads(serving.out.read_bytes())
    keys = json.loads(Path(said["keys"]).read_bytes())
    env = {
        ACCESS_NAME: keys["access"],
        SECRET_NAME: keys["secret"],
        "MAKENAIDE_UPBIT__BASE_URL": said["url"],
        "MAKENAIDE_LIVE__VENUE": "simulator",
        "MAKENAIDE_LIVE__ORDER_KRW": "50000",
        "MAKENAIDE_LIVE__DAY_KRW": "150000",
        "MAKENAIDE_LIVE__TOTAL_KRW": "500000",
    }
    try:
        yield Stage(home=make("live"), env=env, world=said)
    finally:
        serving.end()
