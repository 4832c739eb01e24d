"""Stopping at home (T1-T4): drain, back up, prove, and give the embedded database back."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime

from makenaide.app.auditing import note_action
from makenaide.app.clock import StopFlag, boot_seconds
from makenaide.app.detached import end
from makenaide.app.draining import Asked, drain_account
from makenaide.app.guardpost import Post, Watch
from makenaide.app.halted import halt_file
from makenaide.app.meant import Meant, to_stop
from makenaide.app.ownhalt import halt_own, lift_own
from makenaide.app.power import Grip, Timed, back_up
from makenaide.app.proving import gathered
from makenaide.app.situation import situation, steward_of, trader_on
from makenaide.app.wanted import Wanted
from makenaide.app.warden import unguarded
from makenaide.domain.errors import Halted
from makenaide.environment import Environment
from makenaide.execution.drain import Policy
from makenaide.execution.halt import note_halt
from makenaide.ops.plan import Deed, Left
from makenaide.ops.plans import stop
from makenaide.ops.plans.stop import Wish, is_over
from makenaide.ops.proof import Facts, prove
from makenaide.store.accounts import find_account, latest_account
from makenaide.store.db import Database, Role
from makenaide.store.modes import Mode
from makenaide.store.switch import running

_STEWARD_SECONDS = 30.0
_OPEN_SECONDS = 90.0
"""For what is open at the venue, after the trading process has ended."""


@dataclass(slots=True, kw_only=True)
class HomeStop:
    """`ops.plan.Acts` of a stop at home. `account`: the one that the planner knows of."""

    env: Environment
    about: Meant
    wish: Wish
    account: str | None
    grip: Grip
    flag: StopFlag
    plan: str
    actor: str
    _over: bool = False
    _wanted: Wanted | None = None
    _drained: bool = False
    _saved: tuple[str, ...] | None = None
    _told: bool = False
    _held: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        """Looked at once, before the plan leaves its first trace: from then on the system is `stopping`."""
        live = self.about.options.get("mode") == Mode.LIVE
        self._over = is_over(situation(self.env, self.about.mode, self.account, live=live), self.wish)
        self._told = self._over

    def deed(self, step: str) -> Deed:
        """What the step does at home."""
        deeds = {
            stop.DRAIN: Deed(lacks=self._undrained, require=self._require_flat, act=self._drain),
            stop.BACKUP: Deed(lacks=self._unsaved, act=self._save),
            stop.POWER: Deed(lacks=self._up, require=self._require_proof, act=self._power_down),
            stop.STOPPED: Deed(lacks=self._unsafe, act=self._announce),
        }
        return deeds[step]

    def undo(self) -> Sequence[str]:
        """Nothing goes back, but the database stays up with nobody using it, until a proof lets it go."""
        self._held.close()
        if not self.grip.ours or running(self.env.home) is None:
            return ()
        self.grip.keep_up()
        return ("the database stays up",)

    # ---- T1 ----

    def _undrained(self) -> str | None:
        return None if self._drained or self._over else "not drained yet"

    def _meant(self, db: Database) -> Wanted | None:
        if self._wanted is None:
            self._wanted = to_stop(self.env, self.about, db)
        return self._wanted

    def _require_flat(self) -> None:
        """`stop --all` ends the guard: refused before anything is done, while somebody trades on open positions.

        Where nobody trades, draining first takes in what the guard has sold meanwhile.
        """
        with self.grip.store().open(Role.READER) as db:
            wanted = self._meant(db)
            if wanted is not None and trader_on(db, wanted.account_id) is not None:
                self._require_nothing_left(db, wanted)

    def _require_nothing_left(self, db: Database, wanted: Wanted) -> None:
        account = find_account(db, wanted.account_id)
        if not self.wish.everything or self.wish.accept_unguarded or account is None:
            return
        count = 0 if account.last_slot is not None else unguarded(db, account.account_id)
        if count:
            raise Halted(
                f"{count} positions (or orders in doubt) would be left without a guard: `makenaide stop` leaves the"
                " guard with them; --accept-unguarded leaves them to nobody"
            )

    def _drain(self, left: Left) -> str:
        halt = halt_own(self.env.home)
        steward = steward_of(self.env.home)
        if steward is not None:
            end(steward, _STEWARD_SECONDS)
        with self.grip.store().open(Role.WRITER) as db:
            note_halt(db, halt, datetime.now(UTC), self.actor)
            wanted = self._meant(db)
            if wanted is None:
                self._drained = True
                return "no account yet"
            detail = {"plan": self.plan, "all": self.wish.everything, "unguarded": self.wish.accept_unguarded}
            note_action(db, wanted.account_id, "system.stop", detail, self.actor)
            accepted = self.wish.everything and self.wish.accept_unguarded
            seconds = max(0.0, min(_OPEN_SECONDS, left()))
            asked = Asked(policy=Policy.WAIT, seconds=seconds, accept_unguarded=accepted)
            done = drain_account(self.env, db, wanted, asked, self.flag)
            if not done.drained.safe:
                raise Halted("; ".join(f"{each.kind} {each.name}: {each.cause}" for each in done.drained.left))
            self._require_nothing_left(db, wanted)
        self._drained = True
        return f"account {wanted.account_id}: {_told(done.drained.guarded, done.drained.unguarded)}"

    # ---- T2 ----

    def _unsaved(self) -> str | None:
        return None if self._saved is not None or self._over else "no backup yet"

    def _save(self, left: Left) -> str:
        """The rows of either kind of money, each restored to prove it."""
        saved = []
        for mode in self.grip.modes():
            store = self.grip.store().of(mode)
            with store.open(Role.READER) as db:
                mine = mode is self.about.mode and self._wanted is not None
                account = (
                    find_account(db, self._wanted.account_id) if mine and self._wanted else latest_account(db)
                )
            saved.append(back_up(self.env, store, account, self.actor, Timed(seconds=left())).name)
        self._saved = tuple(saved)
        return ", ".join(saved) or "nothing to save"

    # ---- T3 ----

    def _up(self) -> str | None:
        if not self.grip.ours or running(self.env.home) is None:
            return None
        users = self.grip.users()
        who = ", ".join(f"process {pid}" for pid in users)
        return f"the database is still used by {who}" if users else "the database is up"

    def _require_proof(self) -> None:
        """Anything that is missing keeps the database up, and all of it is named."""
        accepted = self.wish.everything and self.wish.accept_unguarded
        account = self._wanted.account_id if accepted and self._wanted is not None else None
        with ExitStack() as stack:
            facts: Facts = stack.enter_context(gathered(self.grip, account))
            missing = prove(facts).missing
            if missing:
                raise Halted("not proven, so the database stays up: " + "; ".join(map(str, missing)))
            self._held = stack.pop_all()  # nobody trades until it is down

    def _power_down(self, _left: Left) -> str:
        self._held.close()
        self.grip.let_go()
        self.grip.give_back()
        return "proven: it may go down"

    # ---- T4 ----

    def _unsafe(self) -> str | None:
        """What is not as it has to be when the system is stopped."""
        if self.grip.ours and running(self.env.home) is not None:
            return "the database is up"
        if steward_of(self.env.home) is not None:
            return "the schedule is still kept"
        return None if self._told else "not announced yet"

    def _announce(self, _left: Left) -> str:
        lifted = lift_own(self.env.home)
        self._told = True
        halt = halt_file(self.env.home).halt()
        words = [self._guard_told()]
        if halt is not None and not lifted:
            words.append(f"buying stays halted: {halt}")
        return "; ".join(words)

    def _guard_told(self) -> str:
        account = self.account if self._wanted is None else self._wanted.account_id
        if account is None:
            return "nothing is guarded"
        post = Post(self.env.home / "accounts" / account)
        standing, beat = post.standing(boot_seconds()), post.heartbeat()
        if standing.watch is not Watch.WATCHING or beat is None:
            return "no guard watches"
        return f"the guard (process {standing.pid}) watches {beat.stops} positions"


def _told(guarded: Sequence[str], unguarded: Sequence[str]) -> str:
    words = []
    if guarded:
        words.append(f"the guard holds {', '.join(guarded)}")
    if unguarded:
        words.append(f"without a guard: {', '.join(unguarded)}")
    return "; ".join(words) or "nothing is open"
