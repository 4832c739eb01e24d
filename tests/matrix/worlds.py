"""The worlds of the matrix before anything is changed in them: made by the program's own commands, once each.

with world_of(Ground.STEPPED, folder) as world:
    before = world.verdicts()          # what `makenaide check` says, by check
"""

import json
import os
import signal
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from datetime import time as clock_time
from enum import StrEnum
from pathlib import Path
from typing import Any

from makenaide.app.deployed import deploy
from makenaide.app.detached import Living
from makenaide.app.holder import trader_of
from makenaide.app.operation import Process, Worker, process_of
from makenaide.domain.clock import kst
from makenaide.domain.verdict import Verdict, worst
from makenaide.environment import load
from makenaide.ops.check import Checklist
from makenaide.ops.checks.register import LISTS
from makenaide.store.db import Database, Role
from makenaide.store.embedded import EmbeddedPostgres
from makenaide.store.modes import Mode
from makenaide.store.scratch import Copies
from makenaide.store.switch import let_go, running
from tests.acceptance.stage import TRADING_KEY, Stage, staged
from tests.acceptance.worlds import LIVELY, TRADING, Home, Outcome, homes

TAKEN = (Checklist.MORNING, Checklist.EVENING)
"""The lists that the matrix is about."""

IDS = tuple(check.id for name in TAKEN for check in LISTS[name])

INTERRUPTED = 130
"""How a command ends that a person broke off."""

PATIENCE = 60.0
"""Seconds in which a process that was started or woken is itself again."""

RULES = LIVELY.replace("hard_low = 0.005", "hard_low = 0.02").replace("hard_high = 0.01", "hard_high = 0.03")
"""Trades within days, as `LIVELY`, with stops far enough away that none is missed by half of its distance."""

KEYS = TRADING_KEY + (
    '[keys.young]\nexpires = "+40d"\n'
    '[keys.greedy]\nscopes = ["view_account", "view_orders", "make_orders", "withdraw"]\n'
)
"""More keys of the one account: one that ends in 40 days, one that may withdraw."""


class Ground(StrEnum):
    """Which world is changed."""

    STEPPED = "stepped"
    """A paper account with a time of its own, which traded for a week, was backed up and stopped by its plan."""
    STARTED = "started"
    """Live trading, rehearsed at a simulator of this machine with a key: started, guarded, kept by the schedule."""


DECLARED: Mapping[Ground, Mapping[str, Verdict]] = {
    Ground.STEPPED: dict.fromkeys(IDS, Verdict.PASS) | {"E6": Verdict.NOT_APPLICABLE},  # paper has no key
    # One valuation is no return yet, and nobody has taken a backup yet.
    Ground.STARTED: dict.fromkeys(IDS, Verdict.PASS)
    | {"E2": Verdict.UNKNOWN, "E4": Verdict.FAIL, "E9": Verdict.WARN},
}
"""What the checks say before anything is changed. E9: with real money somebody outside of the machine must hear."""


@dataclass(slots=True, kw_only=True)
class World:
    """A data folder with all that belongs to it, and the variables by which it is used."""

    ground: Ground
    home: Home
    server: EmbeddedPostgres
    env: dict[str, str] = field(default_factory=dict)
    stage: Stage | None = None
    said: dict[str, str] = field(default_factory=dict)
    """What each check said when `verdicts` was called last, for whoever looks into a difference."""

    def verdicts(self) -> dict[str, Verdict]:
        """What `makenaide check` says of each check. A list that breaks off tells of none of its checks."""
        found: dict[str, Verdict] = {}
        self.said.clear()
        for name in TAKEN:
            try:
                done = self.home.inside("check", name, "--json", env=self.env)
            except Exception as cause:  # noqa: BLE001 - whatever breaks a list off is what the matrix looks for
                done = Outcome(code=1, out="", err=repr(cause), seconds=0)
            if done.code == INTERRUPTED:
                raise KeyboardInterrupt
            found |= self._told(name, done)
        return found

    def _told(self, name: Checklist, done: Outcome) -> dict[str, Verdict]:
        """The verdicts of a list that was told whole, with the exit code of the worst."""
        self.said |= {check.id: f"ended with {done.code}: {done.err.strip()[-300:]}" for check in LISTS[name]}
        try:
            told = json.loads(done.out)["checks"]
        except (json.JSONDecodeError, KeyError):
            return {}
        verdicts = {each["id"]: Verdict(each["verdict"]) for each in told}
        if done.code != worst(verdicts.values()).exit_code:
            return {}
        self.said |= {each["id"]: each["said"] for each in told}
        return verdicts

    @contextmanager
    def owner(self) -> Iterator[Database]:
        """A connection that may do everything, also what no row of the books allows."""
        with Database.connect(self.server.conninfo, role=Role.OWNER, settings=Mode.PAPER.settings) as db:
            db.connection.execute(b"reset role")
            db.connection.execute(b"set log_statement = none")  # what a world changes here is no intruder's doing
            db.connection.execute(b"set session_replication_role = replica")
            yield db

    def remember(self) -> None:
        """Keep every row, for `restore`."""
        Copies(self.server.conninfo).remember("postgres", Mode.PAPER)

    def restore(self) -> None:
        """Every table holds again what was remembered."""
        Copies(self.server.conninfo).restore("postgres", Mode.PAPER)

    def file(self, pattern: str) -> Path:
        """The newest file of the data folder that `pattern` leads to."""
        return sorted(self.home.path.glob(pattern))[-1]

    def steward(self) -> Process:
        """The process that keeps the schedule."""
        process = process_of(self.home.path, Worker.STEWARD)
        assert process is not None
        return process

    def trader(self) -> Living | None:
        """The process that trades, or did last, by the words in its lease."""
        with self.owner() as db:
            row = db.connection.execute(b"select holder from lease").fetchone()
        return None if row is None else trader_of(row.holder)

    def operate(self, method: str, call: str, body: object = None) -> None:
        """What the operator of the simulator asks of it."""
        assert self.stage is not None
        request = urllib.request.Request(  # noqa: S310 - loopback
            f"{self.stage.world['url']}/simulator/{call}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={
                "Makenaide-Operator": Path(self.stage.world["operator"]).read_text().strip(),
                "Content-Type": "application/json",
            },
        )
        urllib.request.urlopen(request, timeout=10).close()  # noqa: S310 - loopback

    def key(self, name: str) -> dict[str, Any]:
        """Another key of the account at the simulator."""
        assert self.stage is not None
        file = Path(self.stage.world["keys"]).with_name(f"keys-{name}.json")
        found: dict[str, Any] = json.loads(file.read_bytes())
        return found


@contextmanager
def world_of(ground: Ground, folder: Path) -> Iterator[World]:
    """A world of that kind below `folder`, until the block ends."""
    making = {Ground.STEPPED: _stepped, Ground.STARTED: _started}[ground]
    folder.mkdir(parents=True)
    with making(folder) as world:
        yield world


@contextmanager
def _stepped(folder: Path) -> Iterator[World]:
    with homes(folder) as make:
        home = make("home")
        home.configure(RULES)
        home.must(*TRADING)
        deploy(load({"MAKENAIDE_HOME": str(home.path)}))
        home.must("stop")  # takes a backup, and restores it
        world = World(ground=Ground.STEPPED, home=home, server=EmbeddedPostgres(home.path))
        try:
            world.server.start()
            world.remember()
            yield world
        finally:
            world.server.stop()


@contextmanager
def _started(folder: Path) -> Iterator[World]:
    away_from_the_slot()
    with homes(folder) as make, staged(make, folder, KEYS) as stage:
        stage.home.configure(_quiet_hours(kst(datetime.now(UTC)).time()))
        assert stage.call("live", "import-rehearsal", str(stage.rehearsal())).code == 0
        code, said = stage.typed(stage.sentence(), "live", "confirm")
        assert code == 0, said
        server = EmbeddedPostgres(stage.home.path)
        world = World(ground=Ground.STARTED, home=stage.home, server=server, env=dict(stage.env), stage=stage)
        try:
            stage.home.must("start", "--mode", "live", env=stage.env)
            server.start()
            world.operate("POST", "announcements", {"category": "notice", "title": "All is well"})
            settled(world)
            yield world
        finally:
            _end(world)


def _end(world: World) -> None:
    """Kill what was started, the steward first: it would start the others again. `Home.remove` ends the guard."""
    _kill(process_of(world.home.path, Worker.STEWARD))
    if running(world.home.path) is not None:
        world.server.start()  # whoever was broken off at it may hold it no more
        _kill(world.trader())
        let_go(world.home.path)
    world.server.stop()


def _kill(process: Living | None) -> None:
    if process is not None and process.alive:
        os.kill(process.pid, signal.SIGKILL)


def settled(world: World) -> None:
    """Return when a world that has just been started says of everything what is declared, or patience ends."""
    until = time.monotonic() + PATIENCE
    while world.verdicts() != DECLARED[world.ground] and time.monotonic() < until:
        time.sleep(0.5)


def away_from_the_slot() -> None:
    """Wait while the next decision, which makes another world of one on the wall clock, is less than minutes away."""
    while clock_time(8, 56) <= kst(datetime.now(UTC)).time() < clock_time(9, 1):
        time.sleep(1)


def _quiet_hours(now: clock_time) -> str:
    """A configuration whose lists and backups are hours away from `now` (KST), both ways."""
    hour = "20" if clock_time(11, 50) <= now < clock_time(14, 50) else "12"
    names = ("database_at", "readiness_at", "morning_by", "evening_at", "backup_at", "audit_at")
    return "[operations]\n" + "".join(f'{name} = "{hour}:{at:02}"\n' for at, name in enumerate(names))
