"""The guard as a process: its door, and how it is started, kept to one, relieved and ended.

It opens without the database: what it needs is at its post (`app.guardpost`), the keys in the venue's own file, or
for real money in the environment. Whatever becomes of the trading process, it goes on; the venue of a paper account
goes on with it, because it claims it (`app.resident`).
"""

import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from makenaide.app.clock import StopFlag, boot_seconds
from makenaide.app.detached import Detached, detach, end, this_process, until
from makenaide.app.guardpost import OnDuty, Orders, Post, Watch
from makenaide.domain.errors import InUse, Unavailable
from makenaide.store.claims import exclusive
from makenaide.store.home import file_faults

SILENT_SECONDS = 60.0
"""A guard that lives and gives no sign of life for so long is killed and another one started."""
_START_SECONDS = 20.0
_STOP_SECONDS = 5.0
_WAKE_SECONDS = 2.5
"""After the machine has slept every heartbeat is old: a living guard gets so long to write a new one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What `ensure_guard` found and did: the guard's process; `started` and `cause` when it had to start one.

    `alarm`: a guard that ought to have been on duty was not.
    """

    pid: int
    started: bool = False
    alarm: bool = False
    cause: str = ""


def guard_process(account: Path, flag: StopFlag, environ: Mapping[str, str]) -> None:
    """Guard the account in the folder `account` until `flag` is raised: the body of `makenaide guard`.

    `InUse` when another process guards it; `Misconfigured` when there is nothing to guard; the faults of a venue that
    cannot be started (`app.resident`).
    """
    from makenaide.app.duty import stand  # noqa: PLC0415 - whoever only starts or ends a guard needs no client
    from makenaide.app.eyes import outfit  # noqa: PLC0415

    post = Post(account)
    orders = post.orders()
    busy = InUse(f"another process guards account {orders.account}")
    with ExitStack() as stack:
        with file_faults(post.folder):
            stack.enter_context(exclusive(post.lock, 0.0, busy))
        me = this_process()
        post.enter(OnDuty(pid=me.pid, born=me.born, orders=orders.digest))
        gear = stack.enter_context(outfit(post, orders, flag, environ))
        stand(gear, flag)
        post.leave()  # not when it broke off: then somebody is missing from the post


def ensure_guard(account: Path, orders: Orders, secrets: Mapping[str, str] | None = None) -> Kept:
    """A living guard with these `orders` for the account in the folder `account`: found, or started.

    `secrets`: variables that a guard of real money needs beside this process's own: its keys.
    One that is dead or silent is replaced; one that has other orders is asked to end first. `Unavailable` with the
    last words of a guard that does not start; `DiskFull`, `Misconfigured`.
    """
    post = Post(account)
    guard = post.on_duty()
    if (
        guard is not None
        and guard.orders == orders.digest
        and post.standing(boot_seconds()).watch is Watch.WATCHING
    ):
        return Kept(pid=guard.pid)
    with file_faults(account):
        post.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        busy = Unavailable(f"another process has been starting the guard for long ({post.start_lock})")
        with exclusive(post.start_lock, _START_SECONDS + _STOP_SECONDS, busy):
            return _ensured(post, orders, secrets)


def stop_guard(account: Path, patience: float = _STOP_SECONDS) -> bool:
    """End the guard of the account in the folder `account`, if one lives; whether there was one.

    It is asked by SIGTERM, and killed when it has not ended after `patience` seconds: what it was selling is taken up
    by its journal.
    """
    post = Post(account)
    if not post.folder.is_dir():
        return False
    busy = Unavailable(f"another process has been starting the guard for long ({post.start_lock})")
    with file_faults(account), exclusive(post.start_lock, _START_SECONDS + _STOP_SECONDS, busy):
        guard = post.on_duty()
        lived = guard is not None and guard.alive
        if guard is not None:
            end(guard, patience)
        post.leave()
        return lived


def _ensured(post: Post, orders: Orders, secrets: Mapping[str, str] | None) -> Kept:
    """As `ensure_guard`, with the lock held."""
    guard = post.on_duty()
    cause, alarm = "none was on duty", False
    if guard is not None:
        if not guard.alive:
            cause, alarm = f"its process {guard.pid} is gone", True
        elif guard.orders != orders.digest:
            cause = f"process {guard.pid} had other orders"
            end(guard, _STOP_SECONDS)
        elif _speaks(post):
            return Kept(pid=guard.pid)
        else:
            cause, alarm = f"process {guard.pid} has given no sign of life for {SILENT_SECONDS:g} s", True
            end(guard, 0.0)
    post.give(orders)
    return Kept(pid=_start(post, secrets), started=True, alarm=alarm, cause=cause)


def _speaks(post: Post) -> bool:
    """Whether the living guard's last heartbeat is young enough to wait for the next."""
    seconds = post.standing(boot_seconds()).seconds
    if seconds is not None and seconds <= SILENT_SECONDS:
        return True
    return until(lambda: post.standing(boot_seconds()).watch is Watch.WATCHING, _WAKE_SECONDS)


def _start(post: Post, secrets: Mapping[str, str] | None) -> int:
    """Start a guard and wait for its first heartbeat; its process."""
    command = [sys.executable, "-m", "makenaide", "guard", "--folder", str(post.account)]
    process = detach(command, post.folder, "guard", secrets)
    until(lambda: _watches(post, process) or not process.alive, _START_SECONDS)
    if not _watches(post, process):
        raise Unavailable(f"the guard did not start: {process.last_words()}")
    return process.pid


def _watches(post: Post, process: Detached) -> bool:
    standing = post.standing(boot_seconds())
    return standing.watch is Watch.WATCHING and standing.pid == process.pid
