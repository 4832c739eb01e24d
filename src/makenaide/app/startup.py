"""Starting at home (S1-S5): the embedded database, its schema, and the workers as processes of their own."""

import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from makenaide.app.auditing import note_action
from makenaide.app.database import Store
from makenaide.app.meant import Meant
from makenaide.app.operation import State, Worker
from makenaide.app.ownhalt import lift_own
from makenaide.app.power import Grip
from makenaide.app.proving import gathered
from makenaide.app.situation import keeper_of
from makenaide.app.wanted import Wanted
from makenaide.app.warden import relieve
from makenaide.app.workers import Workers, program
from makenaide.domain.errors import DatabaseUnavailable, MakenaideError, SchemaMismatch, Unavailable
from makenaide.environment import Environment
from makenaide.ops.plan import Deed, Left
from makenaide.ops.plans import start
from makenaide.store.accounts import Account
from makenaide.store.db import Role
from makenaide.store.migrate import applied, require_current
from makenaide.store.switch import status
from makenaide.store.validate import validate

_PAUSE = 0.2
_READY = ("B4", "B9", "B10")
"""What can hold already of what buying needs, and without which nobody should trade: guard, journal, schema. The
others close buying by themselves (`ops.gate`) and leave exits alone."""

Gate = Callable[[Environment, Store, Account], Sequence[str]]
"""What is not ready yet, in words; nothing when all is."""


def readiness_gate(env: Environment, store: Store, account: Account) -> Sequence[str]:
    """Those of the readiness list that can hold already, and do not."""
    from makenaide.app.scene import scene_of  # noqa: PLC0415 - a stop needs no checks
    from makenaide.ops.checks.register import BY_ID  # noqa: PLC0415
    from makenaide.ops.runner import run_checks  # noqa: PLC0415

    with scene_of(env, store, account, venue=False) as scene:
        results = run_checks([BY_ID[name] for name in _READY], scene)
    broken = [each for each in results if not each.evidence.verdict.holds]
    return [f"{each.check.id} {each.evidence.verdict}: {each.evidence.value}" for each in broken]


@dataclass(slots=True, kw_only=True)
class HomeStart:
    """`ops.plan.Acts` of a start at home. `actor` asked for it; `gate` is asked before it counts as started."""

    env: Environment
    about: Meant
    wanted: Wanted
    grip: Grip
    plan: str
    actor: str
    gate: Gate = readiness_gate
    workers: Workers = field(init=False)
    _powered: bool = False
    _guarded_before: bool = False
    _warm: bool = False
    _valid: bool = False
    _open: bool = False

    def __post_init__(self) -> None:
        self.workers = Workers(env=self.env, about=self.about, wanted=self.wanted, grip=self.grip)
        self._guarded_before = self.workers.watches()
        self._open = self.about.before is not None and self.about.before.state is State.STARTED

    def deed(self, step: str) -> Deed:
        """What the step does at home."""
        crew = self.workers
        deeds = {
            start.DATABASE: Deed(lacks=self._down, act=self._power),
            start.CONNECT: Deed(lacks=self._unreachable, act=lambda _left: self.grip.store().location),
            start.WARM: Deed(lacks=self._cold, act=self._warm_up),
            start.MIGRATE: Deed(lacks=self._older, act=self._migrate),
            start.SCHEMA: Deed(lacks=lambda: None if self._valid else "not compared yet", act=self._validate),
            start.GUARD: Deed(lacks=crew.lacks_guard, act=crew.start_guard),
            start.TRADER: Deed(lacks=crew.lacks_trader, act=crew.start_trader, require=crew.admit),
            start.STEWARD: Deed(lacks=crew.lacks_steward, act=crew.start_steward),
            start.GATES: Deed(lacks=self._shut, act=self._announce),
        }
        return deeds[step]

    def undo(self) -> Sequence[str]:
        """End the workers that this plan started, and give the database back; what holds positions stays guarded."""
        undone = list(self.workers.end())
        if not self._guarded_before and self.workers.watches():
            undone.append(self._relieved())
        if self._powered and flat(self.grip) and self.grip.let_go():
            undone.append("the database goes down with its last user")
        elif self._powered:
            undone.append("the database stays up: `makenaide stop` powers it down once that is safe")
        return undone

    # ---- S1, S2: the database ----

    def _down(self) -> str | None:
        if not self.grip.ours:
            return None
        return None if self.grip.kept_up else "the database is down, or goes down with its last user"

    def _power(self, left: Left) -> str:
        """Start it; one that is just stopping ends first."""
        while True:
            try:
                self._powered = self.grip.keep_up()
            except DatabaseUnavailable:
                if left() <= 0 or status(self.env.home) not in ("starting", "stopping"):
                    raise
                time.sleep(_PAUSE)
            else:
                return self.grip.store().location

    def _unreachable(self) -> str | None:
        try:
            with self.grip.connect():
                return None
        except DatabaseUnavailable as cause:
            return str(cause)

    # ---- S3: the workers' code ----

    def _cold(self) -> str | None:
        return None if self._warm or self._all_run() else "nothing is loaded yet"

    def _all_run(self) -> bool:
        if not self.workers.watches() or keeper_of(self.env.home) is None:
            return False
        with self.grip.connect() as db:
            return bool(applied(db)) and self.workers.trader(db) is not None

    def _warm_up(self, left: Left) -> str:
        """Each worker's code is loaded once by a process that ends: what is broken shows before anything runs."""
        loading = {worker: _loading(worker) for worker in Worker}
        try:
            told = [f"{worker} {_loaded(worker, process, left())} s" for worker, process in loading.items()]
        finally:
            for process in loading.values():
                process.kill()
                process.communicate()
        self._warm = True
        return ", ".join(told)

    # ---- S4: the schema ----

    def _older(self) -> str | None:
        if not self.grip.ours:
            return None  # S4 says what to do
        try:
            with self.grip.connect() as db:
                require_current(db)
        except SchemaMismatch as cause:
            return str(cause)
        return None

    def _migrate(self, _left: Left) -> str:
        applied = self.grip.store().initialise()
        return ", ".join(each.file for each in applied)

    def _validate(self, _left: Left) -> str:
        """Compared in a transaction that cannot write."""
        with self.grip.store().open(Role.READER) as db:
            found = validate(db)
        if found:
            raise SchemaMismatch("\n  ".join(found))
        self._valid = True
        return "no difference"

    # ---- S5: the gates ----

    def _shut(self) -> str | None:
        missing = self._missing()
        if not missing and not self._open:
            missing.append("not announced yet")
        return "; ".join(missing) or None

    def _missing(self) -> list[str]:
        """What does not hold yet of all that has to, in words."""
        self.workers.require_all_alive()
        missing = []
        with self.grip.store().open(Role.READER) as db:
            account = self.workers.account(db)
            if self.workers.trader(db) is None:
                missing.append("the trader does not hold the account")
            if not self.workers.watches():
                missing.append("the guard is not heard")
            if keeper_of(self.env.home) is None:
                missing.append("nobody keeps the schedule")
        if account is not None and not missing:
            missing += self.gate(self.env, self.grip.store(), account)
        return missing

    def _announce(self, left: Left) -> str:
        """All gates first; only then it is written down, and a stop's own halt is lifted."""
        missing = self._missing()
        while missing and left() > 0:
            time.sleep(_PAUSE)
            missing = self._missing()
        if missing:
            raise Unavailable("; ".join(missing))
        lifted = lift_own(self.env.home)
        with self.grip.store().open(Role.WRITER) as db:
            detail = {"plan": self.plan, "arguments": list(self.about.arguments), "halt_lifted": lifted}
            note_action(db, self.wanted.account_id, "system.start", detail, self.actor)
        self._open = True
        return f"account {self.wanted.account_id}"

    def _relieved(self) -> str:
        try:
            with self.grip.store().open(Role.READER) as db:
                left = relieve(db, self.wanted.account_id, self.wanted.folder)
        except MakenaideError as cause:
            return f"the guard goes on: {cause}"
        return f"the guard goes on: {left} positions" if left else "the guard ended"


def _loading(worker: Worker) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        program("warmup", worker),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )


def _loaded(worker: Worker, process: "subprocess.Popen[str]", seconds: float) -> str:
    """What the process that loads it printed: the seconds that it took."""
    try:
        out, err = process.communicate(timeout=max(1.0, seconds))
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{worker}: not loaded in time") from None
    if process.returncode != 0:
        words = err.strip().splitlines()
        raise Unavailable(f"{worker}: cannot be loaded: {words[-1] if words else process.returncode}")
    return out.strip()


def flat(grip: Grip) -> bool:
    """Whether nothing is held, in doubt or in somebody's hands: only then may the database go without a stop."""
    try:
        with gathered(grip, None) as facts:
            return not any(each.guarded or each.unsettled or each.holder for each in facts.accounts)
    except (MakenaideError, OSError):
        return False
