"""The workers of an account at home: guard, trader, steward; each a process of its own that outlives its starter."""

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from makenaide.app.clock import boot_seconds
from makenaide.app.detached import Detached, Living, detach, end
from makenaide.app.guardian import ensure_guard
from makenaide.app.guardpost import Post, Watch
from makenaide.app.holder import held
from makenaide.app.live import admitted
from makenaide.app.meant import Meant
from makenaide.app.operation import Worker
from makenaide.app.power import Grip
from makenaide.app.situation import keeper_of, steward_of, trader_on
from makenaide.app.wanted import Wanted
from makenaide.app.warden import orders_for
from makenaide.domain.errors import Unavailable
from makenaide.environment import Environment
from makenaide.ops.plan import Left
from makenaide.store.accounts import Account, find_account
from makenaide.store.db import Database, Role
from makenaide.store.home import file_faults
from makenaide.store.processes import birth

_PAUSE = 0.2
_HUNG_SECONDS = 5.0
"""So long a worker that gives no sign of life may still take."""
_END_SECONDS = 30.0
"""So long a worker may take to end when it is asked to."""


def program(*arguments: str) -> tuple[str, ...]:
    """This very program as a command, with `arguments`."""
    return (sys.executable, "-m", "makenaide", *arguments)


@dataclass(slots=True, kw_only=True)
class Workers:
    """The workers of the account `wanted`, called with the options of `about`.

    For each of them, `lacks` tells what is missing (None: it works), and the deed starts it. What this object started
    it can end again.
    """

    env: Environment
    about: Meant
    wanted: Wanted
    grip: Grip
    _begun: dict[Worker, Detached] = field(default_factory=dict)

    def watches(self) -> bool:
        """Whether the account's guard is heard."""
        return Post(self.wanted.folder).standing(boot_seconds()).watch is Watch.WATCHING

    def account(self, db: Database) -> Account | None:
        """The stored account; None before its trader has opened it."""
        return find_account(db, self.wanted.account_id)

    def trader(self, db: Database) -> Living | None:
        """The living trading process that holds the account."""
        return trader_on(db, self.wanted.account_id)

    def lacks_guard(self) -> str | None:
        """None for a new account, too: its trader opens it, and starts the guard then."""
        if self.watches():
            return None
        with self.grip.store().open(Role.READER) as db:
            return None if self.account(db) is None else "no guard watches"

    def start_guard(self, _left: Left) -> str:
        """Start the guard and wait for its first sign of life."""
        with self.grip.store().open(Role.READER) as db:
            account = self.account(db)
        assert account is not None  # noqa: S101 - otherwise nothing was lacking
        kept = ensure_guard(self.wanted.folder, orders_for(self.env.config, account), self._keys())
        return f"process {kept.pid}"

    def admit(self) -> None:
        """Live trading opens only when all of its preconditions hold: refused before anything is started."""
        with self.grip.store().open(Role.READER) as db:
            admitted(self.env, db, self.wanted)

    def lacks_trader(self) -> str | None:
        """None when a living process trades on the account; `Unavailable` when ours ended again."""
        with self.grip.store().open(Role.READER) as db:
            if self.trader(db) is not None:
                return None
        self.require_alive(Worker.TRADER)
        return "nobody trades on the account"

    def start_trader(self, left: Left) -> str:
        """Start the trader, once nobody else holds the account any more."""
        with self.grip.store().open(Role.READER) as db:
            while held(db, self.wanted.account_id) is not None and left() > 0:
                time.sleep(_PAUSE)  # a person's command, which will come to its end
        return self._begin(Worker.TRADER, ("run", "--json", *self.about.arguments), self._keys())

    def lacks_steward(self) -> str | None:
        """None when the schedule is kept; `Unavailable` when our steward ended again."""
        if keeper_of(self.env.home) is not None:
            return None
        self.require_alive(Worker.STEWARD)
        return "nobody keeps the schedule"

    def start_steward(self, _left: Left) -> str:
        """Start the steward; it waits for the trader to open a new account. One that lives and hangs is ended."""
        hung = steward_of(self.env.home)
        if hung is not None:
            end(hung, _HUNG_SECONDS)
        return self._begin(Worker.STEWARD, ("schedule", "--run", *self.about.arguments), self._keys())

    def _keys(self) -> Mapping[str, str]:
        """The trading key, for workers of a live account alone; never on a command line."""
        return self.env.secrets.variables() if self.wanted.source.live else {}

    def _begin(self, worker: Worker, arguments: Sequence[str], secrets: Mapping[str, str]) -> str:
        folder: Path = self.env.home / "workers"
        with file_faults(self.env.home):
            folder.mkdir(parents=True, exist_ok=True)
            more = {**secrets, **self.env.webhook.variables(), "MAKENAIDE_HOME": str(self.env.home)}
            self._begun[worker] = detach(program(*arguments), folder, worker, more)
        return f"process {self._begun[worker].pid}"

    def require_alive(self, worker: Worker) -> None:
        """`Unavailable` with its last words when this object started the worker and it does not live."""
        begun = self._begun.get(worker)
        if begun is not None and not begun.alive:
            raise Unavailable(f"the {worker} ended again: {begun.last_words()}")

    def require_all_alive(self) -> None:
        """As `require_alive`, for all that this object started."""
        for worker in self._begun:
            self.require_alive(worker)

    def end(self) -> Sequence[str]:
        """End steward and trader, as far as this object started them; what was ended. The guard is another matter."""
        ended = []
        for worker in (Worker.STEWARD, Worker.TRADER):
            process = self._begun.pop(worker, None)
            if process is not None and process.alive:
                living = Living(pid=process.pid, born=birth(process.pid) or "")
                # A trader is asked and never killed: what it is about it brings to an end.
                went = end(living, _END_SECONDS, kill=worker is not Worker.TRADER)
                told = "ended" if went or not living.alive else "was asked to end and goes on"
                ended.append(f"{worker} {told} (process {process.pid})")
        return ended
