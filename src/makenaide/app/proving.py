"""The facts of the proof at home: every account's books, guard and orders, and the backups, looked at just now.

with gathered(grip, accepted) as facts: ...   # nobody can trade on any of them until the block ends
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from makenaide.app.clock import StopFlag, WallClock, boot_seconds
from makenaide.app.guarding import guard_key
from makenaide.app.guardpost import Post
from makenaide.app.holder import holder_name
from makenaide.app.power import Grip, shelf_of
from makenaide.domain.errors import InUse, MakenaideError
from makenaide.environment import Environment
from makenaide.execution.disk import Disk
from makenaide.execution.guard.file import JOURNAL
from makenaide.execution.guard.guard import STOPS
from makenaide.execution.guard.keeper import Keeper
from makenaide.execution.guard.pulse import FileLink
from makenaide.execution.guard.stops import StopsFile, decode
from makenaide.execution.heartbeat import Heartbeat
from makenaide.execution.portfolio import portfolio
from makenaide.ops.backup import newest
from makenaide.ops.proof import AccountFacts, BackupFacts, DeadMan, Facts, Held
from makenaide.store.accounts import Account, Lease, find_account
from makenaide.store.db import Database, Role
from makenaide.store.dump import all_heads
from makenaide.store.modes import Mode
from makenaide.store.orders import unsettled_orders

_ROOM = 1 << 20
"""Bytes that the guard's journal must find free: thousands of entries."""
_NOT_MONEY = "audit"
"""The chain that goes on growing without any trade: a backup need not hold its newest links."""


@contextmanager
def gathered(grip: Grip, accepted: str | None) -> Iterator[Facts]:
    """What the proof is made of; the lease of every account whose time runs is held until the block ends.

    `accepted`: the account whose positions a person leaves without a guard. Raises as the database does.
    """
    env = grip.env
    accounts: list[AccountFacts] = []
    backups: list[BackupFacts] = []
    with ExitStack() as stack:
        for mode in grip.modes():
            db = stack.enter_context(grip.store().of(mode).open(Role.WRITER))
            for row in db.rows("account_all"):
                account = find_account(db, row.account_id)
                if account is not None:
                    look = _Look(env=env, db=db, account=account, accepted=account.account_id == accepted)
                    accounts.append(look.facts())
            backups.append(_backup(env, db, mode))
        dead_man = DeadMan(wanted=env.config.operations.dead_man)
        yield Facts(accounts=tuple(accounts), backups=tuple(backups), dead_man=dead_man)


def _backup(env: Environment, db: Database, mode: Mode) -> BackupFacts:
    kept = next((each for each in newest(shelf_of(env.home).looked_through()) if each.manifest.mode == mode), None)
    if kept is None:
        return BackupFacts(schema=mode, name=None)
    then, now = kept.manifest.contents.heads, all_heads(db)
    behind = [
        f"{account or 'the installation'}'s {chain} {head.number}"
        for account, chains in sorted(now.items())
        for chain, head in sorted(chains.items())
        if chain != _NOT_MONEY and then.get(account, {}).get(chain) != head
    ]
    return BackupFacts(
        schema=mode,
        name=kept.manifest.name,
        intact=kept.intact,
        verified=kept.manifest.verified_at is not None,
        behind=tuple(behind),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """One account, looked at."""

    env: Environment
    db: Database
    account: Account
    accepted: bool

    def facts(self) -> AccountFacts:
        """What is seen of it now; its lease is this process's from here on, unless somebody else has it."""
        account, stepped = self.account, self.account.last_slot is not None
        lease, holder = (None, "") if stepped else self._lease()
        held = portfolio(self.db, account.account_id)
        positions = tuple(each.position_id for each in held.positions if not each.dust)
        facts = AccountFacts(
            account=account.account_id,
            live=account.mode == Mode.LIVE,
            stepped=stepped,
            positions=positions,
            unreadable=tuple(each.position_id for each in held.unreadable),
            unsettled=tuple(each.identifier for each in unsettled_orders(self.db, account.account_id)),
            holder=holder,
            accepted=self.accepted,
        )
        return facts if lease is None or not facts.guarded else self._watched(facts, lease)

    def _lease(self) -> tuple[Lease | None, str]:
        try:
            return Lease(self.db, self.account.account_id, holder_name(command=True)), ""
        except InUse as cause:
            return None, str(cause).rpartition(" in use by ")[2]

    def _watched(self, facts: AccountFacts, lease: Lease) -> AccountFacts:
        """`facts` with what is seen of its guard."""
        post, boot = Post(self.env.home / "accounts" / self.account.account_id), boot_seconds()
        heard = _heard(post)
        file, spoilt = self._published(post)
        return AccountFacts(
            account=facts.account,
            live=facts.live,
            stepped=facts.stepped,
            positions=facts.positions,
            unreadable=facts.unreadable,
            unsettled=facts.unsettled,
            accepted=facts.accepted,
            ledger=self._ledger(post, lease),
            published=None if file is None else Held(version=file.version, digest=file.digest),
            guard=None if heard is None else Held(version=heard.version, digest=heard.digest),
            fault=spoilt or (heard.fault or "" if heard is not None else ""),
            beat=None if heard is None else heard.age(boot),
            journal=unwritable(post.folder),
        )

    def _published(self, post: Post) -> tuple[StopsFile | None, str]:
        """The stops file, or what is wrong with it."""
        try:
            content = Disk().read(post.folder / STOPS)
            return (None if content is None else decode(content, guard_key(post.folder, Disk()))), ""
        except (MakenaideError, OSError) as cause:
            return None, str(cause)

    def _ledger(self, post: Post, lease: Lease) -> str:
        """The hash over the stops that the books ask for."""
        clock = WallClock(StopFlag())
        keeper = Keeper(
            db=self.db,
            lease=lease,
            account=self.account,
            clock=clock,
            files=Disk(),
            folder=post.folder,
            key=guard_key(post.folder, Disk()),
            settings=self.env.config.execution,
            link=FileLink(files=Disk(), path=post.heartbeat_file, boot=boot_seconds, silent_seconds=0.0),
        )
        stops = keeper.stops_of_books()
        return StopsFile(
            version=0,
            account_id=self.account.account_id,
            installation=self.account.installation,
            made_at=clock.now(),
            seen=0,
            stops=stops,
        ).digest


def _heard(post: Post) -> Heartbeat | None:
    """What the living guard said last."""
    beat, guard = post.heartbeat(), post.on_duty()
    if beat is None or guard is None or not guard.alive:
        return None
    return beat if (beat.pid, beat.born) == (guard.pid, guard.born) else None


def unwritable(folder: Path) -> str:
    """Why the guard's journal in `folder` cannot be written on; "" when it can. Nothing is written."""
    try:
        descriptor = os.open(folder / JOURNAL, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.close(descriptor)
        free = shutil.disk_usage(folder).free
    except OSError as cause:
        return f"the guard's journal cannot be written: {cause}"
    return "" if free >= _ROOM else f"the guard's journal finds {free} bytes free"
