"""What the guard's process does on duty: it watches, sells, and shows each second that it lives."""

import gc
from collections.abc import Callable

from makenaide.app.detached import this_process
from makenaide.app.eyes import Outfit
from makenaide.app.guarding import guard_key
from makenaide.execution.disk import Disk
from makenaide.execution.guard.guard import Guard
from makenaide.execution.guard.pulse import Pulse, keep_watch
from makenaide.execution.guard.stock import GuardParts


def stand(gear: Outfit, stopping: Callable[[], bool]) -> None:
    """Guard the account of `gear` until `stopping` says so."""
    files, post, orders = Disk(), gear.post, gear.orders
    guard = Guard(
        GuardParts(
            account_id=orders.account,
            folder=post.folder,
            key=guard_key(post.folder, files),
            files=files,
            venue=gear.venue,
            watcher=gear.watcher,
            clock=gear.clock,
            settings=orders.execution,
            risk=orders.risk,
        )
    )
    me = this_process()
    pulse = Pulse(
        files=files, path=post.heartbeat_file, clock=gear.clock, boot=gear.boot, pid=me.pid, born=me.born
    )
    # What was loaded to get here lives as long as the process: no collection of garbage need walk through it again,
    # least of all between a price and its order.
    gc.collect()
    gc.freeze()
    keep_watch(guard, pulse, stopping)
